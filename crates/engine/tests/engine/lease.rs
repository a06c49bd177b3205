//! One process at a time works on a release. Time is tokio's and stands still until everybody waits.

use std::sync::Arc;
use std::time::Duration;

use engine::lease::{Acquire, MemoryLeases};
use engine::{Events, Holder, Lease, LeaseError};

const RELEASE: &str = "shop";

async fn acquire(leases: &MemoryLeases, who: &str, situation: Acquire) -> Result<Lease, LeaseError> {
    let holder = Holder::from_text(who);
    Lease::acquire(
        Arc::new(leases.clone()),
        RELEASE,
        &holder,
        situation,
        &Events::nowhere(),
    )
    .await
}

fn holder(leases: &MemoryLeases) -> Option<String> {
    leases.get(RELEASE).map(|lease| lease.holder)
}

#[tokio::test(start_paused = true)]
async fn a_second_run_is_refused_by_the_first_ones_name() {
    let leases = MemoryLeases::default();
    let first = acquire(&leases, "run-1 ann@desk", Acquire::NewRun).await.unwrap();
    for situation in [Acquire::NewRun, Acquire::TakeOver] {
        let refused = acquire(&leases, "run-2 bob@desk", situation).await;
        assert!(
            matches!(&refused, Err(LeaseError::Held { holder, .. }) if holder == "run-1 ann@desk"),
            "{:?}",
            refused.err()
        );
    }
    assert_eq!(first.check(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_for_as_long_as_it_is_held_and_is_gone_afterwards() {
    let leases = MemoryLeases::default();
    let lease = acquire(&leases, "run-1 ann@desk", Acquire::NewRun).await.unwrap();
    let before = leases.get(RELEASE).unwrap().version;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(lease.check(), Ok(()));
    assert_ne!(leases.get(RELEASE).unwrap().version, before);
    lease.release().await;
    assert_eq!(holder(&leases), None);
    assert!(lease.check().is_err());
    acquire(&leases, "run-2 bob@desk", Acquire::NewRun).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dead_holder_is_waited_for_and_then_succeeded_whatever_its_clock_says() {
    for renewed in ["1999-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "no time at all"] {
        let leases = MemoryLeases::default();
        leases.plant(RELEASE, "run-1 ann@desk", renewed);
        let begun = tokio::time::Instant::now();
        let lease = acquire(&leases, "run-1 bob@desk", Acquire::TakeOver)
            .await
            .unwrap();
        // Paused time: this is what was waited for by the clock that the lease itself goes by.
        assert!(
            begun.elapsed() >= Duration::from_secs(60),
            "{renewed}: taken after {:?}",
            begun.elapsed()
        );
        assert_eq!(holder(&leases).as_deref(), Some("run-1 bob@desk"));
        assert_eq!(lease.check(), Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_run_refuses_at_once_where_the_clock_says_so_and_else_watches() {
    let leases = MemoryLeases::default();
    leases.plant(RELEASE, "run-1 ann@desk", "2999-01-01T00:00:00Z");
    let refused = acquire(&leases, "run-2 bob@desk", Acquire::NewRun).await;
    assert!(matches!(refused, Err(LeaseError::Held { .. })));
    leases.plant(RELEASE, "run-1 ann@desk", "1999-01-01T00:00:00Z");
    acquire(&leases, "run-2 bob@desk", Acquire::NewRun).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_holder_who_renews_while_it_is_watched_is_alive() {
    let leases = MemoryLeases::default();
    leases.plant(RELEASE, "run-1 ann@desk", "1999-01-01T00:00:00Z");
    let renewing = leases.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(50)).await;
        renewing.plant(RELEASE, "run-1 ann@desk", "1999-01-01T00:00:00Z");
    });
    let refused = acquire(&leases, "run-2 bob@desk", Acquire::TakeOver).await;
    assert!(matches!(refused, Err(LeaseError::Held { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_process_of_this_machine_that_is_gone_is_not_waited_for() {
    let leases = MemoryLeases::default();
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    let ours = Holder::of_this_process("run-1");
    assert!(!ours.is_certainly_dead());
    let own_pid = std::process::id().to_string();
    let dead = ours
        .as_str()
        .replace(&format!(" {own_pid}."), &format!(" {}.", child.id()));
    assert_ne!(dead, ours.as_str());
    leases.plant(RELEASE, &dead, "2999-01-01T00:00:00Z");
    let begun = tokio::time::Instant::now();
    acquire(&leases, "run-2 bob@desk", Acquire::NewRun).await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(60),
        "the dead process was waited for"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lease_taken_or_removed_by_others_is_lost_and_left_alone() {
    for removed in [false, true] {
        let leases = MemoryLeases::default();
        let lease = acquire(&leases, "run-1 ann@desk", Acquire::NewRun).await.unwrap();
        if removed {
            leases.remove(RELEASE);
        } else {
            leases.plant(RELEASE, "run-2 bob@desk", "2026-01-01T00:00:00Z");
        }
        lease.lost().cancelled().await;
        let to = lease.check().unwrap_err();
        assert!(
            to.contains(if removed { "removed" } else { "run-2 bob@desk" }),
            "{to}"
        );
        lease.release().await;
        assert_eq!(holder(&leases).as_deref(), (!removed).then_some("run-2 bob@desk"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_cannot_be_renewed_is_given_up_before_others_may_take_it() {
    let leases = MemoryLeases::default();
    let lease = acquire(&leases, "run-1 ann@desk", Acquire::NewRun).await.unwrap();
    leases.set_silent(true);
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert_eq!(lease.check(), Ok(()), "a short silence is survived");
    let begun = tokio::time::Instant::now();
    lease.lost().cancelled().await;
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "it was given up after {:?}",
        begun.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_lease_survives_a_short_silence() {
    let leases = MemoryLeases::default();
    let lease = acquire(&leases, "run-1 ann@desk", Acquire::NewRun).await.unwrap();
    leases.set_silent(true);
    tokio::time::sleep(Duration::from_secs(40)).await;
    leases.set_silent(false);
    tokio::time::sleep(Duration::from_secs(200)).await;
    assert_eq!(lease.check(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_lease_dropped_without_a_word_runs_out() {
    let leases = MemoryLeases::default();
    drop(acquire(&leases, "run-1 ann@desk", Acquire::NewRun).await.unwrap());
    let begun = tokio::time::Instant::now();
    acquire(&leases, "run-1 bob@desk", Acquire::TakeOver)
        .await
        .unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(60));
}
