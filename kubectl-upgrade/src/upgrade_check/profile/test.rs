//! `profile test`: how a profile fits a release that runs, or one that was looked at earlier.

use std::path::PathBuf;

use checks::path::{PathChoiceError, settle_path};
use checks::profiles::{
    KnownProfile, ProfileChoice, ProfileChoiceError, look_up, not_asked, profile_questions, trial,
};
use checks::{ObserveError, ObserveRequest, Observed, SavedError, load_observation, observe};
use clap::Args;
use cli::{DatabaseFlags, Environment, Output, PackFlags, end_with};
use model::ExitCode;
use model::{ProfileTrialReport, SavedObservation, Seen};
use thiserror::Error;

use crate::session::{Common, Session, could_not_begin};

/// Flags of `profile test`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TestFlags {
    /// The profile: a file, or a name
    #[arg(value_name = "FILE|NAME")]
    profile: String,
    /// The release to try it on
    #[arg(required_unless_present = "observation")]
    release: Option<String>,
    /// Try it on what such a file holds (--save-observation); asks no cluster and no database
    #[arg(long, value_name = "FILE", conflicts_with = "release")]
    observation: Option<PathBuf>,
    #[command(flatten)]
    pack: PackFlags,
    #[command(flatten)]
    database: DatabaseFlags,
    #[command(flatten)]
    common: Common,
}

/// Why nothing was tried.
#[derive(Debug, Error)]
enum Refusal {
    #[error(transparent)]
    Profile(#[from] ProfileChoiceError),
    #[error(transparent)]
    Observe(#[from] ObserveError),
    #[error(transparent)]
    Saved(#[from] SavedError),
    #[error(transparent)]
    Path(#[from] PathChoiceError),
}

pub(super) async fn run(flags: &TestFlags, environment: &Environment) -> ExitCode {
    let choice = flags.pack.choice(Some(&flags.profile));
    let output = Output::new(&flags.common.output, environment);
    // Before anything is asked: a profile that is none needs no cluster to be told.
    let known = match look_up(&choice) {
        Ok(known) => known,
        Err(error) => return could_not_begin(&output, &error),
    };
    let report = match (&flags.observation, &flags.release) {
        (Some(file), _) => match load_observation(file) {
            Ok(saved) => kept(flags, known, &saved).await,
            Err(error) => Err(error.into()),
        },
        (None, release) => {
            let session = match Session::open(&flags.common, environment).await {
                Ok(session) => session,
                Err(code) => return code,
            };
            live(flags, &session, choice, release.as_deref().unwrap_or_default()).await
        }
    };
    match report {
        Ok(report) => {
            let written = output.result(&report, |out, style| render::profile_trial(out, style, &report));
            end_with(&output, written, report.exit_code())
        }
        Err(refusal) => could_not_begin(&output, &refusal),
    }
}

/// Looks at the release by this profile, and asks its database what the profile asks.
async fn live(
    flags: &TestFlags,
    session: &Session,
    profile: ProfileChoice,
    release: &str,
) -> Result<ProfileTrialReport, Refusal> {
    let request = ObserveRequest {
        cluster: session.cluster.clone(),
        namespace: session.namespace.clone(),
        release: release.to_owned(),
        profile,
        path_file: None,
        database: flags.database.options(),
        store: None,
    };
    let observed = observe(&request).await?;
    let questions = match (&observed.connector, &observed.observation.database) {
        (Some(connector), Seen::Present(_)) => profile_questions(connector, &observed.profile).await,
        (_, Seen::Unreadable(why)) => not_asked(&observed.profile, why),
        (_, Seen::Present(_) | Seen::Absent) => not_asked(&observed.profile, "no database was found"),
    };
    let Observed {
        observation, profile, ..
    } = &observed;
    let path = profile.path.as_ref();
    Ok(trial(profile, &flags.profile, observation, None, path, questions))
}

/// Tries the profile on a look that was kept, which holds the answers to the questions of its own path alone.
async fn kept(
    flags: &TestFlags,
    known: KnownProfile,
    saved: &SavedObservation,
) -> Result<ProfileTrialReport, Refusal> {
    let mut profile = known.profile;
    settle_path(&mut profile, known.file.as_deref(), &saved.observation).await?;
    let questions = not_asked(
        &profile,
        "nothing is asked of a database for an observation that was kept",
    );
    Ok(trial(
        &profile,
        &flags.profile,
        &saved.observation,
        saved.target.as_ref(),
        saved.profile.path.as_ref(),
        questions,
    ))
}
