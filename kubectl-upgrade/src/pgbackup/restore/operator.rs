//! Servers that an operator keeps: it has a way of its own to go back, and takes ours for a fault that it mends.

use backup::inventory::recovery_cluster;
use model::{ExitCode, RestoreOptions, Seen};
use postgres_room::{Named, keeper};

use super::super::arguments::TargetFlags;
use super::super::failure::failed;
use super::super::ground::Ground;
use super::super::stored::Words;
use super::super::target::Target;
use crate::session::{Session, UNCHANGED, could_not_begin};

/// Refuses a server that an operator keeps unless a person agreed, and says what the operator offers. Gives what is to be
/// known before agreeing to the rest.
pub(super) async fn judged(
    ground: &Ground,
    target: &Target,
    options: &RestoreOptions,
) -> Result<Vec<String>, ExitCode> {
    let Some(cluster) = ground.cluster() else {
        return Ok(Vec::new());
    };
    let kept = match keeper(cluster, &target.location).await {
        Seen::Absent => return Ok(Vec::new()),
        Seen::Unreadable(why) => {
            return Ok(vec![format!(
                "whether an operator keeps the server is not known: {why}"
            )]);
        }
        Seen::Present(kept) => kept,
    };
    let words = format!("{}; {}", kept.words(), kept.own_way());
    if options.operator_managed {
        return Ok(vec![words]);
    }
    let error = Words(format!(
        "{words}. --accept operator fills a database beside {} and swaps it in all the same",
        target.location.database
    ));
    Err(cli::fail(
        &ground.output,
        &error,
        UNCHANGED,
        None,
        ExitCode::Blocked,
    ))
}

/// Prints the Cluster that recovers from a Backup of CloudNativePG. Makes nothing.
pub(super) async fn print_cluster(
    session: &Session,
    target: &TargetFlags,
    backup: &str,
) -> Result<ExitCode, ExitCode> {
    let output = &session.output;
    let name = match target.release.as_deref().map(str::parse::<Named>) {
        Some(Ok(Named::Operator(_, name))) => name,
        _ => {
            let error = Words("name the Cluster as cluster.postgresql.cnpg.io/NAME".into());
            return Err(could_not_begin(output, &error));
        }
    };
    let made = recovery_cluster(&session.cluster, &session.namespace, &name, backup).await;
    let object = made.map_err(|error| failed(output, &error))?;
    let written = output.result(&object, |out, _| {
        render::manifests(out, std::slice::from_ref(&object))
    });
    // Whoever cannot be told has the manifest all the same.
    let _ = output.talk(|err, _| {
        writeln!(
            err,
            "nothing was made: read it, then kubectl apply -f it; the cluster in use stays as it is"
        )
    });
    Ok(cli::end_with(output, written, ExitCode::Done))
}
