//! Our post-renderer: parks every workload of a manifest but those named, and gates the one that migrates.

mod apply;
mod chain;
mod program;
mod spec;
mod stage;

pub use apply::{PostRenderError, apply};
pub use program::{WORD, main};
pub use spec::PostRenderSpec;
pub(crate) use stage::Staged;

#[cfg(test)]
mod tests;
