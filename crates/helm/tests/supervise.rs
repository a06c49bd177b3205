//! The supervisor and the post-renderer as real processes, around a helm that is a shell script.
//!
//! The supervisor is the program itself under a hidden word, so this test is a program of its own: it routes the hidden
//! words as the real one does, plays the program that is killed, and runs its tests when called without such a word.
#![cfg(unix)]
#![expect(clippy::print_stdout, reason = "this is the test runner")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use helm::{Helm, HelmMajor, PassRequest, PostRenderSpec, RollbackRequest, Running};

/// How long a process may take to die before the test fails. The supervisor kills after 15 s at the latest.
const PATIENCE: Duration = Duration::from_secs(60);

/// A helm that takes part in the tests.
const FAKE_HELM: &str = r#"#!/bin/sh
here=$(dirname "$0")
case "$1" in
version) echo "VERSION" ;;
env) echo "$here/plugins" ;;
*)
  printf '%s\n' "$@" > "$here/args"
  if [ -e "$here/body" ]; then . "$here/body"; fi
  ;;
esac
"#;

struct Stage {
    folder: tempfile::TempDir,
}

impl Stage {
    fn new(version: &str, body: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stage = Self { folder };
        stage.script("helm", &FAKE_HELM.replace("VERSION", version));
        std::fs::write(stage.path("body"), body).unwrap();
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn script(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    async fn helm(&self) -> Helm {
        Helm::find(Some(&self.path("helm")), &cluster::ConnectOptions::default())
            .await
            .unwrap()
    }

    async fn upgrade(&self, flags: &[&str], post_render: Option<&PostRenderSpec>) -> Running {
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let request = PassRequest {
            release: "shop",
            namespace: "prod",
            chart: Path::new("/pinned/chart.tgz"),
            values: Path::new("/pinned/values.json"),
            flags: &flags,
            no_hooks: post_render.is_none(),
            post_render,
            timeout: Duration::from_secs(600),
        };
        self.helm().await.upgrade(request).await.unwrap()
    }

    fn args(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("args")).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn fifo(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }
}

fn spec() -> PostRenderSpec {
    PostRenderSpec {
        namespace: "prod".to_owned(),
        migrating: None,
        never_park: Vec::new(),
        gate_condition: PostRenderSpec::GATE.to_owned(),
    }
}

/// Reads a pipe until every process that holds its other end is gone.
fn wait_until_closed(mut pipe: std::fs::File) {
    let (tell, closed) = mpsc::channel();
    std::thread::spawn(move || {
        let mut nothing = Vec::new();
        let _ = pipe.read_to_end(&mut nothing);
        let _ = tell.send(());
    });
    closed
        .recv_timeout(PATIENCE)
        .expect("a process outlived its parent");
}

/// helm holds the pipe `alive`, and so does a child of its own, which a signal to helm alone would leave behind.
const LONG_HELM: &str = "exec 9> \"$here/alive\"\nsleep 1000 &\necho started\nwait\n";

fn helm_dies_with_a_program_that_is_killed() {
    let stage = Stage::new("v3.21.4", LONG_HELM);
    let alive = stage.fifo("alive");
    // Held open, so that helm's opening of the pipe need not wait for the reader below.
    let opened = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&alive)
        .unwrap();
    let mut program = Command::new(std::env::current_exe().unwrap())
        .arg("play-the-program")
        .arg(stage.folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(program.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert_eq!(first.trim(), "started");
    // Opened while a writer is sure to be there: without one, opening would wait for it.
    let alive = std::fs::File::open(alive).unwrap();
    let reader = std::thread::spawn(move || wait_until_closed(alive));
    program.kill().unwrap();
    program.wait().unwrap();
    drop(opened);
    reader.join().unwrap();
}

async fn play_the_program(folder: PathBuf) {
    let stage = Stage {
        folder: tempfile::tempdir_in(&folder).unwrap(),
    };
    let helm = Helm::find(Some(&folder.join("helm")), &cluster::ConnectOptions::default())
        .await
        .unwrap();
    let request = RollbackRequest {
        release: "shop",
        namespace: "prod",
        revision: 3,
        flags: &[],
        force_conflicts: false,
        timeout: Duration::from_secs(600),
    };
    let mut running = helm.rollback(request).await.unwrap();
    while let Some(line) = running.next_line().await {
        println!("{}", line.text());
    }
    drop(stage);
}

async fn a_stopped_helm_may_end_in_order() {
    let stage = Stage::new(
        "v3.21.4",
        "trap 'echo \"Error: release shop has been cancelled\" >&2; exit 1' TERM\necho started\nsleep 1000 & wait\n",
    );
    let mut running = stage.upgrade(&[], None).await;
    assert_eq!(running.next_line().await.unwrap().text(), "started");
    let end = running.stop().await.unwrap();
    assert_eq!(end.code, 1);
    assert_eq!(end.error().unwrap(), "release shop has been cancelled");
    assert_eq!(running.wait().await.unwrap(), end);
}

async fn dropping_a_running_helm_ends_it() {
    let stage = Stage::new("v3.21.4", LONG_HELM);
    let alive = stage.fifo("alive");
    let opened = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&alive)
        .unwrap();
    let mut running = stage.upgrade(&[], None).await;
    assert_eq!(running.next_line().await.unwrap().text(), "started");
    // Opened while a writer is sure to be there: without one, opening would wait for it.
    let alive = std::fs::File::open(alive).unwrap();
    let reader = std::thread::spawn(move || wait_until_closed(alive));
    drop(running);
    drop(opened);
    tokio::task::spawn_blocking(move || reader.join().unwrap())
        .await
        .unwrap();
}

async fn exit_code_lines_and_error_come_through() {
    let stage = Stage::new(
        "v3.21.4",
        "echo out\necho 'WARNING: x' >&2\necho 'Error: UPGRADE FAILED: one' >&2\necho '  two' >&2\nexit 3\n",
    );
    let mut running = stage.upgrade(&[], None).await;
    let end = running.wait().await.unwrap();
    assert_eq!(end.code, 3);
    assert_eq!(end.error().unwrap(), "UPGRADE FAILED: one two");
    let mut lines = Vec::new();
    while let Some(line) = running.next_line().await {
        lines.push(line.text().to_owned());
    }
    lines.sort();
    assert_eq!(
        lines,
        ["  two", "Error: UPGRADE FAILED: one", "WARNING: x", "out"]
    );
}

async fn a_signalled_helm_has_the_shells_code() {
    let stage = Stage::new("v3.21.4", "kill -9 $$\n");
    assert_eq!(stage.upgrade(&[], None).await.wait().await.unwrap().code, 137);
}

async fn passes_pin_everything_and_wait_for_nothing() {
    let stage = Stage::new("v4.2.4", "");
    let mut running = stage
        .upgrade(&["--skip-crds", "--post-renderer=mine"], None)
        .await;
    assert!(running.wait().await.unwrap().is_success());
    let expected = "upgrade shop /pinned/chart.tgz --namespace prod --reset-values --values /pinned/values.json \
                    --timeout 600s --skip-crds --post-renderer=mine --no-hooks";
    assert_eq!(stage.args().join(" "), expected);
}

async fn a_rollback_names_its_revision_and_runs_no_hooks() {
    let stage = Stage::new("v4.2.4", "");
    let flags = ["--history-max=0", "--skip-crds", "--description=x", "--debug"].map(str::to_owned);
    let request = RollbackRequest {
        release: "shop",
        namespace: "prod",
        revision: 3,
        flags: &flags,
        force_conflicts: true,
        timeout: Duration::from_secs(60),
    };
    stage
        .helm()
        .await
        .rollback(request)
        .await
        .unwrap()
        .wait()
        .await
        .unwrap();
    let expected =
        "rollback shop 3 --namespace prod --no-hooks --timeout 60s --history-max=0 --debug --force-conflicts";
    assert_eq!(stage.args().join(" "), expected);
}

const MANIFEST: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n";

/// Helm 3 as it calls a post-renderer: the last three words are ours and its arguments.
const CALLS_AS_HELM_3: &str = r#"
while [ $# -gt 0 ]; do
  case "$1" in
  --post-renderer) renderer=$2; shift ;;
  --post-renderer-args) extra="$extra $2"; shift ;;
  esac
  shift
done
"$renderer" $extra < "$here/manifest" > "$here/rendered" || { echo "Error: post-renderer failed" >&2; exit 1; }
"#;

/// Helm 4 as it calls a post-renderer: a plugin in HELM_PLUGINS, whose words are lost when it fails.
const CALLS_AS_HELM_4: &str = r#"
grep -q '^name: safe-upgrade-post-render$' "$HELM_PLUGINS/safe-upgrade-post-render/plugin.yaml" || exit 9
"$SAFE_UPGRADE_PROGRAM" __post-render "$SAFE_UPGRADE_POST_RENDER_ORDER" < "$here/manifest" > "$here/rendered" 2>/dev/null ||
  { echo "Error: plugin exited with error" >&2; exit 1; }
"#;

async fn both_lines_call_our_post_renderer_after_the_users() {
    for (version, calls, users) in [
        ("v3.21.4", CALLS_AS_HELM_3, "--post-renderer=HERE/mine"),
        ("v4.2.4", CALLS_AS_HELM_4, "--post-renderer=mine"),
    ] {
        let stage = Stage::new(version, calls);
        std::fs::write(stage.path("manifest"), MANIFEST).unwrap();
        stage.script("mine", "#!/bin/sh\nsed \"s/web/web-$1/\"\n");
        std::fs::create_dir_all(stage.path("plugins/any")).unwrap();
        std::fs::write(
            stage.path("plugins/any/plugin.yaml"),
            "apiVersion: v1\ntype: postrenderer/v1\nname: mine\nversion: 0.1.0\nruntime: subprocess\n\
             runtimeConfig:\n  platformCommand:\n  - command: ${HELM_PLUGIN_DIR}/../../mine\n",
        )
        .unwrap();
        let users = users.replace("HERE", stage.folder.path().to_str().unwrap());
        let flags = [users.as_str(), "--post-renderer-args=blue"];
        let mut running = stage.upgrade(&flags, Some(&spec())).await;
        let end = running.wait().await.unwrap();
        assert!(end.is_success(), "{version}: {end:?}");
        let rendered = std::fs::read_to_string(stage.path("rendered")).unwrap();
        assert!(rendered.contains("name: web-blue"), "{version}: {rendered}");
        assert!(rendered.contains("replicas: 0"), "{version}: {rendered}");
        assert!(
            !stage.args().iter().any(|arg| arg.starts_with("--post-renderer=")),
            "{version}"
        );
    }
}

async fn a_post_renderers_refusal_is_told_on_both_lines() {
    for (version, calls) in [("v3.21.4", CALLS_AS_HELM_3), ("v4.2.4", CALLS_AS_HELM_4)] {
        let stage = Stage::new(version, calls);
        std::fs::write(stage.path("manifest"), "kind: [\n").unwrap();
        let mut running = stage.upgrade(&[], Some(&spec())).await;
        let error = running.wait().await.unwrap().error().unwrap();
        assert!(
            error.contains("failed to read the rendered manifest: document 1"),
            "{version}: {error}"
        );
    }
}

async fn a_plugin_that_cannot_be_called_is_refused_before_helm_starts() {
    let stage = Stage::new("v4.2.4", "");
    let flags = ["--post-renderer=elsewhere".to_owned()];
    let spec = spec();
    let request = PassRequest {
        release: "shop",
        namespace: "prod",
        chart: Path::new("c"),
        values: Path::new("v"),
        flags: &flags,
        no_hooks: false,
        post_render: Some(&spec),
        timeout: Duration::from_secs(1),
    };
    let refused = stage.helm().await.upgrade(request).await;
    let error = refused.err().expect("it was accepted").to_string();
    assert!(error.contains("post-renderer elsewhere"), "{error}");
    assert!(!stage.path("args").exists());
}

async fn versions_decide_the_line() {
    for (version, expected) in [
        ("v3.17.0", Some(HelmMajor::Three)),
        ("v4.3.0", Some(HelmMajor::Four)),
        ("v3.16.4", None),
        ("v2.17.0", None),
        ("soup", None),
    ] {
        let stage = Stage::new(version, "");
        let found = Helm::find(Some(&stage.path("helm")), &cluster::ConnectOptions::default()).await;
        assert_eq!(found.ok().map(|helm| helm.major()), expected, "{version}");
    }
}

macro_rules! all {
    ($filter:expr, $runtime:expr, [$($name:ident),* $(,)?]) => {{
        $(if stringify!($name).contains($filter) {
            $runtime.block_on(async { $name().await; });
            println!("test {} ... ok", stringify!($name));
        })*
    }};
}

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let first = args.next();
    match first.as_ref().and_then(|word| word.to_str()) {
        Some(helm::supervise::WORD) => return helm::supervise::main(args),
        Some(helm::post_render::WORD) => return helm::post_render::main(args),
        _ => {}
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if first.as_ref().is_some_and(|word| word == "play-the-program") {
        runtime.block_on(play_the_program(PathBuf::from(args.next().unwrap())));
        return ExitCode::SUCCESS;
    }
    let filter = first
        .and_then(|word| word.into_string().ok())
        .filter(|word| !word.starts_with('-'))
        .unwrap_or_default();
    let filter = filter.as_str();
    if "helm_dies_with_a_program_that_is_killed".contains(filter) {
        helm_dies_with_a_program_that_is_killed();
        println!("test helm_dies_with_a_program_that_is_killed ... ok");
    }
    all!(
        filter,
        runtime,
        [
            a_stopped_helm_may_end_in_order,
            dropping_a_running_helm_ends_it,
            exit_code_lines_and_error_come_through,
            a_signalled_helm_has_the_shells_code,
            passes_pin_everything_and_wait_for_nothing,
            a_rollback_names_its_revision_and_runs_no_hooks,
            both_lines_call_our_post_renderer_after_the_users,
            a_post_renderers_refusal_is_told_on_both_lines,
            a_plugin_that_cannot_be_called_is_refused_before_helm_starts,
            versions_decide_the_line,
        ]
    );
    ExitCode::SUCCESS
}
