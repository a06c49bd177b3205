//! Looking at what runs, and at what it would become.

use std::error::Error;
use std::path::Path;

use checks::profiles::ProfileChoice;
use checks::{ObserveError, ObserveRequest, Observed, RenderRequest, Renderable};
use cli::{DatabaseFlags, Environment};
use helm::{FlagError, Helm, HelmError, HelmMajor, UpgradeLine};
use model::{SavedObservation, Target, Version};
use tempfile::TempDir;
use thiserror::Error;

use super::migration_files::{MigrationFilesError, migration_files};
use super::notes;
use crate::session::Session;

/// Why nothing was seen.
#[derive(Debug, Error)]
pub(super) enum LookError {
    #[error(transparent)]
    Flags(#[from] FlagError),
    #[error(transparent)]
    Observe(#[from] ObserveError),
    #[error(transparent)]
    Helm(#[from] HelmError),
    #[error(transparent)]
    Migrations(#[from] MigrationFilesError),
    #[error("--migrations needs a CHART: they are those of the version to go to")]
    MigrationsOfNothing,
    #[error("failed to make a folder for the chart")]
    Folder(#[source] std::io::Error),
}

/// What the words mean.
pub(super) enum Wanted {
    /// The running revision of this release.
    Running(String),
    /// The way to a chart; the line is parsed again once it is known which helm will take it.
    Target,
}

/// Flags of one Helm line only are left to the second look, which knows the line.
pub(super) fn wanted(words: &[String]) -> Result<Wanted, Box<dyn Error>> {
    match UpgradeLine::parse(words, HelmMajor::Four) {
        Ok(line) if line.chart.is_some() => Ok(Wanted::Target),
        Ok(_) if words.len() > 1 => {
            Err("flags of helm upgrade need a CHART: without one the running revision is judged".into())
        }
        Ok(line) => Ok(Wanted::Running(line.release)),
        Err(FlagError::OtherLine { .. }) => Ok(Wanted::Target),
        Err(error) => Err(error.into()),
    }
}

/// Whether a word is a version and no chart: as for helm, what exists here is a chart, whatever it is called, and what has
/// a slash is in a repository.
pub(super) fn is_version(word: &str) -> bool {
    let number = word.strip_prefix('v').unwrap_or(word);
    number.starts_with(|c: char| c.is_ascii_digit())
        && !word.contains('/')
        && Version::parse(word).is_some()
        && !Path::new(word).exists()
}

/// How to look.
pub(super) struct Look<'a> {
    /// `--profile` and its kin.
    pub(super) profile: ProfileChoice,
    /// `--path-file`.
    pub(super) path_file: Option<&'a str>,
    /// `--dsn`, `--secret`, `--database-env`.
    pub(super) database: &'a DatabaseFlags,
    /// Where backups are looked for; `None` looks nowhere.
    pub(super) store: Option<String>,
    /// `--migrations`.
    pub(super) migrations: Option<&'a Path>,
    /// `--helm-bin`.
    pub(super) helm_bin: Option<&'a Path>,
    /// Where earlier answers are kept.
    pub(super) environment: &'a Environment,
}

impl Look<'_> {
    fn request(&self, session: &Session, release: &str) -> ObserveRequest {
        ObserveRequest {
            cluster: session.cluster.clone(),
            namespace: session.namespace.clone(),
            release: release.to_owned(),
            profile: self.profile.clone(),
            path_file: self.path_file.map(str::to_owned),
            database: self.database.options(),
            store: self.store.clone(),
        }
    }

    /// Looks at what runs and at what it would become; keeps what may be kept.
    pub(super) async fn observe(
        &self,
        session: &Session,
        wanted: Wanted,
        words: &[String],
    ) -> Result<SavedObservation, LookError> {
        let sight = self.sight(session, wanted, words).await?;
        Ok(SavedObservation::new(
            sight.observed.observation,
            sight.target.map(|(_, target)| target),
            sight.observed.profile,
        ))
    }

    /// Looks at what runs and at what it would become.
    pub(super) async fn sight(
        &self,
        session: &Session,
        wanted: Wanted,
        words: &[String],
    ) -> Result<Sight, LookError> {
        let migrations = self.migrations.map(migration_files).transpose()?;
        if let Wanted::Running(release) = wanted {
            if migrations.is_some() {
                return Err(LookError::MigrationsOfNothing);
            }
            let observed = checks::observe(&self.request(session, &release)).await?;
            return Ok(Sight {
                observed,
                target: None,
            });
        }
        let helm = Helm::find(self.helm_bin, &session.options).await?;
        let line = UpgradeLine::parse(words, helm.major())?;
        line.chart()?;
        let folder = TempDir::new().map_err(LookError::Folder)?;
        let render = RenderRequest {
            helm: &helm,
            line: &line,
            namespace: &session.namespace,
            into: folder.path(),
        };
        let request = self.request(session, &line.release);
        let (observed, target) = checks::observe_with_target(&request, &render).await?;
        let notes = match &target {
            Some((renderable, _)) => {
                notes::at_hand(&renderable.chart.archive, &observed, self.environment).await
            }
            None => None,
        };
        let target = target.map(|(renderable, target)| {
            let target = Target {
                migrations,
                notes,
                ..target
            };
            (renderable, target)
        });
        if let Some(why) = &observed.observation.target_unread {
            // Talk that nobody takes is no reason to judge nothing.
            drop(
                session
                    .output
                    .talk(|err, _| writeln!(err, "note: the target was not judged: {why}")),
            );
        }
        Ok(Sight { observed, target })
    }
}

/// What was seen, with what may never be written down as it is. Has no `Debug`: it holds values. The archive of the rendered
/// chart is gone.
pub(super) struct Sight {
    pub(super) observed: Observed,
    pub(super) target: Option<(Renderable, Target)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str]) -> Result<bool, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        match wanted(&words) {
            Ok(Wanted::Running(_)) => Ok(false),
            Ok(Wanted::Target) => Ok(true),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_release_alone_means_what_runs_and_a_chart_means_a_target() {
        assert_eq!(asked(&["shop"]), Ok(false));
        assert_eq!(asked(&["shop", "./chart", "--set", "a=b"]), Ok(true));
    }

    #[test]
    fn values_without_a_chart_are_a_mistake_and_not_ignored() {
        assert!(
            asked(&["shop", "--set", "a=b"])
                .unwrap_err()
                .contains("need a CHART")
        );
    }

    #[test]
    fn an_unknown_flag_is_told_with_its_neighbour() {
        let told = asked(&["shop", "./chart", "--reuse-value"]).unwrap_err();
        assert!(
            told.contains("--reuse-value") && told.contains("--reuse-values"),
            "{told}"
        );
    }

    #[test]
    fn a_flag_of_one_helm_line_waits_for_the_helm_at_hand() {
        assert_eq!(asked(&["shop", "./chart", "--force-conflicts"]), Ok(true));
    }
}
