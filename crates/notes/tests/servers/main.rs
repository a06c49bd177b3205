//! Reading notes from servers that answer well, badly, slowly or not at all.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod stand_in;

use std::time::Duration;

use jiff::Timestamp;
use model::profile::NotesMarkers;
use model::{NotesReport, NotesState, NotesVerdict, Secret, VersionOf};
use notes::{
    Answered, Ask, Cache, Fetcher, GatherRequest, GitHub, Patience, Place, ReportRequest, Source, Versions,
    Way, gather, report,
};
use serde_json::{Value, json};
use stand_in::{Reply, StandIn};

fn way(from: &str, to: &str) -> Way {
    let app = |version: &str| Versions {
        app: Some(version.to_owned()),
        chart: None,
    };
    Way::between(&app(from), &app(to), VersionOf::App)
}

fn release(tag: &str) -> Value {
    json!({
        "tag_name": tag, "name": tag, "draft": false, "prerelease": false,
        "published_at": "2026-05-01T10:00:00Z", "html_url": format!("https://x.example/{tag}"),
        "body": format!("## Breaking changes\r\n- {tag} breaks\r\n"),
    })
}

fn page(tags: &[&str]) -> Reply {
    let releases: Vec<Value> = tags.iter().map(|tag| release(tag)).collect();
    Reply::of("200 OK", Value::from(releases).to_string())
}

/// A repository whose releases fill these pages.
fn pages(tags: &[&[&str]]) -> StandIn {
    let tags: Vec<Vec<String>> = tags
        .iter()
        .map(|page| page.iter().map(|tag| (*tag).to_owned()).collect())
        .collect();
    StandIn::new(move |own, path| {
        let number: usize = path
            .rsplit_once("&page=")
            .map_or(1, |(_, number)| number.parse().unwrap());
        let tags_of_page: Vec<&str> = tags[number - 1].iter().map(String::as_str).collect();
        let reply = page(&tags_of_page);
        if number == tags.len() {
            return reply;
        }
        let next = format!("{own}/repos/shop/web/releases?per_page=100&page={}", number + 1);
        reply.with("Link", format!("<{next}>; rel=\"next\", <{own}/x>; rel=\"last\""))
    })
}

/// Who asks, and what is kept.
struct Asker {
    github: GitHub,
    fetcher: Fetcher,
    folder: tempfile::TempDir,
}

impl Asker {
    fn new(server: &str, token: Option<&str>) -> Self {
        let github = GitHub::new(Some(server), token.map(Secret::new)).unwrap();
        let patience = Patience {
            connect: Duration::from_secs(5),
            silence: Duration::from_secs(3),
            answer: Duration::from_secs(30),
        };
        Self {
            fetcher: Fetcher::new(github.clone(), patience).unwrap(),
            github,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    async fn ask(&self, place: Place, way: &Way, ask: Ask, now: Timestamp) -> Answered {
        let cache = Cache::new(self.folder.path());
        let sources = [Source::at(place)];
        let mut answers = gather(&GatherRequest {
            sources: &sources,
            way,
            github: &self.github,
            fetcher: Some(&self.fetcher),
            cache: Some(&cache),
            ask,
            now,
        })
        .await;
        answers.remove(0)
    }

    async fn releases(&self, way: &Way) -> Answered {
        self.ask(Place::GitHub("shop/web".into()), way, Ask::Usual, now())
            .await
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_777_629_600).unwrap()
}

fn judged(way: &Way, answered: Answered) -> NotesReport {
    report(&ReportRequest {
        release: "shop",
        way,
        answers: &[answered],
        markers: &NotesMarkers::default(),
        links: Vec::new(),
        prereleases: false,
        now: now(),
    })
}

/// The versions that are told, in their order.
fn versions(report: &NotesReport) -> Vec<&str> {
    report
        .versions
        .iter()
        .map(|notes| notes.version.as_str())
        .collect()
}

/// Why nothing could be read; it is unknown then, and nothing is kept.
async fn refusal(reply: Reply) -> String {
    let server = StandIn::new(move |_, _| reply.clone());
    let asker = Asker::new(&server.url, None);
    let way = way("1.0.0", "1.2.0");
    let answered = asker.releases(&way).await;
    assert_eq!(answered.state, NotesState::Unreadable, "{answered:?}");
    assert_eq!(std::fs::read_dir(asker.folder.path()).unwrap().count(), 0);
    let report = judged(&way, answered);
    assert_eq!(report.verdict, NotesVerdict::Unknown);
    report.sources[0].reason.clone().unwrap()
}

#[tokio::test]
async fn pages_are_read_until_nothing_newer_than_the_running_version_is_left() {
    let server = pages(&[
        &["v1.2.0", "v1.1.0"],
        &["v1.0.5", "v1.0.0"],
        &["v1.0.0", "v0.9.0"],
        &["v0.8.0"],
    ]);
    let way = way("1.0.0", "1.2.0");
    let asker = Asker::new(&server.url, Some("hunter2"));
    let answered = asker.releases(&way).await;
    assert_eq!(server.asked().len(), 3);
    assert!(
        server
            .asked()
            .iter()
            .all(|asked| asked.authorization.as_deref() == Some("Bearer hunter2"))
    );
    let report = judged(&way, answered);
    assert_eq!(versions(&report), ["1.0.5", "1.1.0", "1.2.0"]);
    assert_eq!(report.verdict, NotesVerdict::Known);
    assert_eq!(report.summary.breaking, 3);
    for file in std::fs::read_dir(asker.folder.path()).unwrap() {
        let kept = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(!kept.contains("hunter2"), "the token is kept: {kept}");
    }
}

#[tokio::test]
async fn the_token_is_not_taken_to_another_server() {
    let other = StandIn::new(|_, _| page(&["v1.0.0"]));
    let elsewhere = format!("<{}/next>; rel=\"next\"", other.url);
    let server = StandIn::new(move |_, _| page(&["v1.2.0"]).with("Link", elsewhere.clone()));
    let answered = Asker::new(&server.url, Some("hunter2"))
        .releases(&way("1.0.0", "1.2.0"))
        .await;
    assert!(answered.reason.unwrap().contains("another server"));
    assert!(other.asked().is_empty());

    let target = format!("{}/moved", other.url);
    let server = StandIn::new(move |_, _| Reply::of("302 Found", "").with("Location", target.clone()));
    let answered = Asker::new(&server.url, Some("hunter2"))
        .releases(&way("0.9.0", "1.0.0"))
        .await;
    assert_eq!(answered.state, NotesState::Read, "{answered:?}");
    assert_eq!(other.asked()[0].authorization, None);
}

#[tokio::test]
async fn a_used_up_limit_is_told_with_its_end_and_what_helps() {
    let told = refusal(
        Reply::of("403 Forbidden", "{}")
            .with("X-RateLimit-Remaining", "0")
            .with("X-RateLimit-Reset", "1777629600"),
    )
    .await;
    assert!(
        told.contains("10:00 UTC on 2026-05-01") && told.contains("GITHUB_TOKEN"),
        "{told}"
    );
}

#[tokio::test]
async fn bad_answers_are_told_for_what_they_are() {
    let whole = page(&["v1.2.0", "v1.0.0"]);
    let large = vec![b' '; 17 << 20];
    for (reply, words) in [
        (Reply::of("404 Not Found", "{}"), "knows no repository shop/web"),
        (Reply::of("401 Unauthorized", "{}"), "refuses who has no token"),
        (Reply::of("502 Bad Gateway", "oops"), "502 Bad Gateway"),
        (
            Reply::of("200 OK", "<html>login</html>"),
            "something else than a list of releases",
        ),
        (
            Reply::of("200 OK", "{\"message\": \"x\"}"),
            "something else than a list of releases",
        ),
        (
            Reply::of("200 OK", &b"[{\"tag_name\": \"v1"[..]),
            "something else than a list of releases",
        ),
        (whole.cut(), "broke off"),
        (Reply::silence(), "was too slow"),
        (Reply::of("200 OK", large), "larger than 16 MiB"),
    ] {
        let told = refusal(reply).await;
        assert!(told.contains(words), "{words}: {told}");
    }
    let gone = Asker::new("http://127.0.0.1:9", None)
        .releases(&way("1.0.0", "1.2.0"))
        .await;
    assert!(gone.reason.unwrap().contains("127.0.0.1 does not answer"));
}

#[tokio::test]
async fn a_change_log_is_read_from_an_address_without_the_token() {
    let server = StandIn::new(|_, path| match path {
        "/CHANGELOG.md" => Reply::of(
            "200 OK",
            "## [1.2.0] - 2026-05-01\n### Removed\n- the port\n## [1.0.0]\n",
        ),
        _ => Reply::of("200 OK", "<!DOCTYPE html><html></html>"),
    });
    let asker = Asker::new(&server.url, Some("hunter2"));
    let way = way("1.0.0", "1.2.0");
    let read = async |path: &str| {
        let place = Place::parse(&format!("{}{path}", server.url), "").unwrap();
        asker.ask(place, &way, Ask::Usual, now()).await
    };
    let report = judged(&way, read("/CHANGELOG.md").await);
    assert_eq!(
        (report.verdict, report.summary.breaking),
        (NotesVerdict::Known, 1)
    );
    let wrong = read("/blob/CHANGELOG.md").await;
    assert!(wrong.reason.unwrap().contains("it is a web page"));
    assert!(server.asked().iter().all(|asked| asked.authorization.is_none()));
}

#[tokio::test]
async fn what_was_kept_is_used_while_it_is_fresh_and_when_nobody_answers() {
    let answers = std::sync::atomic::AtomicUsize::new(0);
    let server = StandIn::new(
        move |_, _| match answers.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 | 1 => page(&["v1.2.0", "v1.0.0"]),
            _ => Reply::of("503 Service Unavailable", ""),
        },
    );
    let asker = Asker::new(&server.url, None);
    let way = way("1.0.0", "1.2.0");
    let ask = async |ask: Ask, seconds: i64| {
        let now = Timestamp::from_second(now().as_second() + seconds).unwrap();
        asker.ask(Place::GitHub("shop/web".into()), &way, ask, now).await
    };
    assert_eq!(ask(Ask::Offline, 0).await.state, NotesState::Unreadable);
    assert_eq!(ask(Ask::Usual, 0).await.state, NotesState::Read);
    assert_eq!(ask(Ask::Usual, 60).await.state, NotesState::Cached);
    assert_eq!(server.asked().len(), 1, "what is fresh is not asked for again");
    assert_eq!(ask(Ask::Refresh, 60).await.state, NotesState::Read);
    let late = ask(Ask::Usual, 90_000).await;
    assert_eq!(late.state, NotesState::Cached);
    assert!(late.reason.as_deref().unwrap().contains("503"), "{late:?}");
    assert_eq!(late.at, Timestamp::from_second(now().as_second() + 60).ok());
    let offline = ask(Ask::Offline, 90_000).await;
    assert_eq!((offline.state, offline.reason), (NotesState::Cached, None));
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn what_was_kept_for_a_shorter_way_is_not_held_for_a_longer_one() {
    let server = pages(&[&["v1.1.0"], &["v1.0.0"], &["v0.9.0", "v0.8.0"]]);
    let asker = Asker::new(&server.url, None);
    let short = way("1.0.0", "1.1.0");
    let report = judged(&short, asker.releases(&short).await);
    assert_eq!((server.asked().len(), report.verdict), (2, NotesVerdict::Known));
    let long = way("0.8.0", "1.1.0");
    let report = judged(&long, asker.releases(&long).await);
    assert_eq!(server.asked().len(), 5);
    assert_eq!((report.verdict, report.versions.len()), (NotesVerdict::Known, 3));
}

#[tokio::test]
async fn neither_a_backport_nor_a_tag_of_something_else_ends_the_reading() {
    for tag in ["v0.9.1", "chart-0.4.0"] {
        let server = pages(&[
            &["v1.2.0"],
            &["chart-0.5.0", tag],
            &["v1.1.0", "v1.0.0"],
            &["v0.9.0"],
        ]);
        let way = way("1.0.0", "1.2.0");
        let report = judged(&way, Asker::new(&server.url, None).releases(&way).await);
        assert_eq!(
            (report.verdict, versions(&report)),
            (NotesVerdict::Known, vec!["1.1.0", "1.2.0"]),
            "{tag}"
        );
        assert_eq!(server.asked().len(), 4, "{tag}");
    }
}

/// The running version ends it, and one that is a backport does not before what is older than the way was read.
#[tokio::test]
async fn among_tags_of_something_else_the_reading_ends_below_the_running_version() {
    let plain = [
        &["v1.2.0", "chart-0.7.0"][..],
        &["v1.1.0", "chart-0.6.0"],
        &["v1.0.0", "chart-0.5.0"],
        &["v0.9.0", "chart-0.4.0"],
        &["v0.8.0", "chart-0.3.0"],
    ];
    let backported = [
        &["v1.2.0", "chart-0.7.0"][..],
        &["chart-0.6.0", "v1.0.9"],
        &["v1.1.0", "chart-0.5.0"],
        &["v1.0.8", "chart-0.4.0"],
        &["v1.0.0", "chart-0.3.0"],
    ];
    for (running, tags) in [("1.0.0", plain), ("1.0.9", backported)] {
        let server = pages(&tags);
        let way = way(running, "1.2.0");
        let report = judged(&way, Asker::new(&server.url, None).releases(&way).await);
        assert_eq!(
            (report.verdict, versions(&report)),
            (NotesVerdict::Known, vec!["1.1.0", "1.2.0"]),
            "{running}"
        );
        assert_eq!(server.asked().len(), 4, "{running}");
    }
}
