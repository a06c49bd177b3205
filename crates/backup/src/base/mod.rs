//! Copies of whole servers (`pg_basebackup`): made, tried, put back.

mod create;
mod error;
mod inspect;
mod look;
mod manifest;
mod put_back;
mod survey;
mod tee;
mod unpack;
mod verify;

pub use create::{BaseRequest, DEFAULT_RATE, create_base};
pub use error::BaseError;
pub use inspect::InspectError;
pub use put_back::{BaseRestore, BaseRestoreError, BaseRestored, Conf, Owner, PutBack};
pub use survey::{DataDirectory, Survey};
pub use unpack::UnpackError;
pub(crate) use unpack::{Packed, Tools, run, unpack_archive};
pub use verify::{BaseVerifyError, verify_base};

/// What stands for the database's name where a backup holds the whole server.
pub const WHOLE_SERVER: &str = "*";
