//! A chart that brings a kind of its own: Helm does not bring its definition up to date, and cannot replace what has none.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use e2e::{KubectlPlugins, World};
use serde_json::{Value, json};
use test_apps::HelmLine;

const DEFINITIONS: &str = "custom-definitions";
const REMOVED: &str = "helm-removed-kinds";

/// A chart with one object of a kind, and with the definition that serves these versions of it.
fn chart(folder: &Path, group: &str, versions: &[&str]) -> Result<PathBuf> {
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    let served: Vec<Value> = versions
        .iter()
        .map(|name| json!({"name": name, "served": true, "storage": *name == versions[0], "schema": schema}))
        .collect();
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("widgets.{group}")},
        "spec": {"group": group, "scope": "Namespaced", "versions": served,
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"}}});
    let widget = json!({"apiVersion": format!("{group}/v1"), "kind": "Widget", "metadata": {"name": "one"}});
    let chart = folder.join(format!("widgets-{}", versions.len()));
    for below in ["crds", "templates"] {
        std::fs::create_dir_all(chart.join(below))?;
    }
    let version = versions.len();
    let about = format!("apiVersion: v2\nname: widgets\nversion: {version}.0.0\n");
    std::fs::write(chart.join("Chart.yaml"), about)?;
    if versions.is_empty() {
        return Ok(chart);
    }
    std::fs::write(chart.join("crds/widgets.yaml"), definition.to_string())?;
    std::fs::write(chart.join("templates/widget.yaml"), widget.to_string())?;
    Ok(chart)
}

#[test]
fn a_definition_that_helm_leaves_old_or_that_is_gone_is_told_before_helm_fails_on_it() -> Result<()> {
    let world = World::new("kinds")?;
    let group = format!("{}.example.com", world.place.namespace);
    let folder = world.subfolder("charts")?;
    let (old, new) = (
        chart(&folder, &group, &["v1"])?.display().to_string(),
        chart(&folder, &group, &["v1", "v2"])?.display().to_string(),
    );
    world.place.helm(HelmLine::Four, &["install", "books", &old])?;
    let kubectl = KubectlPlugins::new(&world)?;
    let helm = kubectl.helm(HelmLine::Four);
    let row = |id: &str, chart: &[&str], code: i32| -> Result<Value> {
        let flags = ["--only", id, "--helm-bin", &helm, "-o", "json"];
        let words = [&["books"], chart, &flags].concat();
        let report = kubectl.run("upgrade-check", &words)?.expect(code)?.json()?;
        Ok(report["checks"].get(0).context("a row")?.clone())
    };
    let says = |row: &Value, verdict: &str, part: &str| -> Result<()> {
        let message = row["message"].as_str().unwrap_or_default();
        ensure!(row["verdict"] == verdict && message.contains(part), "{row}");
        Ok(())
    };
    let name = format!("widgets.{group}");
    let behind = row(DEFINITIONS, &[&new], 0)?;
    says(&behind, "fail", &format!("{name} lacks v2"))?;
    // What is proposed mends it: Helm owns the fields from the installation on, and never writes them again.
    let definitions = format!("{new}/crds");
    let taken_over = ["apply", "--server-side", "--force-conflicts", "-f", &definitions];
    world.place.kubectl(&taken_over)?;
    says(&row(DEFINITIONS, &[&new], 0)?, "pass", "1 definitions")?;
    says(&row(REMOVED, &[], 0)?, "pass", "")?;

    world
        .place
        .kubectl(&["delete", "customresourcedefinition", &name])?;
    says(
        &row(REMOVED, &[], 2)?,
        "fail",
        &format!("Widget one of {group}/v1"),
    )?;
    // Not even a chart without such objects helps: Helm cannot read what it is to remove.
    let without = chart(&folder, &group, &[])?.display().to_string();
    let refused = world.place.helm(HelmLine::Four, &["upgrade", "books", &without]);
    let told = format!(
        "{:#}",
        refused.err().context("Helm replaced what it cannot read")?
    );
    ensure!(told.contains("current release manifest"), "{told}");
    Ok(())
}
