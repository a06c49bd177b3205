//! A command in a container, whose end and bytes are proven.
//!
//! The WebSocket is read here and not by kube's `AttachedProcess`: that one hangs on a socket that breaks, calls a stream
//! without a status a success, and drops what comes after the status.

mod error;
mod request;
mod run;
mod session;
mod status;
mod tail;
#[cfg(test)]
mod tests;

pub use error::ExecError;
pub use request::{ExecEnd, ExecRequest, ExecText};
