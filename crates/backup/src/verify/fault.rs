//! Whose fault it is that a dump was not restored.

use crate::FillError;
use crate::transfer::is_damage;

/// What a server says of itself and its machine, not of the dump.
const OF_THE_SERVER: [&str; 14] = [
    "No space left on device",
    "Disk quota exceeded",
    "Input/output error",
    "Read-only file system",
    "Cannot allocate memory",
    "could not load library",
    "too many clients",
    "out of memory",
    "out of shared memory",
    "could not resize shared memory",
    "server closed the connection",
    "terminating connection",
    "connection to server",
    "canceling statement",
];

/// The finding, in words, where the dump itself is not what it must be; the error where that is not known.
pub(super) fn of_the_backup(error: FillError) -> Result<String, FillError> {
    match error {
        FillError::Damaged { .. } | FillError::Cut(_) | FillError::Plain { .. } => Ok(error.to_string()),
        FillError::Read { path, source } if is_damage(&source) => Ok(format!("{path} is damaged: {source}")),
        // It was what the manifest says, arrived whole, and the server refused what it says.
        FillError::Program {
            program: "pg_restore",
            words,
            remedy,
            ..
        } if words.contains("ERROR:") && !OF_THE_SERVER.iter().any(|other| words.contains(other)) => {
            Ok(format!("it cannot be restored: {words}{remedy}"))
        }
        other => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn refused(words: &str) -> FillError {
        FillError::Program {
            program: "pg_restore",
            status: 1,
            words: words.into(),
            remedy: String::new(),
        }
    }

    #[test]
    fn what_a_server_says_of_the_dump_is_a_finding() {
        let words =
            "pg_restore: error: could not execute query: ERROR:  function twice(integer) does not exist";
        assert!(of_the_backup(refused(words)).unwrap().contains("twice"));
        let broken = FillError::Read {
            path: "/store/dump".into(),
            source: io::ErrorKind::InvalidData.into(),
        };
        assert!(of_the_backup(broken).unwrap().contains("/store/dump is damaged"));
    }

    #[test]
    fn what_a_server_says_of_itself_is_none() {
        for words in [
            "ERROR:  could not extend file: No space left on device",
            "ERROR:  could not write block 7: Disk quota exceeded",
            "ERROR:  could not load library \"/usr/lib/postgresql/17/lib/postgis-3.so\"",
            "pg_restore: error: connection to server on socket failed: FATAL:  ERROR: x",
            "pg_restore: error: could not open input file",
        ] {
            assert!(of_the_backup(refused(words)).is_err(), "{words}");
        }
        let away = FillError::Read {
            path: "s3://bucket/dump".into(),
            source: io::ErrorKind::TimedOut.into(),
        };
        assert!(of_the_backup(away).is_err());
    }
}
