//! `kubectl pgbackup base restore`.

use std::time::Duration;

use backup::{Backup, BaseRestore, BaseRestoreError, BaseRestored, Conf, HelperPodError, Owner, PutBack};
use cli::{Consent, Environment, Output, ask};
use cluster::{ApiError, Cluster, WaitError};
use model::text::shell_word;
use model::{API_VERSION, BaseRestoreReport, ExitCode};
use thiserror::Error;

use super::flags::RestoreFlags;
use crate::pgbackup::act::{ActEnd, act};
use crate::pgbackup::failure::{Ends, failed};
use crate::pgbackup::stored::{Words, backup_of};
use crate::session::{Session, could_not_begin};

/// The user of the servers in most images, where nothing says another.
const USUAL_USER: i64 = 999;

/// How long a hibernating cluster's pods may take to go: their own grace period and some more.
const HIBERNATION_TIME: Duration = Duration::from_secs(600);

/// A CloudNativePG cluster could not be put to sleep.
#[derive(Debug, Error)]
enum SleepError {
    #[error(transparent)]
    Api(ApiError),
    #[error("the pods of the hibernating cluster did not go")]
    Wait(#[source] WaitError),
}

impl Ends for BaseRestoreError {
    fn code(&self) -> ExitCode {
        match self {
            Self::NoCopy(_) | Self::Api(_) | Self::Path(_) | Self::Several(_) | Self::Major { .. } => {
                ExitCode::CouldNotBegin
            }
            Self::InUse { .. }
            | Self::Owner { .. }
            | Self::Foreign { .. }
            | Self::NoRoom { .. }
            | Self::Unfinished { .. }
            | Self::Pod(HelperPodError::Forbidden { .. }) => ExitCode::Blocked,
            _ if self.is_half_way() => ExitCode::Stopped,
            _ => ExitCode::PutBack,
        }
    }

    fn state(&self) -> &'static str {
        match self.code() {
            ExitCode::Stopped => {
                "Nothing was removed. The same command carries on from where it stopped; the journal is in the volume."
            }
            _ => "The data directory is as it was.",
        }
    }
}

/// Puts back, or takes back.
pub(super) async fn run(flags: &RestoreFlags, environment: &Environment) -> ExitCode {
    put_back(flags, environment).await.unwrap_or_else(|code| code)
}

async fn put_back(flags: &RestoreFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let session = Session::open(&flags.common, environment).await?;
    let output = &session.output;
    let backup = backup_of(&flags.id, &flags.store, &flags.common, environment).await?;
    let request = request(&session.cluster, flags, output).await?;
    let (namespace, claim) = &flags.pvc;
    let asleep = if flags.hibernate {
        let cnpg = session.cluster.cnpg_cluster_of_claim(namespace, claim).await;
        cnpg.map_err(|error| could_not_begin(output, &error))?
    } else {
        None
    };
    if let Some(cluster) = &asleep {
        agreed(
            output,
            &format!("Hibernate CloudNativePG cluster {cluster} meanwhile?"),
            flags.yes,
        )?;
        if let Err(error) = sleep(&session.cluster, namespace, cluster).await {
            // It may have been told to sleep, and must not do so for nothing.
            wake(&session, namespace, cluster).await?;
            return Err(could_not_begin(output, &error));
        }
    }
    let ended = in_volume(&session, flags, &backup, &request).await;
    match (&asleep, ended) {
        (None, ended) => ended,
        (Some(cluster), Err(ExitCode::Stopped)) => {
            // Told besides: the failure itself was told already.
            let _ = output.talk(|err, _| {
                writeln!(
                    err,
                    "cluster {cluster} stays hibernated, because its data directory may be between two places: the same \
                     command carries on and wakes it"
                )
            });
            Err(ExitCode::Stopped)
        }
        (Some(cluster), ended) => {
            wake(&session, namespace, cluster).await?;
            ended
        }
    }
}

/// Lets a cluster go on as before.
async fn wake(session: &Session, namespace: &str, cluster: &str) -> Result<(), ExitCode> {
    let woken = session.cluster.wake(namespace, cluster).await;
    woken.map_err(|error| {
        // It sleeps on until somebody wakes it.
        let command = format!("kubectl annotate cluster {cluster} -n {namespace} cnpg.io/hibernation-");
        let state = "The volume is done with; the cluster is still hibernated.";
        cli::fail(&session.output, &error, state, Some(&command), ExitCode::Stopped)
    })
}

async fn sleep(cluster: &Cluster, namespace: &str, name: &str) -> Result<(), SleepError> {
    cluster
        .hibernate(namespace, name)
        .await
        .map_err(SleepError::Api)?;
    cluster
        .wait_hibernated(namespace, name, HIBERNATION_TIME)
        .await
        .map_err(SleepError::Wait)
}

async fn in_volume(
    session: &Session,
    flags: &RestoreFlags,
    backup: &Backup,
    request: &BaseRestore,
) -> Result<ExitCode, ExitCode> {
    let output = &session.output;
    let (namespace, claim) = &flags.pvc;
    let looked: ActEnd<_, BaseRestoreError> = act(output, &format!("look into {claim}"), async |progress| {
        PutBack::begin(&session.cluster, request, progress).await
    })
    .await;
    let place = match looked {
        // Whoever only looks stops nothing half-way.
        ActEnd::Ended(looked) => looked.map_err(|error| match failed(output, &error) {
            ExitCode::Stopped => ExitCode::PutBack,
            code => code,
        })?,
        ActEnd::Interrupted => return Err(interrupted(output, "Nothing was changed.", ExitCode::PutBack)),
    };
    let judged = if flags.undo { Ok(()) } else { place.judge(backup) };
    let asked = judged
        .map_err(|error| failed(output, &error))
        .and_then(|()| agreed(output, &question(&place, flags, backup), flags.yes));
    if let Err(code) = asked {
        place.leave().await;
        return Err(code);
    }
    let title = format!("restore {claim}");
    let done: ActEnd<BaseRestored, BaseRestoreError> = act(output, &title, async |progress| {
        if flags.undo {
            let aside = place.undo(backup, progress).await?;
            return Ok(BaseRestored {
                data: String::new(),
                aside: Some(aside),
                kept: Vec::new(),
                owner: place.owner(),
            });
        }
        place.put(backup, progress).await
    })
    .await;
    place.leave().await;
    match done {
        ActEnd::Ended(Ok(done)) => {
            let mut undo = format!(
                "kubectl pgbackup base restore {} --pvc {namespace}/{claim} --undo",
                backup.id
            );
            if let Some(store) = &flags.store.folder {
                undo.push_str(&format!(" --from {}", shell_word(store)));
            }
            let report = BaseRestoreReport {
                api_version: API_VERSION.into(),
                kind: "BaseRestoreReport".into(),
                id: backup.id.to_string(),
                namespace: namespace.clone(),
                claim: claim.clone(),
                undone: flags.undo,
                data_directory: done.data,
                moved_aside: done.aside,
                kept_configuration: done.kept,
                owner: done.owner.to_string(),
                undo: (!flags.undo).then_some(undo),
            };
            let written = output.result(&report, |out, style| render::base_restore(out, style, &report));
            Ok(cli::end_with(output, written, ExitCode::Done))
        }
        ActEnd::Ended(Err(error)) => Err(failed(output, &error)),
        ActEnd::Interrupted => Err(interrupted(
            output,
            "Nothing was removed. The same command carries on; the journal is in the volume.",
            ExitCode::Stopped,
        )),
    }
}

fn interrupted(output: &Output, state: &str, code: ExitCode) -> ExitCode {
    cli::fail(output, &Words("interrupted".into()), state, None, code)
}

/// What will be done, for the person who has to agree.
fn question(place: &PutBack, flags: &RestoreFlags, backup: &Backup) -> String {
    let (namespace, claim) = &flags.pvc;
    if flags.undo {
        return format!(
            "Move the data directory back that restore {} of {namespace}/{claim} moved aside?",
            backup.id
        );
    }
    let there = match place.replaced() {
        Ok(Some(data)) => format!(
            "its data directory {} (PostgreSQL {}, system {}, state {}) is moved aside, not removed",
            data.path, data.version, data.system, data.state
        ),
        _ => "there is no data directory in it yet".to_owned(),
    };
    let conf = match flags.conf {
        Conf::Keep => "the configuration files that are there stay in force",
        Conf::FromBackup => "the configuration files of the copy come into force",
    };
    format!(
        "Copy {} of {} (system {}, taken {}) goes into {namespace}/{claim}: {there}; {conf}; files belong to {}. Go on?",
        backup.id,
        backup.manifest.server_name,
        backup
            .manifest
            .server
            .system_identifier
            .as_deref()
            .unwrap_or("unknown"),
        backup.manifest.started_at,
        place.owner()
    )
}

fn agreed(output: &Output, question: &str, yes: bool) -> Result<(), ExitCode> {
    let refused = |words: &str| could_not_begin(output, &Words(words.to_owned()));
    match ask(question, yes) {
        Ok(Consent::Yes) => Ok(()),
        Ok(Consent::No) => Err(refused("not agreed")),
        Ok(Consent::NobodyThere) => Err(refused("nobody is there to agree: say --yes")),
        Err(error) => Err(could_not_begin(output, &error)),
    }
}

/// Image and owner: as the flags say, else as the workload says that uses the claim.
async fn request(cluster: &Cluster, flags: &RestoreFlags, output: &Output) -> Result<BaseRestore, ExitCode> {
    let (namespace, claim) = &flags.pvc;
    let user = match cluster.user_of_claim(namespace, claim).await {
        Ok(user) => user,
        Err(_) if flags.image.is_some() => None,
        Err(error) => return Err(could_not_begin(output, &error)),
    };
    let image = flags
        .image
        .clone()
        .or_else(|| user.as_ref().map(|user| user.image.clone()));
    let Some(image) = image else {
        let words =
            format!("no StatefulSet or Deployment mounts {namespace}/{claim}: name an image with --image");
        return Err(could_not_begin(output, &Words(words)));
    };
    let usual = user
        .and_then(|user| user.user)
        .filter(|user| *user > 0)
        .unwrap_or(USUAL_USER);
    Ok(BaseRestore {
        namespace: namespace.clone(),
        claim: claim.clone(),
        path: flags.path.clone(),
        conf: flags.conf,
        image,
        owner: flags.owner,
        usual_owner: Owner {
            user: usual,
            group: usual,
        },
        foreign: flags.foreign,
        deadline: flags.timeout,
    })
}
