//! One release's line, from what was seen of it. Pure.

use helm::{ListedRelease, RecordHead};
use model::{
    ChartIdentity, CheckReport, DatabaseFacts, FleetBackup, FleetBackupState, FleetFinding, FleetItem,
    FleetLockState, FleetLocks, FleetVerdict, NewestKnown, Observation, Profile, ReleaseStatus, Seen,
    Severity,
};

use super::backups::told;
use super::known::newest;
use crate::path::running;
use crate::rows::backup::standing;

/// What labels alone tell.
fn by_labels(context: &str, listed: &ListedRelease, backup: FleetBackup) -> FleetItem {
    FleetItem {
        context: context.to_owned(),
        namespace: listed.namespace.clone(),
        name: listed.name.clone(),
        revision: listed.newest.revision,
        status: listed.newest.status,
        updated: None,
        chart: None,
        app_version: None,
        newest_known: None,
        backup,
        locks: FleetLocks::plainly(FleetLockState::NotAsked),
        verdict: FleetVerdict::NotJudged,
        findings: Vec::new(),
        unreadable: None,
    }
}

/// A release that could not be looked at: unknown, whatever its labels say.
pub(super) fn unreadable(
    context: &str,
    listed: &ListedRelease,
    backup: FleetBackup,
    why: String,
) -> FleetItem {
    FleetItem {
        verdict: FleetVerdict::Incomplete,
        unreadable: Some(why),
        ..by_labels(context, listed, backup)
    }
}

/// The line of a quick look. It judges nothing but what keeps helm itself from working.
pub(super) fn quick(
    context: &str,
    listed: &ListedRelease,
    head: &RecordHead,
    newest_known: Option<NewestKnown>,
    backup: FleetBackup,
) -> FleetItem {
    let mut item = FleetItem {
        // A hand edit of the label does not change what helm takes for true.
        status: head.status,
        updated: head.updated.clone(),
        newest_known,
        ..by_labels(context, listed, backup)
    };
    chart(&mut item, &head.documents.identity);
    if item.status.is_pending() {
        item.verdict = FleetVerdict::Blocked;
        item.findings = vec![pending(&item)];
    }
    item
}

fn pending(item: &FleetItem) -> FleetFinding {
    FleetFinding {
        id: "helm-pending".into(),
        severity: Severity::Block,
        verdict: "fail".into(),
        message: format!(
            "revision {} is {}: another helm works on it or was killed",
            item.revision,
            item.status.word()
        ),
    }
}

fn chart(item: &mut FleetItem, chart: &ChartIdentity) {
    item.chart = Some(format!("{}-{}", chart.name, chart.version));
    item.app_version.clone_from(&chart.app_version);
}

/// The line of a full look.
pub(super) fn full(
    context: &str,
    listed: &ListedRelease,
    seen: &Observation,
    profile: &Profile,
    report: &CheckReport,
) -> FleetItem {
    let mut item = FleetItem {
        newest_known: known(seen, profile),
        locks: locks(seen),
        verdict: verdict(seen, report),
        findings: report
            .checks
            .iter()
            .filter(|check| check.is_finding() && check.waived.is_none())
            .map(|check| FleetFinding {
                id: check.id.clone(),
                severity: check.severity,
                verdict: check.verdict.word().to_owned(),
                message: check.verdict.message().to_owned(),
            })
            .collect(),
        ..by_labels(context, listed, backup(seen))
    };
    match &seen.release {
        Seen::Present(release) => {
            item.revision = release.revision;
            item.status = release.status;
            item.updated.clone_from(&release.updated);
            chart(&mut item, &release.chart);
        }
        Seen::Absent => item.status = ReleaseStatus::Unknown,
        Seen::Unreadable(why) => item.unreadable = Some(why.clone()),
    }
    item
}

/// The row that fails where a release has no database: of one release that is asked about it is a finding, of every one in
/// a cluster it is none.
const FOUND: &str = "database-found";

fn verdict(seen: &Observation, report: &CheckReport) -> FleetVerdict {
    let mut blocking = report.checks.iter().filter(|check| check.blocks());
    match &seen.location {
        Seen::Absent if blocking.all(|check| check.id == FOUND) => FleetVerdict::NoDatabase,
        Seen::Absent | Seen::Present(_) | Seen::Unreadable(_) => report.verdict.into(),
    }
}

fn known(seen: &Observation, profile: &Profile) -> Option<NewestKnown> {
    let path = profile.path.as_ref()?;
    let origin = seen
        .path
        .as_ref()
        .map_or("the profile's path", |facts| &facts.origin);
    let runs = running(&seen.release, &seen.workloads, path).ok();
    newest(path, origin, runs.as_ref())
}

/// As the row `backup-fresh` judges it.
fn backup(seen: &Observation) -> FleetBackup {
    match (&seen.location, &seen.backups) {
        (Seen::Absent, _) => told(FleetBackupState::NoDatabase, "no database was found".into(), None),
        (Seen::Unreadable(why), _) | (Seen::Present(_), Seen::Unreadable(why)) => {
            FleetBackup::unknown(why.clone())
        }
        (Seen::Present(_), Seen::Absent) => FleetBackup::unknown("no backup was looked for"),
        (Seen::Present(_), Seen::Present(inventory)) => {
            let (freshness, reason, newest) = standing(inventory);
            told(freshness.into(), reason, newest.as_ref())
        }
    }
}

fn locks(seen: &Observation) -> FleetLocks {
    let unknown = |why: &str| FleetLocks {
        reason: Some(why.to_owned()),
        ..FleetLocks::plainly(FleetLockState::Unknown)
    };
    match (&seen.location, &seen.database) {
        (Seen::Absent, _) => FleetLocks::plainly(FleetLockState::NoDatabase),
        (Seen::Unreadable(why), _) | (Seen::Present(_), Seen::Unreadable(why)) => unknown(why),
        (Seen::Present(_), Seen::Absent) => unknown("the database was not asked"),
        (Seen::Present(_), Seen::Present(facts)) => waiting(facts, unknown),
    }
}

fn waiting(facts: &DatabaseFacts, unknown: impl Fn(&str) -> FleetLocks) -> FleetLocks {
    match &facts.blocked {
        Seen::Unreadable(why) => unknown(why),
        Seen::Absent => unknown("nobody was asked who waits for whom"),
        Seen::Present(blocked) => {
            let longest = blocked
                .iter()
                .map(|blocked| blocked.waited_seconds)
                .max_by(f64::total_cmp);
            FleetLocks {
                waiting: Some(blocked.len()),
                longest_seconds: longest,
                ..FleetLocks::plainly(if blocked.is_empty() {
                    FleetLockState::Free
                } else {
                    FleetLockState::Waiting
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{ChartDocuments, RevisionSummary};

    use super::*;

    fn listed(status: ReleaseStatus) -> ListedRelease {
        ListedRelease {
            namespace: "prod".into(),
            name: "shop".into(),
            newest: RevisionSummary {
                revision: 7,
                status,
                modified_at: None,
            },
        }
    }

    fn head(status: ReleaseStatus) -> RecordHead {
        RecordHead {
            status,
            updated: Some("2026-02-03T04:05:06Z".into()),
            documents: ChartDocuments {
                identity: ChartIdentity {
                    name: "web".into(),
                    version: "1.2.3".into(),
                    app_version: Some("4.5".into()),
                },
                home: None,
                sources: Vec::new(),
                annotations: std::collections::BTreeMap::new(),
                changelog: None,
            },
        }
    }

    fn looked(label: ReleaseStatus, data: ReleaseStatus) -> FleetItem {
        let backup = FleetBackup::unknown("not looked for");
        quick("east", &listed(label), &head(data), None, backup)
    }

    #[test]
    fn a_quick_look_judges_only_what_keeps_helm_from_working() {
        let fine = looked(ReleaseStatus::Deployed, ReleaseStatus::Deployed);
        assert_eq!((fine.verdict, fine.findings.len()), (FleetVerdict::NotJudged, 0));
        assert_eq!(fine.chart.as_deref(), Some("web-1.2.3"));
        assert_eq!(fine.app_version.as_deref(), Some("4.5"));
        let failed = looked(ReleaseStatus::Failed, ReleaseStatus::Failed);
        assert_eq!(failed.verdict, FleetVerdict::NotJudged);
        let stuck = looked(ReleaseStatus::PendingUpgrade, ReleaseStatus::PendingUpgrade);
        assert_eq!(stuck.verdict, FleetVerdict::Blocked);
        assert_eq!(stuck.findings[0].id, "helm-pending");
    }

    #[test]
    fn the_record_is_believed_before_its_label() {
        let edited = looked(ReleaseStatus::Deployed, ReleaseStatus::PendingRollback);
        assert_eq!(edited.verdict, FleetVerdict::Blocked);
    }

    #[test]
    fn what_could_not_be_read_is_unknown_whatever_its_label_says() {
        let backup = FleetBackup::unknown("not looked for");
        let told = unreadable(
            "east",
            &listed(ReleaseStatus::Deployed),
            backup,
            "it is not base64".into(),
        );
        assert_eq!((told.verdict, told.chart), (FleetVerdict::Incomplete, None));
        assert_eq!((told.revision, told.status), (7, ReleaseStatus::Deployed));
    }
}
