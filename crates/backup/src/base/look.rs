//! What a copy of the server would meet.

use crate::script::{self, last_words};
use crate::{RunError, Server};

use super::BaseError;

/// What the server says of itself before it is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) client_version: String,
    replication: bool,
    senders: u64,
    sending: u64,
    wal_level: String,
    /// `wal_keep_size`, as the server writes it.
    pub(super) wal_keep: String,
    pub(super) data_checksums: bool,
    pub(super) administrator: String,
    /// Bytes of all databases.
    pub(super) bytes: u64,
    tablespaces: Vec<String>,
    /// Configuration files that lie outside the data directory and are not copied.
    pub(super) elsewhere: Vec<String>,
}

impl Look {
    pub(super) async fn at(server: &Server) -> Result<Self, BaseError> {
        let mut said = Vec::new();
        let end = server
            .run(
                script::BASE_LOOK,
                &server.location.database,
                "look",
                &[],
                |feed| feed,
                &mut said,
            )
            .await
            .map_err(|source: RunError| BaseError::Stream(source))?;
        Self::read(&String::from_utf8_lossy(&said))
            .ok_or_else(|| BaseError::Look(last_words(&end.stderr_tail)))
    }

    fn read(text: &str) -> Option<Self> {
        let all = |key: &str| -> Vec<String> {
            text.lines()
                .filter_map(|line| line.split_once(' '))
                .filter(|(found, _)| *found == key)
                .map(|(_, value)| value.to_owned())
                .collect()
        };
        let one = |key: &str| all(key).into_iter().next();
        if one("connect").as_deref() != Some("0") {
            return None;
        }
        Some(Self {
            client_version: one("client").unwrap_or_default(),
            replication: one("replication")? == "true",
            senders: one("senders")?.parse().ok()?,
            sending: one("sending")?.parse().ok()?,
            wal_level: one("wallevel")?,
            wal_keep: one("walkeep").unwrap_or_default(),
            data_checksums: one("checksums")? == "on",
            administrator: one("administrator")?,
            bytes: one("bytes")?.parse().ok()?,
            tablespaces: all("tablespace"),
            elsewhere: all("elsewhere"),
        })
    }

    /// Refuses what cannot come to a good end.
    pub(super) fn judge(&self, user: &str, place: &str) -> Result<(), BaseError> {
        if self.client_version.is_empty() {
            return Err(BaseError::NoProgram {
                place: place.to_owned(),
            });
        }
        if !self.replication {
            return Err(BaseError::NoReplication {
                user: user.to_owned(),
            });
        }
        if self.wal_level == "minimal" {
            return Err(BaseError::WalLevel(self.wal_level.clone()));
        }
        if self.sending >= self.senders {
            return Err(BaseError::NoSender {
                senders: self.senders,
            });
        }
        if !self.tablespaces.is_empty() {
            return Err(BaseError::Tablespaces(self.tablespaces.clone()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "client pg_basebackup (PostgreSQL) 17.6\nreplication true\nsenders 10\nsending 0\n\
        wallevel replica\nwalkeep 0\nchecksums off\nadministrator postgres\nbytes 7\nconnect 0\n";

    fn judged(from: &str, to: &str) -> String {
        let look = Look::read(&SAID.replace(from, to)).unwrap();
        look.judge("app", "pod db-0").unwrap_err().to_string()
    }

    #[test]
    fn a_server_that_can_be_copied_is_not_refused() {
        let look = Look::read(SAID).unwrap();
        assert!(look.judge("app", "pod db-0").is_ok());
        assert_eq!((look.bytes, look.data_checksums), (7, false));
    }

    #[test]
    fn what_stands_in_the_way_is_told_with_its_remedy() {
        assert!(judged("replication true", "replication false").contains("ALTER ROLE app REPLICATION"));
        assert!(judged("senders 10", "senders 0").contains("max_wal_senders"));
        assert!(judged("wallevel replica", "wallevel minimal").contains("needs replica"));
        assert!(judged("bytes 7", "tablespace \"fast disk\"\nbytes 7").contains("(\"fast disk\")"));
        assert!(judged("client pg_basebackup (PostgreSQL) 17.6", "client ").contains("has no pg_basebackup"));
    }

    #[test]
    fn a_look_that_broke_off_is_none() {
        assert_eq!(Look::read("replication true\nconnect 2\n"), None);
    }
}
