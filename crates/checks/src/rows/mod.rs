//! The catalogue, a file for each room.

pub(crate) mod backup;
pub(crate) mod budget;
pub(crate) mod cluster;
pub(crate) mod definitions;
pub(crate) mod health;
pub(crate) mod helm;
pub(crate) mod migration;
pub(crate) mod notes;
pub(crate) mod owner;
pub(crate) mod path;
pub(crate) mod postgres;
pub(crate) mod requires;
pub(crate) mod rewrites;
pub(crate) mod roll_out;
pub(crate) mod upgrade_path;
pub(crate) mod workload;
