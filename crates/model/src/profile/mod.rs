//! Profiles: what is particular to one application, said in YAML.

mod brings;
mod parse;
mod requires;
mod schema;

pub use parse::{ProfileError, parse};
pub use requires::{RequiredCrd, RequiredOperator, RequiredWebhook, Requires};
pub use schema::{
    AfterMigration, ArtefactPlace, Budgets, Busy, Compare, Database, GateWord, Health, Keys, Match,
    Migrations, MustBeTrue, Notes, NotesMarkers, NotesSource, OffPeak, Profile, QuiesceNeed, Role, RoleKind,
    RunBy, SchemaOf, Selector, SmokeStep, Verify,
};
