//! Journal, lease and facts in the cluster.

use std::sync::Arc;

use anyhow::{Result, ensure};
use engine::{Faults, Journal, JournalError, LeaseError, NewRun, facts, runs};
use serde_json::json;

use super::stage::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_is_refused_by_the_holders_name_and_a_dead_ones_lease_runs_out() -> Result<()> {
    let place = Place::new("engine-lease").await?;
    let first = place.lease("run-1", "ann@desk").await?;
    let refused = place.lease("run-2", "bob@desk").await;
    let Err(LeaseError::Held { holder, .. }) = &refused else {
        anyhow::bail!("it was not refused")
    };
    ensure!(holder == "run-1 ann@desk", "{holder}");
    let by_kubectl = place.kubectl(&[
        "get",
        "lease",
        "safe-upgrade.shop",
        "-o",
        "jsonpath={.spec.holderIdentity}",
    ])?;
    ensure!(by_kubectl == "run-1 ann@desk", "{by_kubectl}");

    first.release().await;
    ensure!(place.left()?.is_empty(), "{:?}", place.left()?);

    let second = place.lease("run-2", "bob@desk").await?;
    place.kubectl(&["delete", "lease", "safe-upgrade.shop"])?;
    second.lost().cancelled().await;
    ensure!(second.check().is_err_and(|to| to.contains("removed")));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_notices_every_other_hand_and_large_parts_come_back() -> Result<()> {
    let place = Place::new("engine-journal").await?;
    let run = Journal::new_run_id();
    let lease = place.lease(&run, "ann@desk").await?;
    let chart: Vec<u8> = (0..1_300_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let new = NewRun {
        run: run.clone(),
        plan: place.plan(vec![nothing()]),
        inputs: json!({ "flags": ["--wait"] }),
        parts: vec![("chart".into(), chart.clone())],
    };
    let store = Arc::new(place.store());
    let journal = Journal::create(store.clone(), lease.clone(), Faults::none(), new).await?;
    let name = format!("safe-upgrade.shop.{run}");
    let type_ = place.kubectl(&["get", "secret", &name, "-o", "jsonpath={.type}"])?;
    ensure!(type_ == "safe-upgrade.dev/run", "{type_}");
    let pieces = place.kubectl(&[
        "get",
        "secrets",
        "-l",
        "safe-upgrade.dev/part=chart",
        "-o",
        "name",
    ])?;
    ensure!(pieces.lines().count() == 3, "{pieces}");
    ensure!(journal.get_part("chart").await?.as_ref() == Some(&chart));

    // A touch that leaves the document alone is survived.
    place.kubectl(&["annotate", "secret", &name, "team=payments"])?;
    journal.put_part("values", b"replicas: 2").await?;
    let annotation = place.kubectl(&[
        "get",
        "secret",
        &name,
        "-o",
        "jsonpath={.metadata.annotations.team}",
    ])?;
    ensure!(
        annotation == "payments",
        "other people's annotations stay: {annotation}"
    );

    // A second process that takes the run over is noticed by the first.
    let other = Journal::open(store.clone(), lease.clone(), Faults::none(), RELEASE, &run).await?;
    other.put_part("more", b"x").await?;
    let noticed = journal.put_part("late", b"y").await;
    ensure!(
        matches!(noticed, Err(JournalError::Changed { .. })),
        "{noticed:?}"
    );

    // Whoever removes the head by hand takes the parts along.
    place.kubectl(&["delete", "secret", &name])?;
    place.kubectl(&[
        "wait",
        "--for=delete",
        "secret",
        "-l",
        "safe-upgrade.dev/part=chart",
        "--timeout=60s",
    ])?;
    ensure!(runs(store.as_ref(), RELEASE).await?.is_empty());
    lease.release().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_ten_runs_and_the_facts_are_all_that_stays() -> Result<()> {
    let place = Place::new("engine-kept").await?;
    for _ in 0..12 {
        place.run(place.plan(vec![nothing()]), "").await?;
    }
    for measured in [
        &[(facts::MIGRATION_SECONDS, 12), (facts::BACKUP_SECONDS, 3)][..],
        &[(facts::MIGRATION_SECONDS, 14)],
    ] {
        facts::remember(&place.cluster, place.namespace.name(), RELEASE, measured).await?;
    }
    let recalled = facts::recall(&place.cluster, place.namespace.name(), RELEASE).await?;
    let recalled = recalled.numbers;
    ensure!(
        recalled.get(facts::MIGRATION_SECONDS) == Some(&14)
            && recalled.get(facts::BACKUP_SECONDS) == Some(&3),
        "{recalled:?}"
    );
    let left = place.left()?;
    let heads = left
        .iter()
        .filter(|name| name.starts_with("secret/safe-upgrade.shop."))
        .count();
    ensure!(heads == 10 && left.len() == 11, "{left:?}");
    ensure!(
        left.contains(&"configmap/safe-upgrade.shop.facts".to_owned()),
        "{left:?}"
    );
    Ok(())
}
