//! Where backups are kept: a folder, or a bucket of an object store. Both keep the same files under the same names, and
//! in both a backup is there once its manifest is.

mod address;
mod backend;
mod backup;
mod bucket;
mod draft;
mod error;
mod folder;
mod layout;
mod opened;
mod probe;
mod sealed;
mod sink;
mod stores;

pub use address::AddressError;
pub use backup::Backup;
pub use bucket::BucketFault;
pub use error::StoreError;
pub use layout::{Filter, Place};
pub use probe::{StoreAct, StoreFinding, StoreProblem};
pub use stores::{Partial, Store, Tuning, Variables};

pub(crate) use backend::Incoming;
pub(crate) use draft::Draft;
pub(crate) use folder::make_private_folder;
pub(crate) use layout::{MANIFEST, PIN};
pub(crate) use sink::Sink;
