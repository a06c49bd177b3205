//! The application on the restored copy: its own container, booted beside the throw-away server and cut off from all else,
//! until it is ready and has answered.
//!
//! - `request` reads what to boot; `door` judges by which names it knows its database.
//! - `volumes`, `server` and `shape` make the pod of it, `objects` what the cluster is given; `pod` has it there.
//! - `own_copy` makes the restored database the application's, `fill` fills its volumes, and `ground` tries where it would get
//!   to.
//! - `boot` lets it start and asks; `start`, `deeds`, `live` and `words` look, and `judge` says what that means.
//! - `rehearse` lets a newer version migrate instead, after `apart` has tried that the network keeps it in; `copies` are what
//!   its chart brings with it.

mod apart;
mod boot;
mod copies;
mod deeds;
mod door;
mod fill;
mod ground;
mod judge;
mod live;
mod objects;
mod own_copy;
mod pod;
mod rehearse;
mod request;
mod server;
mod shape;
#[cfg(test)]
mod shape_tests;
mod start;
mod volumes;
mod words;

pub use request::{AppError, AppQuestion, AppRequest, MigrationBy, MigrationWanted, TargetPod};

pub(super) use boot::boot;
pub(super) use pod::AppServer;
pub(super) use rehearse::{apart, rehearse};
