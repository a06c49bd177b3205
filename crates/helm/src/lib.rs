//! The user's own helm: which flags it has, what it stores, what it would render, and how it is run and held.
//!
//! A run pins the chart and the values once ([`prepare`]) and gives every pass exactly these ([`Helm::upgrade`]). helm
//! itself runs as a child of a small supervisor, so that it ends when this program ends, however it ends.
//!
//! Two hidden subcommands must be routed by the program that uses this crate, before anything else is parsed:
//! [`supervise::WORD`] to [`supervise::main`] and [`post_render::WORD`] to [`post_render::main`].

mod archive;
mod chart;
mod documents;
mod error;
mod flags;
pub mod manifest;
mod pass;
pub mod post_render;
mod prepare;
mod program;
mod record;
mod render;
mod seal;
pub mod storage;
pub mod supervise;
mod target;
mod values;
mod yaml;

pub use chart::PinnedChart;
pub use documents::chart_documents;
pub use error::HelmError;
pub use flags::{
    Arity, FlagError, HelmFlag, Lines, OwnFlag, Reuse, Split, Treatment, UpgradeLine, UserPostRenderer,
    WrittenLine, parse_duration, split, table,
};
pub use pass::{PassRequest, RollbackRequest};
pub use post_render::PostRenderSpec;
pub use prepare::{Fidelity, Prepared, printed_with_exponent};
pub use program::{Helm, HelmMajor};
pub use render::Rendered;
pub use seal::Seal;
pub use storage::{
    ListedRelease, NoRecordedChart, RecordHead, Storage, StorageError, StoredRelease, list_releases,
};
pub use supervise::{HelmEnd, OutputLine, Running};
pub use target::{TargetParts, object_names, target_parts};
pub use values::{PinnedValues, values_hazard};
