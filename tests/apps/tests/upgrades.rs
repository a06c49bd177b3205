//! Plain helm upgrades of both applications on the test node, with both Helm lines. They need the node and take
//! minutes, so they run only when asked for (`--ignored`); the tests of the plugins build on what is shown here.

use anyhow::Result;
use test_apps::{HelmLine, Ledger, OpenFga, Place, Probe, ensure_images};
use test_node::Node;

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
