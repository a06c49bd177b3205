//! Values with special characters reach helm as they were typed, and a secret among them is seen nowhere else.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use e2e::{Ended, Left, SafeUpgrade, World, plugin_below, processes, wait_for};
use serde_json::{Value, json};
use test_apps::{HelmLine, Ledger};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/profiles/ledger.yaml");

fn values_arrive(line: HelmLine) -> Result<()> {
    let world = World::new("values")?;
    let app = Ledger::new(&world.place, line, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &["seedRows=100"])?;
    let safe = SafeUpgrade::new(&world, line)?;
    // Another test's secret must not be taken for this one's.
    let secret = format!("geheim-{}", world.place.namespace.replace("values", "7f3a9"));
    let password = format!("extra.password={secret},not=split {{curly}}");
    let arguments = [
        "--reset-then-reuse-values",
        "--profile",
        PROFILE,
        "--set",
        r"extra.comma=a\,b=c",
        "--set",
        "extra.quotes=say \"hi\", it's",
        "--set",
        "extra.lines=one\ntwo",
        "--set-string",
        "extra.number=007",
        "--set",
        "extra.umlaut=größe ☃ $(x) `y`",
        "--set-json",
        r#"extra.object={"list": [1, "zwei"], "big": 10000000}"#,
        "--set-literal",
        &password,
        "--set",
        "behaviour.slowMigration=3:8",
    ];
    let chart = app.chart("1.1.0")?;
    let child = safe
        .upgrade_command("books", &chart, &arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let outer = child.id();
    wait_for("the supervised helm has written its revision", || {
        Ok(Left::history(&world.place, line, "books")?.contains_key(&2))
    })?;
    let plugin = plugin_below(&child)?;
    let telling: Vec<String> = processes()?
        .into_iter()
        // What the user typed is in these two's arguments before we can do anything about it.
        .filter(|process| process.pid != outer && process.pid != plugin)
        .filter(|process| process.line().contains(&secret))
        .map(|process| process.line())
        .collect();
    let ended = Ended::from_output(&child.wait_with_output()?).expect(0)?;
    ensure!(telling.is_empty(), "a process list shows the secret: {telling:?}");
    ensure!(
        !ended.to_string().contains(&secret),
        "our own words hold the secret"
    );

    let stored: Value = serde_json::from_str(
        &world
            .place
            .helm(line, &["get", "values", "books", "--output", "json"])?,
    )?;
    let expected = json!({
        "comma": "a,b=c",
        "quotes": "say \"hi\", it's",
        "lines": "one\ntwo",
        "number": "007",
        "umlaut": "größe ☃ $(x) `y`",
        "object": { "list": [1, "zwei"], "big": 10_000_000 },
        "password": format!("{secret},not=split {{curly}}"),
    });
    for (key, value) in expected.as_object().context("an object")? {
        ensure!(&stored["extra"][key] == value, "{key}: {}", stored["extra"][key]);
    }
    seen_nowhere(&world, &safe, &secret)
}

/// The journal's heads, the cluster's events and what lies beside the backup do not hold the secret.
fn seen_nowhere(world: &World, safe: &SafeUpgrade<'_>, secret: &str) -> Result<()> {
    let heads = world.place.kubectl(&[
        "get",
        "secrets",
        "--field-selector=type=safe-upgrade.dev/run",
        "-o",
        "go-template={{range .items}}{{.data.run | base64decode}}{{end}}",
    ])?;
    ensure!(heads.contains("\"kind\":\"Run\"") && !heads.contains(secret));
    ensure!(
        !world
            .place
            .kubectl(&["get", "events,configmaps,leases", "-o", "json"])?
            .contains(secret)
    );
    let mut folders = vec![safe.backups().to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files += 1;
                let bytes = std::fs::read(&path)?;
                let found = bytes
                    .windows(secret.len())
                    .any(|window| window == secret.as_bytes());
                ensure!(!found, "{} holds the secret", path.display());
            }
        }
    }
    ensure!(files > 0, "a backup was made");
    Ok(())
}

#[test]
fn values_arrive_as_typed_and_stay_secret_under_helm_3() -> Result<()> {
    values_arrive(HelmLine::Three)
}

#[test]
fn values_arrive_as_typed_and_stay_secret_under_helm_4() -> Result<()> {
    values_arrive(HelmLine::Four)
}
