//! What a container's environment holds once every reference is followed, as the kubelet would.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{Container, EnvVar};
use model::Secret;

/// The data of one Secret or ConfigMap, or why it could not be read. `Ok(None)`: it does not exist.
pub(crate) type Data = Result<Option<BTreeMap<String, Secret>>, String>;

/// The Secrets and ConfigMaps of one namespace that containers refer to.
#[derive(Debug, Default)]
pub(crate) struct Referenced {
    pub(crate) secrets: BTreeMap<String, Data>,
    pub(crate) config_maps: BTreeMap<String, Data>,
}

/// The names that a container's environment refers to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct References {
    pub(crate) secrets: BTreeSet<String>,
    pub(crate) config_maps: BTreeSet<String>,
}

/// One variable as the container would see it.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: String,
    /// Its value, or why it could not be read.
    pub(crate) value: Result<Secret, String>,
    /// Where it comes from, for the user: `from Secret web-db key url`; empty for a plain value.
    pub(crate) origin: String,
    /// The Secret and key it comes from: `web-db key url`.
    pub(crate) secret: Option<String>,
}

impl Variable {
    /// The value, where it could be read.
    pub(crate) fn text(&self) -> Option<&str> {
        self.value.as_ref().ok().map(Secret::expose)
    }
}

/// Which Secrets and ConfigMaps must be read to know the environment of these containers.
pub(crate) fn references<'a>(containers: impl IntoIterator<Item = &'a Container>) -> References {
    let mut names = References::default();
    for container in containers {
        for source in container.env_from.iter().flatten() {
            names
                .secrets
                .extend(source.secret_ref.iter().map(|secret| secret.name.clone()));
            names
                .config_maps
                .extend(source.config_map_ref.iter().map(|map| map.name.clone()));
        }
        for source in container
            .env
            .iter()
            .flatten()
            .filter_map(|variable| variable.value_from.as_ref())
        {
            names
                .secrets
                .extend(source.secret_key_ref.iter().map(|secret| secret.name.clone()));
            names
                .config_maps
                .extend(source.config_map_key_ref.iter().map(|map| map.name.clone()));
        }
    }
    names
}

/// The environment of a container: `envFrom` first, later sources over earlier ones, then `env`, with `$(NAME)`
/// expanded. Variables from fields of the pod are left out: no address stands in them.
pub(crate) fn resolve(container: &Container, referenced: &Referenced) -> Vec<Variable> {
    let mut variables = Vec::new();
    for source in container.env_from.iter().flatten() {
        let prefix = source.prefix.as_deref().unwrap_or_default();
        if let Some(map) = &source.config_map_ref {
            take_all(
                &mut variables,
                prefix,
                "ConfigMap",
                &map.name,
                referenced.config_maps.get(&map.name),
            );
        }
        if let Some(secret) = &source.secret_ref {
            take_all(
                &mut variables,
                prefix,
                "Secret",
                &secret.name,
                referenced.secrets.get(&secret.name),
            );
        }
    }
    for variable in container.env.iter().flatten() {
        if let Some(resolved) = resolve_one(variable, &variables, referenced) {
            put(&mut variables, resolved);
        }
    }
    variables
}

fn put(variables: &mut Vec<Variable>, variable: Variable) {
    variables.retain(|earlier| earlier.name != variable.name);
    variables.push(variable);
}

fn take_all(variables: &mut Vec<Variable>, prefix: &str, kind: &str, name: &str, data: Option<&Data>) {
    match data {
        Some(Ok(Some(data))) => {
            for (key, value) in data {
                put(
                    variables,
                    Variable {
                        name: format!("{prefix}{key}"),
                        value: Ok(value.clone()),
                        origin: format!("from {kind} {name} key {key}"),
                        secret: (kind == "Secret").then(|| format!("{name} key {key}")),
                    },
                );
            }
        }
        // Its keys are unknown: one entry without a name stands for all of them.
        Some(Err(reason)) => variables.push(Variable {
            name: String::new(),
            value: Err(reason.clone()),
            origin: format!("from all keys of {kind} {name}"),
            secret: (kind == "Secret").then(|| name.to_owned()),
        }),
        Some(Ok(None)) | None => {}
    }
}

fn resolve_one(variable: &EnvVar, earlier: &[Variable], referenced: &Referenced) -> Option<Variable> {
    let name = variable.name.clone();
    let Some(source) = &variable.value_from else {
        let text = variable.value.as_deref().unwrap_or_default();
        let (value, secret) = expand(text, earlier);
        return Some(Variable {
            name,
            value,
            origin: String::new(),
            secret,
        });
    };
    let (kind, object, key, data) = if let Some(reference) = &source.secret_key_ref {
        (
            "Secret",
            &reference.name,
            &reference.key,
            referenced.secrets.get(&reference.name),
        )
    } else if let Some(reference) = &source.config_map_key_ref {
        (
            "ConfigMap",
            &reference.name,
            &reference.key,
            referenced.config_maps.get(&reference.name),
        )
    } else {
        return None;
    };
    let value = match data {
        Some(Ok(Some(data))) => match data.get(key) {
            Some(value) => Ok(value.clone()),
            None => Err(format!("{kind} {object} has no key {key}")),
        },
        Some(Ok(None)) | None => Err(format!("{kind} {object} does not exist")),
        Some(Err(reason)) => Err(reason.clone()),
    };
    Some(Variable {
        name,
        value,
        origin: format!("from {kind} {object} key {key}"),
        secret: (kind == "Secret").then(|| format!("{object} key {key}")),
    })
}

/// Replaces `$(NAME)` by an earlier variable and `$$` by `$`; an unknown name stays as it is written. Also tells the
/// Secret behind the last variable that was put in.
fn expand(text: &str, earlier: &[Variable]) -> (Result<Secret, String>, Option<String>) {
    let mut expanded = String::new();
    let mut secret = None;
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, behind) = rest.split_at(at);
        expanded.push_str(before);
        let behind = behind.get(1..).unwrap_or_default();
        if let Some(escaped) = behind.strip_prefix('$') {
            expanded.push('$');
            rest = escaped;
            continue;
        }
        let reference = behind
            .strip_prefix('(')
            .and_then(|inner| inner.split_once(')'))
            .and_then(|(name, after)| {
                let known = earlier.iter().find(|variable| variable.name == name)?;
                Some((known, after))
            });
        match reference {
            Some((variable, after)) => {
                match &variable.value {
                    Ok(value) => expanded.push_str(value.expose()),
                    Err(reason) => return (Err(reason.clone()), variable.secret.clone()),
                }
                secret = variable.secret.clone().or(secret);
                rest = after;
            }
            None => {
                expanded.push('$');
                rest = behind;
            }
        }
    }
    expanded.push_str(rest);
    (Ok(Secret::new(expanded)), secret)
}
