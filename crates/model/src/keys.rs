//! Keys without which a restored database is of no use. Values never stand here: only names and fingerprints.

use serde::{Deserialize, Serialize};

/// One key, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyFingerprint {
    /// Where it comes from: `secret/NAME`, `values`, `database`.
    pub source: String,
    /// Its name there: a key of the Secret, a path of the values, `user` or `password`.
    pub key: String,
    /// HMAC-SHA256 of the value under the salt beside it, lower-case hex. A value that can be guessed can be guessed by it,
    /// too; one that was made by a machine cannot.
    pub fingerprint: String,
}

/// Fingerprints of keys at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyFingerprints {
    /// Random, different each time, so that nobody sees across records whether a key is the same: lower-case hex.
    pub salt: String,
    /// The keys.
    pub keys: Vec<KeyFingerprint>,
}

/// `<id>.json` beside sealed keys: what they are, without their values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeysManifest {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `KeysManifest`.
    pub kind: String,
    /// The id, like a backup's.
    pub id: String,
    /// When they were read (RFC 3339, UTC).
    pub created_at: String,
    /// First 8 characters of the kube-system UID.
    pub cluster: String,
    /// The namespace that they were read in.
    pub namespace: String,
    /// The release, where one was named.
    pub release: Option<String>,
    /// Fingerprints of the public keys that they are sealed to.
    pub recipients: Vec<String>,
    /// Size of the sealed file in bytes.
    pub bytes: u64,
    /// sha256 of the sealed file, lower-case hex.
    pub sha256: String,
    /// What is in it.
    pub fingerprints: KeyFingerprints,
    /// Who sealed them: `user@host`.
    pub made_by: String,
}

/// Sealed keys in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeysListReport {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `KeysList`.
    pub kind: String,
    /// Newest first.
    pub items: Vec<KeysManifest>,
}

/// How a key of now compares with one of before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// The same value.
    Same,
    /// Another value: what was encrypted under the one of before cannot be read with the one of now.
    Changed,
    /// There is none now.
    Gone,
    /// It could not be read, or is of a kind that is not looked up.
    Unknown,
}

/// One key compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComparedKey {
    /// See [`KeyFingerprint::source`].
    pub source: String,
    /// See [`KeyFingerprint::key`].
    pub key: String,
    /// How it compares with the cluster's.
    pub state: KeyState,
    /// Why it is not known, where it is not.
    pub why: Option<String>,
}

/// How a key of a backup's time stands now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyStanding {
    /// See [`KeyFingerprint::source`].
    pub source: String,
    /// See [`KeyFingerprint::key`].
    pub key: String,
    /// How it compares with the one of the newest backup's time.
    pub state: KeyState,
    /// Why that is not known, where it is not.
    pub why: Option<String>,
    /// When its Secret's data was last written (RFC 3339, UTC), where that is known.
    pub since: Option<String>,
    /// Its age in seconds at the time of looking.
    pub age_seconds: Option<i64>,
}

/// What `keys create`, `show`, `test` and `export` tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeysReport {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `KeysReport`.
    pub kind: String,
    /// The sealed keys.
    pub keys: KeysManifest,
    /// Their place.
    pub uri: String,
    /// Whether they were opened with the given identity and hold what the manifest says; `None` where nobody tried.
    pub opened: Option<bool>,
    /// Each key compared with the cluster's; empty where nobody compared.
    pub compared: Vec<ComparedKey>,
    /// What a person should know, in sentences.
    pub warnings: Vec<String>,
}
