//! Plain helm upgrades of the applications on the test node, with both Helm lines. They need the node and take
//! minutes, so they run only when asked for (`--ignored`); the tests of the plugins build on what is shown here.

use anyhow::Result;
use test_apps::{Coder, Gocdnext, HelmLine, Ledger, OpenFga, Place, Probe, ensure_images};
use test_node::Node;
use test_node::command::run;

#[test]
#[ignore = "needs the test node"]
fn ledger_is_upgraded_through_all_versions_and_keeps_its_entries_with_helm_3() -> Result<()> {
    ledger(HelmLine::Three, "apps-ledger-3", "boot")
}

#[test]
#[ignore = "needs the test node"]
fn ledger_is_upgraded_through_all_versions_and_keeps_its_entries_with_helm_4() -> Result<()> {
    ledger(HelmLine::Four, "apps-ledger-4", "hook")
}

#[test]
#[ignore = "needs the test node"]
fn openfga_is_upgraded_through_all_versions_and_keeps_its_data_with_helm_3() -> Result<()> {
    openfga(HelmLine::Three, "apps-openfga-3", 15)
}

#[test]
#[ignore = "needs the test node"]
fn openfga_is_upgraded_through_all_versions_and_keeps_its_data_with_helm_4() -> Result<()> {
    openfga(HelmLine::Four, "apps-openfga-4", 17)
}

#[test]
#[ignore = "needs the test node"]
fn the_stand_in_for_coder_is_upgraded_in_one_transaction_and_an_older_one_refuses_its_schema() -> Result<()> {
    let charts = tempfile::tempdir()?;
    let node = node()?;
    let namespace = node.namespace("apps-coder")?;
    let place = Place::new(&node, namespace.name());
    let coder = Coder::new(&place, HelmLine::Three, charts.path());
    coder.install("2.26.0", false)?;
    coder.install_provisioner("2.26.0")?;
    coder.add_users("user", 10)?;
    let before = coder.users()?;
    for (version, schema) in &Coder::VERSIONS[1..] {
        upgrade(&place, HelmLine::Three, "coder", &coder.chart(version)?)?;
        place.wait_until_leaving_pods_are_gone("app.kubernetes.io/name=coder")?;
        let after = coder.users()?;
        assert!(after.same_users(&before), "{before:?} became {after:?}");
        assert_eq!(after.version, *version);
        assert_eq!(coder.schema()?, format!("{schema}|f"));
    }
    let mut back = place.helm_command(HelmLine::Three);
    back.args(["rollback", "coder", "2", "--wait", "--timeout", "20s"]);
    assert!(run(&mut back).is_err(), "the older version has started");
    let logs = place.kubectl(&["logs", "--selector", "app.kubernetes.io/version=2.26.6"])?;
    assert!(
        logs.contains(
            "migrate up: up: no migration found for version 4: read down for version 4 .: file does not exist"
        ),
        "{logs}"
    );
    assert!(coder.users()?.same_users(&before), "the newer one serves on");
    Ok(())
}

#[test]
#[ignore = "needs the test node"]
fn the_stand_in_for_gocdnext_serves_on_while_additive_migrations_run() -> Result<()> {
    let charts = tempfile::tempdir()?;
    let node = node()?;
    let namespace = node.namespace("apps-gocdnext")?;
    let place = Place::new(&node, namespace.name());
    let gocdnext = Gocdnext::new(&place, HelmLine::Four, charts.path());
    gocdnext.install("0.4.34")?;
    gocdnext.keep_secret("token")?;
    let probe = Probe::start(&gocdnext.address()?, "/stand-in/summary");
    upgrade(&place, HelmLine::Four, "gocdnext", &gocdnext.chart("0.6.4")?)?;
    let answers = probe.stop()?;
    place.wait_until_leaving_pods_are_gone("app.kubernetes.io/instance=gocdnext")?;
    assert_eq!(gocdnext.database().schema_version()?, 39);
    assert_eq!(
        gocdnext
            .database()
            .query("SELECT count(*) FROM goose_db_version")?,
        "40"
    );
    let jobs = gocdnext.jobs()?;
    assert_eq!(
        (jobs.secrets, jobs.secrets_open, jobs.run_twice),
        (1, 1, 0),
        "{jobs:?}"
    );
    let migrated = place.kubectl(&["logs", "deployment/gocdnext-gocdnext-server"])?;
    assert!(
        migrated.contains(r#""msg":"OK   00036_runs_has_services.sql ("#)
            && migrated.contains("goose: successfully migrated database to version: 39"),
        "{migrated}"
    );
    let (answered, failed) = (answers.all.len() - answers.failures(), answers.failures());
    assert!(failed * 5 < answered, "{answered} answered, {failed} failed");
    Ok(())
}

/// `helm upgrade` with nothing but release and chart.
fn upgrade(place: &Place, line: HelmLine, release: &str, chart: &std::path::Path) -> Result<()> {
    let mut helm = place.helm_command(line);
    helm.args(["upgrade", release]).arg(chart);
    run(helm.args(["--wait", "--timeout", "5m"])).map(drop)
}

/// The node with all images.
fn node() -> Result<Node> {
    let node = Node::ensure_up()?;
    ensure_images(&node)?;
    Ok(node)
}

#[expect(
    clippy::print_stderr,
    reason = "the figures are for whoever runs this by hand"
)]
fn ledger(line: HelmLine, prefix: &str, mode: &str) -> Result<()> {
    let charts = tempfile::tempdir()?;
    let node = node()?;
    let namespace = node.namespace(prefix)?;
    let place = Place::new(&node, namespace.name());
    let ledger = Ledger::new(&place, line, "books", charts.path());
    let (first, schema) = Ledger::VERSIONS[0];
    ledger.install(first, &["seedRows=1000", &format!("migrate.mode={mode}")])?;
    assert_eq!(ledger.database().schema_version()?, schema);
    ledger.write(20)?;
    let before = ledger.summary()?;
    assert_eq!(
        (before.rows, before.notes, before.version.as_str()),
        (1020, Some(1020), first)
    );

    for (version, schema) in &Ledger::VERSIONS[1..] {
        let probe = Probe::start(&ledger.address()?, "/version");
        ledger.upgrade(version, &[])?;
        let answers = probe.stop()?;
        assert_eq!(ledger.database().schema_version()?, *schema);
        let after = ledger.summary()?;
        assert!(after.same_entries(&before), "{before:?} became {after:?}");
        assert_eq!(after.version, *version);
        assert!(answers.first(version).is_some(), "{:?}", answers.versions());
        eprintln!(
            "{line:?} {mode} {version}: {:?}, {} failed",
            answers.versions(),
            answers.failures()
        );
    }
    assert_eq!(ledger.summary()?.notes, None);
    Ok(())
}

fn openfga(line: HelmLine, prefix: &str, postgres_major: u32) -> Result<()> {
    let charts = tempfile::tempdir()?;
    let node = node()?;
    let namespace = node.namespace(prefix)?;
    let place = Place::new(&node, namespace.name());
    let openfga = OpenFga::new(&place, line, "fga", charts.path());
    let (first, schema) = OpenFga::VERSIONS[0];
    openfga.install(first, postgres_major)?;
    assert_eq!(openfga.database().schema_version()?, schema);
    let store = openfga.write(120)?;
    let before = openfga.snapshot(&store)?;
    assert_eq!((before.tuples.len(), before.models.len()), (241, 1));
    let allowed: Vec<_> = before.checks.iter().map(|(_, allowed)| *allowed).collect();
    assert_eq!(allowed, [true, true, false]);

    for (version, schema) in &OpenFga::VERSIONS[1..] {
        openfga.upgrade(version)?;
        assert_eq!(openfga.database().schema_version()?, *schema);
        assert_eq!(openfga.snapshot(&store)?, before);
    }
    Ok(())
}
