//! Backups of every mechanism that were found, what is wrong with them, and the one verdict on a database.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{BackupGrade, KeyStanding, NextStep};

/// What makes a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mechanism {
    /// This program.
    Pgbackup,
    /// CloudNativePG's own `Backup` objects, whoever carries them out.
    CloudNativePg,
    /// The recovery window that CloudNativePG's Barman plug-in keeps in an `ObjectStore`.
    CloudNativePgPlugin,
    /// Volume snapshots that CloudNativePG took.
    CloudNativePgSnapshot,
    /// Crunchy's operator: pgBackRest as its status tells it.
    Crunchy,
    /// The logical backups of Zalando's operator.
    Zalando,
    /// pgBackRest's own catalogue.
    PgBackRest,
    /// Barman's own catalogue.
    Barman,
    /// WAL-G's own catalogue.
    WalG,
    /// Velero.
    Velero,
    /// k8up.
    K8up,
    /// Stash.
    Stash,
    /// KubeStash.
    KubeStash,
    /// Kanister and Kasten K10.
    Kanister,
    /// StackGres.
    StackGres,
    /// Percona's operator.
    Percona,
    /// KubeBlocks.
    KubeBlocks,
    /// A CronJob that runs a program which backs Postgres up.
    CronJob,
    /// A volume snapshot that nobody else claims.
    VolumeSnapshot,
    /// A database service outside the cluster that is managed by an object in it.
    Managed,
}

impl Mechanism {
    /// Its name as people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pgbackup => "pgbackup",
            Self::CloudNativePg => "CloudNativePG",
            Self::CloudNativePgPlugin => "CloudNativePG plug-in",
            Self::CloudNativePgSnapshot => "CloudNativePG snapshot",
            Self::Crunchy => "Crunchy",
            Self::Zalando => "Zalando",
            Self::PgBackRest => "pgBackRest",
            Self::Barman => "Barman",
            Self::WalG => "WAL-G",
            Self::Velero => "Velero",
            Self::K8up => "k8up",
            Self::Stash => "Stash",
            Self::KubeStash => "KubeStash",
            Self::Kanister => "Kanister",
            Self::StackGres => "StackGres",
            Self::Percona => "Percona",
            Self::KubeBlocks => "KubeBlocks",
            Self::CronJob => "CronJob",
            Self::VolumeSnapshot => "VolumeSnapshot",
            Self::Managed => "managed service",
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a backup stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BackupState {
    /// It ended well, as far as its grade says.
    Good,
    /// It failed.
    Failed,
    /// It is being made.
    Running,
    /// It says that it is being made, and will not end.
    Stuck,
    /// Nobody can tell.
    Unknown,
}

impl BackupState {
    /// Its word in tables and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Failed => "failed",
            Self::Running => "running",
            Self::Stuck => "stuck",
            Self::Unknown => "unknown",
        }
    }
}

/// What a backup is of, in the words of what made it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum BackupSubject {
    /// One database of a server.
    #[serde(rename_all = "camelCase")]
    Database {
        /// The server's workload name or system identifier.
        server: String,
        /// The database.
        name: String,
    },
    /// A database cluster of an operator.
    #[serde(rename_all = "camelCase")]
    Cluster {
        /// Whose: the API group of its kind.
        group: String,
        /// Its name.
        name: String,
    },
    /// Volume claims.
    #[serde(rename_all = "camelCase")]
    Claims {
        /// Their names.
        names: Vec<String>,
    },
    /// Whole namespaces, with those volume claims in it that are surely inside.
    #[serde(rename_all = "camelCase")]
    Namespaces {
        /// Their names; `*` is every one.
        names: Vec<String>,
        /// Claims whose data is in the backup, as `namespace/name`.
        claims: Vec<String>,
        /// Whether there are volumes in the backup whose claim nobody names.
        others: bool,
    },
    /// A server by the address that the backup program uses.
    #[serde(rename_all = "camelCase")]
    Address {
        /// Host, as it is written.
        host: String,
        /// Database, where one is named.
        database: Option<String>,
    },
    /// The server in whose pod the backup program was asked.
    #[serde(rename_all = "camelCase")]
    Pod {
        /// The pod.
        name: String,
    },
    /// A workload with the pods it makes.
    #[serde(rename_all = "camelCase")]
    Workload {
        /// Its name.
        name: String,
    },
    /// Nothing says what it is of.
    Unknown,
}

impl BackupSubject {
    /// The name of the one database that it is, where it is one.
    pub fn database(&self) -> Option<&str> {
        match self {
            Self::Database { server: _, name } => Some(name),
            Self::Address { host: _, database } => database.as_deref(),
            Self::Cluster { .. }
            | Self::Claims { .. }
            | Self::Namespaces { .. }
            | Self::Pod { .. }
            | Self::Workload { .. }
            | Self::Unknown => None,
        }
    }
}

impl fmt::Display for BackupSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database { server, name } => write!(f, "{name} on {server}"),
            Self::Cluster { group: _, name } => write!(f, "cluster {name}"),
            Self::Claims { names } => write!(f, "claim {}", names.join(", ")),
            Self::Namespaces { names, .. } if names.iter().any(|name| name == "*") => {
                f.write_str("all namespaces")
            }
            Self::Namespaces { names, .. } => write!(f, "namespace {}", names.join(", ")),
            Self::Address {
                host,
                database: Some(database),
            } => write!(f, "{database} on {host}"),
            Self::Address { host, database: None } => f.write_str(host),
            Self::Pod { name } => write!(f, "pod {name}"),
            Self::Workload { name } => f.write_str(name),
            Self::Unknown => f.write_str("?"),
        }
    }
}

/// One backup, of whatever mechanism.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundBackup {
    /// What `show` takes: the id of one of ours, `kind/name` of an object, the label of a catalogue's entry.
    pub id: String,
    /// What made it.
    pub mechanism: Mechanism,
    /// The namespace of the object; empty where it has none.
    pub namespace: String,
    /// What it is of.
    pub of: BackupSubject,
    /// The database's name, where what it is of names one.
    pub database: Option<String>,
    /// How it stands.
    pub state: BackupState,
    /// Why it stands so and what its word is worth.
    pub why: String,
    /// What its word is worth; only a good one has a grade.
    pub grade: Option<BackupGrade>,
    /// When it began (RFC 3339, UTC).
    pub started_at: Option<String>,
    /// When it ended well (RFC 3339, UTC). Times that a controller sets on failure are not here.
    pub finished_at: Option<String>,
    /// Seconds since it ended well, at the time of looking.
    pub age_seconds: Option<i64>,
    /// Size in bytes, where known.
    pub bytes: Option<u64>,
    /// WAL written since it ended, in bytes; where its end and the server's position are known.
    pub at_risk_bytes: Option<u64>,
    /// WAL position of its end.
    pub end_lsn: Option<String>,
    /// Timeline of its end.
    pub timeline: Option<u32>,
    /// Major version of the server.
    pub server_major: Option<i32>,
    /// The server's system identifier.
    pub system_identifier: Option<String>,
    /// Where it lies, where known.
    pub uri: Option<String>,
    /// What is to be known before it is trusted.
    pub notes: Vec<String>,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mechanism, what, why } = self;
        match mechanism {
            Some(mechanism) => write!(f, "{what} of {mechanism} cannot be read: {why}"),
            None => write!(f, "{what} cannot be read: {why}"),
        }
    }
}

impl FoundBackup {
    /// Its database or what else it is of, with the namespace.
    pub fn subject(&self) -> String {
        if self.namespace.is_empty() {
            self.of.to_string()
        } else {
            format!("{}: {}", self.namespace, self.of)
        }
    }
}

/// How grave a finding about backups is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FindingLevel {
    /// Somebody should know.
    Warn,
    /// The backups of the database fail now.
    Fail,
}

/// Something about backups that somebody should know and that no single backup says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupFinding {
    /// Stable id, such as `schedule-overdue`.
    pub id: String,
    /// How grave.
    pub level: FindingLevel,
    /// Whose.
    pub mechanism: Mechanism,
    /// The namespace; empty where there is none.
    pub namespace: String,
    /// The object it was seen on, as `kind/name`.
    pub object: String,
    /// What it is about.
    pub of: BackupSubject,
    /// What was found, in a sentence.
    pub message: String,
}

/// A place that was looked at for backups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unread {
    /// Whose backups would have been found there; `None` is everybody's.
    pub mechanism: Option<Mechanism>,
    /// The kind of object, or the place.
    pub what: String,
    /// Why it could not be read, with the permission that is missing.
    pub why: String,
}

/// Everything found of backups.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupInventory {
    /// The backups, newest first.
    pub backups: Vec<FoundBackup>,
    /// Backups that may be of the database in question; nothing says whether they are.
    pub uncertain: Vec<FoundBackup>,
    /// What is wrong.
    pub findings: Vec<BackupFinding>,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// The keys that the newest backup of ours notes, as they stand now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyStanding>,
}

/// What is asked of a database's backups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FreshnessRule {
    /// How old the newest may be, in seconds.
    pub max_age_seconds: i64,
    /// What its word must be worth at least.
    pub min_grade: BackupGrade,
}

/// The verdict on a database's backups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Freshness {
    /// There is one that is young and worth enough.
    Fresh,
    /// Nobody can tell.
    Unknown,
    /// There is none that is young and worth enough.
    Stale,
    /// Backups fail now, whatever there is.
    Failing,
}

impl Freshness {
    /// Its word in tables and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Unknown => "unknown",
            Self::Stale => "stale",
            Self::Failing => "failing",
        }
    }
}

/// `kubectl pgbackup status`: one verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupStatusReport {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `BackupStatus`.
    pub kind: String,
    /// Which database, or which namespace.
    pub target: String,
    /// The verdict.
    pub verdict: Freshness,
    /// Why.
    pub reason: String,
    /// What was asked.
    pub rule: FreshnessRule,
    /// The newest good backup of each mechanism and subject, newest first.
    pub newest: Vec<FoundBackup>,
    /// Backups that may be of this database; they count for nothing.
    pub uncertain: Vec<FoundBackup>,
    /// What is wrong.
    pub findings: Vec<BackupFinding>,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// The keys that the newest backup of ours notes, as they stand now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyStanding>,
    /// What to do.
    pub next: Vec<NextStep>,
}

/// `kubectl pgbackup show`: everything about one backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupDetailsReport {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `BackupDetails`.
    pub kind: String,
    /// The backup.
    pub backup: FoundBackup,
    /// Its manifest, where it is one of ours.
    pub manifest: Option<crate::BackupManifest>,
    /// Its restore tests, where it is one of ours, oldest first.
    pub verifications: Vec<crate::Verification>,
    /// What is wrong with what made it.
    pub findings: Vec<BackupFinding>,
    /// How to restore it.
    pub next: Vec<NextStep>,
}

/// What the server says of its WAL archive and of base backups that are being taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiverFacts {
    /// How WAL is archived.
    pub way: ArchiveWay,
    /// `pg_stat_archiver.last_archived_wal`.
    pub last_archived_wal: Option<String>,
    /// `pg_stat_archiver.last_archived_time` (RFC 3339, UTC).
    pub last_archived_at: Option<String>,
    /// `pg_stat_archiver.last_failed_wal`.
    pub last_failed_wal: Option<String>,
    /// `pg_stat_archiver.last_failed_time` (RFC 3339, UTC).
    pub last_failed_at: Option<String>,
    /// Segments that wait for the archiver; `None` where we may not look (12+, needs `pg_monitor`).
    pub backlog: Option<i64>,
    /// Base backups that are being taken (`pg_stat_progress_basebackup`).
    pub base_backups: i64,
    /// `wal_segment_size` in bytes.
    pub segment_bytes: i64,
}

/// How a server archives its WAL. The command itself may hold a credential and is never kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "way", content = "detail")]
pub enum ArchiveWay {
    /// `archive_mode` is off.
    Off,
    /// It is on, and throws everything away; why.
    Nothing(String),
    /// By a command.
    Command,
    /// By a library of this name.
    Library(String),
}

impl ArchiverFacts {
    /// Whether the last attempt to archive a segment failed. Age alone says nothing: an idle server archives nothing.
    pub fn fails(&self) -> bool {
        match (&self.last_failed_at, &self.last_archived_at) {
            (None, _) => false,
            (Some(_), None) => true,
            // Both are RFC 3339 in UTC with the same number of digits, so they sort as texts.
            (Some(failed), Some(archived)) => failed > archived,
        }
    }
}
