//! The built-in profiles: which releases each fits, and what it says of its application.

use std::collections::BTreeMap;

use checks::profiles::{ProfileChoice, built_in, resolve};
use checks::{Assigned, assign};
use model::profile::{QuiesceNeed, RoleKind};
use model::{Profile, Workload, WorkloadKind};

use crate::documents::text;
use crate::fixture::workload;

fn profile(name: &str) -> Profile {
    let profiles = built_in().expect("the built-in profiles are read");
    let found = profiles.into_iter().find(|profile| profile.name == name);
    found.unwrap_or_else(|| panic!("{name} is not built in"))
}

#[test]
fn each_fits_its_own_releases_and_leaves_its_neighbours_alone() {
    for (chart, image, fitting) in [
        ("authentik", "ghcr.io/goauthentik/server:2025.10.0", "authentik"),
        ("platform", "ghcr.io/goauthentik/server:2025.10.0", "authentik"),
        ("platform", "ghcr.io/goauthentik/proxy:2025.10.0", "generic"),
        ("authentik-remote-cluster", "alpine:3", "generic"),
        ("coder", "ghcr.io/coder/coder:v2.34.0", "coder"),
        // External provisioners run Coder's image and have no database.
        ("coder-provisioner", "ghcr.io/coder/coder:v2.34.0", "generic"),
        ("code-server", "codercom/code-server:4.100.0", "generic"),
        ("gocdnext", "ghcr.io/klinux/gocdnext-server:0.88.0", "gocdnext"),
        (
            "platform",
            "mirror.example:5000/ci/gocdnext-server:0.88.0",
            "gocdnext",
        ),
        ("platform", "ghcr.io/klinux/gocdnext-agent:0.88.0", "generic"),
        ("gocd", "gocd/gocd-server:v25.1.0", "generic"),
        ("harbor", "goharbor/harbor-core:v2.13.0", "harbor"),
        ("harbor", "docker.io/bitnami/harbor-core:2.13.0", "harbor"),
        (
            "platform",
            "registry.example/goharbor/harbor-core:v2.13.0",
            "harbor",
        ),
        ("platform", "goharbor/harbor-db:v2.13.0", "generic"),
        (
            "harbor-scanner-trivy",
            "aquasec/harbor-scanner-trivy:0.32.0",
            "generic",
        ),
        ("nodepad", "ghcr.io/palazski/nodepad-api:0.3.0", "nodepad"),
        ("notepad", "example.org/notepad:1", "generic"),
        ("openfga", "openfga/openfga:v1.22.1", "openfga"),
        ("opschain", "limepoint/opschain-db:17.5", "opschain"),
        (
            "cloudnative-pg",
            "ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0",
            "generic",
        ),
    ] {
        let resolved = resolve(&ProfileChoice::default(), &[chart], &[image]).unwrap();
        assert_eq!(resolved.profile.name, fitting, "{chart} with {image}");
    }
}

/// Workloads as a chart renders them, one a line: kind, name, image, labels. `name` and `component` stand for the labels
/// of Kubernetes of that name.
fn running(lines: &str) -> Vec<Workload> {
    let label = |text: &str| {
        let (key, value) = text.split_once('=').expect("a label has a value");
        let key = match key {
            "name" | "component" => format!("app.kubernetes.io/{key}"),
            key => key.to_owned(),
        };
        (key, value.to_owned())
    };
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [kind, name, image, labels @ ..] = words.as_slice() else {
                panic!("{line}: kind, name, image, labels")
            };
            let kind = match *kind {
                "Deployment" => WorkloadKind::Deployment,
                "StatefulSet" => WorkloadKind::StatefulSet,
                kind => panic!("{kind} is not used here"),
            };
            let labels: BTreeMap<String, String> = labels.iter().map(|text| label(text)).collect();
            let mut workload = workload(kind, name, image, Some(1));
            workload.is_database = false;
            workload.labels.clone_from(&labels);
            workload.selector = labels;
            workload
        })
        .collect()
}

/// Who stops, in order; the rule is that of the plan. Whoever migrates has a star.
fn stopped(members: &[Assigned]) -> String {
    let mut members: Vec<&Assigned> = members
        .iter()
        .filter(|member| matches!(member.kind, RoleKind::Writer | RoleKind::Migrator))
        .filter(|member| member.quiesce == QuiesceNeed::Required)
        .collect();
    members.sort_by_key(|member| member.order);
    let names = members.into_iter().map(|member| {
        let star = if member.kind == RoleKind::Migrator {
            "*"
        } else {
            ""
        };
        format!("{}{star}", member.workload.name.name)
    });
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn each_gives_the_workloads_of_its_application_their_parts() {
    for (name, workloads, stops) in [
        (
            "gocdnext",
            "Deployment ci-gocdnext-server m/gocdnext-server:1 name=gocdnext component=server
             StatefulSet ci-gocdnext-agent m/gocdnext-agent:1 name=gocdnext component=agent
             Deployment ci-gocdnext-web m/gocdnext-web:1 name=gocdnext component=web
             StatefulSet ci-gocdnext-postgres postgres:16-alpine name=gocdnext component=dev-database",
            "ci-gocdnext-agent ci-gocdnext-server*",
        ),
        (
            // The agent before 0.3.0.
            "gocdnext",
            "Deployment ci-gocdnext-server m/gocdnext-server:0.2.0 name=gocdnext component=server
             Deployment ci-gocdnext-agent m/gocdnext-agent:0.2.0 name=gocdnext component=agent",
            "ci-gocdnext-agent ci-gocdnext-server*",
        ),
        (
            "coder",
            "Deployment coder ghcr.io/coder/coder:v2.34.0 name=coder",
            "coder*",
        ),
        (
            // Nothing tells its own apart: all stop, and nobody is guessed to migrate.
            "opschain",
            "Deployment opschain-db limepoint/opschain-db:17.5 app=opschain-db
             Deployment opschain-api limepoint/one:1
             Deployment opschain-api-worker limepoint/two:1",
            "opschain-api opschain-api-worker",
        ),
        (
            "nodepad",
            "Deployment nodepad-nodepad-api palazski/one:1
             Deployment nodepad-nodepad-worker palazski/two:1
             StatefulSet nodepad-postgresql bitnami/postgresql:17",
            "nodepad-nodepad-api nodepad-nodepad-worker",
        ),
        (
            "harbor",
            "StatefulSet h-harbor-redis goharbor/redis-photon:v2.13.0
             Deployment h-harbor-registry goharbor/registry-photon:v2.13.0
             Deployment h-harbor-core goharbor/harbor-core:v2.13.0
             Deployment h-harbor-jobservice goharbor/harbor-jobservice:v2.13.0
             StatefulSet h-harbor-database goharbor/harbor-db:v2.13.0",
            "h-harbor-jobservice h-harbor-core* h-harbor-redis h-harbor-registry",
        ),
        (
            "authentik",
            "StatefulSet sso-redis-master bitnami/redis:7 name=redis
             Deployment sso-server ghcr.io/goauthentik/server:2025.8.1 name=authentik component=server
             Deployment sso-worker ghcr.io/goauthentik/server:2025.8.1 name=authentik component=worker
             StatefulSet sso-postgresql bitnami/postgresql:15 name=postgresql",
            "sso-worker sso-server* sso-redis-master",
        ),
    ] {
        let members = assign(&profile(name), &running(workloads), None);
        assert_eq!(stopped(&members), stops, "{name}");
    }
}

/// A word, or a dash where the profile leaves it open.
fn word<T: std::fmt::Debug>(value: Option<T>) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value:?}"))
}

#[test]
fn each_says_what_its_sources_say() {
    for (name, says) in [
        (
            "authentik",
            "AUTHENTIK_POSTGRESQL__HOST Django Boot Traffic Restore - - -",
        ),
        (
            "coder",
            "CODER_PG_CONNECTION_URL GolangMigrate Boot Traffic Restore 420 900 8080/healthz",
        ),
        (
            "gocdnext",
            "GOCDNEXT_DATABASE_URL Goose Boot Traffic Compatible - - 8153/readyz",
        ),
        ("harbor", "POSTGRESQL_HOST GolangMigrate - After Restore - - -"),
        ("nodepad", "NODEPAD_DATABASE_URL Django Hook Schema Restore - - -"),
        ("opschain", "DATABASE_URL - Boot - Restore - - -"),
    ] {
        let profile = profile(name);
        let health = profile.health.first();
        let said = [
            profile.database.env.join(" "),
            word(profile.migrations.tool),
            word(profile.migrations.run),
            word(profile.gate),
            word(Some(profile.rollback.after_migration)),
            word(profile.budgets.usual_seconds),
            word(profile.budgets.investigate_after_seconds),
            health.map_or_else(|| "-".into(), |health| format!("{}{}", health.port, health.path)),
        ];
        assert_eq!(said.join(" "), says, "{name}");
    }
    assert_eq!(profile("gocdnext").busy[0].what, "a job is running");
    for (name, key) in [
        ("authentik", "app.kubernetes.io/name=authentik"),
        ("coder", "coder-external-token-encryption-keys/keys"),
        ("gocdnext", "secretKey.value"),
        ("harbor", "app=harbor"),
        ("opschain", "opschain-secret-vault-seal-key"),
    ] {
        let keys = profile(name).keys;
        let mut all = keys.secrets.iter().chain(&keys.selectors).chain(&keys.values);
        assert!(all.any(|one| one == key), "{name}: no key {key}");
    }
}

#[test]
fn each_names_roles_that_it_has_where_it_asks_for_health() {
    for profile in built_in().unwrap() {
        for question in &profile.health {
            let known = profile.roles.iter().any(|role| role.name == question.role);
            assert!(known, "{}: no role {}", profile.name, question.role);
        }
        let all_have_sources = profile.notes.sources.iter().all(|source| source.of.is_some());
        assert!(all_have_sources, "{}: whose versions?", profile.name);
    }
}

#[test]
fn each_stands_in_the_list() {
    let document = text("docs/profiles.md");
    for profile in built_in().unwrap() {
        assert!(
            document.contains(&format!("| `{}` |", profile.name)),
            "{}",
            profile.name
        );
    }
}
