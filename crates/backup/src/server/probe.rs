//! What a place with client programs can do, and what the server says of itself there.

use std::collections::BTreeSet;

use model::PostgresServer;

/// What the place and the server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(super) tools: BTreeSet<String>,
    /// The name and version of pg_dump.
    pub(crate) client_version: String,
    /// Who we are.
    pub(crate) user: String,
    /// Whether we are a superuser.
    pub(crate) superuser: bool,
    /// Whether the server can be told to look now and then whether the client of a statement is still there: since 14,
    /// where the system has a way to see it.
    pub(crate) notices_lost_clients: bool,
    /// The server.
    pub(crate) server: PostgresServer,
    /// The database's size in bytes.
    pub(crate) database_bytes: i64,
}

/// How a stream is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Zstd,
    Gzip,
    None,
}

impl Codec {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::None => "none",
        }
    }

    /// The end of a file's name.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Zstd => ".zst",
            Self::Gzip => ".gz",
            Self::None => "",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Zstd, Self::Gzip, Self::None]
            .into_iter()
            .find(|codec| codec.word() == word)
    }
}

impl Probe {
    /// Whether the place has a program.
    pub(crate) fn has(&self, tool: &str) -> bool {
        self.tools.contains(tool)
    }

    /// Whether the place can unpack this itself.
    pub(crate) fn can_unpack(&self, codec: Codec) -> bool {
        codec == Codec::None || self.tools.contains(codec.word())
    }

    /// The server's major version.
    pub(crate) fn major(&self) -> i32 {
        self.server.version_num / 10_000
    }

    /// What a client of these version words says of a server of version 15.
    #[cfg(test)]
    pub(crate) fn of_test(client: &str, superuser: bool) -> Self {
        let text = format!(
            "tool zstd\nclient {client}\nuser app\nsuperuser {superuser}\nversion 15.18\nversionnum 150018\n\
             recovery false\nbytes 7\nlsn 0/15\nsystem 72\nconnect 0\n"
        );
        Self::read(&text).expect("a whole answer")
    }

    /// Reads what `probe.sh` said; `None` where it could not connect or said less than is needed.
    pub(super) fn read(text: &str) -> Option<Self> {
        let value = |key: &str| {
            text.lines()
                .filter_map(|line| line.split_once(' '))
                .find_map(|(found, value)| (found == key).then(|| value.to_owned()))
        };
        if value("connect").as_deref() != Some("0") && value("recovery").is_none() {
            return None;
        }
        Some(Self {
            tools: tools(text),
            client_version: value("client").unwrap_or_default(),
            user: value("user")?,
            superuser: value("superuser")? == "true",
            notices_lost_clients: text.lines().any(|line| line == "notices"),
            server: PostgresServer {
                version: value("version")?,
                version_num: value("versionnum")?.parse().ok()?,
                system_identifier: value("system"),
                in_recovery: value("recovery")? == "true",
                lsn: value("lsn"),
            },
            database_bytes: value("bytes").and_then(|bytes| bytes.parse().ok()).unwrap_or(0),
        })
    }
}

/// The programs that a place has.
pub(super) fn tools(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("tool "))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "tool zstd\ntool gzip\nclient pg_dump (PostgreSQL) 15.18\nuser postgres\nsuperuser true\n\
        version 15.18\nversionnum 150018\nrecovery false\nbytes 7\nlsn 0/15\nnotices\nsystem 72\nconnect 0\n";

    #[test]
    fn what_the_place_says_is_read() {
        let probe = Probe::read(SAID).unwrap();
        assert_eq!(
            (probe.has("zstd"), probe.major(), probe.database_bytes),
            (true, 15, 7)
        );
        assert!(probe.superuser && probe.notices_lost_clients && probe.can_unpack(Codec::Gzip));
    }

    #[test]
    fn a_refused_connection_is_no_probe() {
        assert_eq!(Probe::read("tool zstd\nclient pg_dump\nconnect 2\n"), None);
    }
}
