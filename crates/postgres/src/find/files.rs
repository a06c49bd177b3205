//! Addresses in configuration files that a pod mounts from Secrets and ConfigMaps.

use k8s_openapi::api::core::v1::{Container, PodSpec, Volume};
use model::Secret;

use super::environment::{Data, Referenced, References, Variable};

/// How the name of a file stands in the place of a variable's.
pub(crate) const PREFIX: &str = "file ";

/// The schemes of whole addresses, the longest that holds another first.
const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];

/// Larger texts are no configuration that a person wrote.
const LARGEST: usize = 256 << 10;

/// Where a volume's files come from.
enum Source<'a> {
    Secret(&'a str),
    ConfigMap(&'a str),
}

/// The Secrets and ConfigMaps whose files one of these containers sees.
pub(crate) fn references(template: &PodSpec) -> References {
    let mut names = References::default();
    for container in super::template::containers(template) {
        let seen = references_of(container, template);
        names.secrets.extend(seen.secrets);
        names.config_maps.extend(seen.config_maps);
    }
    names
}

/// The same of one container.
pub(crate) fn references_of(container: &Container, template: &PodSpec) -> References {
    let mut names = References::default();
    for (_, source) in mounted(container, template.volumes.iter().flatten()) {
        match source {
            Source::Secret(name) => names.secrets.insert(name.to_owned()),
            Source::ConfigMap(name) => names.config_maps.insert(name.to_owned()),
        };
    }
    names
}

/// The folders that a container mounts from Secrets and ConfigMaps.
fn mounted<'a>(
    container: &'a Container,
    volumes: impl Iterator<Item = &'a Volume>,
) -> Vec<(&'a str, Source<'a>)> {
    let mut found = Vec::new();
    for volume in volumes {
        let mounts = container.volume_mounts.iter().flatten();
        for mount in mounts.filter(|mount| mount.name == volume.name) {
            let path = mount.mount_path.as_str();
            let own_secret = volume
                .secret
                .iter()
                .filter_map(|secret| secret.secret_name.as_deref());
            let own_map = volume.config_map.iter().map(|map| map.name.as_str());
            found.extend(own_secret.map(|name| (path, Source::Secret(name))));
            found.extend(own_map.map(|name| (path, Source::ConfigMap(name))));
            for part in volume
                .projected
                .iter()
                .flat_map(|all| all.sources.iter().flatten())
            {
                found.extend(
                    part.secret
                        .iter()
                        .map(|secret| (path, Source::Secret(&secret.name))),
                );
                found.extend(
                    part.config_map
                        .iter()
                        .map(|map| (path, Source::ConfigMap(&map.name))),
                );
            }
        }
    }
    found
}

/// The text of every file of a container that could be read, with what it is called: place, kind, name and key.
struct File<'a> {
    path: String,
    kind: &'static str,
    object: &'a str,
    key: &'a str,
    text: &'a str,
}

fn read<'a>(container: &'a Container, template: &'a PodSpec, referenced: &'a Referenced) -> Vec<File<'a>> {
    let mut found = Vec::new();
    for (path, source) in mounted(container, template.volumes.iter().flatten()) {
        let (kind, object, data) = data_of(&source, referenced);
        // What may not be read need not hold an address.
        let Some(Ok(Some(data))) = data else { continue };
        found.extend(data.iter().map(|(key, text)| File {
            path: format!("{PREFIX}{}/{key}", path.trim_end_matches('/')),
            kind,
            object,
            key,
            text: text.expose(),
        }));
    }
    found
}

fn data_of<'a>(source: &Source<'a>, referenced: &'a Referenced) -> (&'static str, &'a str, Option<&'a Data>) {
    match source {
        Source::Secret(name) => ("Secret", *name, referenced.secrets.get(*name)),
        Source::ConfigMap(name) => ("ConfigMap", *name, referenced.config_maps.get(*name)),
    }
}

/// Every address in the files of a container, each as if a variable held it.
pub(crate) fn variables(container: &Container, template: &PodSpec, referenced: &Referenced) -> Vec<Variable> {
    let mut found = Vec::new();
    for File {
        path,
        kind,
        object,
        key,
        text,
    } in read(container, template, referenced)
    {
        for (index, address) in addresses(text).into_iter().enumerate() {
            let number = if index == 0 {
                String::new()
            } else {
                format!(" ({})", index + 1)
            };
            found.push(Variable {
                name: format!("{path}{number}"),
                value: Ok(Secret::new(address)),
                origin: format!("from {kind} {object} key {key}"),
                secret: (kind == "Secret").then(|| format!("{object} key {key}")),
            });
        }
    }
    found
}

/// The text of every file of a container that could be read, with its place in words.
pub(crate) fn texts<'a>(
    container: &'a Container,
    template: &'a PodSpec,
    referenced: &'a Referenced,
) -> impl Iterator<Item = (String, &'a str)> {
    read(container, template, referenced).into_iter().map(|file| {
        let File {
            path,
            kind,
            object,
            key,
            text,
        } = file;
        (format!("{path} from {kind} {object} key {key}"), text)
    })
}

/// The addresses of Postgres in a text, without those that are filled in later.
fn addresses(text: &str) -> Vec<&str> {
    if text.len() > LARGEST {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = SCHEMES.iter().filter_map(|scheme| rest.find(scheme)).min() {
        let tail = &rest[start..];
        let end = tail
            .find(|end: char| {
                end.is_whitespace() || matches!(end, '"' | '\'' | '`' | '<' | '>' | ')' | ']' | ',')
            })
            .unwrap_or(tail.len());
        let address = &tail[..end];
        if !address.contains("${")
            && !address.contains("{{")
            && !address.contains("$(")
            && !found.contains(&address)
        {
            found.push(address);
        }
        rest = &tail[end..];
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::find::mention::mentions;

    #[test]
    fn addresses_are_found_in_any_text() {
        let text = "db:\n  url: \"postgres://app:p%40w@db:5432/shop?sslmode=disable\"\n  # jdbc:postgresql://db/x\n\
                    other = 'postgresql://u@h/d' later: postgres://${USER}@h/d";
        assert_eq!(
            addresses(text),
            [
                "postgres://app:p%40w@db:5432/shop?sslmode=disable",
                "postgresql://db/x",
                "postgresql://u@h/d"
            ]
        );
        assert!(addresses("nothing of the kind").is_empty());
    }

    #[test]
    fn a_mounted_file_is_read_like_a_variable_and_named() {
        let template: PodSpec = serde_json::from_value(json!({
            "containers": [{"name": "web", "volumeMounts": [{"name": "conf", "mountPath": "/etc/app/"}]}],
            "volumes": [
                {"name": "conf", "projected": {"sources": [{"secret": {"name": "app-conf"}}]}},
                {"name": "unused", "secret": {"secretName": "tls"}}
            ]
        }))
        .unwrap();
        let names = references(&template);
        assert!(names.secrets.contains("app-conf") && !names.secrets.contains("tls"));
        let mut referenced = Referenced::default();
        let text = Secret::new("url: postgres://app:pw@db/shop\n");
        referenced.secrets.insert(
            "app-conf".into(),
            Ok(Some([("app.yaml".to_owned(), text)].into())),
        );
        let variables = variables(&template.containers[0], &template, &referenced);
        let (found, unusable) = mentions(&variables);
        assert!(unusable.is_empty());
        assert_eq!(found[0].variable, "file /etc/app/app.yaml");
        assert_eq!(
            (found[0].host.as_str(), found[0].database.as_str()),
            ("db", "shop")
        );
        assert_eq!(found[0].secret.as_deref(), Some("app-conf key app.yaml"));
    }
}
