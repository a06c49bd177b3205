//! tests/apps/ledger/src/main.rs
fn main() {}
