//! The running node: what every other test on it takes for granted.

use test_node::Node;

/// PostgreSQL as a cautious administrator runs it: not root, nothing writable but its volume.
const RESTRICTED_POSTGRES: &str = r#"
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
---
apiVersion: v1
kind: Service
metadata: { name: database }
spec: { selector: { app: database }, ports: [{ port: 5432 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: database, labels: { app: database } }
spec:
  securityContext: { runAsUser: 999, runAsGroup: 999, runAsNonRoot: true }
  containers:
    - name: postgres
      image: localhost/postgres:@version@
      securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } }
      env:
        - { name: POSTGRES_USER, value: keeper }
        - { name: POSTGRES_PASSWORD, value: "it's a secret" }
        - { name: POSTGRES_DB, value: shop }
        - { name: PGDATA, value: /data/cluster }
      volumeMounts: [{ name: data, mountPath: /data }]
      readinessProbe: { tcpSocket: { port: 5432 }, periodSeconds: 1 }
  volumes: [{ name: data, persistentVolumeClaim: { claimName: data } }]
---
apiVersion: batch/v1
kind: Job
metadata: { name: client }
spec:
  backoffLimit: 20
  template:
    spec:
      restartPolicy: OnFailure
      containers:
        - name: psql
          image: localhost/postgres:@version@
          command:
            - sh
            - -c
            - until pg_isready -h database; do sleep 0.2; done; psql -h database -U keeper shop -c 'CREATE EXTENSION amcheck'
          env: [{ name: PGPASSWORD, value: "it's a secret" }]
"#;

/// The version that a server in the cluster names, after a client in another pod has changed its database.
fn version_of_a_served_postgres(image: &str) -> anyhow::Result<String> {
    let node = Node::ensure_up()?;
    let namespace = node.namespace("node-postgres")?;
    namespace.apply(&RESTRICTED_POSTGRES.replace("@version@", image))?;
    namespace.kubectl(&["wait", "--for=condition=Complete", "job/client", "--timeout=120s"])?;
    namespace.kubectl(&[
        "exec",
        "database",
        "--",
        "psql",
        "-h",
        "/data/cluster",
        "-U",
        "keeper",
        "shop",
        "-Atc",
        "SHOW server_version",
    ])
}

#[test]
fn postgres_15_without_root_is_reached_by_name_from_another_pod() {
    assert!(version_of_a_served_postgres("15").unwrap().starts_with("15."));
}

#[test]
fn postgres_17_without_root_is_reached_by_name_from_another_pod() {
    assert!(version_of_a_served_postgres("17").unwrap().starts_with("17."));
}

#[test]
fn postgres_18_without_root_is_reached_by_name_from_another_pod() {
    assert!(version_of_a_served_postgres("18").unwrap().starts_with("18."));
}

#[test]
fn both_helm_lines_reach_the_node_and_name_their_exact_version() {
    let node = Node::ensure_up().unwrap();
    let namespace = node.namespace("node-helm").unwrap();
    let version = ["version", "--template", "{{.Version}}"];
    assert_eq!(
        node.helm3(version).unwrap().stdout,
        test_node::tools::HELM3_VERSION
    );
    assert_eq!(
        node.helm4(version).unwrap().stdout,
        test_node::tools::HELM4_VERSION
    );
    for listed in [
        node.helm3(["list", "-n", namespace.name()]),
        node.helm4(["list", "-n", namespace.name()]),
    ] {
        let listed = listed.unwrap();
        assert!(listed.success(), "{listed}");
    }
}

#[test]
fn the_audit_log_shows_requests_without_bodies() {
    let node = Node::ensure_up().unwrap();
    let namespace = node.namespace("node-audit").unwrap();
    namespace
        .kubectl(&[
            "create",
            "secret",
            "generic",
            "hidden",
            "--from-literal=word=open-sesame",
        ])
        .unwrap();
    let log = std::fs::read_to_string(node.audit_log().unwrap()).unwrap();
    let path = format!("/api/v1/namespaces/{}/secrets", namespace.name());
    assert!(log.contains(&path), "the request is on record");
    assert!(
        !log.contains("open-sesame") && !log.contains("b3Blbi1zZXNhbWU"),
        "its body is not"
    );
}

#[test]
fn a_namespace_goes_away_with_its_test() {
    let node = Node::ensure_up().unwrap();
    let namespace = node.namespace("node-gone").unwrap();
    let name = namespace.name().to_owned();
    drop(namespace);
    node.kubectl(["wait", "--for=delete", "namespace", &name, "--timeout=60s"])
        .unwrap();
}
