//! The rehearsal: the target's own migration on a restored backup, cut off from everything else, and what it measured kept
//! for the next plan.

mod copy;
mod error;
mod migrator;
mod rights;

use std::path::Path;
use std::time::Duration;

use backup::{
    AppQuestion, AppRequest, MigrationBy, MigrationWanted, Progress, TargetPod, VerifyPlace, VerifyRequest,
};
use checks::profiles::ProfileChoice;
use checks::{ObserveRequest, Observed, RenderRequest, Renderable, observe_with_target};
use cluster::Cluster;
use helm::{Helm, UpgradeLine};
use model::{
    NextStep, Profile, RehearsalReport, RehearsedMigration, Release, ReleaseIdentity, Target, Verification,
    causes,
};
use postgres_room::{FindOptions, RenderedData};
use tokio_util::sync::CancellationToken;

pub use error::RehearsalError;
pub use migrator::{Migrator, migrators};

use crate::plan::schema_of;

/// What to rehearse.
pub struct RehearsalRequest {
    /// The cluster.
    pub cluster: Cluster,
    /// The user's helm.
    pub helm: Helm,
    /// The line of `helm upgrade`.
    pub line: UpgradeLine,
    /// The release's namespace.
    pub namespace: String,
    /// `--profile`.
    pub profile: ProfileChoice,
    /// `--dsn`, `--secret`.
    pub database: FindOptions,
    /// Where backups are.
    pub store: String,
    /// Whether a new backup is made first, and by whom.
    pub fresh: Option<String>,
    /// The hook Job or workload that migrates, where the user names it.
    pub migrator: Option<String>,
    /// Its container, where the user names it.
    pub container: Option<String>,
    /// The throw-away server's image and user, where there is no server's pod to learn them from.
    pub image: Option<(String, i64)>,
    /// How long the migration may take.
    pub limit: Duration,
    /// How long all of it may take.
    pub deadline: Duration,
}

/// Rehearses. `folder` is for the pinned chart; `cancel` ends it in order. Nothing stays in the cluster but what was measured.
///
/// # Errors
/// See [`RehearsalError`]: nothing was tried, or what was tried broke off.
pub async fn rehearse(
    request: &RehearsalRequest,
    folder: &Path,
    progress: Progress<'_>,
    cancel: &CancellationToken,
) -> Result<RehearsalReport, RehearsalError> {
    progress("looking at the release and rendering the target", None);
    let known = tokio::select! {
        known = Box::pin(look(request, folder)) => known?,
        () = cancel.cancelled() => return Err(RehearsalError::Interrupted),
    };
    let app = application(request, &known).await?;
    rights::may_rehearse(request, &known.location, &app).await?;
    let server = server(request, &known).await?;
    let backup = copy::backup(request, &known, progress, cancel).await?;
    progress(&format!("{} on backup {}", app.words(), backup.id), None);
    let place = VerifyPlace::WithApp(request.cluster.clone(), server, Box::new(app));
    let questions = backup::Questions::default();
    let tested = backup::verify(&place, &backup, &questions, progress, cancel.cancelled()).await?;
    let release = known.release.clone();
    let mut report = RehearsalReport::new(
        ReleaseIdentity::from(&release),
        known.target.chart.clone(),
        tested,
    );
    report.next = next(request, &report);
    if let Some(measured) = measured(&report, &release) {
        let namespace = &request.namespace;
        match engine::facts::remember_rehearsal(&request.cluster, namespace, &release.name, &measured).await {
            Ok(()) => report.remembered = Some(measured),
            // Who may not write it still has the report.
            Err(error) => report.next.insert(
                0,
                NextStep {
                    text: format!(
                        "what it took is not kept for the next upgrade: {}",
                        causes(&error)
                    ),
                    command: None,
                },
            ),
        }
    }
    Ok(report)
}

/// What is known before anything is made.
struct Known {
    observed: Observed,
    renderable: Renderable,
    target: Target,
    release: Release,
    location: model::DatabaseLocation,
    credentials: postgres_room::Credentials,
}

async fn look(request: &RehearsalRequest, folder: &Path) -> Result<Known, RehearsalError> {
    let observing = ObserveRequest {
        cluster: request.cluster.clone(),
        namespace: request.namespace.clone(),
        release: request.line.release.clone(),
        profile: request.profile.clone(),
        path_file: None,
        database: request.database.clone(),
        store: None,
    };
    let rendering = RenderRequest {
        helm: &request.helm,
        line: &request.line,
        namespace: &request.namespace,
        into: folder,
    };
    let (observed, target) = observe_with_target(&observing, &rendering).await?;
    let seen = &observed.observation;
    let (renderable, target) = target.ok_or_else(|| {
        let right = checks::unreadable_records(seen).unwrap_or_default();
        RehearsalError::NotAllowed(right)
    })?;
    let release = needed(&seen.release, "the release")?.clone();
    let location = needed(&seen.location, "the database")?.clone();
    let Some(credentials) = observed.credentials.clone() else {
        let facts = needed(&seen.database, "the database").map(drop);
        return Err(facts.err().unwrap_or_else(|| {
            RehearsalError::Unreadable("the credentials of the database were not found".into())
        }));
    };
    Ok(Known {
        renderable,
        target,
        release,
        location,
        credentials,
        observed,
    })
}

fn needed<'a, T>(seen: &'a model::Seen<T>, what: &str) -> Result<&'a T, RehearsalError> {
    match seen {
        model::Seen::Present(value) => Ok(value),
        model::Seen::Absent => Err(RehearsalError::Unreadable(format!("{what} was not found"))),
        model::Seen::Unreadable(why) => Err(RehearsalError::Unreadable(format!(
            "{what} could not be read: {why}"
        ))),
    }
}

/// The one container of the target that migrates this database.
async fn application(request: &RehearsalRequest, known: &Known) -> Result<AppRequest, RehearsalError> {
    let profile = &known.observed.profile;
    let rendered = &known.renderable.rendered;
    let objects = helm::manifest::objects(&rendered.manifest)
        .map_err(|error| RehearsalError::Choose(causes(&error)))?;
    let workloads = known.observed.observation.workloads.present();
    let members = checks::assign(
        profile,
        workloads.map(Vec::as_slice).unwrap_or_default(),
        Some(&known.target),
    );
    let wanted = request.migrator.as_deref();
    let found = migrators(
        profile,
        &known.target,
        (&objects, &rendered.hook_objects),
        &members,
        &request.namespace,
        wanted,
    )
    .map_err(RehearsalError::Choose)?;
    let brought = RenderedData::of(objects.iter().chain(&rendered.hook_objects), &request.namespace);
    let (mut fit, mut unfit) = (Vec::new(), Vec::new());
    for migrator in found {
        let pod = pod(request, known, migrator, &brought);
        let database = (&known.location, &known.credentials);
        match AppRequest::migrating(&request.cluster, pod, database, request.limit).await {
            Ok(app) => fit.push(app),
            Err(error) => unfit.push(error),
        }
    }
    if fit.len() > 1 {
        let words: Vec<String> = fit.iter().map(AppRequest::words).collect();
        return Err(RehearsalError::Choose(format!(
            "several parts of the target may be the one that migrates ({}): name one with --migrator KIND/NAME",
            words.join("; ")
        )));
    }
    match (fit.pop(), unfit.pop()) {
        (Some(app), _) => Ok(app),
        (None, Some(error)) => Err(error.into()),
        (None, None) => Err(RehearsalError::Choose("nothing of the target migrates".into())),
    }
}

fn pod<'a>(
    request: &RehearsalRequest,
    known: &Known,
    migrator: Migrator,
    rendered: &'a RenderedData,
) -> TargetPod<'a> {
    let profile = &known.observed.profile;
    let Migrator {
        name,
        template,
        claims,
        by,
        role,
        version,
    } = migrator;
    TargetPod {
        name,
        template,
        claims,
        rendered,
        version: version.or_else(|| known.target.chart.app_version.clone()),
        blank: profile.rehearsal.blank.clone(),
        container: request.container.clone(),
        questions: questions(profile, role.as_deref(), by),
        migration: MigrationWanted {
            by,
            schema: schema_of(profile, &known.target.chart),
            tool: profile.migrations.tool,
        },
    }
}

/// What the profile asks of a part's health; a Job has none.
fn questions(profile: &Profile, role: Option<&str>, by: MigrationBy) -> Vec<AppQuestion> {
    let of_role = profile
        .health
        .iter()
        .filter(|health| by == MigrationBy::Boot && Some(health.role.as_str()) == role);
    of_role
        .map(|health| AppQuestion {
            port: health.port,
            path: health.path.clone(),
        })
        .collect()
}

async fn server(request: &RehearsalRequest, known: &Known) -> Result<VerifyRequest, RehearsalError> {
    if let Some((image, user)) = &request.image {
        return Ok(VerifyRequest {
            namespace: request.namespace.clone(),
            image: image.clone(),
            pull_secrets: Vec::new(),
            user: *user,
            deadline: request.deadline,
        });
    }
    let like = VerifyRequest::like(&request.cluster, &known.location, request.deadline).await;
    like.map_err(|error| match error {
        backup::VerifyError::NoImage => RehearsalError::NoImage,
        other => other.into(),
    })
}

/// What to keep for later plans, where something was measured.
fn measured(report: &RehearsalReport, release: &Release) -> Option<RehearsedMigration> {
    let rehearsal = report.rehearsal.as_ref()?;
    let Verification {
        id,
        verified_at,
        restored_bytes,
        ..
    } = &report.verification;
    let seconds = rehearsal.seconds.filter(|_| rehearsal.outcome.measures())?;
    let seconds = Duration::try_from_secs_f64(seconds.ceil()).ok()?.as_secs();
    let bytes = rehearsal
        .bytes_before
        .or_else(|| restored_bytes.and_then(|bytes| u64::try_from(bytes).ok()))?;
    Some(RehearsedMigration {
        seconds,
        bytes,
        at: verified_at.clone(),
        from: release.chart.version.clone(),
        to: report.target.version.clone(),
        backup: id.clone(),
    })
}

/// What to type afterwards. Values on the line may be secrets, so the flags are not repeated.
fn next(request: &RehearsalRequest, report: &RehearsalReport) -> Vec<NextStep> {
    let words = |word: &str| {
        let chart = request.line.chart.as_deref().unwrap_or("CHART");
        let (release, namespace) = (&report.release.name, &request.namespace);
        format!("helm safe-upgrade {word}{release} {chart} -n {namespace}")
    };
    let (text, command) = match report.rehearsal.as_ref().map(|found| found.outcome) {
        Some(outcome) if outcome.measures() => {
            ("the upgrade itself, with the flags that you gave here", words(""))
        }
        Some(_) | None => (
            "once it is mended, the same again; --fresh takes the data of now",
            words("rehearse "),
        ),
    };
    vec![NextStep {
        text: text.into(),
        command: Some(command),
    }]
}
