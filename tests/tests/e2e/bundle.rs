//! The support archive of a real release, into whose logs, environment and objects a secret was planted in every spelling: none of
//! its bytes may be in the archive.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use e2e::{Ended, KubectlPlugins, World, files_below};
use serde_json::Value;
use test_apps::{HelmLine, Ledger};

/// What must never leave, with characters that every encoding writes in its own way.
const PLANTED: &str = "pl4nted/s3cret+of=4711&more";

/// Where the planted value is torn in two lines.
const TORN: usize = 12;

/// Spellings of it, none of which may stand in the archive.
fn spellings() -> [String; 6] {
    [
        PLANTED.to_owned(),
        "pl4nted%2Fs3cret%2Bof%3D4711%26more".to_owned(),
        // base64 of it, and the part of it that is the same wherever the value stands behind `user:`.
        "cGw0bnRlZC9zM2NyZXQrb2Y9NDcxMSZtb3Jl".to_owned(),
        "bDRudGVkL3MzY3JldCtvZj00NzExJm1vcm".to_owned(),
        PLANTED[..TORN].to_owned(),
        PLANTED[TORN..].to_owned(),
    ]
}

/// A workload of the release that says its secret in every spelling and crashes, once.
fn shouter(namespace: &str, image: &str) -> String {
    let says = r#"[ -e /kept/fell ] && exec sleep 3600; touch /kept/fell; echo "it is $SHOUTED"; echo "url-encoded $(printf %s "$SHOUTED" | sed 's,/,%2F,g;s,+,%2B,g;s,=,%3D,g;s,&,%26,g')";
          echo "base64 $(printf %s "$SHOUTED" | base64 -w0) and $(printf 'user:%s' "$SHOUTED" | base64 -w0)";
          printf '%.12s\n' "$SHOUTED"; printf '%s\n' "$(printf %s "$SHOUTED" | cut -c13-)";
          echo "postgres://somebody:$SHOUTED@nowhere/x"; echo "about to fall"; sleep 2; exit 1"#;
    format!(
        r#"
apiVersion: v1
kind: Secret
metadata: {{ name: shouted }}
stringData: {{ value: "{PLANTED}" }}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: shouter
  annotations: {{ meta.helm.sh/release-name: books, meta.helm.sh/release-namespace: {namespace} }}
  labels: {{ app.kubernetes.io/managed-by: Helm }}
spec:
  serviceName: shouter
  selector: {{ matchLabels: {{ app: shouter }} }}
  template:
    metadata: {{ labels: {{ app: shouter }} }}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: shouter
        image: {image}
        command:
        - sh
        - -c
        - |
          {says}
        env:
        - name: SHOUTED
          valueFrom: {{ secretKeyRef: {{ name: shouted, key: value }} }}
        - name: PLAIN_TOKEN
          value: written-down-for-all
        volumeMounts:
        - {{ name: kept, mountPath: /kept }}
      volumes:
      - name: kept
        emptyDir: {{}}
"#
    )
}

/// Installs the release, and beside it a workload that talks too much; waits until that has fallen once.
fn stage(world: &World) -> Result<Ledger> {
    let app = Ledger::new(&world.place, HelmLine::Four, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &[])?;
    let kubectl = |arguments: &[&str]| world.place.kubectl(arguments);
    let image = kubectl(&[
        "get",
        "pods",
        "--selector",
        "app.kubernetes.io/component=database",
        "--output",
        "jsonpath={.items[0].spec.containers[0].image}",
    ])?;
    world.node.apply(
        &world.place.namespace,
        &shouter(&world.place.namespace, image.trim()),
    )?;
    kubectl(&["wait", "--for=create", "pod/shouter-0", "--timeout=60s"])?;
    kubectl(&[
        "wait",
        "pod/shouter-0",
        "--for=jsonpath={.status.containerStatuses[0].lastState.terminated.exitCode}=1",
        "--timeout=120s",
    ])?;
    Ok(app)
}

/// Unpacks an archive as whoever receives it does; gives its one folder.
fn unpacked(archive: &Path, into: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(into)?;
    let status = Command::new("tar")
        .arg("-xzf")
        .arg(archive)
        .arg("-C")
        .arg(into)
        .status()?;
    ensure!(status.success(), "tar ended with {status}");
    let mut folders = std::fs::read_dir(into)?;
    let folder = folders.next().context("an archive holds a folder")??.path();
    ensure!(folders.next().is_none(), "an archive holds one folder");
    Ok(folder)
}

/// Fails if one of the words stands in a file below the folder, or in a path.
fn nowhere(folder: &Path, words: &[String]) -> Result<()> {
    for file in files_below(folder)? {
        let text = std::fs::read(&file)?;
        let text = String::from_utf8_lossy(&text);
        for (number, word) in words.iter().enumerate() {
            ensure!(
                !text.contains(word.as_str()) && !file.to_string_lossy().contains(word.as_str()),
                "spelling {number} of the secret stands in {}",
                file.display()
            );
        }
    }
    Ok(())
}

fn listed<'a>(index: &'a Value, path: &str) -> Result<&'a Value> {
    let files = index["files"].as_array().context("an index has files")?;
    files
        .iter()
        .find(|file| file["path"] == path)
        .with_context(|| format!("no {path} in {index}"))
}

#[test]
fn an_archive_tells_everything_but_secrets() -> Result<()> {
    let world = World::new("bundle")?;
    let app = stage(&world)?;
    let kubectl = KubectlPlugins::new(&world)?;
    let helm = kubectl.helm(HelmLine::Four);
    let chart = app.chart("1.1.0")?.display().to_string();
    let file = world.folder.path().join("ticket.tar.gz");
    let path = file.display().to_string();
    let bundle = |more: &[&str]| -> Result<Ended> {
        let words = ["bundle", "books", "--helm-bin", &helm, "-o", "json"];
        kubectl.run("upgrade-check", &[&words, more].concat())
    };
    let target = [chart.as_str(), "--reset-then-reuse-values"];

    // Looking first writes nothing.
    let inspected = bundle(&[&target[..], &["--inspect"]].concat())?.expect(0)?;
    ensure!(
        inspected.json()?["archive"].is_null() && !file.exists(),
        "{inspected}"
    );

    let written = bundle(&[&target[..], &["--file", &path]].concat())?.expect(0)?;
    let index = written.json()?;
    ensure!(
        index["complete"] == true && written.stderr.contains("gathering"),
        "{written}"
    );
    let folder = unpacked(&file, &world.folder.path().join("unpacked"))?;

    // Of the planted value, the release's own password and the plain token nothing is left, in no file and in nothing that was said.
    let mut words = spellings().to_vec();
    words.push(world.password("books-postgres")?);
    words.push("written-down-for-all".to_owned());
    nowhere(&folder, &words)?;
    for word in &words {
        ensure!(
            !written.to_string().contains(word.as_str()),
            "a secret was said: {written}"
        );
    }

    // What the crashed container said before is there, and that something was hidden in it.
    let previous = "logs/shouter-0/shouter.previous.log";
    let log = std::fs::read_to_string(folder.join(previous))?;
    ensure!(
        log.contains("about to fall") && log.contains("it is ***"),
        "{log}"
    );
    let hidden = listed(&index, previous)?["hidden"].to_string();
    for rule in [
        "known-value",
        "known-value-base64",
        "known-value-url-encoded",
        "known-value-over-lines",
    ] {
        ensure!(hidden.contains(&format!("\"{rule}\"")), "{rule}: {hidden}");
    }
    let server = listed(&index, "postgres/books-postgres-0/postgres.log")?;
    ensure!(
        ["whole", "cut"].contains(&server["state"].as_str().unwrap_or_default()),
        "{server}"
    );
    let read =
        |name: &str| std::fs::read_to_string(folder.join(name)).with_context(|| format!("read {name}"));
    let diff = read("target.diff")?;
    ensure!(
        diff.contains("+++ target/Deployment/books-web") && diff.contains("1.1.0"),
        "{diff}"
    );
    ensure!(
        read("workloads.txt")?.contains("ended with exit code 1"),
        "no end of the container"
    );
    ensure!(read("events.txt")?.contains("shouter"), "no events");
    ensure!(read("locks.txt")?.matches("--- 2").count() == 4, "no four looks");
    ensure!(
        read("index.html")?.contains("shouter.previous.log"),
        "the page does not name the log"
    );

    // What was kept is judged again without the cluster.
    let kept = folder.join("observation.json").display().to_string();
    let mut offline = Command::new(e2e::program("kubectl-upgrade_check")?);
    offline
        .args(["--observation", &kept, "-o", "json"])
        .env("KUBECONFIG", "/nonexistent");
    let again = Ended::of(&mut offline)?;
    ensure!(again.json()?["kind"] == "CheckReport", "{again}");

    // Nothing is replaced unasked.
    bundle(&["--file", &path])?.expect_one_clear_line(1, &["exists already", "--force"])?;
    Ok(())
}

#[test]
fn a_right_withheld_leaves_a_line_that_names_it_and_unknown_secrets_are_told_loud() -> Result<()> {
    let world = World::new("bundle-rights")?;
    stage(&world)?;
    let kubectl = KubectlPlugins::new(&world)?;
    let namespace = &world.place.namespace;
    let bundle = |account: &str, name: &str| -> Result<(Ended, PathBuf)> {
        let file = world.folder.path().join(format!("{name}.tar.gz"));
        let path = file.display().to_string();
        let words = ["bundle", "books", "--as", account, "-o", "json", "--file", &path];
        let ended = kubectl.run("upgrade-check", &words)?.expect(3)?;
        Ok((ended, unpacked(&file, &world.folder.path().join(name))?))
    };

    // Without pods/log: every log is replaced by a line, all else is there.
    let reader = world.reader(&["secrets", "pods", "services", "configmaps", "events"])?;
    let (ended, folder) = bundle(&reader, "no-logs")?;
    let index = ended.json()?;
    let replaced = "logs/shouter-0/shouter.log.not-read.txt";
    ensure!(listed(&index, replaced)?["state"] == "unread", "{index}");
    let line = std::fs::read_to_string(folder.join(replaced))?;
    ensure!(
        line.contains(&format!("you may not get pods/log in namespace {namespace}")),
        "{line}"
    );
    ensure!(
        folder.join("check.html").exists() && folder.join("events.txt").exists(),
        "{index}"
    );

    // Without secrets: the values are not known, and that is the first that anybody reads.
    let reader = world.reader(&["pods", "services", "configmaps", "events", "pods/log"])?;
    let (ended, folder) = bundle(&reader, "no-secrets")?;
    let unread = ended.json()?["searched"]["unread"].to_string();
    ensure!(
        unread.contains("\"shouted\"") && unread.contains("get secrets"),
        "{unread}"
    );
    let page = std::fs::read_to_string(folder.join("index.html"))?;
    ensure!(page.contains("Careful") && page.contains("shouted"), "{page}");
    // What patterns tell is hidden all the same.
    let log = std::fs::read_to_string(folder.join("logs/shouter-0/shouter.previous.log"))?;
    ensure!(log.contains("postgres://somebody:***@nowhere/x"), "{log}");
    Ok(())
}
