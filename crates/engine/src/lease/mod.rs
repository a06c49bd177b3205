//! The lease: at most one process works on a release.

mod cluster_store;
mod hold;
mod memory_store;
mod store;

pub use cluster_store::ClusterLeases;
pub use hold::{Acquire, Lease, LeaseError};
pub use memory_store::MemoryLeases;
pub use store::{LeaseRecord, LeaseStore};
