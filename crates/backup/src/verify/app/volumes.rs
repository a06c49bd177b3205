//! What becomes of an application's volumes: configuration stays as it is, everything else begins empty or is filled from
//! the artefacts of the same backup. Nothing that is in use is ever mounted.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{EmptyDirVolumeSource, PodSpec, Volume};
use model::{Artefact, ArtefactKept, ArtefactOf};

/// The volumes of the application's pod.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Volumes {
    /// All of them.
    pub(super) volumes: Vec<Volume>,
    /// Those that are filled before the application starts.
    pub(super) filled: Vec<Filled>,
    /// What is not as in use, in words.
    pub(super) notes: Vec<String>,
}

/// A volume that is filled with artefacts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filled {
    /// The volume's name in the pod.
    pub(super) volume: String,
    /// The claim in use that it stands for.
    pub(super) claim: String,
    /// Places in the manifest's list of artefacts: all of the claim before folders of it.
    pub(super) artefacts: Vec<usize>,
}

impl Volumes {
    /// Judges every volume of a template. `claims` are the claims of its volumes by name: those that the template names, and
    /// those that a StatefulSet makes.
    pub(super) fn of(
        template: &PodSpec,
        namespace: &str,
        claims: &BTreeMap<String, String>,
        artefacts: &[Artefact],
    ) -> Self {
        let mut found = Self::default();
        for volume in template.volumes.iter().flatten() {
            if let Some(kept) = as_it_is(volume) {
                found.volumes.push(kept);
            } else if let Some(claim) = claims.get(&volume.name) {
                found.of_claim(&volume.name, namespace, claim, artefacts);
            } else {
                found.volumes.push(empty(&volume.name));
                found.notes.push(format!("volume {} begins empty", volume.name));
            }
        }
        for (name, claim) in claims {
            if !found.volumes.iter().any(|volume| volume.name == *name) {
                found.of_claim(name, namespace, claim, artefacts);
            }
        }
        found
    }

    fn of_claim(&mut self, name: &str, namespace: &str, claim: &str, artefacts: &[Artefact]) {
        self.volumes.push(empty(name));
        let mut filling = Vec::new();
        let mut elsewhere = None;
        for (number, artefact) in artefacts.iter().enumerate() {
            let ArtefactOf::Volume {
                namespace: of,
                claim: other,
                path,
            } = &artefact.of
            else {
                continue;
            };
            if (of.as_str(), other.as_str()) != (namespace, claim) {
                continue;
            }
            match &artefact.kept {
                ArtefactKept::Tar { .. } => filling.push((path.is_some(), number)),
                ArtefactKept::Snapshot { name, .. } => elsewhere = Some(name),
                ArtefactKept::Instant { .. } => {}
            }
        }
        filling.sort_unstable();
        if filling.is_empty() {
            self.notes.push(match elsewhere {
                Some(snapshot) => {
                    format!(
                        "claim {claim} begins empty: VolumeSnapshot {snapshot} is not put into a volume here"
                    )
                }
                None => format!("claim {claim} begins empty: the backup has no artefact of it"),
            });
            return;
        }
        self.filled.push(Filled {
            volume: name.to_owned(),
            claim: claim.to_owned(),
            artefacts: filling.into_iter().map(|(_, number)| number).collect(),
        });
    }
}

/// A volume that holds configuration, or nothing when a pod starts; never a ServiceAccount's token.
fn as_it_is(volume: &Volume) -> Option<Volume> {
    let mut kept = volume.clone();
    if let Some(projected) = &mut kept.projected {
        if let Some(sources) = &mut projected.sources {
            sources.retain(|source| source.service_account_token.is_none());
        }
        return Some(kept);
    }
    let stays = volume.config_map.is_some()
        || volume.secret.is_some()
        || volume.downward_api.is_some()
        || volume.empty_dir.is_some()
        || volume.image.is_some();
    stays.then_some(kept)
}

fn empty(name: &str) -> Volume {
    Volume {
        name: name.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource::default()),
        ..Volume::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn artefact(claim: &str, path: Option<&str>, kept: ArtefactKept) -> Artefact {
        Artefact {
            of: ArtefactOf::Volume {
                namespace: "shop".into(),
                claim: claim.into(),
                path: path.map(str::to_owned),
            },
            kept,
            started_at: String::new(),
            finished_at: String::new(),
            gap_seconds: 0.0,
            held: true,
        }
    }

    fn tar() -> ArtefactKept {
        ArtefactKept::Tar {
            file: "artefact-uploads.tar.zst".into(),
            entries: 1,
            archive_bytes: 1,
            archive_sha256: String::new(),
            owner: "7:7".into(),
            changed: false,
        }
    }

    fn snapshot() -> ArtefactKept {
        ArtefactKept::Snapshot {
            name: "uploads-1".into(),
            class: "csi".into(),
            content: None,
            restore_size: None,
        }
    }

    #[test]
    fn nothing_in_use_is_mounted_and_configuration_stays() {
        let template: PodSpec = serde_json::from_value(json!({
            "containers": [],
            "volumes": [
                { "name": "conf", "configMap": { "name": "web" } },
                { "name": "keys", "secret": { "secretName": "web" } },
                { "name": "tokens", "projected": { "sources": [
                    { "serviceAccountToken": { "path": "token" } },
                    { "secret": { "name": "web" } },
                ] } },
                { "name": "uploads", "persistentVolumeClaim": { "claimName": "uploads" } },
                { "name": "cache", "persistentVolumeClaim": { "claimName": "cache" } },
                { "name": "old", "persistentVolumeClaim": { "claimName": "old" } },
                { "name": "host", "hostPath": { "path": "/var/run" } },
                { "name": "share", "nfs": { "server": "10.0.0.1", "path": "/" } },
                { "name": "driver", "csi": { "driver": "x" } },
            ],
        }))
        .unwrap();
        let claims = [
            ("uploads", "uploads"),
            ("cache", "cache"),
            ("old", "old"),
            ("data", "data-web-0"),
        ];
        let claims = claims
            .map(|(name, claim)| (name.to_owned(), claim.to_owned()))
            .into();
        let artefacts = [
            artefact("uploads", Some("a"), tar()),
            artefact("other", None, tar()),
            artefact("uploads", None, tar()),
            artefact("old", None, snapshot()),
            artefact("data-web-0", None, tar()),
        ];
        let found = Volumes::of(&template, "shop", &claims, &artefacts);
        let volumes = serde_json::to_value(&found.volumes).unwrap();
        let of = |name: &str| -> Value {
            let all = volumes.as_array().unwrap();
            let mut one = all.iter().find(|volume| volume["name"] == name).unwrap().clone();
            one.as_object_mut().unwrap().remove("name");
            one
        };
        assert_eq!(of("conf"), json!({ "configMap": { "name": "web" } }));
        assert_eq!(of("keys"), json!({ "secret": { "secretName": "web" } }));
        assert_eq!(
            of("tokens"),
            json!({ "projected": { "sources": [{ "secret": { "name": "web" } }] } })
        );
        for name in ["uploads", "cache", "old", "host", "share", "driver", "data"] {
            assert_eq!(of(name), json!({ "emptyDir": {} }), "{name}");
        }
        let filled: Vec<(&str, &[usize])> = found
            .filled
            .iter()
            .map(|filled| (filled.claim.as_str(), filled.artefacts.as_slice()))
            .collect();
        assert_eq!(filled, [("uploads", [2, 0].as_slice()), ("data-web-0", &[4])]);
        let notes = found.notes.join("\n");
        assert!(
            notes.contains("claim cache begins empty: the backup has no artefact"),
            "{notes}"
        );
        assert!(notes.contains("VolumeSnapshot uploads-1"), "{notes}");
        assert!(notes.contains("volume host begins empty"), "{notes}");
    }

    #[test]
    fn an_artefact_of_another_namespace_fills_nothing() {
        let claims = [("data".to_owned(), "uploads".to_owned())].into();
        let found = Volumes::of(
            &PodSpec::default(),
            "other",
            &claims,
            &[artefact("uploads", None, tar())],
        );
        assert!(found.filled.is_empty());
    }
}
