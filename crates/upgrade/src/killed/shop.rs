//! The release that the runs upgrade: something of every kind that a run holds or stops, as it runs and as it is planned.

use model::profile::RoleKind;
use model::{GateMode, Plan, Scaler, WorkloadKind};
use serde_json::json;

use super::controllers::settle;
use super::fake_helm::{Records, by_path, write};
use super::stand_in::{World, path};
use crate::plan::tests::{self as plans, hook, member, name, planned, rendered, world};
use crate::plan::{QuiesceInput, quiesce_plan};

/// The revision that is in force before.
pub(super) const REVISION: u32 = 3;

/// The chart, rendered.
const CHART: &str = include_str!("chart.yaml");

/// How a run is gated, and who migrates: a hook, or the application at its start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) gate: GateMode,
    pub(super) hook: Option<&'static str>,
}

/// The chart's manifest in a version.
pub(super) fn chart(version: &str) -> String {
    CHART.replace("VERSION", version)
}

/// The release as it runs in a version: counts that somebody or an autoscaler gave, an annotation that the chart does not
/// know.
pub(super) fn running(version: &str) -> World {
    let mut world = World::default();
    for (at, object) in by_path(&chart(version)) {
        world.put(&at, object);
    }
    let mut change = |kind: &str, name: &str, pointer: &str, value: serde_json::Value| {
        let at = path(kind, name);
        let mut object = world.objects[&at].clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap()[key] = value;
        world.put(&at, object);
    };
    change("Deployment", "web", "/spec/replicas", json!(5));
    change("StatefulSet", "worker", "/spec/replicas", json!(3));
    let annotations = json!({ "autoscaling.keda.sh/paused": "false", "team": "shop" });
    change("ScaledObject", "worker", "/metadata/annotations", annotations);
    settle(&mut world);
    world
}

/// The release before its upgrade.
pub(super) fn before(shape: Shape) -> World {
    let mut world = running("1.0.0");
    world.database.migrates_at_boot = shape.hook.is_none();
    world.records = Records {
        chart: chart("2.0.0"),
        hook: shape.hook,
        ..Records::default()
    };
    write(&mut world, REVISION, "deployed", &chart("1.0.0"));
    world
}

/// What a plan is made from.
fn seen(shape: Option<Shape>) -> plans::World {
    let mut seen = world();
    let agent = member(WorkloadKind::DaemonSet, "agent", RoleKind::Writer, 1, 3);
    seen.members.push(agent);
    let agent = rendered(WorkloadKind::DaemonSet, "agent", None);
    seen.target.workloads.push(agent);
    let scaler = |kind: &str, target: WorkloadKind, of: &str| Scaler {
        kind: kind.into(),
        name: of.into(),
        target: name(target, of),
        min_replicas: 2,
        max_replicas: 9,
        release: None,
        paused: None,
        paused_at: None,
    };
    seen.scalers = vec![
        scaler("HorizontalPodAutoscaler", WorkloadKind::Deployment, "web"),
        scaler(Scaler::KEDA, WorkloadKind::StatefulSet, "worker"),
    ];
    seen.scalers[1].paused = Some("false".into());
    if let Some(shape) = shape {
        seen.gate = Some(shape.gate);
        seen.target.hooks = shape.hook.into_iter().map(hook).collect();
    }
    seen
}

/// The plan of an upgrade.
pub(super) fn upgrade(shape: Shape) -> Plan {
    let plan = planned(&seen(Some(shape))).unwrap();
    assert_eq!(plan.gate, shape.gate);
    plan
}

/// The plan of a quiesce.
pub(super) fn quiesce() -> Plan {
    let seen = seen(None);
    quiesce_plan(&QuiesceInput {
        created_at: "2026-01-01T00:00:00Z".into(),
        release: &seen.release,
        profile: &seen.profile,
        members: &seen.members,
        scalers: &seen.scalers,
        sharers: &[],
        roles: &[],
        database: seen.database.as_ref(),
        limit: None,
    })
    .unwrap()
}
