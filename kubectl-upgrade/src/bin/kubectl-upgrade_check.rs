//! kubectl-upgrade/src/bin/kubectl-upgrade_check.rs
fn main() {}
