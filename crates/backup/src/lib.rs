//! Backups that prove themselves: a dump made by the server's own client where the server runs, hashed and counted at
//! both ends and read to its end; a store whose manifest comes last; restore into a new database with a swap by rename.
//!
//! - [`Server::reach`] finds out where commands run (the server's pod, or this machine) and as whom.
//! - [`create`] makes a backup in a [`Store`]; [`Store::list`], [`get`] and [`verify`] work on what is there.
//! - [`restore`] fills a new database, checks it and swaps; [`undo_restore`] swaps back.
//! - [`steps::shared`] gives the engine its steps.

mod abandon;
mod anchor;
mod artefacts;
mod ask;
mod background;
mod base;
mod compare;
mod create;
mod feed;
pub mod files;
mod fill;
mod get;
mod get_opened;
mod helper_pod;
mod id;
pub mod inventory;
pub mod keys;
mod local;
mod place;
mod pod;
pub mod prune;
mod reach;
mod report;
pub mod restore;
mod runner;
mod schedule;
mod script;
pub mod seal;
mod server;
mod settings;
pub mod steps;
mod store;
mod transfer;
mod verify;

pub use abandon::{Abandoned, abandon_restore, end_own_sessions};
pub use anchor::{Anchor, AnchorError};
pub use artefacts::{
    ArtefactError, ArtefactSource, ArtefactsRequest, CheckedArtefacts, PlacedArtefacts, PutBackArtefacts,
    SourceError, check_artefacts, forget_artefacts, may_take_artefacts,
};
pub use background::settled;
pub use base::{
    BaseError, BaseRequest, BaseRestore, BaseRestoreError, BaseRestored, BaseVerifyError, Conf, DEFAULT_RATE,
    DataDirectory, InspectError, Owner, PutBack, Survey, UnpackError, WHOLE_SERVER, create_base, verify_base,
};
pub use create::{
    Beside, CreateError, CreateRequest, LOCK_WAIT, LONG_DUMP, Packing, create, create_with, databases,
};
pub use fill::{FillError, ForeignDump, PlainFault};
pub use get::{GetError, get};
pub use get_opened::get_opened;
pub use helper_pod::{HelperPodError, LikeError};
pub use id::BackupId;
pub use local::LocalRunner;
pub use pod::PodRunner;
pub use reach::{JobError, NoRoute, Route, Wanted, job_rights};
pub use report::backup_report;
pub use restore::{
    IN_PLACE_LIMITS, Kept, KeptAs, Loss, Outlook, RestoreError, RestoreFrom, RestoreReport, RestoreRequest,
    drop_kept, kept, kept_name, loss, may_begin, newest_backup, only_in_place, outlook, ownership_words,
    read_dump, restore, restore_id, restore_in_place, undo_restore, undone_name,
};
pub use runner::{RunEnd, RunError, Runner};
pub use schedule::{
    CLAIM_FOLDER, MANAGED_BY, SCHEDULE_LABEL, SCHEDULE_NAMESPACE_LABEL, Schedule, ScheduleError, ScheduledAct,
};
pub use server::{ReachError, Server};
pub use store::{
    AddressError, Backup, BucketFault, ClaimAddress, Filter, Partial, Place, Store, StoreAct, StoreError,
    StoreFinding, StoreProblem, Tuning, Variables, VolumeFault,
};
pub use verify::{
    AppError, AppQuestion, AppRequest, Assertion, LocalPlace, MigrationBy, MigrationWanted, Questions,
    StatementError, TargetPod, VerifyError, VerifyPlace, VerifyRequest, assertions_of, verify,
};

/// How the rooms of this crate say what they are doing: a sentence and, where known, the share done between 0 and 1.
pub type Progress<'a> = &'a (dyn Fn(&str, Option<f64>) + Send + Sync);
