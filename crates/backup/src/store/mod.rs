//! Where backups are kept: a folder, a bucket of an object store, or a claim of the cluster. All keep the same files under
//! the same names, and in all a backup is there once its manifest is.

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
mod volume;

pub use address::AddressError;
pub use backup::Backup;
pub use bucket::BucketFault;
pub use error::StoreError;
pub use layout::{Filter, Place};
pub use probe::{StoreAct, StoreFinding, StoreProblem};
pub use stores::{Partial, Store, Tuning, Variables};
pub use volume::{ClaimAddress, VolumeFault};

pub(crate) use backend::Incoming;
pub(crate) use draft::Draft;
pub(crate) use folder::make_private_folder;
pub(crate) use layout::{DIRECT, MANIFEST, PIN};
pub(crate) use sink::Sink;
