//! Who held up whom in the database, looked at several times: a lock that is there once says little.

use std::time::Duration;

use jiff::Timestamp;
use model::{LockReport, Seen, causes};
use postgres_room::{Database, SessionOptions};
use render::Style;

use super::Part;
use crate::redact::Language;
use crate::request::BundleRequest;

/// How often is looked.
const SAMPLES: u32 = 4;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

const ABOUT: &str = "who held up whom in the database, several looks a second apart";

pub(crate) async fn parts(request: &BundleRequest<'_>) -> Vec<Part> {
    let unread = |why: String| vec![Part::unread("locks.txt", ABOUT, why)];
    let Some(connector) = &request.observed.connector else {
        return match &request.observed.observation.database {
            Seen::Unreadable(why) => unread(why.clone()),
            Seen::Present(_) | Seen::Absent => {
                vec![Part::unavailable("locks.txt", ABOUT, "no database was found")]
            }
        };
    };
    match connector.connect(&SessionOptions::default()).await {
        Ok(database) => told(&samples(request, &database).await),
        Err(error) => unread(causes(&error)),
    }
}

async fn samples(request: &BundleRequest<'_>, database: &Database) -> Vec<LockReport> {
    let again = format!(
        "kubectl upgrade-check locks {} -n {}",
        request.release, request.namespace
    );
    let mut samples = Vec::new();
    for look in 0..SAMPLES {
        if look > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let facts = checks::observe_locks(database, Some((request.cluster, request.namespace))).await;
        samples.push(checks::judge_locks(&facts, &Timestamp::now().to_string(), &again));
    }
    samples
}

fn told(samples: &[LockReport]) -> Vec<Part> {
    let mut missing: Vec<String> = samples.iter().flat_map(|sample| sample.unread.clone()).collect();
    missing.sort();
    missing.dedup();
    let mut text = Vec::new();
    for sample in samples {
        text.extend(format!("--- {}\n", sample.at).into_bytes());
        // Writing into memory cannot fail.
        let _ = render::lock_report(&mut text, Style::plain(), sample);
        text.push(b'\n');
    }
    vec![
        Part::partial(
            "locks.txt",
            ABOUT,
            String::from_utf8_lossy(&text).into_owned(),
            &missing,
        ),
        Part::written("locks.json", "the same, for programs", Language::Json, |out| {
            render::json(out, &samples)
        }),
    ]
}
