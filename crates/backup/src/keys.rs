//! Keys without which a restored database is of no use: read from the cluster, sealed to somebody's public key, kept apart
//! from the dumps, compared by fingerprint. A value is only ever in memory or sealed.
//!
//! What is sealed is a List of Kubernetes Secrets, so that `age -d FILE | kubectl apply -f -` puts them back without us.

mod age;
mod bundle;
mod collect;
mod compare;
mod vault;

pub use age::key_standing;
pub use bundle::{BundleError, fingerprints};
pub use collect::{CollectError, Key, KeySource, KeySourceError, collect};
pub use compare::{compare_keys, unequal};
pub use vault::{KeysError, KeysRequest, SealedKeys, Vault};
