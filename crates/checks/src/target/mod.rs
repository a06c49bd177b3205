//! Asking what an upgrade would go to.

mod claims;
mod definitions;
mod judge;
mod request;
mod secrets;

pub use judge::target;
pub use request::{
    RenderRequest, Renderable, TargetRequest, observe_with_target, render, unreadable_records,
};
