//! helm-plugin/src/main.rs
fn main() {}
