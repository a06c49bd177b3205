//! Every death of the matrix, for `cargo xtask faults`, which reads the lines that are written here.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use test_apps::HelmLine;

use super::kind::{Death, Kind, Then};
use super::scene::Scene;

/// How long new pairs are begun, in minutes.
const MINUTES: &str = "SAFE_UPGRADE_KILL_MINUTES";
const WHEN: [&str; 2] = ["before", "after"];

struct Tally {
    until: Instant,
    failed: usize,
}

impl Tally {
    fn begin() -> Result<Self> {
        let minutes = std::env::var(MINUTES)?.parse::<u64>()?;
        let until = Instant::now() + Duration::from_secs(60 * minutes);
        Ok(Self { until, failed: 0 })
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Tells how a pair ended; gives whether its run died, and `None` where it failed.
    fn take(&mut self, kind: Kind, death: Death, ended: Result<bool>) -> Result<Option<bool>> {
        let mut out = std::io::stdout().lock();
        match ended {
            Ok(true) => writeln!(out, "pair passed: {kind}, {death}")?,
            Ok(false) => {}
            Err(error) => {
                self.failed += 1;
                let why = format!("{error:#}").replace('\n', " ");
                writeln!(out, "pair failed: {kind}, {death}: {why}")?;
                return Ok(None);
            }
        }
        Ok(ended.ok())
    }

    fn unfinished(&self, kind: Kind) -> Result<()> {
        writeln!(std::io::stdout(), "pairs unfinished: {kind}")?;
        Ok(())
    }
}

/// Takes every death back, on one release as long as it is as before afterwards. Gives how many records the journal has;
/// `None` where the time was up.
fn aborted(kind: Kind, tally: &mut Tally) -> Result<Option<usize>> {
    let mut scene = Scene::new(kind)?;
    for record in 1.. {
        for when in WHEN {
            if tally.is_over() {
                tally.unfinished(kind)?;
                return Ok(None);
            }
            let death = Death {
                when,
                record,
                then: Then::Abort,
            };
            match tally.take(kind, death, scene.survives(death))? {
                Some(true) => {}
                Some(false) => return Ok(Some(record - 1)),
                None => scene = Scene::new(kind)?,
            }
        }
    }
    Ok(None)
}

/// Carries every death on, each on a release of its own.
fn resumed(kind: Kind, records: usize, tally: &mut Tally) -> Result<()> {
    for record in 1..=records {
        for when in WHEN {
            if tally.is_over() {
                return tally.unfinished(kind);
            }
            let death = Death {
                when,
                record,
                then: Then::Resume,
            };
            let ended = Scene::new(kind).and_then(|scene| scene.survives(death));
            tally.take(kind, death, ended)?;
        }
    }
    Ok(())
}

fn every(line: HelmLine) -> Result<()> {
    let mut tally = Tally::begin()?;
    for kind in Kind::all(line) {
        if let Some(records) = aborted(kind, &mut tally)? {
            resumed(kind, records, &mut tally)?;
        }
    }
    ensure!(tally.failed == 0, "{} pairs failed", tally.failed);
    Ok(())
}

#[test]
#[ignore = "takes hours; `cargo xtask faults` runs it"]
fn every_death_under_helm_3_ends_whole() -> Result<()> {
    every(HelmLine::Three)
}

#[test]
#[ignore = "takes hours; `cargo xtask faults` runs it"]
fn every_death_under_helm_4_ends_whole() -> Result<()> {
    every(HelmLine::Four)
}
