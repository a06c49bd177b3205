//! The one verdict on a database's backups.

use std::collections::BTreeMap;

use model::{
    BackupInventory, BackupState, BackupSubject, FindingLevel, FoundBackup, Freshness, FreshnessRule,
    Mechanism,
};

/// The newest good backup of each mechanism and subject, newest first.
pub fn newest_good(inventory: &BackupInventory) -> Vec<FoundBackup> {
    let mut newest: BTreeMap<(Mechanism, String), &FoundBackup> = BTreeMap::new();
    for backup in inventory
        .backups
        .iter()
        .filter(|backup| backup.state == BackupState::Good)
    {
        let key = (backup.mechanism, backup.subject());
        let is_newer = |known: &&FoundBackup| backup.finished_at > known.finished_at;
        if newest.get(&key).is_none_or(is_newer) {
            newest.insert(key, backup);
        }
    }
    let mut newest: Vec<FoundBackup> = newest.into_values().cloned().collect();
    newest.sort_by_key(|backup| backup.age_seconds);
    newest
}

/// The verdict on one database, with its reason. What cannot be read is never taken for good: where nothing that can
/// be read is fresh, it makes the verdict unknown; where something is, it changes nothing.
pub fn freshness(inventory: &BackupInventory, rule: &FreshnessRule) -> (Freshness, String) {
    if let Some(failing) = inventory
        .findings
        .iter()
        .find(|finding| finding.level == FindingLevel::Fail)
    {
        return (
            Freshness::Failing,
            format!("{}: {}", failing.object, failing.message),
        );
    }
    let good = newest_good(inventory);
    let enough = |backup: &&FoundBackup| backup.grade.is_some_and(|grade| grade <= rule.min_grade);
    let young = |backup: &&FoundBackup| backup.age_seconds.is_some_and(|age| age <= rule.max_age_seconds);
    if let Some(fresh) = good.iter().find(|backup| enough(backup) && young(backup)) {
        return (
            Freshness::Fresh,
            format!("{} ({}) of {}", fresh.id, fresh.mechanism, words(fresh)),
        );
    }
    if let Some(unread) = inventory.unread.first() {
        let others = match inventory.unread.len() {
            1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        return (Freshness::Unknown, format!("{unread}{others}"));
    }
    let unknown = |backup: &&FoundBackup| backup.state == BackupState::Unknown;
    if good.is_empty()
        && let Some(unknown) = inventory.backups.iter().find(unknown)
    {
        return (
            Freshness::Unknown,
            format!("{} ({}): {}", unknown.id, unknown.mechanism, unknown.why),
        );
    }
    if good.is_empty()
        && let Some(uncertain) = inventory
            .uncertain
            .iter()
            .find(|backup| backup.state == BackupState::Good)
    {
        let reason = format!(
            "{} ({}) may be of this database; nothing says so",
            uncertain.id, uncertain.mechanism
        );
        return (Freshness::Unknown, reason);
    }
    let reason = match (good.iter().find(enough), good.first()) {
        (Some(old), _) => format!(
            "the newest that is worth enough is {} ({}) of {}",
            old.id,
            old.mechanism,
            words(old)
        ),
        (None, Some(weak)) => format!(
            "{} ({}) of {}, and grade {:?} or better was asked for",
            weak.id,
            weak.mechanism,
            words(weak),
            rule.min_grade
        ),
        (None, None) => match inventory.backups.first() {
            Some(bad) => format!(
                "no good backup was found; the newest attempt {} is {}: {}",
                bad.id,
                bad.state.word(),
                bad.why
            ),
            None => "no backup was found".to_owned(),
        },
    };
    (Freshness::Stale, reason)
}

/// The verdict on everything that was found, where no database is named: the worst of all that have a backup. Volumes
/// and namespaces may hold anything; they count only where nothing names a database.
pub fn freshness_of_all(inventory: &BackupInventory, rule: &FreshnessRule) -> (Freshness, String) {
    let mut subjects: BTreeMap<(bool, String), BackupInventory> = BTreeMap::new();
    for backup in &inventory.backups {
        let key = (names_database(&backup.of), backup.subject());
        subjects.entry(key).or_default().backups.push(backup.clone());
    }
    for finding in inventory
        .findings
        .iter()
        .filter(|finding| finding.level == FindingLevel::Fail)
    {
        let key = (
            names_database(&finding.of),
            format!("{}: {}", finding.namespace, finding.of),
        );
        subjects.entry(key).or_default().findings.push(finding.clone());
    }
    let named = subjects.keys().any(|(is_database, _)| *is_database);
    let counting = subjects
        .into_iter()
        .filter(|((is_database, _), _)| *is_database || !named);
    let judged = counting.map(|((_, subject), mut part)| {
        part.unread.clone_from(&inventory.unread);
        let (verdict, reason) = freshness(&part, rule);
        (verdict, format!("{subject}: {reason}"))
    });
    judged
        .max_by_key(|(verdict, _)| *verdict)
        .unwrap_or_else(|| freshness(inventory, rule))
}

fn names_database(of: &BackupSubject) -> bool {
    match of {
        BackupSubject::Database { .. }
        | BackupSubject::Cluster { .. }
        | BackupSubject::Address { .. }
        | BackupSubject::Pod { .. } => true,
        BackupSubject::Claims { .. }
        | BackupSubject::Namespaces { .. }
        | BackupSubject::Workload { .. }
        | BackupSubject::Unknown => false,
    }
}

fn words(backup: &FoundBackup) -> String {
    let age = backup.age_seconds.unwrap_or(0);
    let age = if age < 7200 {
        format!("{} min ago", age / 60)
    } else {
        format!("{} h ago", age / 3600)
    };
    match backup.grade {
        Some(grade) => format!("{age}, grade {grade:?}"),
        None => age,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{BackupFinding, BackupGrade, Unread};

    fn backup(id: &str, state: BackupState, age: i64, grade: BackupGrade) -> FoundBackup {
        let object = serde_json::json!({"metadata": {"name": id, "namespace": "shop"}});
        let mut backup =
            super::super::found::found(Mechanism::CronJob, "Job", &object, BackupSubject::Unknown);
        backup.state = state;
        if state == BackupState::Good {
            backup.age_seconds = Some(age);
            backup.grade = Some(grade);
            backup.finished_at = Some(format!("2026-11-{:02}T00:00:00Z", 20 - age / 86_400));
        }
        backup
    }

    fn rule(hours: i64, min_grade: BackupGrade) -> FreshnessRule {
        FreshnessRule {
            max_age_seconds: hours * 3600,
            min_grade,
        }
    }

    fn unread() -> Unread {
        Unread {
            mechanism: Some(Mechanism::Velero),
            what: "Backup".into(),
            why: "permission missing: list backups.velero.io".into(),
        }
    }

    #[test]
    fn young_and_worth_enough_is_fresh_and_everything_else_is_not() {
        use BackupState::{Failed, Good, Unknown};
        let hour = 3600;
        for (backups, hours, grade, expected) in [
            (
                vec![backup("a", Good, hour, BackupGrade::D)],
                24,
                BackupGrade::D,
                Freshness::Fresh,
            ),
            (
                vec![backup("a", Good, hour, BackupGrade::D)],
                24,
                BackupGrade::B,
                Freshness::Stale,
            ),
            (
                vec![backup("a", Good, hour, BackupGrade::A)],
                24,
                BackupGrade::B,
                Freshness::Fresh,
            ),
            (
                vec![backup("a", Good, 30 * hour, BackupGrade::A)],
                24,
                BackupGrade::B,
                Freshness::Stale,
            ),
            (
                vec![backup("a", Failed, 0, BackupGrade::A)],
                24,
                BackupGrade::D,
                Freshness::Stale,
            ),
            (
                vec![backup("a", Unknown, 0, BackupGrade::A)],
                24,
                BackupGrade::D,
                Freshness::Unknown,
            ),
            (vec![], 24, BackupGrade::D, Freshness::Stale),
        ] {
            let mut inventory = BackupInventory {
                backups,
                ..BackupInventory::default()
            };
            assert_eq!(
                freshness(&inventory, &rule(hours, grade)).0,
                expected,
                "{inventory:?}"
            );
            // What may not be read could hold a fresh one: it can only turn stale into unknown.
            inventory.unread.push(unread());
            let hidden = if expected == Freshness::Fresh {
                Freshness::Fresh
            } else {
                Freshness::Unknown
            };
            let (verdict, reason) = freshness(&inventory, &rule(hours, grade));
            assert_eq!(verdict, hidden);
            assert!(
                verdict == Freshness::Fresh || reason.contains("permission missing"),
                "{reason}"
            );
        }
    }

    #[test]
    fn an_uncertain_one_is_no_evidence() {
        let inventory = BackupInventory {
            uncertain: vec![backup("a", BackupState::Good, 60, BackupGrade::D)],
            ..BackupInventory::default()
        };
        assert_eq!(
            freshness(&inventory, &rule(24, BackupGrade::D)).0,
            Freshness::Unknown
        );
    }

    #[test]
    fn what_fails_now_is_failing_whatever_there_is() {
        let finding = BackupFinding {
            id: "archiver-fails".into(),
            level: FindingLevel::Fail,
            mechanism: Mechanism::CloudNativePg,
            namespace: "shop".into(),
            object: "Cluster/orders".into(),
            of: BackupSubject::Unknown,
            message: "WAL is not archived".into(),
        };
        let mut inventory = BackupInventory {
            backups: vec![backup("a", BackupState::Good, 60, BackupGrade::A)],
            findings: vec![finding],
            ..BackupInventory::default()
        };
        assert_eq!(
            freshness(&inventory, &rule(24, BackupGrade::B)).0,
            Freshness::Failing
        );
        inventory.findings[0].level = FindingLevel::Warn;
        assert_eq!(
            freshness(&inventory, &rule(24, BackupGrade::B)).0,
            Freshness::Fresh
        );
    }

    #[test]
    fn without_a_database_the_worst_of_all_counts() {
        let of = |name: &str, age| {
            let mut made = backup(name, BackupState::Good, age, BackupGrade::B);
            made.of = BackupSubject::Cluster {
                group: "g".into(),
                name: name.into(),
            };
            made
        };
        let mut inventory = BackupInventory {
            backups: vec![of("a", 60), of("b", 60)],
            ..BackupInventory::default()
        };
        assert_eq!(
            freshness_of_all(&inventory, &rule(24, BackupGrade::B)).0,
            Freshness::Fresh
        );
        inventory.backups.push(of("c", 3 * 86_400));
        let (verdict, reason) = freshness_of_all(&inventory, &rule(24, BackupGrade::B));
        assert_eq!(verdict, Freshness::Stale);
        assert!(reason.starts_with("shop: cluster c"), "{reason}");
        // A snapshot of some volume says nothing of the databases.
        inventory.backups.pop();
        inventory
            .backups
            .push(backup("d", BackupState::Good, 3 * 86_400, BackupGrade::D));
        assert_eq!(
            freshness_of_all(&inventory, &rule(24, BackupGrade::B)).0,
            Freshness::Fresh
        );
        assert_eq!(
            freshness_of_all(&BackupInventory::default(), &rule(24, BackupGrade::B)).0,
            Freshness::Stale
        );
    }

    #[test]
    fn the_newest_of_each_mechanism_is_kept() {
        let mut other = backup("c", BackupState::Good, 3 * 86_400, BackupGrade::B);
        other.mechanism = Mechanism::Pgbackup;
        let inventory = BackupInventory {
            backups: vec![
                other,
                backup("a", BackupState::Good, 2 * 86_400, BackupGrade::D),
                backup("b", BackupState::Good, 86_400, BackupGrade::D),
                backup("d", BackupState::Failed, 0, BackupGrade::D),
            ],
            ..BackupInventory::default()
        };
        let newest = newest_good(&inventory);
        let ids: Vec<&str> = newest.iter().map(|backup| backup.id.as_str()).collect();
        assert_eq!(ids, ["Job/b", "Job/c"]);
    }
}
