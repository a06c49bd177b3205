//! A real Kubernetes node on this machine for tests and demonstrations, made from source: no container engine,
//! no image registry. Build results are cached outside the checkout, so only the first start is slow.
//!
//! A test begins with [`Node::ensure_up`] and a namespace of its own from [`Node::namespace`].

pub mod cache;
pub mod command;
pub mod golang;
pub mod image;
mod node;
pub mod object_server;
pub mod prerequisites;
pub mod progress;
pub mod tools;
mod wait;

pub use node::{
    ALLOWED_CONTEXTS_VARIABLE, Component, ComponentStatus, KEEP_VARIABLE, Leftover, Namespace, Node, Status,
    existing,
};
