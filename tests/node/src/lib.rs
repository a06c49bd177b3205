//! tests/node
