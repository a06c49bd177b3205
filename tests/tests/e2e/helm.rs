//! The helm room against both real Helm lines and a real API server.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cluster::Cluster;
use e2e::{connect_options, program};
use helm::storage::Storage;
use helm::{
    Arity, Fidelity, Helm, HelmFlag, HelmMajor, Lines, PassRequest, PostRenderSpec, RollbackRequest,
    Treatment, UpgradeLine, values_hazard,
};
use model::{ApplyMethod, ReleaseStatus, WorkloadKind, WorkloadName};
use serde_json::{Value, json};
use test_node::{Namespace, Node};

const RELEASE: &str = "shop";
const TIMEOUT: Duration = Duration::from_secs(120);

const CHART_YAML: &str = "apiVersion: v2\nname: shop\nversion: VERSION\nappVersion: \"VERSION\"\n";
const VALUES: &str = "replicas: 2\nuid: 1\npassword: none\nnew: {}\nhook: \"true\"\n";
const WORKLOADS: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {version: "{{ .Chart.Version }}"}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: web
          image: localhost/postgres:17
          imagePullPolicy: IfNotPresent
          command: [sleep, infinity]
          env: [{name: SWITCH, value: "on"}, {name: NUMBER, value: "1.10"}]
          livenessProbe: {exec: {command: ["true"]}}
          startupProbe: {exec: {command: ["true"]}}
      volumes: [{name: all, configMap: {name: shop, defaultMode: 0440}}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: agent, image: "localhost/postgres:17", imagePullPolicy: IfNotPresent, command: [sleep, infinity]}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 1 1 *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: "localhost/postgres:17"}]}}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: shop}
data:
  uid: "{{ .Values.uid }}"
  password: {{ .Values.password | quote }}
  new: {{ .Values.new | toJson | quote }}
"#;
const HOOK: &str = r#"
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {"helm.sh/hook": pre-upgrade}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 0
      containers:
        - name: migrate
          image: localhost/postgres:17
          imagePullPolicy: IfNotPresent
          command: [sh, -c, {{ .Values.hook | quote }}]
"#;

/// One release in a namespace of its own, on one Helm line.
struct Place {
    node: Node,
    namespace: Namespace,
    folder: tempfile::TempDir,
    major: HelmMajor,
    helm: Helm,
    cluster: Cluster,
}

impl Place {
    async fn new(major: HelmMajor) -> Result<Self> {
        let node = Node::ensure_up()?;
        let namespace = node.namespace("helm")?;
        let options = connect_options(&node, namespace.name());
        let binary = match major {
            HelmMajor::Three => &node.helm3,
            HelmMajor::Four => &node.helm4,
        };
        let helm = Helm::find(Some(binary), &options).await?;
        ensure!(helm.major() == major, "this helm is {}", helm.version());
        Ok(Self {
            helm: helm.with_own_program(program("helm-safe-upgrade")?),
            cluster: Cluster::connect(&options).await?,
            folder: tempfile::tempdir()?,
            node,
            namespace,
            major,
        })
    }

    fn chart(&self, version: &str, values: &str) -> Result<PathBuf> {
        let folder = self.folder.path().join(format!("shop-{version}"));
        std::fs::create_dir_all(folder.join("templates"))?;
        std::fs::write(folder.join("Chart.yaml"), CHART_YAML.replace("VERSION", version))?;
        std::fs::write(folder.join("values.yaml"), values)?;
        std::fs::write(folder.join("templates/workloads.yaml"), WORKLOADS)?;
        std::fs::write(folder.join("templates/hook.yaml"), HOOK)?;
        std::fs::write(folder.join(".helmignore"), "*.md\n")?;
        std::fs::write(folder.join("NOTES.md"), "not part of the chart")?;
        Ok(folder)
    }

    fn command(&self) -> Command {
        let mut command = self.node.command(self.helm.program());
        command.args(["--namespace", self.namespace.name()]);
        command
    }

    /// Types helm; gives what it says on both streams and whether it succeeded.
    fn type_helm(&self, line: &str) -> Result<(bool, String)> {
        let output = self.command().args(line.split(' ')).output()?;
        let said = [output.stdout, output.stderr].concat();
        Ok((
            output.status.success(),
            String::from_utf8_lossy(&said).into_owned(),
        ))
    }

    fn expect_helm(&self, line: &str) -> Result<String> {
        let (succeeded, said) = self.type_helm(line)?;
        ensure!(succeeded, "helm {line}: {said}");
        Ok(said)
    }

    fn line(&self, words: &str) -> Result<UpgradeLine> {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        Ok(UpgradeLine::parse(&words, self.major)?)
    }

    fn get(&self, object: &str) -> Result<Value> {
        let text = self
            .namespace
            .kubectl(&["get", object, "-o", "json", "--show-managed-fields"])?;
        Ok(serde_json::from_str(&text)?)
    }

    fn storage(&self) -> Result<Storage> {
        Ok(Storage::open(&self.cluster, self.namespace.name())?)
    }

    async fn pass(&self, prepared: &helm::Prepared, post_render: Option<&PostRenderSpec>) -> Result<()> {
        let request = PassRequest {
            release: RELEASE,
            namespace: self.namespace.name(),
            chart: &prepared.chart.archive,
            values: &prepared.values.path,
            flags: &[],
            no_hooks: post_render.is_none(),
            post_render,
            timeout: TIMEOUT,
        };
        let end = self.helm.upgrade(request).await?.wait().await?;
        ensure!(end.is_success(), "{:?}", end.error());
        Ok(())
    }
}

fn managers(object: &Value) -> Vec<&str> {
    object["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|entry| entry["subresource"] != "status")
        .filter_map(|entry| entry["manager"].as_str())
        .filter(|manager| *manager != "kube-controller-manager")
        .collect()
}

async fn gate_and_clean(major: HelmMajor) -> Result<()> {
    let place = Place::new(major).await?;
    let (old, new) = (place.chart("1.0.0", VALUES)?, place.chart("2.0.0", VALUES)?);
    place.expect_helm(&format!("install {RELEASE} {}", old.display()))?;
    let line = place.line(&format!("{RELEASE} {}", new.display()))?;
    let prepared = place
        .helm
        .prepare(&line, place.namespace.name(), place.folder.path())
        .await?;
    let spec = PostRenderSpec {
        namespace: place.namespace.name().to_owned(),
        migrating: Some(WorkloadName {
            kind: WorkloadKind::Deployment,
            namespace: place.namespace.name().to_owned(),
            name: "web".to_owned(),
        }),
        never_park: Vec::new(),
        gate_condition: PostRenderSpec::GATE.to_owned(),
    };

    place.pass(&prepared, Some(&spec)).await?;
    let web = place.get("deployment/web")?;
    ensure!(web["spec"]["replicas"] == 1, "{web}");
    let pod = &web["spec"]["template"]["spec"];
    ensure!(
        pod["readinessGates"] == json!([{"conditionType": PostRenderSpec::GATE}]),
        "{pod}"
    );
    let container = &pod["containers"][0];
    ensure!(
        container["livenessProbe"].is_null() && container["startupProbe"].is_null(),
        "{container}"
    );
    ensure!(
        container["env"][0]["value"] == "on" && container["env"][1]["value"] == "1.10",
        "{container}"
    );
    ensure!(pod["volumes"][0]["configMap"]["defaultMode"] == 0o440, "{pod}");
    ensure!(place.get("cronjob/nightly")?["spec"]["suspend"] == true);
    let parked = place.get("daemonset/agent")?["spec"]["template"]["spec"]["nodeSelector"].clone();
    ensure!(parked == json!({PostRenderSpec::PARKED: "true"}), "{parked}");
    let job = place.get("job/migrate")?;
    ensure!(job["status"]["succeeded"] == 1, "the hook did not run: {job}");

    place.namespace.kubectl(&["delete", "job/migrate"])?;
    place.pass(&prepared, None).await?;
    let web = place.get("deployment/web")?;
    ensure!(
        web["spec"]["replicas"] == 2 && web["spec"]["template"]["spec"]["readinessGates"].is_null(),
        "{web}"
    );
    ensure!(
        !web["spec"]["template"]["spec"]["containers"][0]["livenessProbe"].is_null(),
        "{web}"
    );
    ensure!(
        managers(&web).iter().all(|manager| manager.starts_with("helm")),
        "{:?}",
        managers(&web)
    );
    // The API server writes the default where nobody says otherwise.
    ensure!(place.get("cronjob/nightly")?["spec"]["suspend"] != true);
    ensure!(place.get("daemonset/agent")?["spec"]["template"]["spec"]["nodeSelector"].is_null());
    ensure!(
        place.get("job/migrate").is_err(),
        "the clean pass ran the hook again"
    );

    let storage = place.storage()?;
    let history = storage.history(RELEASE).await?;
    let states: Vec<_> = history
        .iter()
        .map(|revision| (revision.revision, revision.status))
        .collect();
    ensure!(
        states
            == [
                (1, ReleaseStatus::Superseded),
                (2, ReleaseStatus::Superseded),
                (3, ReleaseStatus::Deployed)
            ],
        "{states:?}"
    );
    storage.delete_revision(RELEASE, 2).await?;
    storage.delete_revision(RELEASE, 2).await?;
    let (succeeded, said) = place.type_helm(&format!("rollback {RELEASE}"))?;
    ensure!(!succeeded && said.contains("release has no 2 version"), "{said}");

    let request = RollbackRequest {
        release: RELEASE,
        namespace: place.namespace.name(),
        revision: 1,
        flags: &[],
        force_conflicts: false,
        timeout: TIMEOUT,
    };
    let end = place.helm.rollback(request).await?.wait().await?;
    ensure!(end.is_success(), "{:?}", end.error());
    let newest = storage.latest(RELEASE).await?.context("the release is gone")?;
    ensure!(newest.release.revision == 4 && newest.release.chart.version == "1.0.0");
    Ok(())
}

async fn pin_and_render(major: HelmMajor) -> Result<()> {
    let place = Place::new(major).await?;
    let namespace = place.namespace.name();
    let old = place.chart("1.0.0", VALUES)?;
    place.expect_helm(&format!(
        "install {RELEASE} {} --set password=first,replicas=1",
        old.display()
    ))?;
    let running = place.storage()?.latest(RELEASE).await?.context("no release")?;
    let expected = match major {
        HelmMajor::Three => ApplyMethod::ClientSide,
        HelmMajor::Four => ApplyMethod::ServerSide,
    };
    ensure!(running.release.apply_method == expected && running.release.status == ReleaseStatus::Deployed);
    ensure!(running.values == json!({"password": "first", "replicas": 1}));

    // A number from --set is printed in full, one from a file as 1.00066e+09: the pinned pair must print it in full.
    let new = place.chart(
        "2.0.0",
        "replicas: 2\nuid: 1\npassword: none\nnew: {a: 1}\nhook: \"true\"\n",
    )?;
    let line = place.line(&format!(
        "{RELEASE} {} --set uid=1000660000,password=12345678",
        new.display()
    ))?;
    let prepared = place.helm.prepare(&line, namespace, place.folder.path()).await?;
    ensure!(prepared.fidelity == Fidelity::Same, "{:?}", prepared.fidelity);
    ensure!(prepared.rendered.manifest.contains("uid: \"1000660000\""));
    ensure!(prepared.chart.identity.version == "2.0.0" && prepared.chart.sha256.len() == 64);
    ensure!(prepared.rendered.hooks.len() == 1 && prepared.rendered.hooks[0].events == ["pre-upgrade"]);
    let listed = Command::new("tar")
        .arg("tzf")
        .arg(&prepared.chart.archive)
        .output()?;
    ensure!(
        !String::from_utf8_lossy(&listed.stdout).contains("NOTES.md"),
        ".helmignore was not honoured"
    );
    let hazard = values_hazard(&running.values, &prepared.rendered, &prepared.chart, line.reuse)?;
    ensure!(
        hazard.dropped == ["replicas"] && hazard.mode == "--reset-values",
        "{hazard:?}"
    );

    // What --reuse-values would store is what a pinned pass stores.
    let line = place.line(&format!(
        "{RELEASE} {} --reuse-values --set password=second",
        new.display()
    ))?;
    let folder = tempfile::tempdir()?;
    let prepared = place.helm.prepare(&line, namespace, folder.path()).await?;
    ensure!(prepared.fidelity == Fidelity::Same, "{:?}", prepared.fidelity);
    let hazard = values_hazard(&running.values, &prepared.rendered, &prepared.chart, line.reuse)?;
    ensure!(
        hazard.dropped.is_empty() && hazard.missing_defaults == ["new.a"],
        "{hazard:?}"
    );
    place.pass(&prepared, None).await?;
    let pinned = place.storage()?.latest(RELEASE).await?.context("no release")?;
    place.expect_helm(&format!("rollback {RELEASE} 1 --no-hooks"))?;
    place.expect_helm(&format!(
        "upgrade {RELEASE} {} --reuse-values --set password=second --no-hooks",
        new.display()
    ))?;
    let plain = place.storage()?.latest(RELEASE).await?.context("no release")?;
    ensure!(pinned.values == plain.values && pinned.chart_values == plain.chart_values);
    ensure!(pinned.manifest == plain.manifest);
    Ok(())
}

async fn mistakes(major: HelmMajor) -> Result<()> {
    let place = Place::new(major).await?;
    let namespace = place.namespace.name();
    let chart = place.chart("1.0.0", VALUES)?;
    let prepare = async |words: String| -> Result<String> {
        let line = place.line(&words)?;
        let folder = tempfile::tempdir()?;
        let error = place.helm.prepare(&line, namespace, folder.path()).await.err();
        Ok(error.context("it was accepted")?.to_string())
    };
    let unknown = prepare(format!("{RELEASE} {}", chart.display())).await?;
    ensure!(unknown.contains("\"shop\" has no deployed releases"), "{unknown}");
    place.expect_helm(&format!("install {RELEASE} {} --set replicas=0", chart.display()))?;
    let missing = prepare(format!("{RELEASE} ./no-such-chart")).await?;
    ensure!(
        missing.contains("no-such-chart") && missing.lines().count() == 1,
        "{missing}"
    );
    std::fs::write(chart.join("templates/broken.yaml"), "{{ fail \"nothing goes\" }}")?;
    let broken = prepare(format!("{RELEASE} {}", chart.display())).await?;
    ensure!(
        broken.contains("nothing goes") && broken.lines().count() == 1,
        "{broken}"
    );
    ensure!(place.storage()?.latest("other").await?.is_none());
    ensure!(place.storage()?.revision(RELEASE, 9).await?.is_none());
    Ok(())
}

async fn killed_upgrade(major: HelmMajor) -> Result<()> {
    let place = Place::new(major).await?;
    let chart = place.chart("1.0.0", VALUES)?;
    place.expect_helm(&format!("install {RELEASE} {} --set replicas=0", chart.display()))?;
    let mut killed = place
        .command()
        .args([
            "upgrade",
            RELEASE,
            &chart.display().to_string(),
            "--set",
            "hook=sleep infinity",
        ])
        .stdout(Stdio::null())
        .spawn()?;
    place
        .namespace
        .kubectl(&["wait", "--for=create", "job/migrate", "--timeout=60s"])?;
    killed.kill()?;
    killed.wait()?;
    let storage = place.storage()?;
    let newest = storage.latest(RELEASE).await?.context("no release")?;
    ensure!(newest.release.status == ReleaseStatus::PendingUpgrade && newest.release.revision == 2);
    let (succeeded, said) = place.type_helm(&format!("upgrade {RELEASE} {}", chart.display()))?;
    ensure!(!succeeded && said.contains("another operation"), "{said}");

    storage.mark_failed(RELEASE, 2, "interrupted").await?;
    let newest = storage.latest(RELEASE).await?.context("no release")?;
    ensure!(newest.release.status == ReleaseStatus::Failed && newest.release.description == "interrupted");
    ensure!(
        storage.mark_failed(RELEASE, 2, "again").await.is_err(),
        "a failed revision was marked again"
    );
    place
        .namespace
        .kubectl(&["delete", "job/migrate", "--grace-period=0"])?;
    place.expect_helm(&format!("upgrade {RELEASE} {}", chart.display()))?;
    Ok(())
}

/// Installs the checkout as Helm's users do. Helm 4 installs below its data folder and does not heed HELM_PLUGINS.
fn install_plugin(major: HelmMajor) -> Result<()> {
    let node = Node::ensure_up()?;
    let folder = tempfile::tempdir()?;
    let binary = match major {
        HelmMajor::Three => &node.helm3,
        HelmMajor::Four => &node.helm4,
    };
    let type_helm = |words: &[&std::ffi::OsStr]| {
        let mut command = node.command(binary);
        command
            .args(words)
            .env("HELM_DATA_HOME", folder.path())
            .env("SAFE_UPGRADE_PROGRAM", program("helm-safe-upgrade")?);
        Ok::<_, anyhow::Error>(command.output()?)
    };
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let installed = type_helm(&["plugin".as_ref(), "install".as_ref(), checkout.as_os_str()])?;
    ensure!(
        installed.status.success(),
        "{}",
        String::from_utf8_lossy(&installed.stderr)
    );
    let listed = type_helm(&["plugin".as_ref(), "list".as_ref()])?;
    ensure!(
        String::from_utf8_lossy(&listed.stdout).contains("safe-upgrade"),
        "{listed:?}"
    );
    let called = type_helm(&["safe-upgrade".as_ref(), "--help".as_ref()])?;
    ensure!(called.status.success(), "{called:?}");
    ensure!(
        called.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&called.stderr)
    );
    Ok(())
}

macro_rules! on_both_lines {
    ($($name:ident: $test:ident),* $(,)?) => {
        $(mod $name {
            use super::*;

            #[tokio::test]
            async fn on_helm_3() -> Result<()> {
                $test(HelmMajor::Three).await
            }

            #[tokio::test]
            async fn on_helm_4() -> Result<()> {
                $test(HelmMajor::Four).await
            }
        })*
    };
}

on_both_lines! {
    a_gated_pass_and_a_clean_pass_leave_what_a_plain_upgrade_leaves: gate_and_clean,
    pinned_chart_and_values_render_and_store_what_helm_would: pin_and_render,
    mistakes_come_back_as_one_clear_line: mistakes,
    a_killed_upgrade_can_be_marked_failed: killed_upgrade,
}

#[test]
fn the_checkout_installs_as_a_plugin_on_helm_3() -> Result<()> {
    install_plugin(HelmMajor::Three)
}

#[test]
fn the_checkout_installs_as_a_plugin_on_helm_4() -> Result<()> {
    install_plugin(HelmMajor::Four)
}

/// One flag as `helm upgrade --help` lists it: `  -f, --values strings   …`.
fn flag_of_help(line: &str) -> Option<(String, Option<char>, String)> {
    let line = line.trim_start();
    let (short, rest) = match line.strip_prefix('-') {
        Some(rest) if !rest.starts_with('-') => (rest.chars().next(), rest.split_once(", ")?.1),
        _ => (None, line),
    };
    let words = rest.strip_prefix("--")?.split("  ").next()?;
    let (name, kind) = words.split_once(' ').unwrap_or((words, ""));
    Some((name.to_owned(), short, kind.to_owned()))
}

#[test]
fn the_flags_table_is_what_both_helms_say_of_themselves() -> Result<()> {
    let node = Node::ensure_up()?;
    for (binary, major) in [(&node.helm3, HelmMajor::Three), (&node.helm4, HelmMajor::Four)] {
        let help = node.command(binary).args(["upgrade", "--help"]).output()?;
        let help = String::from_utf8(help.stdout)?;
        let flags: Vec<_> = help
            .split_once("\nFlags:")
            .context("no flags in the help")?
            .1
            .lines()
            .filter_map(flag_of_help)
            .collect();
        ensure!(
            flags.len() > 50,
            "only {} flags were read from the help",
            flags.len()
        );
        for (name, short, kind) in &flags {
            let row = helm::table().iter().find(|row| row.name == name);
            let row = row.with_context(|| format!("--{name} is missing from the table"))?;
            ensure!(row.short == *short, "--{name}: {short:?}");
            let fits = match row.arity {
                Arity::Bool => kind.is_empty(),
                Arity::Value => !kind.is_empty() && !kind.contains("[="),
                // A plain switch on Helm 3.
                Arity::Optional(_) => kind.contains("[=") || (name == "wait" && major == HelmMajor::Three),
            };
            ensure!(fits, "--{name} {kind} is {:?} in the table", row.arity);
            ensure!(exists(row, major), "--{name} exists in {major:?}");
        }
        for row in helm::table() {
            let listed = flags.iter().any(|(name, _, _)| name == row.name);
            let refused = matches!(row.treatment, Treatment::Refused { .. });
            ensure!(
                listed || refused || !exists(row, major),
                "--{} does not exist in {major:?}",
                row.name
            );
        }
    }
    Ok(())
}

fn exists(row: &HelmFlag, major: HelmMajor) -> bool {
    match row.lines {
        Lines::Both => true,
        Lines::Three(_) => major == HelmMajor::Three,
        Lines::Four(_) => major == HelmMajor::Four,
    }
}

/// The rules of krew's own validation that a manifest can break by hand.
#[test]
fn krew_manifests_are_valid() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../krew-manifest");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let objects = helm::manifest::objects(&std::fs::read_to_string(&path)?)?;
        let [plugin] = objects.as_slice() else {
            anyhow::bail!("{} holds {} objects", path.display(), objects.len());
        };
        ensure!(
            plugin["apiVersion"] == "krew.googlecontainertools.github.com/v1alpha2"
                && plugin["kind"] == "Plugin"
        );
        let name = plugin["metadata"]["name"].as_str().context("no name")?;
        ensure!(path.file_stem().is_some_and(|stem| stem == name));
        let spec = &plugin["spec"];
        let version = spec["version"].as_str().context("no version")?;
        ensure!(
            version.starts_with('v') && version.split('.').count() == 3,
            "{version}"
        );
        let short = spec["shortDescription"]
            .as_str()
            .context("no short description")?;
        ensure!(short.len() <= 50 && !short.contains('\n'), "{short}");
        let platforms = spec["platforms"].as_array().context("no platforms")?;
        ensure!(platforms.len() == 5);
        for platform in platforms {
            let sha256 = platform["sha256"].as_str().context("no sha256")?;
            ensure!(
                sha256.len() == 64
                    && sha256
                        .chars()
                        .all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase())
            );
            let uri = platform["uri"].as_str().context("no uri")?;
            ensure!(uri.ends_with(".tar.gz") || uri.ends_with(".zip"), "{uri}");
            let bin = platform["bin"].as_str().context("no bin")?;
            let labels = platform["selector"]["matchLabels"]
                .as_object()
                .context("no selector")?;
            ensure!(labels.keys().all(|key| key == "os" || key == "arch"));
            ensure!((labels["os"] == "windows") == bin.ends_with(".exe"), "{bin}");
            ensure!(
                bin.starts_with(&format!("kubectl-{}", name.replace('-', "_"))),
                "{bin}"
            );
            let files = platform["files"].as_array().context("no files")?;
            ensure!(files.iter().any(|file| file["from"] == "LICENSE"));
        }
        seen += 1;
    }
    ensure!(seen == 2, "{seen} manifests");
    Ok(())
}
