//! Backups of everybody: ours, those of operators and controllers, and those of CronJobs.
//!
//! Each mechanism is a file with the kinds that it reads and a pure function from those objects to what is found. A kind
//! that is not installed is absent; one that may not be read is told with the permission that is missing, and is never
//! taken for "no backup". Facts about the kinds: their documentation and types, named in each file.

mod barman;
mod catalogue;
mod cnpg;
mod cnpg_plugin;
mod cnpg_snapshots;
mod cronjob;
mod crunchy;
mod drive;
#[cfg(test)]
mod fixture;
mod found;
mod gather;
mod jobs;
mod judge;
mod k8up;
mod kanister;
mod kubeblocks;
mod kubestash;
mod managed;
mod objects;
mod own;
mod percona;
mod pgbackrest;
mod quantity;
mod recover;
mod restoring;
mod rights;
mod schedule;
mod stackgres;
mod stash;
mod value;
mod velero;
mod volume_snapshot;
mod walg;
mod wanted;
mod zalando;

pub use drive::{DriveError, Driven, drive};
pub use gather::{InventoryRequest, LOOK_LIMIT, inventory};
pub use judge::{freshness, freshness_of_all, newest_good};
pub use own::found_backup;
pub use recover::recovery_cluster;
pub use restoring::restore_steps;
pub use rights::inventory_rights;
pub use wanted::Wanted;
