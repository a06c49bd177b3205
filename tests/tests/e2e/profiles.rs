//! `kubectl upgrade-check profile` on a release of the node: a first profile is written, examined, tried and judged by; what
//! it requires turns with the cluster; who else deploys is told by what is left on the workloads.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use e2e::{Ended, KubectlPlugins, World};
use serde_json::Value;
use test_apps::{HelmLine, Ledger};

fn row<'a>(report: &'a Value, id: &str) -> Result<&'a Value> {
    let rows = report["checks"].as_array().context("a report has checks")?;
    rows.iter()
        .find(|row| row["id"] == id)
        .with_context(|| format!("no row {id}"))
}

/// Puts text behind a profile.
fn add(file: &Path, more: &str) -> Result<()> {
    let text = fs::read_to_string(file)?;
    Ok(fs::write(file, format!("{text}{more}"))?)
}

#[test]
fn a_profile_is_written_from_a_release_and_judges_it() -> Result<()> {
    let world = World::new("profiles")?;
    let app = Ledger::new(&world.place, HelmLine::Four, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &[])?;
    app.wait_until_it_answers()?;
    app.write(3)?;
    let entries = app.database().query("select count(*) from entries")?;
    let kubectl = KubectlPlugins::new(&world)?;
    let packs = world.subfolder("packs")?;
    let file = packs.join("books.yaml");
    let (place, folder) = (file.display().to_string(), packs.display().to_string());
    // `profile lint`, `list`, `show` and `schema` need no cluster, so they take no namespace.
    let offline = |words: &[&str]| -> Result<Ended> {
        let mut program = std::process::Command::new(e2e::program("kubectl-upgrade_check")?);
        program
            .arg("profile")
            .args(words)
            .env("KUBECONFIG", "/nonexistent");
        Ended::of(&mut program)
    };
    let profile = |words: &[&str]| kubectl.run("upgrade-check", &[&["profile"], words].concat());

    // Written once, with what was seen; a file that is there is left alone.
    let init = profile(&["init", "books", "-o", &place])?.expect(0)?;
    ensure!(
        init.stdout.is_empty() && init.stderr.contains("profile lint"),
        "{init}"
    );
    let text = fs::read_to_string(&file)?;
    for part in [
        "env: [DATABASE_URL]",
        "tool: goose",
        "goose keeps public.goose_db_version, which is at 2",
        "kind: migrator",
        "path: /readyz",
        "sessions of its pods are on the database",
        "# guess: that it migrates",
    ] {
        ensure!(text.contains(part), "no {part:?} in\n{text}");
    }
    let password = world.password("books-postgres")?;
    ensure!(
        !text.contains(password.trim()),
        "the password stands in the profile"
    );
    let again = profile(&["init", "books", "-o", &place])?.expect(1)?;
    ensure!(again.stderr.contains("exists already"), "{again}");
    ensure!(fs::read_to_string(&file)? == text, "the file was written over");

    // Examined.
    offline(&["lint", &place])?.expect(0)?;
    let wrong = world.folder.path().join("wrong.yaml");
    fs::write(&wrong, text.replace("kind: migrator", "knd: migrator"))?;
    let told = offline(&["lint", &place, &wrong.display().to_string()])?.expect(2)?;
    ensure!(told.stdout.contains("did you mean `kind`?"), "{told}");
    let listed = offline(&["list", "--profile-dir", &folder, "-o", "json"])?
        .expect(0)?
        .json()?;
    ensure!(
        listed["items"][0]["name"] == "ledger" && listed["items"][0]["file"] == *place,
        "{listed}"
    );
    let shown = offline(&["show", "ledger", "--profile-dir", &folder])?.expect(0)?;
    ensure!(shown.stdout == text, "{shown}");

    // Tried: everything it says matches something.
    let tried = profile(&["test", &place, "books", "-o", "json"])?
        .expect(0)?
        .json()?;
    let roles = tried["roles"].as_array().context("a trial has roles")?;
    ensure!(
        roles.len() == 4 && tried["others"] == Value::Array(Vec::new()),
        "{tried}"
    );
    ensure!(
        tried["database"]["secret"].to_string().contains("books-database"),
        "{tried}"
    );

    // Judged by: its chart is enough to take it from the folder. The look is kept and tried without the cluster.
    let kept = world.folder.path().join("seen.json").display().to_string();
    let check = |more: &[&str]| {
        let words = [&["books", "--profile-dir", &folder, "-o", "json"], more].concat();
        kubectl.run("upgrade-check", &words)
    };
    let report = check(&["--save-observation", &kept])?.expect(0)?.json()?;
    ensure!(
        row(&report, "profile")?["message"] == "profile ledger",
        "{report}"
    );
    ensure!(row(&report, "helm-owner")?["verdict"] == "pass", "{report}");
    offline(&["test", &place, "--observation", &kept])?.expect(0)?;

    // Its questions are asked of the live database, and nothing but reading is done.
    add(
        &file,
        "busy:\n  - { what: somebody owes, sql: select from entries where false }\nverify:\n  assertions:\n    \
         - { what: there are entries, sql: 'select count(*) > 0, count(*) as entries from entries' }\n",
    )?;
    let asked = profile(&["test", &place, "books", "-o", "json"])?
        .expect(0)?
        .json()?;
    let words = asked["questions"].to_string();
    ensure!(
        words.contains(&format!("entries = {}", entries.trim())),
        "{asked}"
    );
    offline(&["test", &place, "--observation", &kept])?.expect(3)?;
    let writing = world.folder.path().join("writing.yaml");
    fs::write(
        &writing,
        format!("{text}busy:\n  - {{ what: gone, sql: delete from entries returning id }}\n"),
    )?;
    let refused = profile(&["test", &writing.display().to_string(), "books"])?.expect(2)?;
    ensure!(refused.stdout.contains("gone has no answer"), "{refused}");
    let left = app.database().query("select count(*) from entries")?;
    ensure!(left == entries, "{left} of {entries} are left");

    // What it requires is looked for in the cluster, and turns with it.
    let namespace = &world.place.namespace;
    add(
        &file,
        &format!(
            "requires:\n  crds: [{{ name: deployments.apps, version: v1 }}]\n  operators:\n    - {{ name: the web, \
             namespace: {namespace}, labels: {{ app.kubernetes.io/component: web }}, version: '>=1.0.0' }}\n  \
             webhooks: [{{ service: books }}]\n"
        ),
    )?;
    let requires = ["--only", "requires-crds,requires-operators,requires-webhooks"];
    let there = check(&requires)?.expect(0)?.json()?;
    for id in ["requires-crds", "requires-operators", "requires-webhooks"] {
        ensure!(row(&there, id)?["verdict"] == "pass", "{there}");
    }
    world
        .place
        .kubectl(&["scale", "deployment/books-web", "--replicas=0"])?;
    world.place.kubectl(&[
        "wait",
        "--for=delete",
        "pod",
        "--selector=app.kubernetes.io/component=web",
        "--timeout=60s",
    ])?;
    let gone = check(&requires)?.expect(2)?.json()?;
    ensure!(row(&gone, "requires-operators")?["verdict"] == "fail", "{gone}");
    let webhook = row(&gone, "requires-webhooks")?;
    ensure!(
        webhook["message"].to_string().contains("no ready endpoint"),
        "{gone}"
    );

    // Who else deploys is told by what it left: a tool that is run warns, a controller blocks.
    let owner = |more: &[&str], code: i32| -> Result<Value> {
        let report = check(&[&["--only", "helm-owner"], more].concat())?
            .expect(code)?
            .json()?;
        Ok(row(&report, "helm-owner")?.clone())
    };
    let declared = owner(&["--deployer", "helmfile"], 0)?;
    ensure!(
        declared["message"].to_string().contains("helmfile apply"),
        "{declared}"
    );
    world.place.kubectl(&[
        "patch",
        "deployment/books-web",
        "--field-manager=terraform-provider-helm_v3.0.2_x5",
        "--patch",
        r#"{"spec":{"revisionHistoryLimit":7}}"#,
    ])?;
    let terraform = owner(&[], 0)?;
    ensure!(
        terraform["verdict"] == "warn" && terraform["message"].to_string().contains("terraform apply"),
        "{terraform}"
    );
    world.place.kubectl(&[
        "label",
        "deployment/books-web",
        "helm.toolkit.fluxcd.io/name=books",
        &format!("helm.toolkit.fluxcd.io/namespace={namespace}"),
    ])?;
    let flux = owner(&[], 2)?;
    let told = flux["message"].to_string();
    ensure!(
        told.contains("Flux HelmRelease") && told.contains("terraform apply"),
        "{flux}"
    );
    Ok(())
}
