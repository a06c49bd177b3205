//! An upgrade that keeps to its time: refused outside its window and without enough time, not begun under load, turned back
//! at its deadline and where its migration is too slow; who is told of it; and what is looked at afterwards.

use anyhow::{Context, Result, ensure};
use e2e::{Ended, Left, ReleaseState, SafeUpgrade, WEBHOOK_SECRET, Webhook, World};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use test_apps::{HelmLine, Ledger};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/profiles/ledger.yaml");
const LINE: HelmLine = HelmLine::Four;

/// A window in UTC from and to so many hours from now.
fn window(from: i64, to: i64) -> Result<String> {
    let time = |hours| -> Result<String> {
        let time = Timestamp::now().checked_add(SignedDuration::from_hours(hours))?;
        Ok(time.strftime("%H:%M").to_string())
    };
    Ok(format!("{}-{}Z", time(from)?, time(to)?))
}

/// The test application's profile with what this test needs besides: a migration is slow after `usual` seconds.
fn profile(world: &World, usual: u32) -> Result<String> {
    let text = std::fs::read_to_string(PROFILE)?;
    let text = text.replace("usualSeconds: 20", &format!("usualSeconds: {usual}"));
    let more = "compare: { tables: [entries] }\n\
                smoke: [{ what: entries can be read, sql: 'select count(*) > 0, count(*) as n from entries' }]\n";
    let file = world.folder.path().join(format!("ledger-{usual}.yaml"));
    std::fs::write(&file, text + more)?;
    Ok(file.display().to_string())
}

fn moments(messages: &[Value]) -> Vec<&str> {
    messages
        .iter()
        .filter_map(|message| message["at"].as_str())
        .collect()
}

#[test]
fn an_upgrade_keeps_to_its_time_tells_of_itself_and_is_looked_at_afterwards() -> Result<()> {
    let world = World::new("windows")?;
    let app = Ledger::new(&world.place, LINE, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &["seedRows=100"])?;
    app.write(5)?;
    let (entries, state) = (app.summary_of("test")?, ReleaseState::read(&world.place)?);
    let safe = SafeUpgrade::new(&world, LINE)?;
    let chart = app.chart("1.1.0")?;
    let webhook = Webhook::start()?;
    let url_file = webhook.url_file(world.folder.path())?.display().to_string();
    let told = world.folder.path().join("told");
    let tell = format!("cat >> '{0}'; echo >> '{0}'", told.display());
    let upgrade = |usual: u32, arguments: &[&str]| -> Result<Ended> {
        let profile = profile(&world, usual)?;
        let common = [
            "--reset-then-reuse-values",
            "--profile",
            &profile,
            "--notify-url-file",
            &url_file,
            "--notify-command",
            &tell,
        ];
        let mut command = safe.upgrade_command("books", &chart, &[&common[..], arguments].concat());
        let ended = Ended::of(command.env("NO_PROXY", "127.0.0.1"))?;
        ensure!(
            !ended.to_string().contains(WEBHOOK_SECRET),
            "the address is never shown: {ended}"
        );
        Ok(ended)
    };
    let untouched = || -> Result<()> {
        ensure!(ReleaseState::read(&world.place)? == state);
        ensure!(app.summary_of("test")? == entries && app.database().schema_version()? == 2);
        Ok(())
    };

    // Outside its window it is refused before anything is begun; a dry run says so and shows the plan.
    let closed = window(2, 3)?;
    let refused = upgrade(20, &["--window", &closed])?.expect(2)?;
    ensure!(
        refused.stderr.contains("is not open yet") && refused.stderr.contains("--not-before"),
        "{refused}"
    );
    let shown = upgrade(20, &["--window", &closed, "--helm-test", "--dry-run"])?.expect(0)?;
    let plan = shown.json()?;
    ensure!(
        plan["terms"]["deadline"] == plan["terms"]["window"]["closes"],
        "{shown}"
    );
    ensure!(
        shown.stderr.contains("now it would be refused") && shown.stderr.contains("has no tests"),
        "{shown}"
    );
    let short = upgrade(20, &["--deadline", "5s"])?.expect(2)?;
    ensure!(short.stderr.contains("20 s by the profile"), "{short}");
    ensure!(Left::read(&world.place)?.heads.is_empty() && webhook.taken().is_empty());

    // The worker's heart beats every second: under that load writers are not stopped, and the deadline ends the wait.
    let busy = upgrade(2, &["--max-tps", "0", "--deadline", "30s"])?.expect(10)?;
    let report = busy.json()?;
    ensure!(
        report["reason"]
            .as_str()
            .is_some_and(|reason| reason.starts_with("the deadline")),
        "{busy}"
    );
    ensure!(busy.stderr.contains("the load is too high"), "{busy}");
    untouched()?;
    let messages = webhook.taken();
    ensure!(
        moments(&messages) == ["start", "turning-back", "end"],
        "{messages:?}"
    );
    ensure!(
        messages[2]["exitCode"] == 10 && messages[2]["from"]["name"] == "books",
        "{messages:?}"
    );

    // A migration that is slower than usual is broken off, where that was agreed, and put back.
    let slow = upgrade(
        2,
        &["--set", "behaviour.slowMigration=3:600", "--on-slow", "abort"],
    )?
    .expect(10)?;
    ensure!(
        slow.to_string()
            .contains("longer than the usual 2 s (--on-slow abort)"),
        "{slow}"
    );
    untouched()?;
    drop(webhook.taken());

    // In its window it goes through; a smoke step that fails and a webhook that takes nothing do not stop it.
    std::fs::remove_file(&told)?;
    webhook.answer(500);
    let open = window(-1, 2)?;
    let smoke = "test \"$SAFE_UPGRADE_RELEASE\" = books";
    let arguments = [
        "--window",
        &open,
        "--smoke",
        smoke,
        "--smoke",
        "echo no luck >&2; exit 3",
    ];
    let done = upgrade(20, &arguments)?.expect(12)?;
    let report = done.json()?;
    ensure!(report["outcome"] == "upgraded-with-failures", "{done}");
    let reason = report["reason"].as_str().context("a reason")?;
    ensure!(
        reason.contains("no luck") && !reason.contains("SAFE_UPGRADE_RELEASE") && !reason.contains("entries"),
        "only what failed is told: {reason}"
    );
    let warnings = report["warnings"].to_string();
    ensure!(
        warnings.contains("the webhook was not told") && warnings.contains("500"),
        "{done}"
    );
    let lines = std::fs::read_to_string(&told)?;
    let messages: Vec<Value> = lines
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .with_context(|| lines.clone())?;
    ensure!(moments(&messages) == ["start", "gate", "end"], "{lines}");
    ensure!(
        messages[2]["outcome"] == "upgraded-with-failures" && messages[2]["exitCode"] == 12,
        "{lines}"
    );
    ensure!(app.summary_of("test")?.same_entries(&entries) && app.database().schema_version()? == 4);

    // What was measured is remembered: the next one does not fit in less.
    let again = upgrade(20, &["--deadline", "1s"])?.expect(2)?;
    ensure!(again.stderr.contains("as in the last run"), "{again}");
    Ok(())
}
