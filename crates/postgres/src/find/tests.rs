//! Discovery from pod templates as charts write them.

use k8s_openapi::api::core::v1::{Container, Pod, Service};
use model::Secret;
use serde_json::{Value, json};

use super::environment::{Data, Referenced, references, resolve};
use super::mention::{Mention, mentions, of_the_server};
use super::server_pod::{choose, is_loopback, pod_of, service_of};

fn data(pairs: &[(&str, &str)]) -> Data {
    Ok(Some(
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Secret::new(*value)))
            .collect(),
    ))
}

fn container(env: Value, env_from: Value) -> Container {
    serde_json::from_value(json!({ "name": "web", "image": "web:1", "env": env, "envFrom": env_from }))
        .unwrap()
}

/// What a container says, and the reasons where it cannot be read.
fn read(env: Value, env_from: Value, referenced: &Referenced) -> (Vec<Mention>, Vec<String>) {
    let (found, unusable) = mentions(&resolve(&container(env, env_from), referenced));
    (
        found,
        unusable
            .into_iter()
            .map(|unusable| format!("{}: {}", unusable.variable, unusable.reason))
            .collect(),
    )
}

fn address(mention: &Mention) -> String {
    let Mention {
        user,
        host,
        port,
        database,
        ..
    } = mention;
    format!("{user}@{host}:{port}/{database}")
}

fn password(mention: &Mention) -> Option<&str> {
    mention.password.as_ref().map(Secret::expose)
}

#[test]
fn a_url_in_a_secret_is_read_and_its_key_is_told() {
    let mut referenced = Referenced::default();
    referenced.secrets.insert(
        "web-db".into(),
        data(&[("url", "postgres://app:pw@db/shop?sslmode=disable")]),
    );
    let env = json!([{ "name": "SOME_STORE", "valueFrom": { "secretKeyRef": { "name": "web-db", "key": "url" } } }]);
    let (found, reasons) = read(env, json!([]), &referenced);
    let [mention] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(address(mention), "app@db:5432/shop");
    assert_eq!(password(mention), Some("pw"));
    assert_eq!(mention.secret.as_deref(), Some("web-db key url"));
    assert_eq!(mention.origin, "from Secret web-db key url");
    assert_eq!(mention.sslmode.as_deref(), Some("disable"));
    assert!(reasons.is_empty());
    assert!(!format!("{found:?}").contains("pw\""));
}

#[test]
fn a_url_is_put_together_from_earlier_variables_as_the_kubelet_does() {
    let mut referenced = Referenced::default();
    referenced
        .secrets
        .insert("db".into(), data(&[("password", "p$w")]));
    let env = json!([
        { "name": "DB_PASS", "valueFrom": { "secretKeyRef": { "name": "db", "key": "password" } } },
        { "name": "DATABASE_URL", "value": "postgres://app:$(DB_PASS)@db/$$(X)?application_name=$(LATER)" },
        { "name": "LATER", "value": "x" },
    ]);
    let (found, _) = read(env, json!([]), &referenced);
    let [mention] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(password(mention), Some("p$w"));
    assert_eq!(mention.database, "$(X)");
    assert_eq!(mention.secret.as_deref(), Some("db key password"));
}

#[test]
fn parts_from_a_config_map_and_a_secret_are_joined() {
    let mut referenced = Referenced::default();
    referenced.config_maps.insert(
        "core".into(),
        data(&[
            ("POSTGRESQL_HOST", "harbor-database"),
            ("POSTGRESQL_PORT", "5432"),
            ("POSTGRESQL_USERNAME", "harbor"),
        ]),
    );
    referenced.secrets.insert(
        "core".into(),
        data(&[("POSTGRESQL_PASSWORD", "pw"), ("POSTGRESQL_DATABASE", "registry")]),
    );
    let env_from = json!([{ "configMapRef": { "name": "core" } }, { "secretRef": { "name": "core" } }]);
    let (found, _) = read(json!([]), env_from, &referenced);
    let [mention] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(address(mention), "harbor@harbor-database:5432/registry");
    assert_eq!(password(mention), Some("pw"));
    assert_eq!(mention.secret.as_deref(), Some("core key POSTGRESQL_PASSWORD"));
}

#[test]
fn the_ways_charts_write_parts_are_understood() {
    for (pairs, expected) in [
        (
            vec![("PGHOST", "db"), ("PGUSER", "u"), ("PGDATABASE", "d")],
            Some("u@db:5432/d"),
        ),
        (
            vec![
                ("POSTGRES_HOST", "db"),
                ("POSTGRES_USER", "u"),
                ("POSTGRES_DB", "d"),
            ],
            Some("u@db:5432/d"),
        ),
        (
            vec![
                ("AUTHENTIK_POSTGRESQL__HOST", "db"),
                ("AUTHENTIK_POSTGRESQL__USER", "u"),
                ("AUTHENTIK_POSTGRESQL__NAME", "d"),
            ],
            Some("u@db:5432/d"),
        ),
        (
            vec![
                ("DB_POSTGRESDB_HOST", "db"),
                ("DB_POSTGRESDB_PORT", "6000"),
                ("DB_POSTGRESDB_USER", "u"),
                ("DB_POSTGRESDB_DATABASE", "d"),
            ],
            Some("u@db:6000/d"),
        ),
        (
            vec![
                ("GITEA__database__HOST", "db:5433"),
                ("GITEA__database__USER", "u"),
                ("GITEA__database__NAME", "d"),
                ("GITEA__database__DB_TYPE", "postgres"),
            ],
            Some("u@db:5433/d"),
        ),
        (
            vec![
                ("MB_DB_TYPE", "postgres"),
                ("MB_DB_HOST", "db"),
                ("MB_DB_USER", "u"),
                ("MB_DB_DBNAME", "d"),
            ],
            Some("u@db:5432/d"),
        ),
        (
            vec![
                ("KC_DB_URL", "jdbc:postgresql://db/d"),
                ("KC_DB_USERNAME", "u"),
                ("KC_DB_PASSWORD", "p"),
            ],
            Some("u@db:5432/d"),
        ),
        (
            vec![
                ("OPENFGA_DATASTORE_URI", "postgres://db/d"),
                ("OPENFGA_DATASTORE_USERNAME", "u"),
                ("OPENFGA_DATASTORE_PASSWORD", "p"),
            ],
            Some("u@db:5432/d"),
        ),
        (
            vec![("DB_TYPE", "mysql"), ("DB_HOST", "db"), ("DB_USER", "u")],
            None,
        ),
        (vec![("REDIS_HOST", "r"), ("REDIS_USER", "u")], None),
        (
            vec![
                ("POSTGRES_USER", "u"),
                ("POSTGRES_DB", "d"),
                ("POSTGRES_PASSWORD", "p"),
            ],
            None,
        ),
        (
            vec![
                ("REDIS_URL", "redis://r"),
                ("BASE_URL", "https://x"),
                ("SMTP_HOST", "m"),
            ],
            None,
        ),
    ] {
        let env: Vec<Value> = pairs
            .iter()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
        let (found, reasons) = read(json!(env), json!([]), &Referenced::default());
        assert_eq!(
            found.first().map(address).as_deref(),
            expected,
            "{pairs:?} {reasons:?}"
        );
        assert!(
            found.len() < 2 && reasons.is_empty(),
            "{pairs:?} {found:?} {reasons:?}"
        );
    }
}

#[test]
fn what_may_not_be_read_is_told_with_the_name_of_the_secret() {
    let mut referenced = Referenced::default();
    referenced
        .secrets
        .insert("web-db".into(), Err("Secret web-db may not be read".into()));
    let env = json!([{ "name": "DATABASE_URL", "valueFrom": { "secretKeyRef": { "name": "web-db", "key": "url" } } }]);
    let (found, reasons) = read(env, json!([]), &referenced);
    assert!(found.is_empty());
    assert_eq!(reasons, ["DATABASE_URL: Secret web-db may not be read"]);
    let (_, reasons) = read(
        json!([]),
        json!([{ "secretRef": { "name": "web-db" } }]),
        &referenced,
    );
    assert_eq!(reasons, [": Secret web-db may not be read"]);
}

#[test]
fn a_hidden_password_does_not_hide_the_address() {
    let mut referenced = Referenced::default();
    referenced
        .secrets
        .insert("db".into(), Err("Secret db may not be read".into()));
    let env = json!([
        { "name": "PGHOST", "value": "db" },
        { "name": "PGUSER", "value": "u" },
        { "name": "PGPASSWORD", "valueFrom": { "secretKeyRef": { "name": "db", "key": "password" } } },
    ]);
    let (found, _) = read(env, json!([]), &referenced);
    let [mention] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(password(mention), None);
    assert_eq!(
        mention.password_unreadable.as_deref(),
        Some("Secret db may not be read")
    );
}

#[test]
fn several_hosts_and_broken_strings_are_told_without_the_password() {
    for value in ["postgres://u:hush@a:1,b:2/x", "postgres://u:hush@db:99999/x"] {
        let (found, reasons) = read(
            json!([{ "name": "X", "value": value }]),
            json!([]),
            &Referenced::default(),
        );
        assert!(found.is_empty());
        assert_eq!(reasons.len(), 1);
        assert!(!reasons.concat().contains("hush"));
    }
}

#[test]
fn every_reference_of_a_container_is_known_before_it_is_read() {
    let container = container(
        json!([
            { "name": "A", "valueFrom": { "secretKeyRef": { "name": "s1", "key": "k" } } },
            { "name": "B", "valueFrom": { "configMapKeyRef": { "name": "m1", "key": "k" } } },
            { "name": "C", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } },
        ]),
        json!([{ "secretRef": { "name": "s2" } }, { "configMapRef": { "name": "m2" } }]),
    );
    let names = references([&container]);
    assert_eq!(names.secrets.into_iter().collect::<Vec<_>>(), ["s1", "s2"]);
    assert_eq!(names.config_maps.into_iter().collect::<Vec<_>>(), ["m1", "m2"]);
}

#[test]
fn hosts_are_services_in_every_spelling_and_addresses_are_none() {
    let service = |host: &str| service_of(host, "shop");
    let named = |name: &str, namespace: &str| Some((name.to_owned(), namespace.to_owned()));
    assert_eq!(service("db"), named("db", "shop"));
    assert_eq!(service("db.other"), named("db", "other"));
    assert_eq!(service("db.other.svc"), named("db", "other"));
    assert_eq!(service("db.other.svc.cluster.local."), named("db", "other"));
    assert_eq!(service("10.0.0.1"), None);
    assert_eq!(service("db.eu.rds.example.com"), None);
    assert_eq!(
        pod_of("db-0.db", "shop"),
        Some(("db-0".into(), "db".into(), "shop".into()))
    );
    assert!(is_loopback("localhost") && is_loopback("127.0.0.1") && is_loopback("::1") && !is_loopback("db"));
}

fn service(ports: Value) -> Service {
    serde_json::from_value(
        json!({ "metadata": { "name": "db" }, "spec": { "selector": { "a": "b" }, "ports": ports } }),
    )
    .unwrap()
}

fn pod(name: &str, ready: bool, role: &str, containers: Value) -> Pod {
    serde_json::from_value(json!({
        "metadata": { "name": name, "labels": { "cnpg.io/instanceRole": role } },
        "spec": { "containers": containers },
        "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": if ready { "True" } else { "False" } }] }
    }))
    .unwrap()
}

#[test]
fn the_pod_is_the_ready_primary_and_the_port_is_the_containers() {
    let containers = json!([
        { "name": "metrics", "image": "quay.io/prometheuscommunity/postgres-exporter:v1", "ports": [{ "containerPort": 9187 }] },
        { "name": "server", "image": "registry/goharbor/harbor-db:v2", "ports": [{ "name": "pg", "containerPort": 5433 }] },
    ]);
    let pods = [
        pod("db-1", true, "replica", containers.clone()),
        pod("db-2", true, "primary", containers.clone()),
        pod("db-0", false, "primary", containers),
    ];
    let chosen = choose(
        &service(json!([{ "port": 5432, "targetPort": "pg" }])),
        &pods,
        5432,
    )
    .unwrap();
    assert_eq!(
        (chosen.pod.as_str(), chosen.container.as_str(), chosen.port),
        ("db-2", "server", 5433)
    );
    assert!(chosen.surely_postgres);
    let refused = choose(&service(json!([{ "port": 80 }])), &pods, 5432).unwrap_err();
    assert_eq!(refused, "Service db offers no port 5432");
    assert!(
        choose(&service(json!([{ "port": 5432 }])), &[], 5432)
            .unwrap_err()
            .contains("no pod that runs")
    );
}

#[test]
fn an_unnamed_image_is_a_server_by_its_data_folder_and_a_pooler_is_known_for_one() {
    let by_folder = json!([{ "name": "x", "image": "internal/store:1", "env": [{ "name": "PGDATA", "value": "/data" }] }]);
    let chosen = choose(
        &service(json!([{ "port": 5432 }])),
        &[pod("p", true, "", by_folder)],
        5432,
    )
    .unwrap();
    assert!(chosen.surely_postgres);
    let pooler =
        json!([{ "name": "x", "image": "edoburu/pgbouncer:1.23", "ports": [{ "containerPort": 5432 }] }]);
    let chosen = choose(
        &service(json!([{ "port": 5432 }])),
        &[pod("p", true, "", pooler)],
        5432,
    )
    .unwrap();
    let refused = chosen.pooler.unwrap();
    assert!(
        refused.contains("pooler") && refused.contains("--dsn"),
        "{refused}"
    );
    let other = json!([{ "name": "x", "image": "mysql:8", "ports": [{ "containerPort": 5432 }] }]);
    let chosen = choose(
        &service(json!([{ "port": 5432 }])),
        &[pod("p", true, "", other)],
        5432,
    )
    .unwrap();
    assert!(!chosen.surely_postgres);
}

#[test]
fn a_server_alone_tells_of_its_own_database_and_other_containers_do_not() {
    let env = json!([
        { "name": "POSTGRES_USER", "value": "app" },
        { "name": "POSTGRES_PASSWORD", "value": "pw" },
        { "name": "POSTGRES_DB", "value": "shop" },
    ]);
    let mut server = container(env, json!([]));
    let own = |container: &Container| of_the_server(container, &resolve(container, &Referenced::default()));
    assert!(own(&server).is_none());
    server.image = Some("registry.example/library/postgres:17".into());
    let mention = own(&server).unwrap();
    assert_eq!(address(&mention), "app@localhost:5432/shop");
    assert_eq!(password(&mention), Some("pw"));
}
