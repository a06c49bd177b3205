//! How a failed act ends the program.

use std::error::Error;

use backup::{
    AppError, CreateError, FillError, GetError, HelperPodError, RestoreError, StoreError, VerifyError,
};
use cli::Output;
use model::ExitCode;

use crate::session::UNCHANGED;

/// What a fetch that was cut off leaves.
pub(crate) const PARTLY_FETCHED: &str = "What has arrived is kept in a folder that ends in .partial and is no backup; the same command carries on with it.";

/// An error that knows the code of its program and how things stand after it.
pub(crate) trait Ends: Error {
    /// The code.
    fn code(&self) -> ExitCode;

    /// How things stand.
    fn state(&self) -> &'static str {
        match self.code() {
            ExitCode::PutBack => "Nothing that looks like a result was left behind.",
            _ => UNCHANGED,
        }
    }
}

/// Tells a failed act and gives the code to end with.
pub(crate) fn failed(output: &Output, error: &impl Ends) -> ExitCode {
    cli::fail(output, error, error.state(), None, error.code())
}

impl Ends for CreateError {
    fn code(&self) -> ExitCode {
        match self {
            Self::Standby { .. }
            | Self::Client { .. }
            | Self::RowSecurity { .. }
            | Self::Unreadable { .. }
            | Self::Crowded { .. } => ExitCode::Blocked,
            Self::NoFolder | Self::Examine { .. } => ExitCode::CouldNotBegin,
            _ => ExitCode::PutBack,
        }
    }

    fn state(&self) -> &'static str {
        "Nothing was left that looks like a backup."
    }
}

impl Ends for StoreError {
    fn code(&self) -> ExitCode {
        match self {
            Self::Damaged { .. } => ExitCode::Blocked,
            _ => ExitCode::CouldNotBegin,
        }
    }
}

impl Ends for GetError {
    fn code(&self) -> ExitCode {
        match self {
            Self::Taken(_) => ExitCode::CouldNotBegin,
            _ => ExitCode::PutBack,
        }
    }

    fn state(&self) -> &'static str {
        if self.can_be_carried_on() {
            PARTLY_FETCHED
        } else {
            "Nothing was left at the destination."
        }
    }
}

impl Ends for VerifyError {
    fn code(&self) -> ExitCode {
        match self {
            Self::Pod(HelperPodError::Forbidden { .. }) => ExitCode::Blocked,
            Self::ReachedLive(_) => ExitCode::Stopped,
            Self::Like(_)
            | Self::NoImage
            | Self::NoPrograms { .. }
            | Self::Major { .. }
            | Self::Extensions(_) => ExitCode::CouldNotBegin,
            _ => ExitCode::PutBack,
        }
    }

    fn state(&self) -> &'static str {
        "This says nothing about the backup; the throw-away server is gone."
    }
}

impl Ends for AppError {
    fn code(&self) -> ExitCode {
        ExitCode::CouldNotBegin
    }
}

impl Ends for RestoreError {
    fn code(&self) -> ExitCode {
        match self {
            Self::Id(_) | Self::NothingKept { .. } | Self::OneAtATime(_) => ExitCode::CouldNotBegin,
            Self::Reserved(_)
            | Self::Foreign { .. }
            | Self::Newer { .. }
            | Self::NoDatabase(_)
            | Self::InTheWay { .. }
            | Self::InUse { .. }
            | Self::NotInPlace { .. }
            | Self::NotWell { .. }
            | Self::OlderImage(_)
            | Self::MissingRoles(_) => ExitCode::Blocked,
            Self::Fill(error) => match error {
                FillError::Unknown { .. } | FillError::Sealed(_) | FillError::Read { .. } => {
                    ExitCode::CouldNotBegin
                }
                FillError::Plain { .. }
                | FillError::Cut(_)
                | FillError::Damaged { .. }
                | FillError::Unrestricted { .. }
                | FillError::SaysItself { .. } => ExitCode::Blocked,
                _ => ExitCode::PutBack,
            },
            _ => ExitCode::PutBack,
        }
    }

    fn state(&self) -> &'static str {
        "The database in use is as it was."
    }
}
