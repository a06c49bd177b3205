//! Backups of a real Postgres on this machine, with everything that can go wrong on the way.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod anchoring;
mod answers;
mod base;
mod broken;
mod creating;
mod dumping;
mod fixture;
mod foreign;
mod harmed;
mod in_place;
mod pooler;
mod restore_faults;
mod restoring;
mod sealing;
mod standby;
mod storing;
#[expect(
    dead_code,
    reason = "the server is shared with the tests of another room, which use more of it"
)]
#[path = "../../../postgres/tests/real_server/support.rs"]
mod support;
mod verifying;
