//! Waits whose time is up say what they waited for.

use anyhow::{Result, ensure};
use model::{
    CredentialSource, DatabaseLocation, DatabaseOrigin, DatabaseRoute, Reversal, RollOut, StepSpec,
    UpgradeOutcome, WaitIdle,
};

use super::stage::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_roll_out_that_cannot_end_is_told_with_its_first_cause() -> Result<()> {
    let place = Place::new("engine-trouble").await?;
    let crashing = APPLICATION
        .replace(
            r#"command: [sleep, "3600"]"#,
            r#"command: [sh, -c, "sleep 1; echo no such table; exit 4"]"#,
        )
        .replace("replicas: 3", "replicas: 1");
    place.namespace.apply(&crashing)?;
    let roll_out = RollOut {
        workloads: vec![place.workload("web")],
        timeout_seconds: 40,
    };
    let end = place
        .run(
            place.plan(vec![(Reversal::NotNeeded, StepSpec::RollOut(roll_out))]),
            "",
        )
        .await?;
    let reason = end.reason.clone().unwrap_or_default();
    ensure!(
        reason.contains("exit code 4") && reason.contains("no such table"),
        "{end:?}"
    );
    Ok(())
}

const DATABASE: &str = r#"
apiVersion: v1
kind: Secret
metadata: {name: dsn}
stringData: {url: "postgres://app:secret@db:5432/app?sslmode=disable"}
---
apiVersion: v1
kind: Pod
metadata: {name: db, labels: {app: db}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: postgres
    image: localhost/postgres:17
    imagePullPolicy: IfNotPresent
    env:
    - {name: POSTGRES_USER, value: app}
    - {name: POSTGRES_PASSWORD, value: secret}
    - {name: POSTGRES_DB, value: app}
    readinessProbe:
      exec: {command: [pg_isready, -h, 127.0.0.1, -U, app]}
      periodSeconds: 1
"#;

#[tokio::test(flavor = "multi_thread")]
async fn who_is_still_connected_or_busy_is_named_when_the_wait_is_over() -> Result<()> {
    let place = Place::new("engine-drain").await?;
    place.namespace.apply(DATABASE)?;
    place.kubectl(&["wait", "--for=condition=Ready", "pod/db", "--timeout=120s"])?;
    let location = DatabaseLocation {
        host: "db".into(),
        port: 5432,
        database: "app".into(),
        user: "app".into(),
        sslmode: Some("disable".into()),
        origin: DatabaseOrigin {
            found_in: "Secret dsn key url".into(),
            secret: Some("dsn/url".into()),
            source: CredentialSource::Secret {
                namespace: place.namespace.name().into(),
                name: "dsn".into(),
                key: "url".into(),
            },
        },
        route: DatabaseRoute::Pod {
            namespace: place.namespace.name().into(),
            pod: "db".into(),
            container: "postgres".into(),
            port: 5432,
            workload: None,
        },
    };
    let free = place
        .run(place.plan(vec![drain(&place, Some(location.clone()), 5)]), "")
        .await?;
    ensure!(
        free.outcome == UpgradeOutcome::Upgraded,
        "nobody is there: {free:?}"
    );

    place.kubectl(&[
        "exec",
        "db",
        "--",
        "sh",
        "-c",
        "PGPASSWORD=secret nohup psql 'host=127.0.0.1 user=app dbname=app application_name=leftover' \
         -c 'select pg_sleep(600)' >/dev/null 2>&1 & sleep 1",
    ])?;
    let drained = place
        .run(place.plan(vec![drain(&place, Some(location.clone()), 1)]), "")
        .await?;
    let reason = drained.reason.clone().unwrap_or_default();
    ensure!(
        drained.outcome == UpgradeOutcome::Restored && reason.contains("leftover"),
        "{drained:?}"
    );

    let idle = WaitIdle {
        database: location,
        queries: vec![(
            "a leftover session".into(),
            "select 1 from pg_stat_activity where application_name = 'leftover'".into(),
        )],
        load: model::LoadLimit::default(),
        timeout_seconds: 1,
    };
    let waited = place
        .run(
            place.plan(vec![(Reversal::NotNeeded, StepSpec::WaitIdle(idle))]),
            "",
        )
        .await?;
    ensure!(
        waited
            .reason
            .clone()
            .unwrap_or_default()
            .contains("a leftover session"),
        "{waited:?}"
    );
    Ok(())
}
