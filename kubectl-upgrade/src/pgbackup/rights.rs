//! Whether we may do an act, asked before it begins. The table is the one that `rbac` prints.

use std::collections::BTreeSet;

use checks::{ActNeeds, BackupAct, act_rights};
use cli::Output;
use model::{AccessRequest, DatabaseLocation, DatabaseRoute, ExitCode, Phase};
use thiserror::Error;

use crate::session::{Session, UNCHANGED};

/// Rights that are missing.
#[derive(Debug, Error)]
#[error("you may not {}", .0.join(", "))]
struct Denied(Vec<String>);

/// The API server does not say.
#[derive(Debug, Error)]
#[error("failed to ask what you may do")]
struct Unasked(#[source] cluster::ApiError);

/// Asks for what finding the database of a release takes. Names what is missing and gives the code to end with.
pub(crate) async fn may_find(
    session: &Session,
    act: BackupAct,
    release: Option<&str>,
) -> Result<(), ExitCode> {
    if release.is_none() {
        // What was named on the command line is read, or is not: that tells by itself what is missing.
        return Ok(());
    }
    may(session, act, None, &[Phase::Observe]).await
}

/// Asks for what the act itself takes, now that it is known where the database is.
pub(crate) async fn may_do(
    session: &Session,
    act: BackupAct,
    location: &DatabaseLocation,
    phases: &[Phase],
) -> Result<(), ExitCode> {
    may(session, act, namespace_of(location), phases).await
}

fn namespace_of(location: &DatabaseLocation) -> Option<String> {
    match &location.route {
        DatabaseRoute::Pod { namespace, .. } => Some(namespace.clone()),
        DatabaseRoute::Direct => None,
    }
}

fn needs(session: &Session, database_namespace: Option<String>) -> ActNeeds {
    ActNeeds {
        namespace: session.namespace.clone(),
        database_namespace,
        with_app: false,
    }
}

/// Asks for what it takes to boot an application beside a throw-away server.
pub(crate) async fn may_boot(session: &Session, location: &DatabaseLocation) -> Result<(), ExitCode> {
    let needs = ActNeeds {
        with_app: true,
        ..needs(session, namespace_of(location))
    };
    may_all(session, BackupAct::Verify, &needs, &[Phase::TurnBack]).await
}

/// Asks for what it takes to mount a claim of a namespace in a Job of ours.
pub(crate) async fn may_mount(session: &Session, namespace: &str) -> Result<(), ExitCode> {
    let needs = ActNeeds {
        namespace: namespace.to_owned(),
        ..needs(session, None)
    };
    may_all(session, BackupAct::Volume, &needs, &[Phase::Backup]).await
}

async fn may(
    session: &Session,
    act: BackupAct,
    database_namespace: Option<String>,
    phases: &[Phase],
) -> Result<(), ExitCode> {
    let needs = needs(session, database_namespace);
    may_all(session, act, &needs, phases).await
}

async fn may_all(
    session: &Session,
    act: BackupAct,
    needs: &ActNeeds,
    phases: &[Phase],
) -> Result<(), ExitCode> {
    let mut asked: Vec<AccessRequest> = Vec::new();
    for request in act_rights(&BTreeSet::from([act]), needs).needed {
        if !phases.contains(&request.phase) {
            continue;
        }
        let same = |other: &AccessRequest| {
            AccessRequest {
                phase: request.phase,
                ..other.clone()
            } == request
        };
        if !asked.iter().any(same) {
            asked.push(request);
        }
    }
    let output: &Output = &session.output;
    let decisions = session
        .cluster
        .can_i(&asked)
        .await
        .map_err(|error| cli::fail(output, &Unasked(error), UNCHANGED, None, ExitCode::CannotTell))?;
    let denied: Vec<String> = decisions
        .into_iter()
        .filter(|decision| !decision.allowed)
        .map(|decision| decision.request.to_string())
        .collect();
    if denied.is_empty() {
        return Ok(());
    }
    let ActNeeds {
        namespace,
        database_namespace,
        with_app,
    } = needs;
    let mut next = format!("kubectl pgbackup rbac --for {act} -n {namespace}");
    if let Some(database) = database_namespace
        .as_ref()
        .filter(|database| *database != namespace)
    {
        next.push_str(&format!(" --database-namespace {database}"));
    }
    if *with_app {
        next.push_str(" --with-app");
    }
    Err(cli::fail(
        output,
        &Denied(denied),
        UNCHANGED,
        Some(&next),
        ExitCode::Blocked,
    ))
}
