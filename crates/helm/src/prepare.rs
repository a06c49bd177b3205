//! Everything a run pins: the chart, the values, and what they render to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::render::ValuesSource;
use crate::{Helm, HelmError, PinnedChart, PinnedValues, Rendered, Reuse, UpgradeLine, manifest};

/// From here on Go prints a number that came from a file as `1e+06`, but one that came from `--set` as `1000000`.
const PRINTED_WITH_EXPONENT: u64 = 1_000_000;

/// Whether the pinned chart and values render what the user's own line renders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fidelity {
    /// The same objects.
    Same,
    /// These objects differ, as they do in charts that render something random or the time.
    Differs(Vec<String>),
}

/// What a run applies in every pass.
#[derive(Clone)]
pub struct Prepared {
    /// The chart.
    pub chart: PinnedChart,
    /// The values.
    pub values: PinnedValues,
    /// What the pinned pair renders.
    pub rendered: Rendered,
    /// Whether the user's own line renders the same.
    pub fidelity: Fidelity,
}

impl Helm {
    /// Pins the chart and the effective values of `line` into the folder `into` and renders both ways.
    ///
    /// Under `--reuse-values` helm takes the running revision's computed values for the chart's defaults; the pinned
    /// archive gets them as its `values.yaml`, so that the passes store what `--reuse-values` would store.
    ///
    /// # Errors
    /// As [`Helm::pin_chart`] and [`Helm::render`].
    pub async fn prepare(
        &self,
        line: &UpgradeLine,
        namespace: &str,
        into: &Path,
    ) -> Result<Prepared, HelmError> {
        let mut chart = self.pin_chart(line, into).await?;
        let wanted = self.render(line, Some(&chart), namespace).await?;
        match line.reuse {
            Reuse::Reuse => chart = chart.with_defaults(&wanted.base_values)?,
            Reuse::Reset | Reuse::ResetThenReuse => {}
        }
        let mut values = wanted.values.clone();
        let mut pinned = PinnedValues::write(&values, into)?;
        let mut rendered = self.render_pinned(line, &chart, &pinned, namespace).await?;
        let mut differing = Differences::between(&wanted.manifest, &rendered.manifest)?;
        for pointer in printed_with_exponent(&values) {
            if differing.places == 0 {
                break;
            }
            // As a string the number is printed as `--set` printed it. Kept only where it helps.
            let mut tried = values.clone();
            if let Some(number) = tried.pointer_mut(&pointer) {
                *number = Value::String(number.to_string());
            }
            let file = PinnedValues::write(&tried, into)?;
            let attempt = self.render_pinned(line, &chart, &file, namespace).await;
            // Where the chart wants a number, it may not even render.
            if let Ok(attempt) = attempt {
                let fewer = Differences::between(&wanted.manifest, &attempt.manifest)?;
                if fewer.places < differing.places {
                    (values, rendered, differing) = (tried, attempt, fewer);
                }
            }
        }
        pinned = PinnedValues::write(&values, into)?;
        Ok(Prepared {
            chart,
            values: pinned,
            rendered,
            fidelity: if differing.places == 0 {
                Fidelity::Same
            } else {
                Fidelity::Differs(differing.objects)
            },
        })
    }

    async fn render_pinned(
        &self,
        line: &UpgradeLine,
        chart: &PinnedChart,
        values: &PinnedValues,
        namespace: &str,
    ) -> Result<Rendered, HelmError> {
        self.render_with(line, Some(chart), ValuesSource::Pinned(&values.path), namespace)
            .await
    }
}

/// Where two manifests are not equal.
struct Differences {
    /// The objects, by kind and name.
    objects: Vec<String>,
    /// How many values differ in all.
    places: usize,
}

impl Differences {
    fn between(wanted: &str, found: &str) -> Result<Self, HelmError> {
        let by_name = |manifest: &str| -> Result<BTreeMap<String, Value>, HelmError> {
            let objects = manifest::objects(manifest).map_err(HelmError::Manifest)?;
            Ok(objects
                .into_iter()
                .map(|object| (name(&object), object))
                .collect())
        };
        let (wanted, found) = (by_name(wanted)?, by_name(found)?);
        let mut differences = Self {
            objects: Vec::new(),
            places: 0,
        };
        let names: BTreeSet<_> = wanted.keys().chain(found.keys()).collect();
        for name in names {
            let places = differing_places(wanted.get(name), found.get(name));
            if places > 0 {
                differences.objects.push(name.clone());
                differences.places += places;
            }
        }
        Ok(differences)
    }
}

pub(crate) fn name(object: &Value) -> String {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let own = text(&object["metadata"]["name"]).unwrap_or_default();
    let kind = text(&object["kind"]).unwrap_or_default();
    match text(&object["metadata"]["namespace"]) {
        Some(namespace) => format!("{kind} {own} in {namespace}"),
        None => format!("{kind} {own}"),
    }
}

fn differing_places(wanted: Option<&Value>, found: Option<&Value>) -> usize {
    match (wanted, found) {
        (Some(Value::Object(wanted)), Some(Value::Object(found))) => {
            let keys: BTreeSet<_> = wanted.keys().chain(found.keys()).collect();
            keys.iter()
                .map(|key| differing_places(wanted.get(*key), found.get(*key)))
                .sum()
        }
        (Some(Value::Array(wanted)), Some(Value::Array(found))) => (0..wanted.len().max(found.len()))
            .map(|index| differing_places(wanted.get(index), found.get(index)))
            .sum(),
        (wanted, found) => usize::from(wanted != found),
    }
}

/// JSON pointers to the whole numbers that Go would print with an exponent.
pub fn printed_with_exponent(values: &Value) -> Vec<String> {
    let mut pointers = Vec::new();
    collect_numbers(values, "", &mut pointers);
    pointers
}

fn collect_numbers(value: &Value, pointer: &str, pointers: &mut Vec<String>) {
    let below = |key: &str| format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                collect_numbers(value, &below(key), pointers);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect_numbers(value, &below(&index.to_string()), pointers);
            }
        }
        Value::Number(number) => {
            let magnitude = number.as_i64().map(i64::unsigned_abs).or_else(|| number.as_u64());
            if magnitude.is_some_and(|magnitude| magnitude >= PRINTED_WITH_EXPONENT) {
                pointers.push(pointer.to_owned());
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_numbers_that_go_prints_with_an_exponent_are_found() {
        let values =
            json!({"uid": 1000660000, "port": 8080, "a/b": [{"c": -2000000}], "f": 1.5e7, "s": "1000000"});
        assert_eq!(printed_with_exponent(&values), ["/a~1b/0/c", "/uid"]);
    }

    #[test]
    fn differing_objects_are_named_and_their_places_counted() {
        let one = "kind: A\nmetadata: {name: x}\nv: [1, 2]\nw: 3\n---\nkind: B\nmetadata: {name: y}\n";
        let other = "kind: B\nmetadata: {name: y}\n---\nkind: A\nmetadata: {name: x}\nv: [1, 1e+06]\n";
        let differences = Differences::between(one, other).unwrap();
        assert_eq!(
            (differences.objects, differences.places),
            (vec!["A x".to_owned()], 2)
        );
        assert_eq!(Differences::between(one, one).unwrap().places, 0);
    }
}
