//! `--with-artefacts`: volumes and buckets of the same moment, when a backup is made and when it is put back.

mod profile;
mod put_back;
mod take;

use backup::ArtefactError;
use model::ExitCode;

use super::failure::Ends;
pub(crate) use put_back::{WithArtefactsFlag, settle};
pub(crate) use take::ArtefactFlags;

/// Why artefacts mean nothing where there is only an address.
pub(crate) const NO_CLUSTER: &str = "artefacts are volumes of a cluster, and there is none";

impl Ends for ArtefactError {
    fn code(&self) -> ExitCode {
        match self {
            Self::InUse { .. } | Self::NoRoom { .. } | Self::Closed { .. } | Self::Fixed { .. } => {
                ExitCode::Blocked
            }
            Self::NoClaim { .. } | Self::NoFolder { .. } | Self::NoClass { .. } | Self::Twice(_) => {
                ExitCode::CouldNotBegin
            }
            _ => ExitCode::PutBack,
        }
    }

    fn state(&self) -> &'static str {
        "Database and volumes are as they were."
    }
}
