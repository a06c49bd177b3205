//! Which application `verify --with-app` boots on the restored copy.

use std::io::{self, Write};
use std::str::FromStr;
use std::time::Duration;

use backup::{AppQuestion, AppRequest};
use checks::{Assigned, assign};
use clap::Args;
use cluster::{ApiError, Selector};
use model::profile::RoleKind;
use model::{DatabaseRoute, ExitCode, Profile, Workload, WorkloadKind, WorkloadName};
use postgres_room::Named;
use thiserror::Error;

use super::arguments::time;
use super::failure::failed;
use super::rights::may_boot;
use super::target::Target;
use crate::session::{Session, could_not_begin};

/// Flags about the application.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppFlags {
    /// Boot the running version of the application on the restored copy, where no name leads to the database in use, and ask its health
    #[arg(long, conflicts_with = "local")]
    pub(crate) with_app: bool,
    /// The workload to boot, and its container where it has several [default: the one that the profile asks for its health,
    /// else the one that a Service leads to]
    #[arg(long, value_name = "KIND/NAME[:CONTAINER]", requires = "with_app")]
    pub(crate) app: Option<AppName>,
    /// How long the application may take to be ready
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = time, requires = "with_app")]
    pub(crate) app_timeout: Duration,
}

/// A workload as the command line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AppName {
    pub(crate) kind: WorkloadKind,
    pub(crate) name: String,
    pub(crate) container: Option<String>,
}

impl FromStr for AppName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (workload, container) = match text.split_once(':') {
            Some((workload, container)) => (workload, Some(container)),
            None => (text, None),
        };
        match workload.parse() {
            Ok(Named::Workload(kind, name)) if container != Some("") => Ok(Self {
                kind,
                name,
                container: container.map(str::to_owned),
            }),
            Ok(_) | Err(_) => Err(format!(
                "{text:?} names no application: write deployment/NAME or statefulset/NAME, and :CONTAINER where it has several"
            )),
        }
    }
}

/// Why it is not known what to boot.
#[derive(Debug, Error)]
enum ChooseError {
    #[error("nothing that could be booted was found: name the application with --app KIND/NAME")]
    None,
    #[error("several applications may be meant ({}): name one with --app KIND/NAME", .0.join(", "))]
    Several(Vec<String>),
    #[error("{0} not found in namespace {1}")]
    Unknown(WorkloadName, String),
    #[error("failed to look for the application")]
    Look(#[source] ApiError),
}

impl AppFlags {
    /// The application that is meant, read from what runs now; says which.
    pub(crate) async fn request(&self, session: &Session, target: &Target) -> Result<AppRequest, ExitCode> {
        let output = &session.output;
        may_boot(session, &target.location).await?;
        let member = self
            .member(session, target)
            .await
            .map_err(|error| could_not_begin(output, &error))?;
        let container = self.app.as_ref().and_then(|app| app.container.as_deref());
        let database = (&target.location, &target.credentials);
        let questions = questions(&target.profile, &member.role);
        let found = AppRequest::find(
            &session.cluster,
            &member.workload,
            container,
            database,
            questions,
            self.app_timeout,
        )
        .await
        .map_err(|error| failed(output, &error))?;
        // Whoever cannot be told is not kept from the act.
        let _ = output.talk(|err, _| told(err, &found));
        Ok(found)
    }

    async fn member(&self, session: &Session, target: &Target) -> Result<Assigned, ChooseError> {
        let namespace = &session.namespace;
        let mut workloads = target.workloads.clone();
        let named = self.app.as_ref().map(|app| WorkloadName {
            kind: app.kind,
            namespace: namespace.clone(),
            name: app.name.clone(),
        });
        let named = named.or_else(|| the_target(target));
        if let Some(named) = &named
            && !workloads.iter().any(|workload| workload.name == *named)
        {
            let read = session.cluster.workload(named).await.map_err(ChooseError::Look)?;
            workloads.push(read.ok_or_else(|| ChooseError::Unknown(named.clone(), namespace.clone()))?);
        }
        mark_database(&mut workloads, &target.location.route);
        let members = assign(&target.profile, &workloads, None);
        match named {
            Some(named) => members
                .into_iter()
                .find(|member| member.workload.name == named)
                .ok_or(ChooseError::None),
            None => {
                let services = session.cluster.service_selectors(namespace).await;
                let services = services.map_err(ChooseError::Look)?;
                choose(members, &target.profile, &services)
            }
        }
    }
}

/// The workload that was named as the target: whoever says so means this one, unless it is the server itself.
fn the_target(target: &Target) -> Option<WorkloadName> {
    let server = match &target.location.route {
        DatabaseRoute::Pod { workload, .. } => workload.as_ref(),
        DatabaseRoute::Direct => None,
    };
    match (&target.release, target.workloads.as_slice()) {
        (None, [only]) if Some(&only.name) != server => Some(only.name.clone()),
        _ => None,
    }
}

fn told(err: &mut dyn Write, found: &AppRequest) -> io::Result<()> {
    writeln!(err, "app       {}", found.words())
}

/// The server's own workload is no application.
fn mark_database(workloads: &mut [Workload], route: &DatabaseRoute) {
    if let DatabaseRoute::Pod {
        workload: Some(server),
        ..
    } = route
    {
        for workload in workloads.iter_mut().filter(|workload| workload.name == *server) {
            workload.is_database = true;
        }
    }
}

/// The one member that is meant: it plays a part whose health the profile asks for, else a Service leads to it, else it is
/// the only one that keeps running.
fn choose(members: Vec<Assigned>, profile: &Profile, services: &[Selector]) -> Result<Assigned, ChooseError> {
    let runs = |member: &Assigned| {
        member.kind != RoleKind::Database
            && matches!(
                member.workload.name.kind,
                WorkloadKind::Deployment | WorkloadKind::StatefulSet
            )
    };
    let running: Vec<Assigned> = members.into_iter().filter(runs).collect();
    let asked = |member: &Assigned| profile.health.iter().any(|health| health.role == member.role);
    let served = |member: &Assigned| services.iter().any(|service| leads_to(service, &member.workload));
    let by_health: Vec<&Assigned> = running.iter().filter(|member| asked(member)).collect();
    let by_service: Vec<&Assigned> = running.iter().filter(|member| served(member)).collect();
    let all: Vec<&Assigned> = running.iter().collect();
    let meant = [by_health, by_service, all]
        .into_iter()
        .find(|meant| !meant.is_empty());
    match meant.as_deref() {
        None => Err(ChooseError::None),
        Some([one]) => Ok((*one).clone()),
        Some(several) => Err(ChooseError::Several(
            several
                .iter()
                .map(|member| member.workload.name.to_string())
                .collect(),
        )),
    }
}

/// Whether a Service selects a workload's pods, as far as the workload's own labels and its pods' tell.
fn leads_to(service: &Selector, workload: &Workload) -> bool {
    service.iter().all(|(key, value)| {
        workload.selector.get(key) == Some(value) || workload.labels.get(key) == Some(value)
    })
}

/// What the profile asks of a part's health.
fn questions(profile: &Profile, role: &str) -> Vec<AppQuestion> {
    let of_role = profile.health.iter().filter(|health| health.role == role);
    of_role
        .map(|health| AppQuestion {
            port: health.port,
            path: health.path.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use model::UpdateStrategy;
    use model::profile::{Health, QuiesceNeed};

    use super::*;

    fn labels(component: &str) -> BTreeMap<String, String> {
        [("app", "shop"), ("component", component)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    }

    fn member(kind: WorkloadKind, component: &str, part: RoleKind) -> Assigned {
        Assigned {
            workload: Workload {
                name: WorkloadName {
                    kind,
                    namespace: "shop".into(),
                    name: component.into(),
                },
                labels: labels(component),
                selector: labels(component),
                desired: Some(1),
                ready: 1,
                updated: 1,
                suspended: None,
                strategy: UpdateStrategy::None,
                containers: Vec::new(),
                grace_seconds: 30,
                paused: false,
                is_database: part == RoleKind::Database,
            },
            role: component.into(),
            kind: part,
            quiesce: QuiesceNeed::Required,
            order: 0,
            reason: String::new(),
        }
    }

    fn members() -> Vec<Assigned> {
        vec![
            member(WorkloadKind::StatefulSet, "db", RoleKind::Database),
            member(WorkloadKind::Deployment, "web", RoleKind::Migrator),
            member(WorkloadKind::Deployment, "admin", RoleKind::Writer),
            member(WorkloadKind::CronJob, "tidy", RoleKind::Writer),
        ]
    }

    fn profile(role: Option<&str>) -> Profile {
        let text = r#"{"apiVersion": "safe-upgrade.dev/v1alpha1", "kind": "Profile", "name": "shop"}"#;
        let mut profile: Profile = serde_json::from_str(text).unwrap();
        profile.health.extend(role.map(|role| Health {
            role: role.into(),
            port: 8080,
            path: "/ready".into(),
        }));
        profile
    }

    fn chosen(members: Vec<Assigned>, role: Option<&str>, services: &[&str]) -> Result<String, String> {
        let services: Vec<Selector> = services.iter().map(|component| labels(component)).collect();
        choose(members, &profile(role), &services)
            .map(|member| member.workload.name.name)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_profile_s_word_comes_before_a_service_s() {
        assert_eq!(
            chosen(members(), Some("admin"), &["web", "db"]),
            Ok("admin".into())
        );
        assert_eq!(chosen(members(), None, &["web", "db"]), Ok("web".into()));
        assert_eq!(
            chosen(members(), Some("tidy"), &["web"]),
            Ok("web".into()),
            "a CronJob does not serve"
        );
        let alone = members()
            .into_iter()
            .filter(|member| member.role != "admin")
            .collect();
        assert_eq!(chosen(alone, None, &[]), Ok("web".into()));
    }

    #[test]
    fn where_several_may_be_meant_the_user_is_asked() {
        let told = chosen(members(), None, &["web", "admin"]).unwrap_err();
        assert!(
            told.contains("deployment/web, deployment/admin") && told.contains("--app"),
            "{told}"
        );
        let server = vec![member(WorkloadKind::StatefulSet, "db", RoleKind::Database)];
        assert!(chosen(server, None, &["db"]).unwrap_err().contains("--app"));
    }

    #[test]
    fn its_own_health_is_asked_and_no_other_part_s() {
        let questions = questions(&profile(Some("web")), "web");
        assert_eq!(questions.len(), 1);
        assert_eq!(questions[0].path, "/ready");
        assert!(super::questions(&profile(Some("web")), "admin").is_empty());
    }
}
