//! Who plays which part.

use checks::{Assigned, assign};
use model::WorkloadKind;
use model::profile::{QuiesceNeed, RoleKind};

use crate::fixture::{Case, generic, hook, workload};

fn part<'a>(members: &'a [Assigned], name: &str) -> &'a Assigned {
    members
        .iter()
        .find(|member| member.workload.name.name == name)
        .unwrap_or_else(|| panic!("no member {name}"))
}

#[test]
fn a_profile_gives_each_workload_its_role() {
    let mut case = Case::healthy();
    let profile = case.profile.clone();
    let members = assign(&profile, case.workloads(), None);
    assert_eq!(part(&members, "web").kind, RoleKind::Migrator);
    assert_eq!(part(&members, "worker").kind, RoleKind::Writer);
    assert_eq!(part(&members, "job").order, 5);
    assert_eq!(part(&members, "database").kind, RoleKind::Database);
    assert_eq!(part(&members, "database").quiesce, QuiesceNeed::Never);
}

#[test]
fn without_a_profile_the_only_deployment_that_writes_migrates() {
    let members = assign(&generic(), Case::healthy().workloads(), None);
    let web = part(&members, "web");
    assert_eq!(web.kind, RoleKind::Migrator);
    assert_eq!(web.reason, "it is the only Deployment that writes");
    assert_eq!(part(&members, "worker").kind, RoleKind::Writer);
    assert_eq!(part(&members, "worker").quiesce, QuiesceNeed::Required);
}

#[test]
fn nobody_migrates_at_boot_where_a_hook_job_does() {
    let mut case = Case::healthy();
    case.target().hooks = vec![hook("shop-migrate", "pre-upgrade")];
    let members = assign(
        &generic(),
        case.seen.workloads.present().unwrap(),
        case.target.as_ref(),
    );
    assert!(members.iter().all(|member| member.kind != RoleKind::Migrator));
}

#[test]
fn where_several_could_be_meant_nobody_is_guessed() {
    let mut case = Case::healthy();
    case.workloads().push(workload(
        WorkloadKind::Deployment,
        "api",
        "localhost/api:1",
        Some(1),
    ));
    let members = assign(&generic(), case.workloads(), None);
    assert!(members.iter().all(|member| member.kind != RoleKind::Migrator));
    case.workloads()[4].containers[0].name = "run-migrations".into();
    let members = assign(&generic(), case.workloads(), None);
    assert_eq!(part(&members, "api").kind, RoleKind::Migrator);
}

#[test]
fn a_server_is_never_stopped_whatever_a_profile_says() {
    let mut case = Case::healthy();
    let mut profile = case.profile.clone();
    for role in &mut profile.roles {
        role.kind = RoleKind::Writer;
        role.quiesce = QuiesceNeed::Required;
    }
    case.workloads()[2].is_database = false;
    let members = assign(&profile, case.workloads(), None);
    let database = part(&members, "database");
    assert_eq!(
        (database.kind, database.quiesce),
        (RoleKind::Database, QuiesceNeed::Never)
    );
    assert_eq!(database.reason, "it runs localhost/postgres:15");
}

#[test]
fn a_job_with_a_servers_image_is_a_client() {
    let mut case = Case::healthy();
    case.workloads()[3].containers[0].image = "postgres:17".into();
    let members = assign(&generic(), case.workloads(), None);
    assert_eq!(part(&members, "job").kind, RoleKind::Writer);
}
