//! Our post-renderer: parks every workload of a manifest but those named, and gates the one that migrates.

mod apply;
mod program;
mod spec;

pub use apply::{PostRenderError, apply};
pub use program::{WORD, main};
pub use spec::PostRenderSpec;

#[cfg(test)]
mod tests;
