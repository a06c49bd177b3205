//! What is at hand of release notes, for checks and lists: of the way to a target, and of the newest version. No server is
//! asked.

use std::path::Path;

use checks::Observed;
use checks::profiles::{ProfileChoice, resolve};
use cli::Environment;
use helm::chart_documents;
use jiff::Timestamp;
use model::{ChartDocuments, NewestKnown, NotesReport, VersionOf};
use notes::{ReportRequest, Way, chart_links, newest_told, report};

use super::arguments::ReadingFlags;
use super::ask::{Asking, Charts, cache, github, sources};
use super::target::versions;

/// What the charts of both ends tell, and what was kept of earlier answers. `None` where either end is not known, or where
/// the environment or the profile names a source that cannot be one: `notes` says so to who asks.
pub(crate) async fn at_hand(
    archive: &Path,
    observed: &Observed,
    environment: &Environment,
) -> Option<NotesReport> {
    let github = github(&ReadingFlags::default(), environment).ok()?;
    let target = chart_documents(archive).ok()?;
    let stored = observed.stored.as_ref()?;
    let charts = Charts {
        running: Some(&stored.documents),
        target: Some(&target),
    };
    let way = Way::between(&versions(&stored.documents), &versions(&target), VersionOf::App);
    let profile = &observed.profile;
    let sources = sources(&[], profile, &charts, &github).ok()?;
    let now = Timestamp::now();
    let asking = Asking {
        github: &github,
        sources: &sources,
        charts: &charts,
        way: &way,
        cache: cache(environment),
        now,
    };
    let answers = asking.at_hand().await;
    let mut report = report(&ReportRequest {
        release: &stored.release.name,
        way: &way,
        answers: &answers,
        markers: &profile.notes.markers,
        links: chart_links(&target),
        prereleases: false,
        now,
    });
    // A look that is kept in a file is to stay small.
    for notes in &mut report.versions {
        notes.text.clear();
    }
    Some(report)
}

/// The newest version of which notes were kept, of the application that a chart brings. `None` where none of it were, where
/// none tell of the running version, or where the environment or the profile names a source that cannot be one.
pub(crate) async fn newest_at_hand(chart: &ChartDocuments, environment: &Environment) -> Option<NewestKnown> {
    let github = github(&ReadingFlags::default(), environment).ok()?;
    let charts = Charts {
        running: Some(chart),
        target: None,
    };
    let profile = resolve(&ProfileChoice::default(), &[&chart.identity.name], &[])
        .ok()?
        .profile;
    let sources = sources(&[], &profile, &charts, &github).ok()?;
    if sources.is_empty() {
        return None;
    }
    let runs = versions(chart);
    let way = Way::between(&runs, &runs, VersionOf::App);
    let asking = Asking {
        github: &github,
        sources: &sources,
        charts: &charts,
        way: &way,
        cache: cache(environment),
        now: Timestamp::now(),
    };
    let running = runs.app.as_deref().or(runs.chart.as_deref())?;
    newest_told(&asking.at_hand().await, running)
}
