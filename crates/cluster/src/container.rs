//! Facts of a pod template's containers.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Container, PodSpec, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use model::{ContainerFacts, HttpProbe, ProbeBudget};

// What the API server fills in for a probe that does not say them.
const DEFAULT_PERIOD_SECONDS: i32 = 10;
const DEFAULT_FAILURE_THRESHOLD: i32 = 3;

/// How long a container may take to start before the kubelet kills it: the startup probe's budget, else the liveness
/// probe's, which begins to count at once where there is no startup probe.
pub fn probe_budget(container: &Container) -> ProbeBudget {
    let from_startup_probe = container.startup_probe.is_some();
    let probe = container
        .startup_probe
        .as_ref()
        .or(container.liveness_probe.as_ref());
    ProbeBudget {
        start_seconds: probe.map(seconds),
        from_startup_probe,
    }
}

fn seconds(probe: &Probe) -> u32 {
    let positive =
        |value: Option<i32>, default| value.filter(|value| *value > 0).unwrap_or(default).unsigned_abs();
    let delay = positive(probe.initial_delay_seconds, 0);
    let period = positive(probe.period_seconds, DEFAULT_PERIOD_SECONDS);
    let failures = positive(probe.failure_threshold, DEFAULT_FAILURE_THRESHOLD);
    period.saturating_mul(failures).saturating_add(delay)
}

/// The containers of a pod template, init containers first.
pub fn container_facts(pod: &PodSpec) -> Vec<ContainerFacts> {
    let init = pod
        .init_containers
        .iter()
        .flatten()
        .map(|container| facts(container, true));
    let main = pod.containers.iter().map(|container| facts(container, false));
    init.chain(main).collect()
}

fn facts(container: &Container, init: bool) -> ContainerFacts {
    ContainerFacts {
        name: container.name.clone(),
        image: container.image.clone().unwrap_or_default(),
        budget: probe_budget(container),
        http_probe: http_probe(container),
        secrets: secrets(container).into_iter().collect(),
        init,
    }
}

/// What the container is asked by HTTP: whether it is ready, else whether it has started or lives.
fn http_probe(container: &Container) -> Option<HttpProbe> {
    let probes = [
        &container.readiness_probe,
        &container.startup_probe,
        &container.liveness_probe,
    ];
    probes.into_iter().flatten().find_map(|probe| {
        let get = probe.http_get.as_ref()?;
        Some(HttpProbe {
            port: port(container, &get.port)?,
            path: get.path.clone().unwrap_or_else(|| "/".to_owned()),
            tls: get.scheme.as_deref() == Some("HTTPS"),
        })
    })
}

/// The number of a port that may be named.
fn port(container: &Container, said: &IntOrString) -> Option<u16> {
    let number = match said {
        IntOrString::Int(number) => *number,
        IntOrString::String(name) => {
            container
                .ports
                .iter()
                .flatten()
                .find(|port| port.name.as_ref() == Some(name))?
                .container_port
        }
    };
    number.try_into().ok()
}

/// Names of the Secrets that the environment takes values from.
fn secrets(container: &Container) -> BTreeSet<String> {
    let whole = container
        .env_from
        .iter()
        .flatten()
        .filter_map(|source| source.secret_ref.as_ref())
        .map(|secret| secret.name.clone());
    let keys = container
        .env
        .iter()
        .flatten()
        .filter_map(|variable| variable.value_from.as_ref()?.secret_key_ref.as_ref())
        .map(|secret| secret.name.clone());
    whole.chain(keys).collect()
}

#[cfg(test)]
mod tests {
    use super::{container_facts, probe_budget};
    use serde_json::json;

    fn budget(container: serde_json::Value) -> (Option<u32>, bool) {
        let budget = probe_budget(&serde_json::from_value(container).unwrap());
        (budget.start_seconds, budget.from_startup_probe)
    }

    #[test]
    fn a_startup_probe_wins_over_the_liveness_probe() {
        let container = json!({"name": "web",
            "livenessProbe": {"periodSeconds": 1, "failureThreshold": 1},
            "startupProbe": {"periodSeconds": 5, "failureThreshold": 60, "initialDelaySeconds": 10}});
        assert_eq!(budget(container), (Some(310), true));
    }

    #[test]
    fn a_liveness_probe_without_numbers_gives_thirty_seconds() {
        assert_eq!(
            budget(json!({"name": "web", "livenessProbe": {}})),
            (Some(30), false)
        );
    }

    #[test]
    fn without_probes_nothing_kills_a_start() {
        assert_eq!(
            budget(json!({"name": "web", "readinessProbe": {}})),
            (None, false)
        );
    }

    #[test]
    fn a_probe_by_http_is_told_with_the_number_of_its_port() {
        let asked = |container: serde_json::Value| {
            let pod = json!({"containers": [container]});
            container_facts(&serde_json::from_value(pod).unwrap())[0]
                .http_probe
                .clone()
        };
        let probe = asked(json!({"name": "web",
            "ports": [{"name": "http", "containerPort": 8080}],
            "livenessProbe": {"httpGet": {"port": 1, "path": "/livez"}},
            "readinessProbe": {"httpGet": {"port": "http", "path": "/readyz", "scheme": "HTTP"}}}))
        .unwrap();
        assert_eq!(
            (probe.port, probe.path.as_str(), probe.tls),
            (8080, "/readyz", false)
        );
        let probe = asked(
            json!({"name": "web", "readinessProbe": {"tcpSocket": {"port": 1}},
            "livenessProbe": {"httpGet": {"port": 8443, "scheme": "HTTPS"}}}),
        )
        .unwrap();
        assert_eq!((probe.port, probe.path.as_str(), probe.tls), (8443, "/", true));
        assert_eq!(
            asked(json!({"name": "web", "readinessProbe": {"httpGet": {"port": "nowhere"}}})),
            None
        );
    }

    #[test]
    fn secrets_are_those_of_the_environment_each_once() {
        let pod = json!({
            "initContainers": [{"name": "wait", "image": "busybox"}],
            "containers": [{"name": "web", "image": "web:1",
                "envFrom": [{"secretRef": {"name": "web-db"}}, {"configMapRef": {"name": "web-config"}}],
                "env": [
                    {"name": "A", "value": "plain"},
                    {"name": "B", "valueFrom": {"secretKeyRef": {"name": "api", "key": "k"}}},
                    {"name": "C", "valueFrom": {"secretKeyRef": {"name": "web-db", "key": "url"}}}]}]});
        let facts = container_facts(&serde_json::from_value(pod).unwrap());
        assert_eq!((facts[0].name.as_str(), facts[0].init), ("wait", true));
        assert_eq!(facts[1].secrets, ["api", "web-db"]);
    }
}
