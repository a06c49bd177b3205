//! Runs of real plans, killed before and after every journal record, then carried on or taken back by another process: the
//! world ends as it was, or as it was to be, field by field.
//!
//! Real are the plans, the loop, the journal's documents, the steps that speak with Kubernetes and helm, and the
//! post-renderer. Fakes, named so in their files, are the API server with its controllers, helm, and the database with the
//! steps that back it up and put it back. What a real API server makes of managed fields, and what a helm that dies half-way
//! leaves, is seen on the node (`tests/tests/e2e/killed.rs`).

mod controllers;
mod fake_database;
mod fake_helm;
mod matrix;
mod resting;
mod shop;
mod stage;
mod stand_in;
