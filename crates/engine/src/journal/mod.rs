//! The journal: what a run was to do, what it has done, and what it must know to go on or back.

mod cluster_store;
mod document;
mod error;
mod memory_store;
mod over;
mod parts;
mod retention;
mod store;
mod writer;

pub use cluster_store::ClusterStore;
pub(crate) use document::is_final;
pub use document::{PartEntry, RunDocument, StepRecord};
pub use error::JournalError;
pub use memory_store::MemoryStore;
pub use over::wait_over;
pub(crate) use retention::tidy;
pub use retention::{RunHead, runs, unfinished};
pub(crate) use store::ask;
pub use store::{HeadLabels, JournalStore, StoreError, StoredHead};
pub use writer::{Journal, NewRun};
