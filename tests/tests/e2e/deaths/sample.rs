//! A few deaths of the matrix, others in every test run.

use std::io::Write as _;

use anyhow::{Context, Result, ensure};
use test_apps::HelmLine;

use super::drawn::Drawn;
use super::kind::{Death, Kind, Then};
use super::scene::Scene;

/// Deaths that one release bears: after one that is taken back it is as before, after one that is carried on it is another.
const OF_ONE_RELEASE: [Then; 2] = [Then::Abort, Then::Resume];

/// Half of the sample, under one Helm line.
fn sample(line: HelmLine) -> Result<()> {
    let drawn = Drawn::from_environment()?;
    let told = format!("SAFE_UPGRADE_KILL_SEED={} draws these deaths again", drawn.seed);
    // Past the capture of test programs: the seed is told whether it fails or not.
    writeln!(std::io::stdout(), "{told}")?;
    let kinds = Kind::all(line);
    let mut left = drawn.pairs.div_ceil(2);
    let mut release = 0;
    while left > 0 {
        let word = |what: &str| format!("{line:?} {release} {what}");
        let kind = kinds[drawn.number(&word("kind"), kinds.len())];
        let scene = Scene::new(kind)?;
        let records = scene.least_records()?;
        for then in OF_ONE_RELEASE.into_iter().take(left) {
            let death = Death {
                when: ["before", "after"][drawn.number(&word(&format!("{then:?} when")), 2)],
                record: 1 + drawn.number(&word(&format!("{then:?} record")), records),
                then,
            };
            writeln!(std::io::stdout(), "{kind}, {death}")?;
            let survives = scene.survives(death);
            let died = survives.with_context(|| format!("{kind}, {death}; {told}"))?;
            ensure!(died, "{kind}, {death}: there is no such record; {told}");
            left -= 1;
        }
        release += 1;
    }
    Ok(())
}

#[test]
fn a_sample_of_deaths_under_helm_3_ends_whole() -> Result<()> {
    sample(HelmLine::Three)
}

#[test]
fn a_sample_of_deaths_under_helm_4_ends_whole() -> Result<()> {
    sample(HelmLine::Four)
}
