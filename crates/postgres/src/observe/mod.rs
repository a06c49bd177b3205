//! Reading what a database says of itself.

mod api;

pub use api::*;
