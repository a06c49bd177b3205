//! Applications to be upgraded: their images, their charts, and how tests put data in and read it back.
//!
//! [`Ledger`] is a small program of ours that misbehaves on request; [`OpenFga`] is a real one by other people.
//! Both are installed by the real Helm into a [`Namespace`] of a [`Cluster`]. The settings and values are explained
//! in this folder's `README.md`.

pub mod charts;
mod cluster;
mod http;
pub mod images;
mod ledger;
mod namespace;
mod openfga;
mod postgres;
mod probe;

pub use cluster::{Cluster, HelmLine};
pub use ledger::{Ledger, Summary};
pub use namespace::Namespace;
pub use openfga::{OpenFga, Snapshot};
pub use postgres::Postgres;
pub use probe::{Answer, Answers, Probe};
