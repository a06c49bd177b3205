//! Backups: what is written beside a dump and what is said of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Artefact, KeyFingerprints, MigrationState, PostgresServer, Rehearsal};

/// How much a backup's word is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum BackupGrade {
    /// Restored and compared.
    A,
    /// Integrity proven: bytes, hash, archive read to its end.
    B,
    /// Listed by the tool's own catalogue.
    C,
    /// Only a controller says so.
    D,
}

/// How a dump is laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BackupFormat {
    /// pg_dump's custom format: one archive that pg_restore reads.
    #[default]
    Custom,
    /// pg_dump's directory format, one file per table, kept as a tar archive.
    Directory,
    /// SQL as text.
    Plain,
}

impl BackupFormat {
    /// The word that pg_dump knows it by.
    pub fn word(self) -> &'static str {
        match self {
            Self::Custom => "custom",
            Self::Directory => "directory",
            Self::Plain => "plain",
        }
    }
}

/// What was proven about a dump when it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupProof {
    /// The exit status of pg_dump in the pod; anything but 0 is no backup.
    pub exit_status: i32,
    /// The byte count in the pod equals the byte count received.
    pub bytes_match: bool,
    /// The sha256 in the pod equals the sha256 received.
    pub hash_match: bool,
    /// The archive was read to its end by pg_restore.
    pub read_to_end: bool,
}

impl BackupProof {
    /// Whether everything was proven.
    pub fn is_complete(&self) -> bool {
        let Self {
            exit_status,
            bytes_match,
            hash_match,
            read_to_end,
        } = self;
        *exit_status == 0 && *bytes_match && *hash_match && *read_to_end
    }
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupFile {
    /// Its name in the backup's folder.
    pub name: String,
    /// Its codec: `zstd`, `gzip`, `none`.
    pub codec: String,
    /// Its size as stored, in bytes.
    pub bytes: u64,
    /// sha256 of what left the pod (pod = client), lower-case hex.
    pub sha256_stream: String,
    /// sha256 of what is stored (client = store), lower-case hex.
    pub sha256_stored: String,
}

/// The rows of one table in the dump's own snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableRows {
    /// Schema-qualified, quoted name.
    pub table: String,
    /// `count(*)`.
    pub rows: i64,
}

/// `manifest.json`: published last, never rewritten. Without it a folder is no backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupManifest {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `BackupManifest`.
    pub kind: String,
    /// The backup's id: `YYYYMMDDTHHMMSSZ-<8 hex>`.
    pub id: String,
    /// First 8 characters of the kube-system UID, or `direct`.
    pub cluster: String,
    /// Namespace of the database.
    pub namespace: String,
    /// The server's workload name or system identifier.
    pub server_name: String,
    /// The database's name.
    pub database: String,
    /// The server.
    pub server: PostgresServer,
    /// Version of the pg_dump that made it.
    pub client_version: String,
    /// When the dump began (RFC 3339, UTC).
    pub started_at: String,
    /// When it was proven (RFC 3339, UTC).
    pub finished_at: String,
    /// `pg_database_size` at the dump, in bytes.
    pub database_bytes: i64,
    /// The files.
    pub files: Vec<BackupFile>,
    /// How the dump is laid out.
    #[serde(default)]
    pub format: BackupFormat,
    /// Which way it was made: `exec`, `job`, `port-forward`, `direct`; empty where that was not written down.
    #[serde(default)]
    pub route: String,
    /// What of the database no dump carries, in words: rows of foreign tables, subscriptions, slots.
    #[serde(default)]
    pub left_out: Vec<String>,
    /// What was proven.
    pub proof: BackupProof,
    /// Row counts in the dump's own snapshot.
    pub rows: Vec<TableRows>,
    /// sha256 over the catalogue of tables, columns, indexes and constraints.
    pub schema_hash: String,
    /// The migration tool's state.
    pub migration: Option<MigrationState>,
    /// Extensions with their versions.
    pub extensions: BTreeMap<String, String>,
    /// Roles that own something in the database.
    pub owners: Vec<String>,
    /// Other roles that have been granted something in the database.
    #[serde(default)]
    pub grantees: Vec<String>,
    /// `ALTER DATABASE … SET` settings.
    pub settings: Vec<String>,
    /// What the copy of a whole server is; `None` for a dump of one database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseFacts>,
    /// The Helm release, revision and images at the time, where known.
    pub release: Option<BackupRelease>,
    /// Who made it: run id or `user@host`.
    pub made_by: String,
    /// Why: `before upgrade to 1.2.3`, or what the user said.
    pub reason: String,
    /// To whom it is encrypted; `None` where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// Fingerprints of the keys that its rows need, at the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<KeyFingerprints>,
    /// Volumes and buckets that belong to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artefacts: Vec<Artefact>,
}

/// To whom a backup is encrypted. What is encrypted are its files; the manifest, with names and counts of tables, is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Encryption {
    /// Fingerprints of the public keys, no secrets.
    pub recipients: Vec<String>,
    /// The encrypted files.
    pub files: Vec<PlainFile>,
}

/// How large an encrypted file was before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlainFile {
    /// Its name as stored.
    pub name: String,
    /// Its size before it was encrypted, in bytes.
    pub bytes: u64,
}

/// What there is to say of a copy of a whole server (`pg_basebackup`) beside what is said of every backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BaseFacts {
    /// The timeline at its end.
    pub timeline: u32,
    /// Where the WAL that it needs begins.
    pub start_lsn: String,
    /// Where that WAL ends: before, the copy is not consistent.
    pub end_lsn: String,
    /// Whether the server keeps checksums of its pages.
    pub data_checksums: bool,
    /// The role that the data directory was made with: it can always log in where the server trusts its socket.
    pub administrator: String,
    /// Plain files in the archive.
    pub file_count: u64,
    /// Size of the archive unpacked, in bytes.
    pub archive_bytes: u64,
    /// sha256 of the archive unpacked, lower-case hex.
    pub archive_sha256: String,
    /// Configuration files inside: `pg_hba.conf`, `pg_ident.conf`, `postgresql.conf`, `postgresql.auto.conf`.
    pub configuration: Vec<String>,
    /// Configuration files that lie outside the data directory, which are not inside.
    pub configuration_elsewhere: Vec<String>,
}

/// The release a backup was made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupRelease {
    /// Release name.
    pub name: String,
    /// Revision deployed at the time.
    pub revision: u32,
    /// Images of the writers at the time.
    pub images: Vec<String>,
}

/// A restore test: `verified-<time>.json` beside the manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `BackupVerification`.
    pub kind: String,
    /// The backup's id.
    pub id: String,
    /// When the comparison ended (RFC 3339, UTC).
    pub verified_at: String,
    /// What was compared and found equal, in words.
    pub compared: Vec<String>,
    /// What differed; empty means proven.
    pub differences: Vec<String>,
    /// What is not as it was and no loss, in words: another version of an extension.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What was asked for and could not be judged, in words. It is not equal, and it does not differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unjudged: Vec<String>,
    /// What the statements said that must be true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assertions: Vec<AssertionResult>,
    /// Seconds the restore took.
    pub restore_seconds: f64,
    /// `pg_database_size` of the restored database, in bytes.
    #[serde(default)]
    pub restored_bytes: Option<i64>,
    /// Where it was restored: `postgres:17 in namespace shop`, `PostgreSQL 17.2 on this machine`.
    #[serde(default)]
    pub restored_in: Option<String>,
    /// How the application did on it, where it was booted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_app: Option<WithApp>,
    /// How the migration of a newer version did on it, where one was rehearsed. A migration that fails says nothing
    /// against the backup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<Rehearsal>,
}

/// How an application did on a restored copy of its database. What of it was not as it must be stands among the
/// differences of the test, and what could not be judged among what was not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WithApp {
    /// The workload whose container was booted: `deployment/web`.
    pub workload: String,
    /// The container.
    pub container: String,
    /// Its image.
    pub image: String,
    /// The application's version, where the workload says it (label `app.kubernetes.io/version`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Seconds until it was ready; `None` where it never was.
    pub ready_seconds: Option<f64>,
    /// What it answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub smoke: Vec<SmokeAnswer>,
    /// Whether it was seen to use the restored copy, and the database in use was seen to have no session of it.
    pub on_the_copy: bool,
    /// How it was kept from everything else, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub isolation: Vec<String>,
    /// What it did to the copy while it started, in words. It is no difference: applications tidy up and migrate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub did: Vec<String>,
}

/// What an application answered to a question over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SmokeAnswer {
    /// The container port.
    pub port: u16,
    /// The path.
    pub path: String,
    /// The status code; `None` where there was no answer.
    pub status: Option<u16>,
    /// Why there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl SmokeAnswer {
    /// Whether the answer is as it must be: any 2xx.
    pub fn is_good(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// In words: `/readyz on port 8080 answered 200`.
    pub fn words(&self) -> String {
        let Self {
            port,
            path,
            status,
            error,
        } = self;
        match (status, error) {
            (Some(status), _) => format!("{path} on port {port} answered {status}"),
            (None, Some(error)) => format!("{path} on port {port} gave no answer: {error}"),
            (None, None) => format!("{path} on port {port} gave no answer"),
        }
    }
}

/// What a statement said that must be true of a restored database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssertionResult {
    /// What it says, in words.
    pub what: String,
    /// Where it was read.
    pub source: String,
    /// Whether it holds.
    pub verdict: AssertionVerdict,
    /// What was returned, shortened; or why there is no answer.
    pub evidence: String,
}

/// Whether a statement holds that must be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AssertionVerdict {
    /// It returned true.
    Holds,
    /// It returned anything else.
    Fails,
    /// It gave no answer.
    Unknown,
}

/// A copy of a whole server that was put into a volume, or taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BaseRestoreReport {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `BaseRestoreReport`.
    pub kind: String,
    /// The backup's id.
    pub id: String,
    /// The claim's namespace.
    pub namespace: String,
    /// The claim.
    pub claim: String,
    /// Whether a restore was taken back.
    pub undone: bool,
    /// The data directory's path in the volume; empty when taken back.
    pub data_directory: String,
    /// Where the data directory of before is kept; when taken back, where the restored one is.
    pub moved_aside: Option<String>,
    /// Configuration files of before that are in force.
    pub kept_configuration: Vec<String>,
    /// `uid:gid` of the files.
    pub owner: String,
    /// The command that takes it back.
    pub undo: Option<String>,
}

/// One backup in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupSummary {
    /// Its id.
    pub id: String,
    /// Its place.
    pub uri: String,
    /// What made it: `pgbackup`, `CronJob nightly`, …
    pub source: String,
    /// The database's name, where known.
    pub database: String,
    /// When it ended (RFC 3339, UTC).
    pub finished_at: String,
    /// Age in seconds at the time of looking.
    pub age_seconds: i64,
    /// Size in bytes, where known.
    pub bytes: Option<u64>,
    /// What its word is worth.
    pub grade: BackupGrade,
    /// The server's system identifier, where known.
    pub system_identifier: Option<String>,
    /// Major version of the server it came from, where known.
    pub server_major: Option<i32>,
}
