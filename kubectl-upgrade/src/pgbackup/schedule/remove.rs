//! `schedule remove`.

use backup::{MANAGED_BY, SCHEDULE_LABEL, SCHEDULE_NAMESPACE_LABEL};
use clap::Args;
use cli::Environment;
use cluster::{ApiError, ObjectName};
use model::ExitCode;

use super::super::failure::failed;
use super::super::stored::Words;
use super::agreed;
use super::list::read;
use crate::session::{Common, Session, could_not_begin};

/// Which schedule.
#[derive(Debug, Clone, Args)]
pub(super) struct RemoveFlags {
    /// The schedule
    #[arg(value_name = "NAME")]
    name: String,
    /// Do not ask
    #[arg(short = 'y', long)]
    yes: bool,
    #[command(flatten)]
    common: Common,
}

/// Removes every object of a schedule; backups stay.
pub(super) async fn remove(flags: &RemoveFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let session = Session::open(&flags.common, environment).await?;
    let output = &session.output;
    let namespace = session.namespace.as_str();
    let refused = |error: ApiError| failed(output, &error);
    let listed = read(&session.cluster, namespace).await.map_err(refused)?;
    if !listed.items.iter().any(|item| item.name == flags.name) {
        let words = format!("no schedule {} in namespace {namespace}", flags.name);
        return Err(could_not_begin(output, &Words(words)));
    }
    agreed(
        output,
        &format!("Remove schedule {}? Its backups stay.", flags.name),
        flags.yes,
    )?;
    let labels = format!(
        "{}={},{SCHEDULE_LABEL}={},{SCHEDULE_NAMESPACE_LABEL}={namespace}",
        MANAGED_BY.0, MANAGED_BY.1, flags.name
    );
    const RBAC: &str = "rbac.authorization.k8s.io/v1";
    // What starts anything goes first. The database's namespace may be another one, so Roles are looked for in the
    // bindings of all that we may see.
    let kinds = [
        ("batch/v1", "CronJob", Some(namespace)),
        (RBAC, "RoleBinding", None),
        (RBAC, "Role", None),
        (RBAC, "ClusterRoleBinding", None),
        (RBAC, "ClusterRole", None),
        ("v1", "ServiceAccount", Some(namespace)),
    ];
    let mut left = Vec::new();
    for (api_version, kind, place) in kinds {
        let found = session.cluster.labelled(api_version, kind, place, &labels).await;
        let found = match found {
            Ok(found) => found,
            // Not allowed to look everywhere: the namespace of the schedule is what is left.
            Err(error) if error.is_forbidden() && place.is_none() && !kind.starts_with("Cluster") => {
                left.push(format!("{kind} objects in other namespaces"));
                let found = session
                    .cluster
                    .labelled(api_version, kind, Some(namespace), &labels)
                    .await;
                found.map_err(refused)?
            }
            Err(error) if error.is_forbidden() => {
                left.push(format!("{kind} objects"));
                Vec::new()
            }
            Err(error) => return Err(refused(error)),
        };
        for object in found {
            let name = ObjectName {
                api_version: api_version.into(),
                kind: kind.into(),
                namespace: object["metadata"]["namespace"].as_str().map(str::to_owned),
                name: object["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
            };
            session.cluster.remove(&name).await.map_err(refused)?;
        }
    }
    let written = output.text(|out| {
        writeln!(out, "schedule {} is removed; its backups stay", flags.name)?;
        for what in &left {
            writeln!(out, "not looked for, because you may not list them: {what}")?;
        }
        Ok(())
    });
    Ok(cli::end_with(output, written, ExitCode::Done))
}
