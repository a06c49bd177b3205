//! Values: pinned for the passes, and what the chosen way of keeping them would lose.

use std::io::Write;
use std::path::{Path, PathBuf};

use model::ValuesHazard;
use serde_json::Value;

use crate::{HelmError, PinnedChart, Rendered, Reuse};

/// The file's name in the folder that the caller gives.
const FILE: &str = "values.json";

/// The effective user values in a file that only its owner can read (mode 0600).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedValues {
    /// The file: JSON, which is YAML too.
    pub path: PathBuf,
}

impl PinnedValues {
    /// Writes `values` to `into/values.json`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(values: &Value, into: &Path) -> Result<Self, HelmError> {
        Self::restore(values.to_string().as_bytes(), into)
    }

    /// Writes bytes taken out of a journal to `into/values.json`, in place of an earlier file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn restore(bytes: &[u8], into: &Path) -> Result<Self, HelmError> {
        let path = into.join(FILE);
        // A temporary file is born with mode 0600: at no moment can anybody else read it.
        tempfile::NamedTempFile::new_in(into)
            .and_then(|mut file| {
                file.write_all(bytes)?;
                file.persist(&path).map_err(|error| error.error)
            })
            .map_err(|source| HelmError::File {
                act: "write",
                path: path.clone(),
                source,
            })?;
        Ok(Self { path })
    }

    /// The bytes, for a journal's part Secret. They may hold secrets.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn bytes(&self) -> Result<Vec<u8>, HelmError> {
        std::fs::read(&self.path).map_err(|source| HelmError::File {
            act: "read",
            path: self.path.clone(),
            source,
        })
    }
}

/// Judges the way of keeping values: which of the running revision's user values (`running`) the upgrade would drop,
/// and which defaults of the target chart `--reuse-values` would leave out. Paths only, never values.
///
/// # Errors
/// The chart's own `values.yaml` cannot be read.
pub fn values_hazard(
    running: &Value,
    rendered: &Rendered,
    chart: &PinnedChart,
    reuse: Reuse,
) -> Result<ValuesHazard, HelmError> {
    let missing_defaults = match reuse {
        Reuse::Reuse => missing(&chart.own_defaults()?, &rendered.base_values),
        Reuse::Reset | Reuse::ResetThenReuse => Vec::new(),
    };
    Ok(ValuesHazard {
        dropped: missing(running, &rendered.values),
        missing_defaults,
        mode: reuse.flag().to_owned(),
    })
}

/// Paths of `wanted` that `found` does not have; where a whole branch is missing, the branch.
fn missing(wanted: &Value, found: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    collect_missing(wanted, found, "", &mut paths);
    paths
}

fn collect_missing(wanted: &Value, found: &Value, path: &str, paths: &mut Vec<String>) {
    let Value::Object(wanted) = wanted else { return };
    for (key, value) in wanted {
        let path = join(path, key);
        match found.get(key) {
            Some(found) => collect_missing(value, found, &path, paths),
            // A null among values means that a default is to be taken away: nothing is lost with it.
            None if value.is_null() => {}
            None => paths.push(path),
        }
    }
}

/// A path as `--set` writes it.
fn join(path: &str, key: &str) -> String {
    let key = key.replace('.', "\\.");
    if path.is_empty() {
        key
    } else {
        format!("{path}.{key}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn missing_paths_are_named_as_a_person_would_type_them() {
        let wanted = json!({"a": {"b": 1, "c": 2}, "d": {"e": 1}, "f": null, "g.h": [1], "i": {"j": 1}});
        let found = json!({"a": {"b": 9}, "i": "other"});
        assert_eq!(missing(&wanted, &found), ["a.c", "d", "g\\.h", "i.j"]);
        assert!(missing(&wanted, &wanted).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn pinned_values_are_their_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let values = PinnedValues::write(&json!({"password": "x"}), folder.path()).unwrap();
        let mode = std::fs::metadata(&values.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = PinnedValues::restore(b"{}", folder.path()).unwrap();
        assert_eq!(again.bytes().unwrap(), b"{}");
    }
}
