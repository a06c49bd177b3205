//! `kubectl upgrade-check notes` as it is typed, without a cluster (`--running`) and against a server that stands in for
//! GitHub, which tests cannot reach.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

#[expect(
    dead_code,
    reason = "the server is shared with the tests of the room that reads notes, which use more of it"
)]
#[path = "../../crates/notes/tests/servers/stand_in.rs"]
mod stand_in;

use stand_in::{Reply, StandIn};

const TOKEN: &str = "hunter2-token";

fn release(tag: &str, name: &str, body: &str) -> Value {
    json!({
        "tag_name": tag, "name": name, "body": body, "draft": false, "prerelease": tag.contains("-rc"),
        "published_at": "2026-05-01T10:00:00Z", "html_url": format!("https://x.example/shop/web/{tag}"),
    })
}

/// A project that breaks something in 1.2.0.
fn project() -> StandIn {
    let releases = Value::from(vec![
        release(
            "v1.2.0",
            "v1.2.0",
            "## Breaking changes\r\n\r\n- The port moves from 80 to 8080.\r\n\r\n## Known issues\r\n\r\nNone.\r\n",
        ),
        release("v1.2.0-rc.1", "", "## Breaking changes\n- tried out\n"),
        release(
            "v1.1.0",
            "Lists that can be sorted",
            "* feat: sorted lists by @ann in https://x.example/4\n* fix: mend CVE-2026-10421 by @bot in https://x.example/5\n* \
             chore: migration 00043 adds an index\n",
        ),
        release("v1.0.0", "v1.0.0", "The first.\u{1b}[2J"),
    ]);
    let body = releases.to_string();
    StandIn::new(move |_, path| match path {
        "/repos/shop/web/releases?per_page=100" => Reply::of("200 OK", body.clone()),
        _ => Reply::of("404 Not Found", "{\"message\": \"Not Found\"}"),
    })
}

/// A machine with a home and a chart, on which nobody has asked yet.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let chart = folder.path().join("chart");
        std::fs::create_dir(&chart).unwrap();
        std::fs::write(
            chart.join("Chart.yaml"),
            "name: web\nversion: 0.5.0\nappVersion: 1.2.0\nsources: [https://127.0.0.1/shop/web]\nannotations:\n  \
             artifacthub.io/links: |\n    - name: Upgrade guide\n      url: https://x.example/guide\n",
        )
        .unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, server: &str, words: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_kubectl-upgrade_check"))
            .arg("notes")
            .args(words)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("GITHUB_API_URL", server)
            .env("GITHUB_TOKEN", TOKEN)
            .output()
            .unwrap()
    }

    /// What is printed, where it ends with `code`. The token is in none of it.
    fn ends(&self, server: &str, words: &[&str], code: i32) -> (String, String) {
        let output = self.run(server, words);
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {stdout}{stderr}");
        assert!(
            !stdout.contains(TOKEN) && !stderr.contains(TOKEN),
            "{stdout}{stderr}"
        );
        (stdout, stderr)
    }

    fn json(&self, server: &str, words: &[&str], code: i32) -> Value {
        let mut words = words.to_vec();
        words.extend(["-o", "json"]);
        serde_json::from_str(&self.ends(server, &words, code).0).unwrap()
    }
}

fn versions(report: &Value) -> Vec<&str> {
    let versions = report["versions"].as_array().unwrap();
    versions
        .iter()
        .map(|notes| notes["version"].as_str().unwrap())
        .collect()
}

/// Every file below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[test]
fn what_is_coming_is_told_for_people_and_for_a_ticket() {
    let (server, machine) = (project(), Machine::new());
    let line = ["shop", "./chart", "--running", "1.0.0"];
    insta::assert_snapshot!("coming", machine.ends(&server.url, &line, 0).0);
    let ticket = [&line[..], &["-o", "markdown", "--refresh"]].concat();
    insta::assert_snapshot!("ticket", machine.ends(&server.url, &ticket, 0).0);
    assert_eq!(
        server.asked()[0].authorization.as_deref(),
        Some(format!("Bearer {TOKEN}").as_str())
    );
}

#[test]
fn scripts_read_the_same_and_may_fail_on_what_breaks() {
    let (server, machine) = (project(), Machine::new());
    let line = ["shop", "1.2.0", "--running", "1.0.0", "--from", "shop/web"];
    let report = machine.json(&server.url, &line, 0);
    assert_eq!(
        (&report["kind"], &report["verdict"]),
        (&json!("ReleaseNotes"), &json!("known"))
    );
    assert_eq!(versions(&report), ["1.1.0", "1.2.0"]);
    let summary = &report["summary"];
    assert_eq!(
        [
            &summary["breaking"],
            &summary["migrations"],
            &summary["security"],
            &summary["knownIssues"]
        ],
        [&json!(1), &json!(1), &json!(1), &json!(0)]
    );
    let strict = [&line[..], &["--fail-on", "breaking"]].concat();
    machine.json(&server.url, &strict, 2);
    // What blocks stays in the way of a script, and what was not done is never done.
    let nowhere = ["--save", "none/notes.json"];
    let (_, told) = machine.ends(&server.url, &[&strict[..], &nowhere].concat(), 2);
    assert!(told.contains("The notes were not saved."), "{told}");
    machine.ends(&server.url, &[&line[..], &nowhere].concat(), 1);
    let all = [&line[..], &["--prereleases"]].concat();
    assert_eq!(
        versions(&machine.json(&server.url, &all, 0)),
        ["1.1.0", "1.2.0-rc.1", "1.2.0"]
    );
}

#[test]
fn a_rollback_is_told_what_is_being_left() {
    let (server, machine) = (project(), Machine::new());
    let line = ["shop", "v1.0.0", "--running", "1.2.0", "--from", "shop/web"];
    let report = machine.json(&server.url, &line, 0);
    assert_eq!(report["direction"], "rollback");
    assert_eq!(versions(&report), ["1.2.0", "1.1.0"]);
    let (told, _) = machine.ends(&server.url, &line, 0);
    assert!(told.contains("that are being left, newest first"), "{told}");
}

#[test]
fn where_nobody_tells_it_is_not_known() {
    let limited = StandIn::new(|_, _| {
        Reply::of("403 Forbidden", "{}")
            .with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-reset", "1777629600")
    });
    let machine = Machine::new();
    let line = ["shop", "1.2.0", "--running", "1.0.0", "--from", "shop/web"];
    let (told, _) = machine.ends(&limited.url, &line, 3);
    assert!(
        told.contains("10:00 UTC on 2026-05-01") && told.contains("cannot tell"),
        "{told}"
    );
    let server = project();
    let unknown = ["shop", "1.2.0", "--running", "1.0.0", "--from", "shop/other"];
    let (told, _) = machine.ends(&server.url, &unknown, 3);
    assert!(told.contains("knows no repository shop/other"), "{told}");
    let newer = ["shop", "1.3.0", "--running", "1.0.0", "--from", "shop/web"];
    let (told, _) = machine.ends(&server.url, &newer, 3);
    assert!(told.contains("tells nothing of 1.3.0"), "{told}");
    let nobody = ["shop", "1.3.0", "--running", "1.0.0"];
    let (told, _) = machine.ends(&server.url, &nobody, 3);
    assert!(told.contains("--from OWNER/REPOSITORY"), "{told}");
    let saved = [&line[..], &["--save", "notes.json"]].concat();
    let (_, told) = machine.ends(&limited.url, &saved, 3);
    assert!(told.contains("no notes to save"), "{told}");
    assert!(!machine.path("notes.json").exists());
}

#[test]
fn notes_are_taken_along_and_kept_for_when_nobody_answers() {
    let machine = Machine::new();
    let line = ["shop", "1.2.0", "--running", "1.0.0"];
    let from = [&line[..], &["--from", "shop/web"]].concat();
    let server = project();
    let saving = [&from[..], &["--save", "notes.json"]].concat();
    let (told, talk) = machine.ends(&server.url, &saving, 0);
    assert!(talk.contains("saved to notes.json"), "{talk}");
    // The discard port: nobody listens there.
    let gone = "http://127.0.0.1:9";
    let elsewhere = Machine::new();
    std::fs::copy(machine.path("notes.json"), elsewhere.path("notes.json")).unwrap();
    let reading = [&line[..], &["--notes", "notes.json"]].concat();
    let report = elsewhere.json(gone, &reading, 0);
    assert_eq!(
        (&report["sources"][0]["state"], versions(&report)),
        (&json!("saved"), vec!["1.1.0", "1.2.0"])
    );
    assert!(told.contains("The port moves"), "{told}");

    let offline = [&from[..], &["--offline"]].concat();
    let report = machine.json(&server.url, &offline, 0);
    assert_eq!(report["sources"][0]["state"], "cached");
    assert_eq!(server.asked().len(), 1);
    for file in files_below(machine.folder.path()) {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains(TOKEN), "the token is in {}", file.display());
    }
}

#[test]
fn a_chart_that_is_at_hand_is_not_told_again_from_a_file() {
    let (server, machine) = (project(), Machine::new());
    std::fs::write(
        machine.path("chart/CHANGELOG.md"),
        "## 1.2.0\n- a\n\n## 1.0.0\n- b\n",
    )
    .unwrap();
    let line = ["shop", "./chart", "--running", "1.0.0"];
    let saving = [&line[..], &["--save", "notes.json"]].concat();
    machine.ends(&server.url, &saving, 0);
    let reading = [&line[..], &["--notes", "notes.json"]].concat();
    let report = machine.json("http://127.0.0.1:9", &reading, 0);
    let sources: Vec<&str> = report["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| source["source"].as_str().unwrap())
        .collect();
    assert_eq!(
        sources,
        [
            "GitHub releases of shop/web",
            "CHANGELOG.md in the target's chart"
        ]
    );
}

#[test]
fn mistakes_in_the_words_are_told_before_anybody_is_asked() {
    let (server, machine) = (project(), Machine::new());
    for (words, told) in [
        (&["shop"][..], "a CHART, or a VERSION"),
        (
            &["shop", "1.2.0", "--running", "1.0.0", "--from", "nothing"],
            "is no source of notes",
        ),
        (
            &[
                "shop",
                "1.2.0",
                "--running",
                "1.0.0",
                "--from",
                "https://github.com/shop/web",
            ],
            "is not the GitHub that is asked",
        ),
        (
            &["shop", "1.2.0", "--running", "1.0.0", "--notes", "none.json"],
            "none.json",
        ),
        (
            &[
                "shop",
                "1.2.0",
                "--running",
                "1.0.0",
                "--github-token-file",
                "none",
            ],
            "failed to read the token in none",
        ),
        (
            &[
                "shop",
                "1.2.0",
                "--running",
                "1.0.0",
                "--github-api",
                "http://git.example",
            ],
            "only https is private",
        ),
        (&["shop", "1.2.0", "--offline", "--refresh"], "--offline"),
        (
            &["shop", "./nowhere", "--running", "1.0.0"],
            "no chart at ./nowhere",
        ),
        (&["shop", "repo/web", "--running", "1.0.0"], "no helm found"),
        (
            &["shop", "./chart", "--running", "1.0.0", "--reuse-value"],
            "--reuse-values",
        ),
    ] {
        let (_, stderr) = machine.ends(&server.url, words, 1);
        assert!(stderr.contains(told), "{words:?}: {stderr}");
    }
    assert!(server.asked().is_empty());
}

#[test]
fn a_token_is_read_from_a_file() {
    let (server, machine) = (project(), Machine::new());
    std::fs::write(machine.path("token"), "from-a-file\n").unwrap();
    let line = [
        "shop",
        "1.2.0",
        "--running",
        "1.0.0",
        "--from",
        "shop/web",
        "--github-token-file",
        "token",
    ];
    machine.ends(&server.url, &line, 0);
    assert_eq!(
        server.asked()[0].authorization.as_deref(),
        Some("Bearer from-a-file")
    );
}
