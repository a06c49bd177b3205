//! A dump on its way from a file into an empty database, and the proof that it arrived.

mod dump;
mod error;
mod explain;
mod foreign;
mod pipe;
mod plain;
mod tar;

use crate::script::{self, Trailer, last_words, nonce};
use crate::transfer::Passed;
use crate::{Backup, RunEnd, Server};

pub(crate) use dump::{Checked, Dump, Layout};
pub use error::FillError;
pub use foreign::ForeignDump;
pub use plain::PlainFault;

/// How the owners and privileges in a dump are treated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ownership {
    /// Who owns what is restored.
    pub(crate) owner: Owner,
    /// Whether what was granted is granted again.
    pub(crate) privileges: bool,
}

/// Who owns what is restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Whoever owned it: needs a superuser, or a role that may become each of them.
    AsWas,
    /// Whoever restores.
    Restorer,
    /// A role that whoever restores may become.
    Role(String),
}

impl Ownership {
    /// Everything as it was.
    pub(crate) fn as_was() -> Self {
        Self {
            owner: Owner::AsWas,
            privileges: true,
        }
    }

    /// The three words of the scripts.
    fn words(&self) -> [&str; 3] {
        let privileges = if self.privileges { "keep" } else { "leave" };
        match &self.owner {
            Owner::AsWas => ["keep", "", privileges],
            Owner::Restorer => ["drop", "", privileges],
            Owner::Role(role) => ["role", role, privileges],
        }
    }
}

/// Fills an empty database with a backup's dump: all of it or nothing.
pub(crate) async fn fill(
    server: &Server,
    backup: &Backup,
    database: &str,
    ownership: &Ownership,
) -> Result<(), FillError> {
    let dump = Dump::of_backup(backup)?;
    dump.check(server)
        .await?
        .fill(server, database, ownership, None)
        .await
}

impl Checked<'_> {
    /// Fills an empty database: all of it or nothing, unless several sessions fill it at a time.
    pub(crate) async fn fill(
        &self,
        server: &Server,
        database: &str,
        ownership: &Ownership,
        jobs: Option<u16>,
    ) -> Result<(), FillError> {
        if self.dump.layout == Layout::Plain && *ownership != Ownership::as_was() {
            return Err(FillError::SaysItself {
                path: self.dump.name.clone(),
                what: "who owns what",
            });
        }
        let connection = connection_string(database);
        let [owner, role, privileges] = ownership.words();
        let jobs = jobs.unwrap_or(0).to_string();
        let (inside, layout, kept) = match &self.dump.layout {
            Layout::Folder(inside) => (inside.as_str(), "folder", true),
            Layout::Custom => ("", "custom", jobs != "0"),
            Layout::Tar => ("", "tar", false),
            Layout::Plain => ("", "plain", false),
        };
        if kept {
            let rest = [&connection, layout, owner, role, privileges, inside, &jobs];
            return self
                .send(server, database, script::RESTORE_KEPT, &rest, &KEPT)
                .await;
        }
        let rest = [&connection, "fill", layout, owner, role, privileges];
        let parts: &Parts = if layout == "plain" { &TEXT } else { &ARCHIVE };
        self.send(server, database, script::RESTORE, &rest, parts).await
    }

    /// Replaces what a role owns in a database that is in use: all of it or nothing.
    pub(crate) async fn replace(&self, server: &Server, database: &str) -> Result<(), FillError> {
        let connection = connection_string(database);
        self.send(
            server,
            database,
            script::RESTORE_IN_PLACE,
            &[&connection],
            &IN_PLACE,
        )
        .await
    }

    /// Reads an archive to its end where the server runs, and fills nothing. What has to lie in a folder for that is read
    /// when it is there.
    pub(crate) async fn read_to_end(&self, server: &Server) -> Result<(), FillError> {
        let layout = match self.dump.layout {
            Layout::Custom => "custom",
            Layout::Tar => "tar",
            Layout::Folder(_) | Layout::Plain => return Ok(()),
        };
        let rest = ["", "read", layout, "keep", "", "keep"];
        let database = server.location.database.clone();
        self.send(server, &database, script::RESTORE, &rest, &ARCHIVE)
            .await
    }

    async fn send(
        &self,
        server: &Server,
        database: &str,
        script: &str,
        rest: &[&str],
        parts: &Parts,
    ) -> Result<(), FillError> {
        let nonce = nonce();
        let size = self.sent.bytes.to_string();
        let mut arguments = vec![nonce.as_str(), self.codec.word(), &size];
        arguments.extend(rest);
        let body = self.body().await?;
        let mut said = tokio::io::sink();
        let end = server
            .run(
                script,
                database,
                "restore",
                &arguments,
                |feed| feed.with_body(body),
                &mut said,
            )
            .await
            .map_err(FillError::Stream)?;
        judge(&end, &nonce, self.codec.word(), &self.sent, parts)
    }
}

/// The programs whose ends a script tells, in the order in which a failure of one makes the others fail. `None` is the one
/// that unpacks.
type Parts = [(&'static str, Option<&'static str>)];

const ARCHIVE: [(&str, Option<&str>); 2] = [("restore", Some("pg_restore")), ("unpack", None)];
const IN_PLACE: [(&str, Option<&str>); 3] = [
    ("restore", Some("psql")),
    ("read", Some("pg_restore")),
    ("unpack", None),
];
const TEXT: [(&str, Option<&str>); 2] = [("restore", Some("psql")), ("unpack", None)];
const KEPT: [(&str, Option<&str>); 4] = [
    ("unpack", None),
    ("keep", Some("what keeps the archive in a temporary folder")),
    ("read", Some("pg_restore, reading the archive to its end,")),
    ("restore", Some("pg_restore")),
];

fn judge(
    end: &RunEnd,
    nonce: &str,
    codec: &'static str,
    sent: &Passed,
    parts: &Parts,
) -> Result<(), FillError> {
    let Some(trailer) = Trailer::find(&end.stderr_tail, nonce).filter(|_| end.exit_code == 0) else {
        return Err(FillError::NoProof(last_words(&end.stderr_tail)));
    };
    for (key, program) in parts {
        if trailer.status(key) != 0 {
            return Err(FillError::Program {
                program: program.unwrap_or(codec),
                status: trailer.status(key),
                words: last_words(&end.stderr_tail),
                remedy: explain::remedy(&end.stderr_tail),
            });
        }
    }
    if trailer.bytes("bytes") != Some(sent.bytes) || trailer.text("sha256") != sent.sha256 {
        return Err(FillError::Changed {
            sent: sent.sha256.clone(),
            arrived: trailer.text("sha256").to_owned(),
        });
    }
    Ok(())
}

/// A connection string that names one database, whatever the name holds: pg_restore would read a bare name with `=` in
/// it as a connection string of its own.
fn connection_string(database: &str) -> String {
    format!("dbname='{}'", database.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::connection_string;

    #[test]
    fn a_database_s_name_stays_one_value_of_the_connection_string() {
        assert_eq!(connection_string("plain"), "dbname='plain'");
        assert_eq!(connection_string("a' host='evil"), r"dbname='a\' host=\'evil'");
        assert_eq!(connection_string(r"back\"), r"dbname='back\\'");
    }
}
