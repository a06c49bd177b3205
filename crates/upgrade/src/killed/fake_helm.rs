//! A fake helm: what `helm upgrade` and `helm rollback` of Helm 3 do to records, objects and hooks. The program that is
//! started is the script `fake-helm` beside this file; it hands its words to [`FakeHelm`] and ends as it is told.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use cluster::ConnectOptions;
use helm::{Helm, PostRenderSpec, manifest, post_render};
use k8s_openapi::ByteString;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::controllers::{migrate, settle};
use super::stand_in::{NAMESPACE, SharedWorld, World, path};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/killed/fake-helm");
const RELEASE: &str = "shop";

/// What helm refuses with while another is at work.
const BUSY: &str = "UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress";

/// The revisions' manifests, which the real helm reads out of its records, and what the next upgrade is given.
#[derive(Debug, Clone, Default)]
pub(super) struct Records {
    pub(super) manifests: BTreeMap<u32, String>,
    /// The rendered manifest of the chart that is upgraded to.
    pub(super) chart: String,
    /// When the chart's hook migrates: `pre-upgrade` or `post-upgrade`.
    pub(super) hook: Option<&'static str>,
}

/// Where a helm of one stage hands its words. It ends with the stage.
pub(super) struct FakeHelm {
    port: u16,
    listening: JoinHandle<()>,
}

impl Drop for FakeHelm {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl FakeHelm {
    pub(super) async fn listen(world: &SharedWorld) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let world = Arc::clone(world);
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                answer(stream, &world).await;
            }
        });
        Self { port, listening }
    }

    /// The helm that a process finds.
    pub(super) async fn find(&self) -> Helm {
        let options = ConnectOptions {
            server: Some(format!("http://127.0.0.1:{}", self.port)),
            ..ConnectOptions::default()
        };
        let program = Path::new(PROGRAM);
        let helm = Helm::find(Some(program), &options).await.unwrap();
        helm.with_own_program(program.to_owned())
    }
}

async fn answer(stream: TcpStream, world: &SharedWorld) {
    let mut lines = BufReader::new(stream).lines();
    let mut words = Vec::new();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.is_empty() {
            break;
        }
        words.push(line);
    }
    let said = match act(&words, &mut world.lock().unwrap()) {
        Ok(()) => "0 \n".to_owned(),
        Err(why) => format!("1 {why}\n"),
    };
    let mut stream = lines.into_inner();
    stream.get_mut().write_all(said.as_bytes()).await.unwrap();
}

fn act(words: &[String], world: &mut World) -> Result<(), String> {
    let verb = words
        .iter()
        .position(|word| word == "upgrade" || word == "rollback");
    let verb = verb.ok_or_else(|| format!("unknown words {words:?}"))?;
    let (newest, status) = history(world).pop().ok_or("no release")?;
    if status.starts_with("pending") {
        return Err(BUSY.to_owned());
    }
    match words[verb].as_str() {
        "upgrade" => upgrade(&words[verb..], world, newest + 1),
        _ => {
            let revision: u32 = words[verb + 2].parse().map_err(|_| "no revision")?;
            let before = world.records.manifests[&newest].clone();
            let wanted = world.records.manifests.get(&revision).cloned();
            let wanted = wanted.ok_or("release: not found")?;
            write(world, newest + 1, "pending-rollback", &wanted);
            apply(world, &before, &wanted);
            deployed(world, newest + 1);
            Ok(())
        }
    }
}

fn upgrade(words: &[String], world: &mut World, revision: u32) -> Result<(), String> {
    let hook = world
        .records
        .hook
        .filter(|_| !words.iter().any(|word| word == "--no-hooks"));
    let order = words
        .iter()
        .rposition(|word| word == "--post-renderer-args")
        .map(|at| words[at + 1].as_str());
    let wanted = match order {
        Some(order) => post_rendered(&world.records.chart, order)?,
        None => world.records.chart.clone(),
    };
    // Helm compares with what is deployed, not with what failed since.
    let base = history(world)
        .into_iter()
        .rfind(|(_, status)| status == "deployed");
    let (base, _) = base.ok_or("\"shop\" has no deployed releases")?;
    let before = world.records.manifests[&base].clone();
    write(world, revision, "pending-upgrade", &wanted);
    if hook == Some("pre-upgrade") {
        migrate(world);
    }
    apply(world, &before, &wanted);
    if hook == Some("post-upgrade") {
        migrate(world);
    }
    deployed(world, revision);
    Ok(())
}

/// What our own post-renderer makes of a manifest by the order that lies on disk.
fn post_rendered(manifest: &str, order: &str) -> Result<String, String> {
    let order = std::fs::read(order).map_err(|error| error.to_string())?;
    let order: Value = serde_json::from_slice(&order).map_err(|error| error.to_string())?;
    let spec: PostRenderSpec =
        serde_json::from_value(order["spec"].clone()).map_err(|error| error.to_string())?;
    post_render::apply(manifest, &spec).map_err(|error| error.to_string())
}

/// Revisions with their statuses, oldest first.
pub(super) fn history(world: &World) -> Vec<(u32, String)> {
    let mut revisions: Vec<(u32, String)> = world
        .objects
        .values()
        .filter(|object| object["type"] == "helm.sh/release.v1")
        .map(|record| {
            let labels = &record["metadata"]["labels"];
            let text = |key: &str| labels[key].as_str().unwrap().to_owned();
            (text("version").parse().unwrap(), text("status"))
        })
        .collect();
    revisions.sort();
    revisions
}

/// Writes a revision's record.
pub(super) fn write(world: &mut World, revision: u32, status: &str, manifest: &str) {
    world.records.manifests.insert(revision, manifest.to_owned());
    let name = format!("sh.helm.release.v1.{RELEASE}.v{revision}");
    let content = json!({
        "name": RELEASE, "namespace": NAMESPACE, "version": revision, "info": { "status": status },
        "chart": { "metadata": { "name": RELEASE, "version": "1.0.0" } }, "manifest": manifest,
    });
    let record = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": { "name": name, "namespace": NAMESPACE,
            "labels": { "owner": "helm", "name": RELEASE, "status": status, "version": revision.to_string() } },
        "data": { "release": base64(base64(content.to_string().into_bytes()).into_bytes()) },
    });
    world.put(&path("Secret", &name), record);
}

fn base64(bytes: Vec<u8>) -> String {
    json!(ByteString(bytes)).as_str().unwrap().to_owned()
}

fn deployed(world: &mut World, revision: u32) {
    for (older, status) in history(world) {
        if older != revision && status == "deployed" {
            let manifest = world.records.manifests[&older].clone();
            write(world, older, "superseded", &manifest);
        }
    }
    let manifest = world.records.manifests[&revision].clone();
    write(world, revision, "deployed", &manifest);
}

/// Brings the objects from one manifest to another.
fn apply(world: &mut World, before: &str, wanted: &str) {
    let before = by_path(before);
    for (at, wanted) in by_path(wanted) {
        let mut live = world.objects.get(&at).cloned().unwrap_or(Value::Null);
        let old = before.get(&at).unwrap_or(&Value::Null);
        three_way(old, &wanted, &mut live);
        world.put(&at, live);
    }
    settle(world);
}

pub(super) fn by_path(text: &str) -> BTreeMap<String, Value> {
    let objects = manifest::objects(text).unwrap();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let placed = |object: Value| {
        let at = path(&word(&object["kind"]), &word(&object["metadata"]["name"]));
        (at, object)
    };
    objects.into_iter().map(placed).collect()
}

/// Helm's three-way merge: what the older manifest had and the newer has not goes, what the newer says is set, all else
/// stays as it is.
fn three_way(old: &Value, new: &Value, live: &mut Value) {
    let (Some(new), Some(fields)) = (new.as_object(), live.as_object_mut()) else {
        *live = new.clone();
        return;
    };
    let nothing = Map::new();
    let old = old.as_object().unwrap_or(&nothing);
    fields.retain(|key, _| new.contains_key(key) || !old.contains_key(key));
    for (key, value) in new {
        let before = old.get(key).unwrap_or(&Value::Null);
        three_way(before, value, fields.entry(key.clone()).or_insert(Value::Null));
    }
}
