//! A YAML tree that keeps every scalar as it was written.
