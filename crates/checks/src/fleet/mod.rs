//! Many releases of a cluster, one line each: listed by labels, looked at some at a time, told as they come.

mod backups;
mod item;
mod known;
mod list;
mod look;

pub use look::{FleetEvent, FleetRequest, look};
