//! What stands in a text, without asking anybody.

mod blocks;
mod changelog;
mod highlights;
mod markers;
mod nothing;
mod plain;

pub use changelog::changelog;
pub use highlights::highlights;

pub(crate) use highlights::headline;
pub(crate) use model::text::{harmless, line};
