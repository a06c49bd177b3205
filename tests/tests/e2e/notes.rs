//! `kubectl upgrade-check notes` on releases of both Helm lines: what runs, and what its chart tells, stand in helm's record.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use e2e::{KubectlPlugins, World};
use serde_json::Value;
use test_apps::HelmLine;

const CONFIG_MAP: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }}-small }\ndata: {}\n";

/// A chart whose change log tells of `versions`, newest first; each breaks something of its own number.
fn chart(world: &World, versions: &[&str]) -> Result<PathBuf> {
    let newest = versions.first().context("a version")?;
    let folder = world.subfolder(&format!("chart-{newest}"))?;
    std::fs::write(
        folder.join("Chart.yaml"),
        format!(
            "apiVersion: v2\nname: small\nversion: {newest}\nappVersion: {newest}\nannotations:\n  artifacthub.io/changes: |\n    \
             - kind: security\n      description: a hole is closed\n"
        ),
    )?;
    let log: String = versions
        .iter()
        .map(|version| format!("## [{version}] - 2026-05-01\n### Removed\n- key {version}\n\n"))
        .collect();
    std::fs::write(folder.join("CHANGELOG.md"), format!("# Changelog\n\n{log}"))?;
    std::fs::create_dir_all(folder.join("templates"))?;
    std::fs::write(folder.join("templates/object.yaml"), CONFIG_MAP)?;
    Ok(folder)
}

fn versions(report: &Value) -> Result<Vec<String>> {
    let versions = report["versions"].as_array().context("versions")?;
    Ok(versions
        .iter()
        .filter_map(|notes| notes["version"].as_str().map(str::to_owned))
        .collect())
}

#[test]
fn the_way_up_and_back_is_told_from_the_charts_of_both_ends() -> Result<()> {
    for line in HelmLine::ALL {
        let world = World::new("notes")?;
        let kubectl = KubectlPlugins::new(&world)?;
        let helm = kubectl.helm(line);
        let old = chart(&world, &["1.0.0"])?.display().to_string();
        let new = chart(&world, &["1.2.0", "1.1.0", "1.0.0"])?.display().to_string();
        world.place.helm(line, &["install", "small", &old])?;

        let up = ["notes", "small", &new, "--helm-bin", &helm, "-o", "json"];
        let report = kubectl.run("upgrade-check", &up)?.expect(0)?.json()?;
        ensure!(versions(&report)? == ["1.1.0", "1.2.0"], "{report}");
        ensure!(
            report["verdict"] == "known" && report["summary"]["breaking"] == 2,
            "{report}"
        );
        ensure!(report["summary"]["security"] == 1, "{report}");

        let check = [
            "small",
            &new,
            "--helm-bin",
            &helm,
            "--only",
            "release-notes",
            "-o",
            "json",
        ];
        let report = kubectl.run("upgrade-check", &check)?.expect(0)?.json()?;
        let row = &report["checks"][0];
        ensure!(row["verdict"] == "warn", "{row}");
        ensure!(
            row["message"]
                .as_str()
                .is_some_and(|told| told.contains("1.2.0: key 1.2.0")),
            "{row}"
        );

        // The older chart knows nothing of what is being left: the record of the running one does.
        world.place.helm(line, &["upgrade", "small", &new])?;
        let back = ["notes", "small", &old, "--helm-bin", &helm, "-o", "json"];
        let report = kubectl.run("upgrade-check", &back)?.expect(0)?.json()?;
        ensure!(report["direction"] == "rollback", "{report}");
        ensure!(versions(&report)? == ["1.2.0", "1.1.0"], "{report}");
        ensure!(report["verdict"] == "known", "{report}");

        // A version that the record's chart does not tell of is unknown, and so is what runs where nobody may look.
        let beyond = ["notes", "small", "2.0.0", "--offline"];
        kubectl.run("upgrade-check", &beyond)?.expect(3)?;
        let nobody = ["notes", "small", "2.0.0", "--offline", "--as", "nobody"];
        kubectl
            .run("upgrade-check", &nobody)?
            .expect_one_clear_line(1, &["failed to read what runs", "--running VERSION"])?;
    }
    Ok(())
}
