//! Many releases, each with a record of Helm's own: one real record is decoded, named anew, grown to a size and encoded as
//! Helm does it.

use std::fs;
use std::io::{Read as _, Write as _};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tempfile::TempDir;
use test_apps::{HelmLine, Place, Postgres};
use test_node::progress::Progress;
use test_node::{Namespace, Node};

/// Releases in one namespace.
const TOGETHER: u32 = 50;

/// What releases are called, with a number behind it.
const NAMES: [&str; 5] = ["books", "checkout", "identity", "search-index", "web"];

/// The release whose record is the pattern.
const PATTERN: &str = "pattern";

/// Namespaces full of releases. They go away with this value.
pub(crate) struct Releases {
    _namespaces: Vec<Namespace>,
}

impl Releases {
    /// Makes `count` releases with one revision each, whose records take at least `bytes` in their objects.
    pub(crate) fn make(node: &Node, count: u32, bytes: usize, progress: &Progress) -> Result<Self> {
        let pattern = progress.run("install a release and read its record", |_| pattern(node))?;
        let pattern = grown(&pattern, bytes)?;
        let folder = TempDir::new().context("make a folder")?;
        let mut namespaces = Vec::new();
        progress.run(format!("make {count} releases"), |stage| {
            for first in (0..count).step_by(TOGETHER as usize) {
                stage.note(&format!("from number {first} on"));
                let namespace = node.namespace("fleet")?;
                let numbers = first..count.min(first + TOGETHER);
                let records: Result<Vec<Value>> = numbers
                    .map(|number| object(&pattern, number, namespace.name()))
                    .collect();
                let list = json!({"apiVersion": "v1", "kind": "List", "items": records?});
                let file = folder.path().join("records.json");
                fs::write(&file, list.to_string()).context("write the records")?;
                namespace.kubectl(&["create", "--filename", &file.display().to_string()])?;
                namespaces.push(namespace);
            }
            anyhow::Ok(())
        })?;
        Ok(Self {
            _namespaces: namespaces,
        })
    }
}

/// The record of a real release, decoded. The release is gone afterwards.
fn pattern(node: &Node) -> Result<Value> {
    let namespace = node.namespace("fleet-pattern")?;
    let place = Place::new(node, namespace.name());
    Postgres::install(&place, HelmLine::Four, PATTERN, 17)?;
    let record = format!("sh.helm.release.v1.{PATTERN}.v1");
    let stored = place.kubectl(&["get", "secret", &record, "--output", "jsonpath={.data.release}"])?;
    // The API carries a Secret's data in base64 once more.
    decode(&STANDARD.decode(stored.trim()).context("read the Secret's data")?)
}

/// A Secret as Helm writes it.
fn object(pattern: &Value, number: u32, namespace: &str) -> Result<Value> {
    let mut record = pattern.clone();
    let name = format!("{}-{number:04}", NAMES[number as usize % NAMES.len()]);
    record["name"] = json!(name);
    record["namespace"] = json!(namespace);
    record["chart"]["metadata"]["version"] = json!(format!("1.{}.{}", number % 9, number % 7));
    record["chart"]["metadata"]["appVersion"] = json!(format!("{}.{}.0", 1 + number % 4, number % 9));
    Ok(json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {
            "name": format!("sh.helm.release.v1.{name}.v1"), "namespace": namespace,
            "labels": {"owner": "helm", "name": name, "status": "deployed", "version": "1", "modifiedAt": "1764374400"},
        },
        "data": {"release": STANDARD.encode(encode(&record)?)},
    }))
}

/// The record with templates added to its chart until its object holds as many bytes.
fn grown(record: &Value, bytes: usize) -> Result<Value> {
    /// What a line takes once it is packed, at least: fewer would overshoot.
    const PACKED_LINE: usize = 24;
    let mut lines = 0;
    loop {
        let mut record = record.clone();
        if lines > 0 {
            let templates = record["chart"]["templates"]
                .as_array_mut()
                .context("the record has templates")?;
            templates.push(json!({"name": "templates/more.yaml", "data": STANDARD.encode(template(lines))}));
        }
        let size = encode(&record)?.len();
        if size >= bytes {
            return Ok(record);
        }
        lines += (bytes - size) / PACKED_LINE + 1;
    }
}

/// Lines as templates have them: words that repeat, numbers that do not.
fn template(lines: usize) -> String {
    let mut state: u32 = 7;
    (0..lines)
        .map(|line| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            format!(
                "        - name: SETTING_{line}\n          value: \"{:08x}\"\n",
                state
            )
        })
        .collect()
}

/// As Helm encodes a record: JSON, compressed, in base64. Keys are in Helm's own order, what a list shows first.
fn encode(record: &Value) -> Result<String> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer
        .write_all(in_helms_order(record)?.as_bytes())
        .context("compress a record")?;
    Ok(STANDARD.encode(packer.finish().context("compress a record")?))
}

fn decode(stored: &[u8]) -> Result<Value> {
    let packed = STANDARD.decode(stored).context("read a record's base64")?;
    let mut json = String::new();
    GzDecoder::new(packed.as_slice())
        .read_to_string(&mut json)
        .context("unpack a record")?;
    serde_json::from_str(&json).context("read a record")
}

/// A record and its chart with their keys as Helm's own program writes them.
fn in_helms_order(record: &Value) -> Result<String> {
    const RECORD: [&str; 8] = [
        "name",
        "info",
        "chart",
        "config",
        "manifest",
        "hooks",
        "version",
        "namespace",
    ];
    const CHART: [&str; 6] = ["metadata", "lock", "templates", "values", "schema", "files"];
    ordered(record, &RECORD, |key, value| {
        if key == "chart" {
            ordered(value, &CHART, |_, value| Ok(value.to_string()))
        } else {
            Ok(value.to_string())
        }
    })
}

fn ordered(value: &Value, order: &[&str], text: impl Fn(&str, &Value) -> Result<String>) -> Result<String> {
    let object = value.as_object().context("a record is an object")?;
    let place = |key: &str| {
        order
            .iter()
            .position(|known| *known == key)
            .unwrap_or(order.len())
    };
    let mut keys: Vec<&String> = object.keys().collect();
    keys.sort_by_key(|key| place(key));
    let members: Result<Vec<String>> = keys
        .into_iter()
        .map(|key| Ok(format!("{}:{}", json!(key), text(key, &object[key])?)))
        .collect();
    Ok(format!("{{{}}}", members?.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Value {
        json!({
            "name": "pattern", "version": 1, "namespace": "n", "info": {"status": "deployed"}, "apply_method": "ssa",
            "chart": {"metadata": {"name": "postgres", "version": "0.1.0"}, "templates": [], "values": {}},
        })
    }

    #[test]
    fn a_record_is_read_back_as_it_was_written_and_begins_as_helm_s_own_do() {
        assert_eq!(decode(encode(&record()).unwrap().as_bytes()).unwrap(), record());
        let text = in_helms_order(&record()).unwrap();
        assert!(
            text.starts_with(r#"{"name":"pattern","info":{"status":"deployed"},"chart":{"metadata":{"#),
            "{text}"
        );
    }

    #[test]
    fn a_record_grows_to_the_size_that_is_wanted_and_not_far_beyond() {
        let size = encode(&grown(&record(), 49_000).unwrap()).unwrap().len();
        assert!((49_000..54_000).contains(&size), "{size}");
    }

    #[test]
    fn names_and_versions_vary() {
        let name = |number| object(&record(), number, "n").unwrap()["metadata"]["labels"]["name"].clone();
        assert_eq!((name(0), name(1)), (json!("books-0000"), json!("checkout-0001")));
    }
}
