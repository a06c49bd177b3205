//! The cluster room against a real API server and kubelet.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, ConnectError, ConnectOptions, ExecError, ExecRequest, ScaleError, Selector};
use e2e::connect_options;
use futures::StreamExt;
use model::{AccessRequest, DryRunOutcome, Phase, Seen, WorkloadKind, WorkloadName};
use serde_json::{Value, json};
use test_node::{Namespace, Node};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Far longer than anything here takes: tells a hang from an end.
const LIMIT: Duration = Duration::from_secs(90);
const IMAGE: &str = "localhost/postgres:17";

struct Place {
    node: Node,
    namespace: Namespace,
    cluster: Cluster,
}

impl Place {
    async fn new() -> Result<Self> {
        let node = Node::ensure_up()?;
        let namespace = node.namespace("cluster")?;
        let cluster = Cluster::connect(&connect_options(&node, namespace.name())).await?;
        Ok(Self {
            node,
            namespace,
            cluster,
        })
    }

    fn name(&self) -> &str {
        self.namespace.name()
    }

    fn workload(&self, kind: WorkloadKind, name: &str) -> WorkloadName {
        WorkloadName {
            kind,
            namespace: self.name().to_owned(),
            name: name.to_owned(),
        }
    }

    /// A pod that waits for commands.
    async fn pod(&self, name: &str, script: &str) -> Result<()> {
        self.apply(
            &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
            "spec": pod_spec(script)}),
        )?;
        self.cluster
            .wait_pod_condition(self.name(), name, "Ready", LIMIT)
            .await?;
        Ok(())
    }

    fn apply(&self, object: &Value) -> Result<()> {
        self.namespace.apply(&object.to_string()).map(drop)
    }

    fn shell(&self, pod: &str, script: &str) -> ExecRequest {
        ExecRequest::new(self.name(), pod, "main", ["sh", "-c", script])
    }

    /// The managers of an object's fields, each with its subresource.
    fn managers(&self, object: &str) -> Result<Vec<String>> {
        let text = self
            .namespace
            .kubectl(&["get", object, "-o", "json", "--show-managed-fields"])?;
        let object: Value = serde_json::from_str(&text)?;
        let entries = object["metadata"]["managedFields"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        Ok(entries
            .iter()
            .map(|entry| format!("{} {}", entry["manager"], entry["fieldsV1"]))
            .collect())
    }
}

fn pod_spec(script: &str) -> Value {
    json!({"terminationGracePeriodSeconds": 1,
        "containers": [{"name": "main", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", script]}]})
}

fn deployment(replicas: i32) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "annotations": {"meta.helm.sh/release-name": "shop"}},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": pod_spec("sleep 1000")}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_megabytes_of_a_command_arrive_whole() -> Result<()> {
    let place = Place::new().await?;
    place.pod("tool", "sleep 1000").await?;

    let script = "head -c 200000000 /dev/urandom > /tmp/dump && sha256sum < /tmp/dump >&2 && cat /tmp/dump";
    let end = place
        .cluster
        .exec(&place.shell("tool", script), None::<&[u8]>, tokio::io::sink())
        .await?;
    ensure!(end.exit_code == 0 && end.stdout_bytes == 200_000_000, "{end:?}");
    ensure!(end.stderr_tail.starts_with(&end.stdout_sha256), "{end:?}");

    let every_byte: Vec<u8> = (0..20_000_000_u32).map(|number| (number % 256) as u8).collect();
    let mut back = Vec::new();
    let end = place
        .cluster
        .exec(&place.shell("tool", "cat"), Some(&every_byte[..]), &mut back)
        .await?;
    ensure!(end.stdin_complete && end.stdin_bytes == 20_000_000 && back == every_byte);

    let text = place
        .cluster
        .exec_text(&place.shell("tool", "echo out; echo err >&2; exit 42"), None)
        .await?;
    ensure!(
        (text.exit_code, text.stdout.as_str(), text.stderr.as_str()) == (42, "out\n", "err\n"),
        "{text:?}"
    );

    let missing = ExecRequest::new(place.name(), "tool", "main", ["no-such-program"]);
    let error = place
        .cluster
        .exec_text(&missing, None)
        .await
        .err()
        .context("there is no such program")?;
    ensure!(matches!(error, ExecError::NotRun { .. }), "{error:?}");
    let nowhere = ExecRequest::new(place.name(), "no-such-pod", "main", ["true"]);
    let error = place
        .cluster
        .exec_text(&nowhere, None)
        .await
        .err()
        .context("there is no such pod")?;
    ensure!(model::causes(&error).contains("not found"), "{error:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_killed_in_the_middle_of_a_command_never_looks_like_success() -> Result<()> {
    let place = Place::new().await?;
    place.pod("tool", "sleep 1000").await?;
    let (mut reader, sink) = tokio::io::duplex(64 * 1024);
    let cluster = place.cluster.clone();
    let request = place.shell("tool", "cat /dev/zero");
    let command = tokio::spawn(async move { cluster.exec(&request, None::<&[u8]>, sink).await });
    let mut first = vec![0; 10_000_000];
    reader.read_exact(&mut first).await?;
    let rest = tokio::spawn(async move { tokio::io::copy(&mut reader, &mut tokio::io::sink()).await });
    place
        .namespace
        .kubectl(&["delete", "pod", "tool", "--grace-period=0", "--force"])?;
    let ended = tokio::time::timeout(LIMIT, command)
        .await
        .context("the command hangs")??;
    ensure!(!matches!(&ended, Ok(end) if end.exit_code == 0), "{ended:?}");
    rest.await??;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn scaling_to_zero_and_back_leaves_no_owner_and_is_guarded_by_the_version() -> Result<()> {
    let place = Place::new().await?;
    // As Helm 4 applies: server-side, as `helm`.
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), deployment(2).to_string())?;
    let path = file.path().display().to_string();
    place
        .namespace
        .kubectl(&["apply", "--server-side", "--field-manager=helm", "-f", &path])?;
    let web = place.workload(WorkloadKind::Deployment, "web");
    let cluster = &place.cluster;
    cluster.wait_rolled_out(&web, LIMIT, |_| {}).await?;

    let before = cluster.scale(&web).await?;
    ensure!(before.replicas == 2);
    let workloads = cluster.workloads_of_release(place.name(), "shop").await?;
    ensure!(workloads.len() == 1 && workloads[0].ready == 2, "{workloads:?}");
    let pods = cluster.pods_of(&workloads).await?;
    ensure!(
        pods.len() == 2
            && pods
                .iter()
                .all(|pod| pod.owner.as_ref() == Some(&web) && pod.ready),
        "{pods:?}"
    );

    cluster.set_scale(&web, 0, None).await?;
    let mut seen = 0;
    let selectors = [workloads[0].selector.clone()];
    cluster
        .wait_pods_gone(place.name(), &selectors, LIMIT, |_| seen += 1)
        .await?;
    ensure!(seen > 0);
    ensure!(cluster.pods_of(&workloads).await?.is_empty());
    ensure!(cluster.scale(&web).await?.replicas == 0);

    let stale = cluster.set_scale(&web, 5, Some(&before.resource_version)).await;
    ensure!(matches!(stale, Err(ScaleError::Changed { .. })), "{stale:?}");
    cluster.set_scale(&web, 2, None).await?;
    cluster.wait_rolled_out(&web, LIMIT, |_| {}).await?;

    let managers = place.managers("deployment/web")?;
    ensure!(
        !managers
            .iter()
            .any(|entry| entry.contains("safe-upgrade") || entry.contains("f:replicas\":{},\"f:selector")),
        "{managers:?}"
    );
    let outcome = cluster
        .dry_run_apply(&deployment(3), place.name(), "helm", false)
        .await;
    ensure!(outcome == DryRunOutcome::Accepted, "{outcome:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_finds_what_the_real_run_would_meet() -> Result<()> {
    let place = Place::new().await?;
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), deployment(0).to_string())?;
    let path = file.path().display().to_string();
    place
        .namespace
        .kubectl(&["apply", "--server-side", "--field-manager=helm", "-f", &path])?;
    place
        .namespace
        .kubectl(&["scale", "deployment/web", "--replicas=1"])?;
    place
        .namespace
        .kubectl(&["set", "env", "deployment/web", "MODE=manual"])?;

    let mut target = deployment(3);
    target["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "MODE", "value": "chart"}]);
    let outcome = place
        .cluster
        .dry_run_apply(&target, place.name(), "helm", false)
        .await;
    let DryRunOutcome::Conflicts { fields } = &outcome else {
        anyhow::bail!("{outcome:?}")
    };
    ensure!(
        fields
            .iter()
            .any(|field| field.manager == "kubectl-set" && field.field.contains("MODE")),
        "{fields:?}"
    );
    ensure!(
        place
            .cluster
            .dry_run_apply(&target, place.name(), "helm", true)
            .await
            == DryRunOutcome::Accepted
    );

    target["spec"]["selector"]["matchLabels"] = json!({"app": "web", "tier": "front"});
    target["spec"]["template"]["metadata"]["labels"] = json!({"app": "web", "tier": "front"});
    let outcome = place
        .cluster
        .dry_run_apply(&target, place.name(), "helm", true)
        .await;
    ensure!(
        matches!(&outcome, DryRunOutcome::Refused { reason } if reason.contains("immutable")),
        "{outcome:?}"
    );

    let unknown = json!({"apiVersion": "example.com/v1", "kind": "Wheel", "metadata": {"name": "w"}});
    let outcome = place
        .cluster
        .dry_run_apply(&unknown, place.name(), "helm", false)
        .await;
    ensure!(matches!(outcome, DryRunOutcome::Refused { .. }), "{outcome:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_cron_job_shows_no_trace_of_us() -> Result<()> {
    let place = Place::new().await?;
    let cron_job = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"},
        "spec": {"schedule": "0 3 * * *", "suspend": false, "jobTemplate": {"spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "main", "image": IMAGE}]}}}}}});
    place.apply(&cron_job)?;
    for (value, expected) in [
        (Some(true), Some(true)),
        (Some(true), Some(true)),
        (None, Some(false)),
    ] {
        place.cluster.set_suspend(place.name(), "nightly", value).await?;
        ensure!(place.cluster.suspend(place.name(), "nightly").await? == expected);
        let managers = place.managers("cronjob/nightly")?;
        ensure!(
            !managers.iter().any(|entry| entry.contains("safe-upgrade")),
            "{managers:?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_logs_and_gates_of_a_pod_are_reached() -> Result<()> {
    let place = Place::new().await?;
    let serve = r#"echo ready; exec perl -MIO::Socket::INET -e '
        my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 5, ReuseAddr => 1) or die;
        while (my $c = $s->accept) {
            my $line = <$c>; while (my $header = <$c>) { last if $header =~ /^\r\n$/ }
            my $code = $line =~ m{ /healthz } ? "204 No Content" : "404 Not Found";
            print $c "HTTP/1.1 $code\r\ncontent-length: 0\r\n\r\n"; close $c }'"#;
    let mut spec = pod_spec(serve);
    spec["readinessGates"] = json!([{"conditionType": "safe-upgrade.dev/gate"}]);
    place.apply(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "labels": {"app": "web"}}, "spec": spec}))?;
    let (cluster, name) = (&place.cluster, place.name());
    let held = cluster
        .wait_pod_condition(name, "web", "ContainersReady", LIMIT)
        .await?;
    ensure!(!held.ready, "{held:?}");

    let mut log = cluster.follow_logs(name, "web", "main", false);
    ensure!(log.next().await.transpose()?.as_deref() == Some("ready"));

    let mut answer = cluster.http_get_from_pod(name, "web", 8080, "/healthz").await;
    // The first line of the log comes a little before the port is open.
    for _ in 0..20 {
        if answer.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        answer = cluster.http_get_from_pod(name, "web", 8080, "/healthz").await;
    }
    ensure!(answer? == 204);
    ensure!(cluster.http_get_from_pod(name, "web", 8080, "other").await? == 404);
    let mut closed = cluster.port_forward(name, "web", 9).await?;
    closed.write_all(b"hello").await.ok();
    let refused = closed
        .read_to_end(&mut Vec::new())
        .await
        .err()
        .context("nothing listens there")?;
    ensure!(refused.to_string().contains("refused"), "{refused}");

    cluster
        .open_readiness_gate(name, "web", "safe-upgrade.dev/gate")
        .await?;
    let open = cluster.wait_pod_condition(name, "web", "Ready", LIMIT).await?;
    ensure!(open.ready);
    let selector = Selector::from([("app".to_owned(), "web".to_owned())]);
    let found = cluster.wait_pod(name, &selector, LIMIT, |_| true).await?;
    ensure!(found.metadata.name.as_deref() == Some("web"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cluster_and_our_rights_in_it_are_known() -> Result<()> {
    let place = Place::new().await?;
    let facts = place.cluster.facts().await?;
    ensure!(facts.version.starts_with("v1."), "{facts:?}");
    ensure!(
        matches!(&facts.uid, Seen::Present(uid) if uid.len() == 36),
        "{facts:?}"
    );

    let right = |verb: &str, resource: &str, subresource: Option<&str>| AccessRequest {
        phase: Phase::Observe,
        verb: verb.to_owned(),
        group: String::new(),
        resource: resource.to_owned(),
        subresource: subresource.map(str::to_owned),
        name: None,
        namespace: place.name().to_owned(),
    };
    let asked = vec![
        right("get", "secrets", None),
        right("create", "pods", Some("exec")),
    ];
    let answers = place.cluster.can_i(&asked).await?;
    ensure!(
        answers.iter().all(|answer| answer.allowed) && answers.len() == 2,
        "{answers:?}"
    );

    let nobody = ConnectOptions {
        as_user: Some("nobody".to_owned()),
        ..connect_options(&place.node, place.name())
    };
    let nobody = Cluster::connect(&nobody).await?;
    let refused = nobody
        .workloads_of_release(place.name(), "shop")
        .await
        .err()
        .context("nobody may list")?;
    ensure!(refused.is_forbidden(), "{refused:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mishap_on_the_way_to_a_cluster_is_one_clear_error() -> Result<()> {
    let node = Node::ensure_up()?;
    let good = connect_options(&node, "default");
    let failed = async |options: ConnectOptions| -> Result<ConnectError> {
        Cluster::connect(&options).await.err().context("it connected")
    };

    let error = failed(ConnectOptions {
        context: Some("nowhere".to_owned()),
        ..good.clone()
    })
    .await?;
    ensure!(
        matches!(error, ConnectError::UnknownName { kind: "context", .. }),
        "{error:?}"
    );
    let error = failed(ConnectOptions {
        token: Some(model::Secret::new("stale")),
        ..good.clone()
    })
    .await?;
    ensure!(matches!(error, ConnectError::Refused { .. }), "{error:?}");
    let error = failed(ConnectOptions {
        server: Some("https://127.0.0.1:1".to_owned()),
        ..good.clone()
    })
    .await?;
    ensure!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    let error = failed(ConnectOptions {
        tls_server_name: Some("other.example.com".to_owned()),
        ..good.clone()
    })
    .await?;
    ensure!(matches!(error, ConnectError::Untrusted { .. }), "{error:?}");
    let missing = ConnectOptions {
        kubeconfig: Some("/no/such/kubeconfig".into()),
        ..good
    };
    let error = failed(missing).await?;
    ensure!(matches!(error, ConnectError::Kubeconfig { .. }), "{error:?}");
    Ok(())
}
