//! How a container ended, in words.

use k8s_openapi::api::core::v1::{ContainerStateTerminated, Pod};

/// What the kubelet says of a container that the kernel ended for its memory.
const OUT_OF_MEMORY: &str = "OOMKilled";

/// The exit code of a container's end with what the kubelet knows of it besides: `exit code 137 (OOMKilled: killed for its
/// memory, the limit is 64Mi)`.
pub fn container_end(pod: &Pod, container: &str, end: &ContainerStateTerminated) -> String {
    let code = end.exit_code;
    match end.reason.as_deref() {
        // Both say no more than the code does.
        None | Some("" | "Error" | "Completed") => format!("exit code {code}"),
        Some(OUT_OF_MEMORY) => {
            let limit = match memory_limit(pod, container) {
                Some(limit) => format!("the limit is {limit}"),
                None => "it has no limit of its own".to_owned(),
            };
            format!("exit code {code} ({OUT_OF_MEMORY}: killed for its memory, {limit})")
        }
        Some(reason) => format!("exit code {code} ({reason})"),
    }
}

fn memory_limit<'a>(pod: &'a Pod, container: &str) -> Option<&'a str> {
    let spec = pod.spec.as_ref()?;
    let all = spec.init_containers.iter().flatten().chain(&spec.containers);
    let resources = all
        .filter(|one| one.name == container)
        .find_map(|one| one.resources.as_ref())?;
    Some(resources.limits.as_ref()?.get("memory")?.0.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_end_is_told_by_its_code_and_what_the_kubelet_knows_besides() {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": { "name": "web-1" },
            "spec": {
                "initContainers": [{ "name": "wait" }],
                "containers": [{ "name": "web", "resources": { "limits": { "memory": "64Mi" } } }],
            },
        }))
        .unwrap();
        for (container, end, wanted) in [
            ("web", json!({ "exitCode": 4 }), "exit code 4"),
            ("web", json!({ "exitCode": 1, "reason": "Error" }), "exit code 1"),
            (
                "web",
                json!({ "exitCode": 128, "reason": "StartError" }),
                "exit code 128 (StartError)",
            ),
            (
                "web",
                json!({ "exitCode": 137, "reason": "OOMKilled" }),
                "exit code 137 (OOMKilled: killed for its memory, the limit is 64Mi)",
            ),
            (
                "wait",
                json!({ "exitCode": 137, "reason": "OOMKilled" }),
                "exit code 137 (OOMKilled: killed for its memory, it has no limit of its own)",
            ),
            // A kill by somebody else has the same code.
            (
                "web",
                json!({ "exitCode": 137, "reason": "Error" }),
                "exit code 137",
            ),
        ] {
            let end = serde_json::from_value(end).unwrap();
            assert_eq!(container_end(&pod, container, &end), wanted);
        }
    }
}
