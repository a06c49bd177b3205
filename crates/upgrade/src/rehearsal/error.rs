//! Why there is no rehearsal, with the code that the program ends with.

use backup::{AppError, CreateError, HelperPodError, ReachError, StoreError, VerifyError};
use checks::ObserveError;
use model::ExitCode;
use thiserror::Error;

/// Why there is no rehearsal. The database in use is as it was, whatever the reason, unless the message says otherwise.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RehearsalError {
    /// The release could not be looked at, or the target not be rendered.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// helm cannot render the target, because it may not read the running revision.
    #[error("helm cannot read the running revision: you may not {0}")]
    NotAllowed(String),
    /// Something without which nothing can be rehearsed.
    #[error("there is nothing to rehearse with: {0}")]
    Unreadable(String),
    /// It is not known who migrates.
    #[error("it is not known what to run: {0}")]
    Choose(String),
    /// The migrator would not run on the copy alone, or nobody knows whether it would.
    #[error(transparent)]
    App(#[from] AppError),
    /// Rights that are missing.
    #[error("you may not {}", .0.join(", "))]
    Denied(Vec<String>),
    /// The API server does not say what we may do.
    #[error("failed to ask what you may do")]
    Unasked(#[source] cluster::ApiError),
    /// There is no backup.
    #[error("no backup of database {database} of this very server is in {store}: --fresh makes one")]
    NoBackup {
        /// The database.
        database: String,
        /// The store.
        store: String,
    },
    /// The backup cannot be read without a key.
    #[error(
        "the newest backup, {0}, is encrypted, which a rehearsal cannot open: --fresh makes one that is not"
    )]
    Encrypted(String),
    /// Nothing says which server to make.
    #[error("the database is in no pod of this cluster: name an image of its major version with --image")]
    NoImage,
    /// The store.
    #[error("failed to use the store")]
    Store(#[from] StoreError),
    /// The database in use.
    #[error("failed to reach the database in use")]
    Reach(#[from] ReachError),
    /// The fresh backup.
    #[error("failed to make a backup")]
    Create(#[from] CreateError),
    /// The restore, or the throw-away server.
    #[error("failed to rehearse")]
    Verify(#[from] VerifyError),
    /// Somebody no longer wanted it.
    #[error("interrupted")]
    Interrupted,
}

impl RehearsalError {
    /// The code: what keeps a migration from being tried safely is a finding, what broke off left nothing.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::NotAllowed(_)
            | Self::Denied(_)
            | Self::App(AppError::NotBootable { .. })
            | Self::NoBackup { .. }
            | Self::Verify(VerifyError::NotApart(_) | VerifyError::Pod(HelperPodError::Forbidden { .. })) => {
                ExitCode::Blocked
            }
            Self::Verify(VerifyError::ReachedLive(_)) => ExitCode::Stopped,
            Self::Observe(_)
            | Self::Unreadable(_)
            | Self::Choose(_)
            | Self::App(_)
            | Self::Encrypted(_)
            | Self::NoImage
            | Self::Store(_)
            | Self::Reach(_)
            | Self::Verify(
                VerifyError::Like(_)
                | VerifyError::NoImage
                | VerifyError::Major { .. }
                | VerifyError::Extensions(_),
            ) => ExitCode::CouldNotBegin,
            Self::Unasked(_) => ExitCode::CannotTell,
            Self::Create(_) | Self::Verify(_) | Self::Interrupted => ExitCode::PutBack,
        }
    }

    /// How things stand.
    pub fn state(&self) -> &'static str {
        match self {
            Self::Verify(VerifyError::ReachedLive(_)) => {
                "Its pod is deleted. Look at what it did to the database in use before anything else."
            }
            Self::Create(_) | Self::Verify(_) | Self::Interrupted => {
                "The database in use was only read; the throw-away server is gone."
            }
            Self::Observe(_)
            | Self::NotAllowed(_)
            | Self::Unreadable(_)
            | Self::Choose(_)
            | Self::App(_)
            | Self::Denied(_)
            | Self::Unasked(_)
            | Self::NoBackup { .. }
            | Self::Encrypted(_)
            | Self::NoImage
            | Self::Store(_)
            | Self::Reach(_) => "Nothing was changed.",
        }
    }
}
