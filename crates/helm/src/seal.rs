//! Digests that say whether something is the same as before, and nothing else to whoever may not read the release.
//!
//! A plain digest of values can be guessed from where a password is weak, with a salt beside it as well. The key of these
//! is made of the running revision's record: its values, its manifest, the time to the nanosecond. Who may read that
//! record reads the running values there, and learns little from a digest.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::chart::hex;
use crate::{HelmError, PinnedChart, Prepared, StoredRelease, manifest, prepare};

/// Makes each guess at a record costly, for somebody who knows all of it but a little.
const ROUNDS: u32 = 1 << 16;

/// A key made of a revision's record and a salt. Has no `Debug`.
pub struct Seal([u8; 32]);

impl Seal {
    /// The key for a running revision.
    pub fn of(stored: &StoredRelease, salt: &str) -> Self {
        let release = &stored.release;
        let record = serde_json::json!([
            release.name,
            release.namespace,
            release.revision,
            release.updated,
            release.description,
            stored.manifest,
            stored.values,
            stored.chart_values,
        ]);
        let mut key: [u8; 32] = Sha256::digest(record.to_string()).into();
        for _ in 0..ROUNDS {
            key = mac(&key, salt.as_bytes());
        }
        Self(key)
    }

    /// The digest of nothing: the same under the same key only.
    pub fn itself(&self) -> String {
        self.digest("seal", b"")
    }

    /// The digest of a text.
    pub fn text(&self, text: &str) -> String {
        self.digest("text", text.as_bytes())
    }

    /// The digest of what stands in a chart.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub fn chart(&self, chart: &PinnedChart) -> Result<String, HelmError> {
        let contents = serde_json::json!(chart.contents()?).to_string();
        Ok(self.digest("chart", contents.as_bytes()))
    }

    /// The digest of the pinned values.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn values(&self, prepared: &Prepared) -> Result<String, HelmError> {
        Ok(self.digest("values", &prepared.values.bytes()?))
    }

    /// The digest of each rendered object by its kind and name.
    ///
    /// # Errors
    /// A manifest that is no YAML.
    pub fn objects(&self, prepared: &Prepared) -> Result<BTreeMap<String, String>, HelmError> {
        let objects = manifest::objects(&prepared.rendered.manifest).map_err(HelmError::Manifest)?;
        Ok(objects
            .iter()
            .map(|object| (prepare::name(object), self.object(object)))
            .collect())
    }

    fn object(&self, object: &Value) -> String {
        self.digest("object", object.to_string().as_bytes())
    }

    fn digest(&self, what: &str, bytes: &[u8]) -> String {
        let named = [what.as_bytes(), b"\0", bytes].concat();
        hex(&mac(&self.0, &named))
    }
}

fn mac(key: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
    // A key as long as the hash's block needs no hashing itself, so that making it cannot fail.
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mac = <Hmac<Sha256> as KeyInit>::new((&block).into());
    Mac::chain_update(mac, bytes).finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(password: &str, updated: &str) -> StoredRelease {
        let record = serde_json::json!({
            "name": "shop", "namespace": "prod", "version": 3,
            "info": { "last_deployed": updated, "status": "deployed" },
            "config": { "password": password }, "manifest": "",
        });
        StoredRelease::read(record.to_string().as_bytes(), "prod", 1).unwrap()
    }

    #[test]
    fn a_digest_is_the_same_for_the_same_record_and_salt_only() {
        let now = "2026-01-01T00:00:00.000000001Z";
        let seal = Seal::of(&stored("hunter2", now), "salt");
        assert_eq!(seal.itself(), Seal::of(&stored("hunter2", now), "salt").itself());
        for other in [
            Seal::of(&stored("hunter3", now), "salt"),
            Seal::of(&stored("hunter2", "2026-01-01T00:00:00.000000002Z"), "salt"),
            Seal::of(&stored("hunter2", now), "pepper"),
        ] {
            assert_ne!(seal.itself(), other.itself());
        }
    }

    #[test]
    fn equal_bytes_of_two_kinds_have_two_digests() {
        let seal = Seal::of(&stored("hunter2", "x"), "salt");
        assert_ne!(seal.digest("values", b"{}"), seal.digest("object", b"{}"));
        assert_ne!(seal.digest("values", b"{}"), seal.digest("values", b"{ }"));
    }
}
