//! Runs that are killed with -9 before or after a record of their journal, then carried on or taken back from another folder
//! and kubeconfig. The whole matrix runs in memory (`crates/upgrade/src/killed`); here real helms, a real API server and a
//! real Postgres see a sample of it in every test run, and all of it once by `cargo xtask faults`.

mod drawn;
mod every;
mod kind;
mod looks;
mod sample;
mod scene;
