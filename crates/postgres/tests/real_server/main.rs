//! What this room does, against a real Postgres server that the tests start for themselves.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod archiving;
mod connecting;
mod holding;
mod limits;
mod migrating;
mod observing;
mod questions;
mod schemas;
mod signalling;
mod support;
mod swapping;
