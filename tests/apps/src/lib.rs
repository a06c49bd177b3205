//! Applications to be upgraded: their images, their charts, and how tests put data in and read it back.
//!
//! [`Ledger`] is a small program of ours that misbehaves on request; [`OpenFga`] is a real one by other people;
//! [`Coder`] and [`Gocdnext`] are stand-ins for two that cannot be had from source alone.
//! All are installed by the real Helm into a [`Place`] of the node. The settings and values are explained
//! in this folder's `README.md`.

pub mod charts;
mod coder;
mod gocdnext;
mod helm_line;
mod http;
pub mod images;
mod ledger;
mod openfga;
mod place;
mod postgres;
mod probe;
mod stand_ins;

pub use coder::{Coder, Users};
pub use gocdnext::{Gocdnext, Jobs};
pub use helm_line::HelmLine;
pub use images::ensure_images;
pub use ledger::{Ledger, Summary};
pub use openfga::{OpenFga, Snapshot};
pub use place::Place;
pub use postgres::Postgres;
pub use probe::{Answer, Answers, Probe};
