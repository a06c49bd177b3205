//! What migration tools recorded in a database.
//!
//! Each tool is one file in `tools`: the columns of its tables, how the entries of its history are read, what takes its
//! lock, and how its files are named. Everything else works on these descriptions and knows no tool.

mod choose;
mod compare;
mod find;
mod heavy;
mod locks;
mod observe;
mod read;
mod remedy;
mod tokens;
mod tool;
mod tools;
mod words;

pub(crate) use choose::chosen;
pub use choose::migration_state;
pub use compare::{Comparison, compare};
pub use heavy::{HeavyWork, heavy_work};
pub use observe::migrations;
pub use remedy::{mend_migration, release_migration_lock};
