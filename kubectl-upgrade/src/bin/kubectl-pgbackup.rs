//! kubectl-upgrade/src/bin/kubectl-pgbackup.rs
fn main() {}
