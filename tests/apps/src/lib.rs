//! tests/apps
