//! Many releases, one line each. These structs are the stable machine output; a changed field is a changelog entry.

use serde::{Deserialize, Serialize};

use crate::{
    API_VERSION, BackupGrade, CheckVerdict, ExitCode, Freshness, Mechanism, NextStep, ReleaseStatus,
    Severity, Version,
};

/// How closely each release was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FleetDepth {
    /// Helm's record, and the backups of ours.
    Quick,
    /// Every check, as for one release.
    Full,
}

/// The verdict on one release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FleetVerdict {
    /// A quick look saw nothing in the way, and judged nothing.
    NotJudged,
    /// No database was found in it, and nothing else stands in the way.
    NoDatabase,
    /// Nothing stands in the way.
    Ready,
    /// Nothing stands in the way; there is something to know.
    Warnings,
    /// A blocking check could not be judged, or the record could not be read.
    Incomplete,
    /// A blocking check failed.
    Blocked,
}

impl From<CheckVerdict> for FleetVerdict {
    fn from(verdict: CheckVerdict) -> Self {
        match verdict {
            CheckVerdict::Ready => Self::Ready,
            CheckVerdict::Warnings => Self::Warnings,
            CheckVerdict::Blocked => Self::Blocked,
            CheckVerdict::Incomplete => Self::Incomplete,
        }
    }
}

/// A newer version than this is not known to the source named; there may be one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewestKnown {
    /// The version.
    pub version: String,
    /// Who says so: an upgrade path, or notes that were read.
    pub source: String,
    /// The day of what it says (`2026-01-27`), where known.
    pub as_of: Option<String>,
    /// Whether it is newer than what runs; `None` where the two cannot be put in order.
    pub newer: Option<bool>,
}

impl NewestKnown {
    /// The newer one of two sources' words.
    pub fn newer_of(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => {
                let other_wins = Version::parse(&other.version) > Version::parse(&one.version);
                Some(if other_wins { other } else { one })
            }
            (one, other) => one.or(other),
        }
    }
}

/// How the backups of a release's database stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FleetBackupState {
    /// There is one that is young and worth enough.
    Fresh,
    /// There is none that is young and worth enough.
    Stale,
    /// Backups fail now, whatever there is.
    Failing,
    /// Nobody can tell.
    Unknown,
    /// The release has no database.
    NoDatabase,
}

impl From<Freshness> for FleetBackupState {
    fn from(freshness: Freshness) -> Self {
        match freshness {
            Freshness::Fresh => Self::Fresh,
            Freshness::Unknown => Self::Unknown,
            Freshness::Stale => Self::Stale,
            Freshness::Failing => Self::Failing,
        }
    }
}

/// The newest backup of a release's database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FleetBackup {
    /// How its backups stand.
    pub state: FleetBackupState,
    /// What the newest good one's word is worth.
    pub grade: Option<BackupGrade>,
    /// Its age in seconds.
    pub age_seconds: Option<i64>,
    /// What made it.
    pub made_by: Option<Mechanism>,
    /// Why they stand so.
    pub reason: Option<String>,
}

impl FleetBackup {
    /// Nobody can tell, and why.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self {
            state: FleetBackupState::Unknown,
            grade: None,
            age_seconds: None,
            made_by: None,
            reason: Some(why.into()),
        }
    }
}

/// Whether sessions of a release's database wait for a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FleetLockState {
    /// Nobody waits.
    Free,
    /// Somebody waits.
    Waiting,
    /// It could not be seen.
    Unknown,
    /// The release has no database.
    NoDatabase,
    /// A quick look asks no database.
    NotAsked,
}

/// Who waits for locks in a release's database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FleetLocks {
    /// Whether anybody does.
    pub state: FleetLockState,
    /// How many sessions wait.
    pub waiting: Option<usize>,
    /// How long the one that waits longest has, in seconds.
    pub longest_seconds: Option<f64>,
    /// Why it is not known.
    pub reason: Option<String>,
}

impl FleetLocks {
    /// A state of which nothing more is to be said.
    pub fn plainly(state: FleetLockState) -> Self {
        Self {
            state,
            waiting: None,
            longest_seconds: None,
            reason: None,
        }
    }
}

/// A check that did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FleetFinding {
    /// The check's id.
    pub id: String,
    /// What it means.
    pub severity: Severity,
    /// `warn`, `fail` or `unknown`.
    pub verdict: String,
    /// What was found.
    pub message: String,
}

impl FleetFinding {
    /// Whether it keeps an upgrade from beginning.
    pub fn blocks(&self) -> bool {
        self.severity == Severity::Block && self.verdict != "warn"
    }
}

/// One release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FleetItem {
    /// The kubeconfig's context.
    pub context: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its newest revision.
    pub revision: u32,
    /// The state of that revision.
    pub status: ReleaseStatus,
    /// When it was written (RFC 3339), as Helm recorded it.
    pub updated: Option<String>,
    /// Chart name and version, as `name-version`; `None` where the record could not be read.
    pub chart: Option<String>,
    /// The application's version as the chart says it.
    pub app_version: Option<String>,
    /// The newest version that a source knows.
    pub newest_known: Option<NewestKnown>,
    /// The newest backup of its database.
    pub backup: FleetBackup,
    /// Who waits for locks in its database.
    pub locks: FleetLocks,
    /// The verdict.
    pub verdict: FleetVerdict,
    /// Checks that did not pass.
    pub findings: Vec<FleetFinding>,
    /// Why it could not be looked at.
    pub unreadable: Option<String>,
}

/// One cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FleetCluster {
    /// The kubeconfig's context.
    pub context: String,
    /// Releases that were found.
    pub releases: usize,
    /// Releases that were uninstalled with their history kept; they are left out.
    pub uninstalled: usize,
    /// Why it could not be reached.
    pub unreachable: Option<String>,
}

/// A place whose releases could not be listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FleetUnread {
    /// The kubeconfig's context.
    pub context: String,
    /// The namespace; `None` is the whole cluster.
    pub namespace: Option<String>,
    /// Why, with the permission that is missing.
    pub why: String,
}

/// How many releases came out how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FleetSummary {
    /// All that are shown.
    pub releases: usize,
    /// Nothing stands in the way.
    pub ready: usize,
    /// Something to know.
    pub warnings: usize,
    /// Something stands in the way.
    pub blocked: usize,
    /// Could not be judged, though a judgement was asked for, or could not be read.
    pub incomplete: usize,
    /// Were not judged.
    pub not_judged: usize,
    /// Have no database that was found.
    pub no_database: usize,
    /// Places and clusters that could not be read.
    pub unread: usize,
}

/// From what on a look at a fleet ends with another code than 0; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FleetFailOn {
    /// Nothing that is found.
    Never,
    /// A release is blocked.
    Blocked,
    /// A release, a namespace or a cluster could not be judged or read.
    Unknown,
    /// A release has warnings.
    Warn,
}

/// Many releases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FleetReport {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `FleetReport`.
    pub kind: String,
    /// When the look began (RFC 3339, UTC).
    pub taken_at: String,
    /// How closely each release was looked at.
    pub depth: FleetDepth,
    /// The counts.
    pub summary: FleetSummary,
    /// The clusters.
    pub clusters: Vec<FleetCluster>,
    /// The releases, by context, namespace and name.
    pub items: Vec<FleetItem>,
    /// Places whose releases could not be listed.
    pub unread: Vec<FleetUnread>,
    /// What to type next.
    pub next: Vec<NextStep>,
}

impl FleetReport {
    /// Puts what was seen in order and counts it.
    pub fn new(
        taken_at: String,
        depth: FleetDepth,
        mut clusters: Vec<FleetCluster>,
        mut items: Vec<FleetItem>,
        mut unread: Vec<FleetUnread>,
    ) -> Self {
        clusters.sort_by(|one, other| one.context.cmp(&other.context));
        items.sort_by(|one, other| place(one).cmp(&place(other)));
        unread.sort_by(|one, other| (&one.context, &one.namespace).cmp(&(&other.context, &other.namespace)));
        let count = |verdict: FleetVerdict| items.iter().filter(|item| item.verdict == verdict).count();
        let unreachable = clusters
            .iter()
            .filter(|cluster| cluster.unreachable.is_some())
            .count();
        Self {
            api_version: API_VERSION.into(),
            kind: "FleetReport".into(),
            taken_at,
            depth,
            summary: FleetSummary {
                releases: items.len(),
                ready: count(FleetVerdict::Ready),
                warnings: count(FleetVerdict::Warnings),
                blocked: count(FleetVerdict::Blocked),
                incomplete: count(FleetVerdict::Incomplete),
                not_judged: count(FleetVerdict::NotJudged),
                no_database: count(FleetVerdict::NoDatabase),
                unread: unread.len() + unreachable,
            },
            next: next(&items, clusters.len() > 1),
            clusters,
            items,
            unread,
        }
    }

    /// How the program ends with this report. A finding outweighs what could not be seen.
    pub fn exit_code(&self, fail_on: FleetFailOn) -> ExitCode {
        let reached = |cluster: &FleetCluster| cluster.unreachable.is_none();
        if !self.clusters.iter().any(reached) {
            return ExitCode::CouldNotBegin;
        }
        let FleetSummary {
            releases: _,
            ready: _,
            warnings,
            blocked,
            incomplete,
            not_judged: _,
            no_database: _,
            unread,
        } = self.summary;
        let found = (fail_on >= FleetFailOn::Blocked && blocked > 0)
            || (fail_on >= FleetFailOn::Warn && warnings > 0);
        let untold = fail_on >= FleetFailOn::Unknown && incomplete + unread > 0;
        match (found, untold) {
            (true, _) => ExitCode::Blocked,
            (false, true) => ExitCode::CannotTell,
            (false, false) => ExitCode::Done,
        }
    }
}

fn place(item: &FleetItem) -> (&str, &str, &str) {
    (&item.context, &item.namespace, &item.name)
}

/// The whole check of the release that needs it most.
fn next(items: &[FleetItem], several: bool) -> Vec<NextStep> {
    let worst = items
        .iter()
        .filter(|item| item.verdict == FleetVerdict::Blocked)
        .chain(
            items
                .iter()
                .filter(|item| item.verdict == FleetVerdict::Incomplete),
        )
        .next();
    let Some(item) = worst else {
        return Vec::new();
    };
    let context = if several {
        format!(" --context {}", item.context)
    } else {
        String::new()
    };
    vec![NextStep {
        text: "see what stands in its way".into(),
        command: Some(format!(
            "kubectl upgrade-check --release {} -n {}{context}",
            item.name, item.namespace
        )),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, verdict: FleetVerdict) -> FleetItem {
        FleetItem {
            context: "east".into(),
            namespace: "shop".into(),
            name: name.into(),
            revision: 3,
            status: ReleaseStatus::Deployed,
            updated: None,
            chart: Some("web-1.2.3".into()),
            app_version: None,
            newest_known: None,
            backup: FleetBackup::unknown("not looked for"),
            locks: FleetLocks::plainly(FleetLockState::NotAsked),
            verdict,
            findings: Vec::new(),
            unreadable: None,
        }
    }

    fn cluster(context: &str, unreachable: bool) -> FleetCluster {
        FleetCluster {
            context: context.into(),
            releases: 0,
            uninstalled: 0,
            unreachable: unreachable.then(|| "nobody answers".to_owned()),
        }
    }

    fn report(verdicts: &[FleetVerdict], clusters: Vec<FleetCluster>, unread: bool) -> FleetReport {
        let items = verdicts
            .iter()
            .enumerate()
            .rev()
            .map(|(number, verdict)| item(&format!("r{number}"), *verdict))
            .collect();
        let unread = unread.then(|| FleetUnread {
            context: "east".into(),
            namespace: Some("hidden".into()),
            why: "permission missing".into(),
        });
        FleetReport::new(
            "2026-11-29T00:00:00Z".into(),
            FleetDepth::Full,
            clusters,
            items,
            unread.into_iter().collect(),
        )
    }

    #[test]
    fn the_code_follows_the_worst_that_was_asked_for() {
        use FleetFailOn::{Blocked, Never, Unknown, Warn};
        use FleetVerdict as V;
        let here = || vec![cluster("east", false)];
        for (verdicts, unread, expected) in [
            (vec![V::Ready, V::NotJudged, V::NoDatabase], false, [0, 0, 0, 0]),
            (vec![V::Warnings], false, [0, 0, 0, 2]),
            (vec![V::Incomplete], false, [0, 0, 3, 3]),
            (vec![V::Ready], true, [0, 0, 3, 3]),
            (vec![V::Warnings], true, [0, 0, 3, 2]),
            (vec![V::Blocked, V::Incomplete], true, [0, 2, 2, 2]),
        ] {
            let report = report(&verdicts, here(), unread);
            let codes = [Never, Blocked, Unknown, Warn].map(|fail_on| report.exit_code(fail_on).code());
            assert_eq!(codes, expected, "{verdicts:?} unread {unread}");
        }
    }

    #[test]
    fn a_cluster_that_does_not_answer_is_unread_and_only_all_of_them_are_no_beginning() {
        let one = report(&[], vec![cluster("east", false), cluster("west", true)], false);
        assert_eq!(one.exit_code(FleetFailOn::Unknown), ExitCode::CannotTell);
        assert_eq!(one.summary.unread, 1);
        let none = report(&[], vec![cluster("west", true)], false);
        assert_eq!(none.exit_code(FleetFailOn::Never), ExitCode::CouldNotBegin);
    }

    #[test]
    fn releases_stand_in_order_however_they_came() {
        let report = report(&[FleetVerdict::Ready; 3], vec![cluster("east", false)], false);
        let names: Vec<&str> = report.items.iter().map(|item| item.name.as_str()).collect();
        assert_eq!(names, ["r0", "r1", "r2"]);
        assert_eq!(report.next, []);
    }

    #[test]
    fn what_blocks_is_what_to_look_at_next() {
        let report = report(
            &[FleetVerdict::Incomplete, FleetVerdict::Blocked],
            vec![cluster("east", false), cluster("west", true)],
            false,
        );
        assert_eq!(
            report.next[0].command.as_deref(),
            Some("kubectl upgrade-check --release r1 -n shop --context east")
        );
    }

    #[test]
    fn of_two_words_the_newer_one_counts() {
        let known = |version: &str| {
            Some(NewestKnown {
                version: version.into(),
                source: "s".into(),
                as_of: None,
                newer: None,
            })
        };
        let newer = |one, other| NewestKnown::newer_of(one, other).map(|known| known.version);
        assert_eq!(newer(known("1.9.0"), known("1.10.0")).as_deref(), Some("1.10.0"));
        assert_eq!(newer(known("2.0.0"), known("1.10.0")).as_deref(), Some("2.0.0"));
        assert_eq!(newer(None, known("1.0.0")).as_deref(), Some("1.0.0"));
        assert_eq!(newer(None, None), None);
    }
}
