//! What becomes of a run whose journal goes silent, is touched by others or refuses, and what of it is kept.

use std::sync::Arc;
use std::time::Duration;

use crate::common::{Behaviour, RELEASE, RUN, Stage, document, plan};
use engine::journal::{JournalStore, MemoryStore};
use engine::lease::Acquire;
use engine::{Faults, Journal, JournalError, NewRun, runs, unfinished};
use model::UpgradeOutcome;

#[tokio::test(start_paused = true)]
async fn parts_come_back_byte_for_byte_and_a_damaged_one_is_refused() {
    let stage = Stage::new(plan(1, None));
    let lease = stage.lease("first", Acquire::NewRun).await;
    let chart: Vec<u8> = (0..1_300_000_u32).map(|n| (n % 251) as u8).collect();
    let new = NewRun {
        run: RUN.into(),
        plan: stage.plan.clone(),
        inputs: serde_json::Value::Null,
        parts: vec![("chart".into(), chart.clone()), ("values".into(), Vec::new())],
    };
    let store = stage.store.clone();
    let journal = Journal::create(Arc::new(store.clone()), lease, Faults::none(), new)
        .await
        .unwrap();
    assert_eq!(store.piece_count(), 3);
    assert_eq!(journal.get_part("chart").await.unwrap().unwrap(), chart);
    assert_eq!(journal.get_part("values").await.unwrap(), Some(Vec::new()));
    assert_eq!(journal.get_part("nothing").await.unwrap(), None);
    store
        .put_piece(RELEASE, RUN, "chart", 1, b"something else")
        .await
        .unwrap();
    assert!(
        journal
            .get_part("chart")
            .await
            .unwrap_err()
            .to_string()
            .contains("damaged")
    );
}

#[tokio::test(start_paused = true)]
async fn the_last_ten_finished_runs_stay_and_unfinished_ones_always() {
    let stage = Stage::new(plan(1, None));
    let begin = async |number: usize, stage: &Stage, faults: Faults| {
        let lease = stage.lease("first", Acquire::TakeOver).await;
        let new = NewRun {
            run: format!("20260101-{number:06}-00000001"),
            plan: stage.plan.clone(),
            inputs: serde_json::Value::Null,
            parts: vec![("chart".into(), vec![1; 10])],
        };
        let store = Arc::new(stage.store.clone());
        let journal = Journal::create(store, lease.clone(), faults.clone(), new).await?;
        Ok::<_, JournalError>(engine::run(stage.act(journal, lease, faults)).await.unwrap())
    };
    for number in 1..=12 {
        assert_eq!(
            begin(number, &stage, Faults::none()).await.unwrap().outcome,
            UpgradeOutcome::Upgraded
        );
    }
    let stopped: Faults = "error:01-step,undo-error:01-step".parse().unwrap();
    assert_eq!(
        begin(13, &stage, stopped).await.unwrap().outcome,
        UpgradeOutcome::Stopped
    );
    let kept: Vec<String> = runs(&stage.store, RELEASE)
        .await
        .unwrap()
        .into_iter()
        .map(|run| run.run)
        .collect();
    let expected: Vec<String> = (3..=13)
        .rev()
        .map(|number| format!("20260101-{number:06}-00000001"))
        .collect();
    assert_eq!(kept, expected, "ten that are finished and the one that is not");
    assert_eq!(
        stage.store.piece_count(),
        1,
        "only the stopped run's part is left"
    );
    assert_eq!(unfinished(&stage.store, RELEASE).await.unwrap().len(), 1);
    let refused = begin(14, &stage, Faults::none()).await.unwrap_err();
    assert!(
        refused.to_string().contains("000013"),
        "an unfinished run stands in the way: {refused}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_parts_cannot_be_stored_stands_in_nobodys_way() {
    let stage = Stage::new(plan(1, None));
    let lease = stage.lease("first", Acquire::NewRun).await;
    let new = NewRun {
        run: RUN.into(),
        plan: stage.plan.clone(),
        inputs: serde_json::Value::Null,
        parts: vec![("chart".into(), vec![1; 10])],
    };
    stage.store.refuse_pieces(true);
    let failed = Journal::create(Arc::new(stage.store.clone()), lease.clone(), Faults::none(), new).await;
    assert!(failed.is_err());
    lease.release().await;
    assert!(unfinished(&stage.store, RELEASE).await.unwrap().is_empty());
    assert_eq!(document(&stage).await.outcome, Some(UpgradeOutcome::Restored));
}

#[tokio::test(start_paused = true)]
async fn a_silent_store_is_waited_for_and_a_dead_one_stops_the_run() {
    let stage = Stage::new(plan(2, None)).with(1, Behaviour::Hangs);
    for (silent_for, journaled) in [(5, true), (usize::MAX, false)] {
        let stage = Stage {
            store: MemoryStore::default(),
            cancel: tokio_util::sync::CancellationToken::new(),
            ..stage.clone()
        };
        let (store, cancel) = (stage.store.clone(), stage.cancel.clone());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            store.fall_silent_for(silent_for);
            cancel.cancel();
        });
        let end = stage.begin(&Faults::none()).await.unwrap();
        assert_eq!(end.journaled, journaled, "{:?}", end.reason);
        stage.store.fall_silent_for(0);
        let expected = if journaled {
            UpgradeOutcome::Restored
        } else {
            UpgradeOutcome::Stopped
        };
        assert_eq!(end.outcome, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_somebody_else_wrote_to_stops_the_run() {
    let stage = Stage::new(plan(2, None)).with(1, Behaviour::Hangs);
    let (store, cancel) = (stage.store.clone(), stage.cancel.clone());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        store.meddle(RELEASE, RUN, |text| {
            let mut document: serde_json::Value = serde_json::from_slice(text).unwrap();
            document["holder"] = "run eve@elsewhere".into();
            *text = serde_json::to_vec(&document).unwrap();
        });
        cancel.cancel();
    });
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!((end.outcome, end.journaled), (UpgradeOutcome::Stopped, false));
    assert!(end.reason.unwrap().contains("changed by run eve@elsewhere"));
}

#[tokio::test(start_paused = true)]
async fn a_touch_that_leaves_the_document_alone_and_a_lost_answer_are_survived() {
    let stage = Stage::new(plan(2, None)).with(1, Behaviour::Hangs);
    let before = stage.world_now();
    let (store, cancel) = (stage.store.clone(), stage.cancel.clone());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        store.meddle(RELEASE, RUN, |_| {});
        store.lose_next_answer();
        cancel.cancel();
    });
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!(
        (end.outcome, end.journaled),
        (UpgradeOutcome::Restored, true),
        "{:?}",
        end.reason
    );
    assert_eq!(stage.world_now(), before);
}
