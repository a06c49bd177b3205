//! A healthy release with its target, and how to ask one row about it.

use std::collections::BTreeMap;

use checks::evaluate;
use model::path::PathFacts;
use model::{
    ApplyMethod, BackupGrade, BackupInventory, BackupState, BackupSubject, ChartDefinition, ChartIdentity,
    CheckResult, ClusterFacts, Confidence, ContainerFacts, CredentialSource, DatabaseFacts, DatabaseHealth,
    DatabaseLocation, DatabaseOrigin, DatabaseRoute, DefinitionState, Deployer, DeployerActs, DeployerTool,
    DryRunOutcome, FoundBackup, Mechanism, MigrationFacts, MigrationHistory, MigrationState, MigrationTool,
    ObjectDryRun, ObjectName, Observation, PodFacts, PostgresServer, ProbeBudget, Profile, Release,
    ReleaseStatus, RenderedHook, RenderedWorkload, RequirementFacts, RevisionSummary, Seen, Session,
    SessionRole, Target, UpdateStrategy, ValuesHazard, Workload, WorkloadKind, WorkloadName,
};

/// Everything that a row may look at.
pub(crate) struct Case {
    pub(crate) seen: Observation,
    pub(crate) target: Option<Target>,
    pub(crate) profile: Profile,
}

impl Case {
    /// A healthy release with a newer target.
    pub(crate) fn healthy() -> Self {
        Self {
            seen: observation(),
            target: Some(target()),
            profile: ledger(),
        }
    }

    /// The same with one thing changed.
    pub(crate) fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut case = Self::healthy();
        change(&mut case);
        case
    }

    /// The row's answer.
    pub(crate) fn row(&self, id: &str) -> CheckResult {
        let report = evaluate(&self.seen, self.target.as_ref(), &self.profile);
        let known: Vec<String> = report.checks.iter().map(|check| check.id.clone()).collect();
        report
            .checks
            .into_iter()
            .find(|check| check.id == id)
            .unwrap_or_else(|| panic!("no row {id} among {known:?}"))
    }

    /// Asserts the row's verdict and that its message holds every given word.
    #[track_caller]
    pub(crate) fn says(&self, id: &str, word: &str, parts: &[&str]) {
        let row = self.row(id);
        assert_eq!(row.verdict.word(), word, "{id}: {:?}", row.verdict);
        for part in parts {
            let message = row.verdict.message();
            assert!(message.contains(part), "{id}: {part:?} not in {message:?}");
        }
    }

    pub(crate) fn target(&mut self) -> &mut Target {
        self.target.as_mut().expect("the case has a target")
    }

    pub(crate) fn release(&mut self) -> &mut Release {
        present(&mut self.seen.release)
    }

    pub(crate) fn database(&mut self) -> &mut DatabaseFacts {
        present(&mut self.seen.database)
    }

    pub(crate) fn health(&mut self) -> &mut DatabaseHealth {
        present(&mut self.database().health)
    }

    pub(crate) fn workloads(&mut self) -> &mut Vec<Workload> {
        present(&mut self.seen.workloads)
    }
}

/// The value of a fact that the fixture has.
pub(crate) fn present<T>(seen: &mut Seen<T>) -> &mut T {
    match seen {
        Seen::Present(value) => value,
        Seen::Absent | Seen::Unreadable(_) => panic!("the fixture has this fact"),
    }
}

/// A fact that could not be read.
pub(crate) fn hidden<T>() -> Seen<T> {
    Seen::Unreadable("the right is missing".into())
}

/// A controller that acts by itself.
pub(crate) fn flux() -> Deployer {
    Deployer {
        tool: DeployerTool::Flux,
        object: Some("HelmRelease shop/shop".into()),
        evidence: "label helm.toolkit.fluxcd.io/name on deployment/web".into(),
        confidence: Confidence::Observed,
        acts: DeployerActs::ByItself,
    }
}

pub(crate) fn ledger() -> Profile {
    let text = include_str!("../../../../tests/apps/profiles/ledger.yaml");
    model::profile::parse("ledger.yaml", text).expect("the test profile is a profile")
}

pub(crate) fn generic() -> Profile {
    checks::profiles::built_in()
        .expect("built-in profiles are profiles")
        .into_iter()
        .find(|profile| profile.name == "generic")
        .expect("generic is built in")
}

pub(crate) fn name(kind: WorkloadKind, name: &str) -> WorkloadName {
    WorkloadName {
        kind,
        namespace: "shop".into(),
        name: name.into(),
    }
}

pub(crate) fn chart(version: &str) -> ChartIdentity {
    ChartIdentity {
        name: "ledger".into(),
        version: version.into(),
        app_version: Some(version.into()),
    }
}

fn labels(component: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("app.kubernetes.io/name".into(), "ledger".into()),
        ("app.kubernetes.io/component".into(), component.into()),
    ])
}

fn container(name: &str, image: &str, secret: &str, start_seconds: Option<u32>) -> ContainerFacts {
    ContainerFacts {
        name: name.into(),
        image: image.into(),
        budget: ProbeBudget {
            start_seconds,
            from_startup_probe: start_seconds.is_some(),
        },
        http_probe: None,
        secrets: vec![secret.into()],
        init: false,
    }
}

fn rolling() -> UpdateStrategy {
    UpdateStrategy::RollingUpdate {
        max_unavailable: Some("25%".into()),
        max_surge: Some("25%".into()),
    }
}

pub(crate) fn workload(kind: WorkloadKind, component: &str, image: &str, desired: Option<i32>) -> Workload {
    let database = component == "database";
    Workload {
        name: name(kind, component),
        labels: labels(component),
        selector: labels(component),
        desired,
        ready: desired.unwrap_or(0),
        updated: desired.unwrap_or(0),
        suspended: (kind == WorkloadKind::CronJob).then_some(false),
        strategy: match kind {
            WorkloadKind::Deployment => rolling(),
            WorkloadKind::StatefulSet
            | WorkloadKind::DaemonSet
            | WorkloadKind::CronJob
            | WorkloadKind::Job => UpdateStrategy::None,
        },
        containers: vec![container(
            if database { "postgres" } else { "ledger" },
            image,
            if database {
                "shop-postgres"
            } else {
                "shop-database"
            },
            (component == "web").then_some(300),
        )],
        grace_seconds: 30,
        paused: false,
        is_database: database,
    }
}

pub(crate) fn session(pid: i32, role: SessionRole) -> Session {
    Session {
        pid,
        user: Some("ledger".into()),
        application: "ledger-web".into(),
        client: Some("10.88.0.7".into()),
        state: Some("idle".into()),
        transaction_seconds: None,
        state_seconds: Some(1.0),
        waiting_for: None,
        statement: "select ?".into(),
        role,
    }
}

fn location() -> DatabaseLocation {
    DatabaseLocation {
        host: "shop-postgres.shop.svc".into(),
        port: 5432,
        database: "ledger".into(),
        user: "ledger".into(),
        sslmode: Some("disable".into()),
        origin: DatabaseOrigin {
            found_in: "deployment/web, container ledger, env DATABASE_URL".into(),
            secret: Some("shop-database key DATABASE_URL".into()),
            source: CredentialSource::Environment {
                workload: name(WorkloadKind::Deployment, "web"),
                container: "ledger".into(),
                variable: "DATABASE_URL".into(),
            },
        },
        route: DatabaseRoute::Pod {
            namespace: "shop".into(),
            pod: "database-0".into(),
            container: "postgres".into(),
            port: 5432,
            workload: Some(name(WorkloadKind::StatefulSet, "database")),
        },
    }
}

/// What goose recorded after two migrations.
pub(crate) fn goose() -> MigrationHistory {
    MigrationHistory {
        state: MigrationState {
            tool: MigrationTool::Goose,
            table: "public.goose_db_version".into(),
            version: Some("2".into()),
            applied: 2,
            dirty: false,
            fingerprint: "f".into(),
        },
        applied: vec!["1".into(), "2".into()],
        heads: Vec::new(),
        troubles: Vec::new(),
    }
}

fn database() -> DatabaseFacts {
    DatabaseFacts {
        location: location(),
        server: PostgresServer {
            version: "15.14".into(),
            version_num: 150_014,
            system_identifier: Some("7001".into()),
            in_recovery: false,
            lsn: Some("0/1".into()),
        },
        size_bytes: 10_000_000,
        migration: Seen::Present(goose().state),
        migrations: Seen::Present(MigrationFacts {
            histories: vec![goose()],
            ..MigrationFacts::default()
        }),
        sessions: Seen::Present(vec![
            session(101, SessionRole::Writer),
            session(102, SessionRole::Ours),
        ]),
        blocked: Seen::Present(Vec::new()),
        held_locks: Seen::Present(Vec::new()),
        prepared: Seen::Present(Vec::new()),
        can_swap: Seen::Present(true),
        free_bytes: Seen::Present(1_000_000_000),
        replication: Seen::Present(Vec::new()),
        health: Seen::Present(DatabaseHealth {
            schema: Some("public".into()),
            may_create: true,
            foreign_tables: Vec::new(),
            statement_timeout_ms: 0,
            lock_timeout_ms: 0,
            idle_timeout_ms: 0,
            pooler: Seen::Absent,
            synchronous: String::new(),
            standbys: Vec::new(),
            idle_slots: Vec::new(),
            invalid_indexes: Vec::new(),
            unvalidated: Vec::new(),
            transaction_age: 1_000_000,
            freeze_max_age: 200_000_000,
            sequences: Vec::new(),
            hidden_sequences: 0,
            collations: Vec::new(),
            connections: 97,
            connected: 10,
            own: 3,
            large_tables: Seen::Present(Vec::new()),
        }),
    }
}

pub(crate) fn backup(age_seconds: i64, grade: BackupGrade) -> FoundBackup {
    FoundBackup {
        id: "20260101T000000Z-0a1b2c3d".into(),
        mechanism: Mechanism::Pgbackup,
        namespace: "shop".into(),
        of: BackupSubject::Database {
            server: "shop-postgres".into(),
            name: "ledger".into(),
        },
        database: Some("ledger".into()),
        state: BackupState::Good,
        why: "proven".into(),
        grade: Some(grade),
        started_at: None,
        finished_at: Some(format!("2026-01-01T00:00:00.{:09}Z", 999_999_999 - age_seconds)),
        age_seconds: Some(age_seconds),
        bytes: Some(1000),
        at_risk_bytes: None,
        end_lsn: None,
        timeline: None,
        server_major: Some(15),
        system_identifier: Some("7001".into()),
        uri: Some("/backups".into()),
        notes: Vec::new(),
    }
}

pub(crate) fn inventory(backups: Vec<FoundBackup>) -> Seen<BackupInventory> {
    Seen::Present(BackupInventory {
        backups,
        ..BackupInventory::default()
    })
}

fn pod(name: &str, owner: WorkloadName, ip: &str) -> PodFacts {
    PodFacts {
        name: name.into(),
        owner: Some(owner),
        ip: Some(ip.into()),
        phase: "Running".into(),
        ready: true,
        terminating: false,
        restarts: 0,
        trouble: None,
    }
}

fn revision(number: u32, status: ReleaseStatus) -> RevisionSummary {
    RevisionSummary {
        revision: number,
        status,
        modified_at: None,
    }
}

fn observation() -> Observation {
    let access = checks::access_requests(&checks::AccessNeeds {
        namespace: "shop".into(),
        database_namespace: Some("shop".into()),
        kinds: [
            WorkloadKind::Deployment,
            WorkloadKind::StatefulSet,
            WorkloadKind::CronJob,
        ]
        .into(),
        scaled_objects: false,
        records_in_config_maps: false,
    });
    Observation {
        taken_at: "2026-01-01T12:00:00Z".into(),
        release_name: "shop".into(),
        namespace: "shop".into(),
        cluster: ClusterFacts {
            version: "v1.34.4".into(),
            uid: Seen::Present("00000000-0000".into()),
            context: "test".into(),
        },
        release: Seen::Present(Release {
            name: "shop".into(),
            namespace: "shop".into(),
            revision: 2,
            status: ReleaseStatus::Deployed,
            chart: chart("1.0.0"),
            apply_method: ApplyMethod::ServerSide,
            updated: Some("2026-01-01T11:00:00Z".into()),
            description: "Upgrade complete".into(),
            stored_bytes: 20_000,
        }),
        unserved: Seen::Present(Vec::new()),
        history: Seen::Present(vec![
            revision(1, ReleaseStatus::Superseded),
            revision(2, ReleaseStatus::Deployed),
        ]),
        lease: Seen::Absent,
        unfinished_run: Seen::Absent,
        workloads: Seen::Present(vec![
            workload(WorkloadKind::Deployment, "web", "localhost/ledger:1.0.0", Some(2)),
            workload(
                WorkloadKind::StatefulSet,
                "worker",
                "localhost/ledger:1.0.0",
                Some(2),
            ),
            workload(
                WorkloadKind::StatefulSet,
                "database",
                "localhost/postgres:15",
                Some(1),
            ),
            workload(WorkloadKind::CronJob, "job", "localhost/ledger:1.0.0", None),
        ]),
        pods: Seen::Present(vec![
            pod("web-1", name(WorkloadKind::Deployment, "web"), "10.88.0.7"),
            pod(
                "database-0",
                name(WorkloadKind::StatefulSet, "database"),
                "10.88.0.9",
            ),
        ]),
        scalers: Seen::Present(Vec::new()),
        sharers: Seen::Present(Vec::new()),
        hook_jobs: Seen::Present(Vec::new()),
        owners: Seen::Present(Vec::new()),
        requirements: RequirementFacts::default(),
        location: Seen::Present(location()),
        other_databases: Vec::new(),
        database: Seen::Present(database()),
        backups: inventory(vec![backup(3600, BackupGrade::A)]),
        access: Seen::Present(
            access
                .into_iter()
                .map(|request| model::AccessDecision {
                    request,
                    allowed: true,
                    reason: None,
                })
                .collect(),
        ),
        last_migration_seconds: Seen::Absent,
        last_restore: Seen::Absent,
        rehearsed: None,
        target_unread: None,
        profile: "ledger".into(),
        path: Some(PathFacts {
            origin: "the path of profile ledger".into(),
            answers: Vec::new(),
        }),
    }
}

pub(crate) fn rendered(
    kind: WorkloadKind,
    component: &str,
    image: &str,
    replicas: Option<i32>,
) -> RenderedWorkload {
    let live = workload(kind, component, image, replicas);
    RenderedWorkload {
        name: live.name,
        replicas,
        labels: live.labels,
        strategy: live.strategy,
        containers: live.containers,
        progress_deadline_seconds: None,
    }
}

pub(crate) fn hook(name: &str, event: &str) -> RenderedHook {
    RenderedHook {
        object: ObjectName {
            api_version: "batch/v1".into(),
            kind: "Job".into(),
            namespace: "shop".into(),
            name: name.into(),
        },
        events: vec![event.into()],
        active_deadline_seconds: Some(600),
        images: vec!["localhost/ledger:1.1.0".into()],
        delete_policies: vec!["before-hook-creation".into()],
    }
}

pub(crate) fn answered(kind: &str, name: &str, outcome: DryRunOutcome) -> ObjectDryRun {
    ObjectDryRun {
        object: ObjectName {
            api_version: "apps/v1".into(),
            kind: kind.into(),
            namespace: "shop".into(),
            name: name.into(),
        },
        outcome,
    }
}

fn target() -> Target {
    Target {
        reference: "./ledger".into(),
        chart: chart("1.1.0"),
        workloads: vec![
            rendered(WorkloadKind::Deployment, "web", "localhost/ledger:1.1.0", Some(2)),
            rendered(
                WorkloadKind::StatefulSet,
                "worker",
                "localhost/ledger:1.1.0",
                Some(2),
            ),
            rendered(
                WorkloadKind::StatefulSet,
                "database",
                "localhost/postgres:15",
                Some(1),
            ),
            rendered(WorkloadKind::CronJob, "job", "localhost/ledger:1.1.0", None),
        ],
        hooks: Vec::new(),
        values: Seen::Present(ValuesHazard {
            dropped: Vec::new(),
            missing_defaults: Vec::new(),
            mode: "--reset-then-reuse-values".into(),
        }),
        dry_run: Seen::Present(vec![
            answered("Deployment", "web", DryRunOutcome::Accepted),
            answered("StatefulSet", "worker", DryRunOutcome::Accepted),
        ]),
        changed_secrets: Seen::Present(Vec::new()),
        definitions: Seen::Present(vec![ChartDefinition {
            name: "widgets.example.com".into(),
            state: DefinitionState::Same,
        }]),
        claims: Seen::Present(Vec::new()),
        timeout_seconds: 300,
        migrations: None,
        notes: None,
        is_upgrade: true,
    }
}
