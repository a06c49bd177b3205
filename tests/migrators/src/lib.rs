//! Real migration tools, built once from their registries' packages and kept in the cache, and projects for them.
//!
//! [`Programs`] builds what runs them; [`Migrator`] says for each tool how a migration is written and how it is run;
//! [`Project`] is a folder with migrations.

mod build;
mod migrators;
mod programs;
mod project;

pub use migrators::{MIGRATORS, Migration, Migrator, migrator};
pub use programs::{Programs, missing};
pub use project::Project;
