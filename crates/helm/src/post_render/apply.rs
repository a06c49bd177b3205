//! The edits.

use model::{WorkloadKind, WorkloadName};
use thiserror::Error;

use super::PostRenderSpec;
use crate::manifest::ManifestError;
use crate::yaml::{self, Node};

/// Helm's mark of a hook. Helm 4 sends hooks through the post-renderer, Helm 3 does not.
const HOOK: &str = "helm.sh/hook";

/// Why a manifest could not be parked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PostRenderError {
    /// No YAML.
    #[error("failed to read the rendered manifest")]
    Manifest(#[source] ManifestError),
    /// The workload to gate is not in the manifest: nothing would run.
    #[error("the chart does not render {workload}, which was to migrate behind the gate")]
    MigratingMissing {
        /// The workload.
        workload: String,
    },
}

/// Parks and gates. Documents that need no edit are returned byte by byte.
///
/// # Errors
/// A manifest that is no YAML, or one without the migrating workload.
pub fn apply(stream: &str, spec: &PostRenderSpec) -> Result<String, PostRenderError> {
    let mut out = String::with_capacity(stream.len());
    let mut editor = Editor { spec, gated: false };
    for (index, document) in yaml::documents(stream).into_iter().enumerate() {
        let node = yaml::parse(document).map_err(|reason| {
            PostRenderError::Manifest(ManifestError {
                document: index + 1,
                reason,
            })
        })?;
        let edited = node.and_then(|mut node| editor.edit(&mut node).then(|| yaml::emit(&node)));
        match edited {
            Some(text) => {
                out.push_str(head(document));
                out.push_str(&text);
            }
            None => out.push_str(document),
        }
    }
    match &spec.migrating {
        Some(migrating) if !editor.gated => Err(PostRenderError::MigratingMissing {
            workload: migrating.to_string(),
        }),
        Some(_) | None => Ok(out),
    }
}

/// The document's marker and the comments before its content, such as `# Source: …`.
fn head(document: &str) -> &str {
    let mut end = 0;
    for line in document.split_inclusive('\n') {
        let words = line
            .strip_prefix("---")
            .filter(|_| end == 0)
            .unwrap_or(line)
            .trim();
        if !(words.is_empty() || words.starts_with('#')) || !line.ends_with('\n') {
            break;
        }
        end += line.len();
    }
    match &document[..end] {
        // Content beside the marker: the marker must not be lost.
        "" if document.starts_with("---") => "---\n",
        head => head,
    }
}

struct Editor<'a> {
    spec: &'a PostRenderSpec,
    gated: bool,
}

impl Editor<'_> {
    /// Edits one object, or each item of a list. Whether anything was edited.
    fn edit(&mut self, object: &mut Node) -> bool {
        let kind = object.text_at(&["kind"]).unwrap_or_default().to_owned();
        if kind.ends_with("List")
            && let Some(Node::Sequence(items)) = object.get_mut("items")
        {
            let mut edited = false;
            for item in items {
                edited |= self.edit(item);
            }
            return edited;
        }
        if object.at(&["metadata", "annotations", HOOK]).is_some() {
            return false;
        }
        let group = object
            .text_at(&["apiVersion"])
            .and_then(|version| version.split_once('/'))
            .map_or("", |(group, _)| group);
        match (group, kind.as_str()) {
            ("apps" | "extensions", "Deployment") => {
                self.edit_counted(object, Some(WorkloadKind::Deployment))
            }
            ("apps", "StatefulSet") => self.edit_counted(object, Some(WorkloadKind::StatefulSet)),
            ("apps" | "extensions", "DaemonSet") => self.edit_daemon_set(object),
            ("batch", "CronJob") => self.edit_cron_job(object),
            // Kinds that the model has no name for are parked all the same: nothing of them can be the database.
            ("apps" | "extensions", "ReplicaSet")
            | ("", "ReplicationController")
            | ("argoproj.io", "Rollout") => self.edit_counted(object, None),
            ("autoscaling", "HorizontalPodAutoscaler") => self.edit_autoscaler(object),
            _ => false,
        }
    }

    fn edit_counted(&mut self, object: &mut Node, kind: Option<WorkloadKind>) -> bool {
        let name = kind.map(|kind| self.name_of(object, kind));
        if name
            .as_ref()
            .is_some_and(|name| self.spec.never_park.contains(name))
        {
            return false;
        }
        if name.is_some() && name == self.spec.migrating {
            self.gated = true;
            object.child("spec").set("replicas", Node::plain("1"));
            gate(
                object.child("spec").child("template").child("spec"),
                &self.spec.gate_condition,
            );
        } else {
            object.child("spec").set("replicas", Node::plain("0"));
        }
        true
    }

    fn edit_daemon_set(&self, object: &mut Node) -> bool {
        if self.is_kept(object, WorkloadKind::DaemonSet) {
            return false;
        }
        object
            .child("spec")
            .child("template")
            .child("spec")
            .child("nodeSelector")
            .set(PostRenderSpec::PARKED, Node::string("true"));
        true
    }

    fn edit_cron_job(&self, object: &mut Node) -> bool {
        if self.is_kept(object, WorkloadKind::CronJob) {
            return false;
        }
        object.child("spec").set("suspend", Node::plain("true"));
        true
    }

    /// An autoscaler leaves a target at 0 alone, but brings one pod to its own least count within half a minute.
    fn edit_autoscaler(&self, object: &mut Node) -> bool {
        let Some(migrating) = &self.spec.migrating else {
            return false;
        };
        let target = |key| {
            object
                .text_at(&["spec", "scaleTargetRef", key])
                .unwrap_or_default()
        };
        if self.namespace_of(object) != migrating.namespace
            || target("kind") != migrating.kind.to_string()
            || target("name") != migrating.name
        {
            return false;
        }
        let spec = object.child("spec");
        spec.set("minReplicas", Node::plain("1"));
        spec.set("maxReplicas", Node::plain("1"));
        true
    }

    fn is_kept(&self, object: &Node, kind: WorkloadKind) -> bool {
        self.spec.never_park.contains(&self.name_of(object, kind))
    }

    fn name_of(&self, object: &Node, kind: WorkloadKind) -> WorkloadName {
        WorkloadName {
            kind,
            namespace: self.namespace_of(object),
            name: object
                .text_at(&["metadata", "name"])
                .unwrap_or_default()
                .to_owned(),
        }
    }

    fn namespace_of(&self, object: &Node) -> String {
        object
            .text_at(&["metadata", "namespace"])
            .filter(|namespace| !namespace.is_empty())
            .unwrap_or(&self.spec.namespace)
            .to_owned()
    }
}

/// Lets the pod start, migrate and answer, but not serve: no probe kills it, and our readiness gate keeps it from being
/// ready.
fn gate(pod: &mut Node, condition: &str) {
    for containers in ["containers", "initContainers"] {
        if let Some(Node::Sequence(containers)) = pod.get_mut(containers) {
            for container in containers {
                container.remove("livenessProbe");
                container.remove("startupProbe");
            }
        }
    }
    let ours = Node::Mapping(vec![(
        yaml::Scalar::plain("conditionType"),
        Node::string(condition),
    )]);
    match pod.get_mut("readinessGates") {
        Some(Node::Sequence(gates)) => {
            if !gates
                .iter()
                .any(|gate| gate.text_at(&["conditionType"]) == Some(condition))
            {
                gates.push(ours);
            }
        }
        Some(Node::Scalar(_) | Node::Mapping(_)) | None => {
            pod.set("readinessGates", Node::Sequence(vec![ours]));
        }
    }
}
