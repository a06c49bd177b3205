//! The API server is killed in the middle of a backup, of a restore and of an upgrade, and the container runtime in the
//! middle of an upgrade. What breaks the whole node runs alone and last: `cargo xtask test node-faults`.

use anyhow::Result;
use e2e::{Act, BackedUp, Ended, HalfWay, SOME, Stage, World};
use test_node::Component;

#[test]
#[ignore = "takes the API server away from every other test; the stage node-faults runs it"]
fn an_api_server_that_restarts_half_way_is_a_failure_that_harms_nothing() -> Result<()> {
    let world = World::new("pgbackup-api")?;
    let store = world.subfolder("store")?.display().to_string();
    let mut scene = BackedUp::new(&world, 17, SOME, &store, &[])?;
    for act in [Act::Create, Act::Restore] {
        let HalfWay { program, session } = scene.half_way(act)?;
        world.node.restart(Component::ApiServer)?;
        HalfWay::failed(program)?;
        session.thaw()?;
        scene.is_unharmed()?;
    }
    scene.goes_on()
}

/// A component goes away and comes back while a hook migrates, which it does for longer than that takes.
fn an_upgrade_ends_whole_where_this_restarts(prefix: &str, component: Component) -> Result<()> {
    let stage = Stage::new(prefix, &["seedRows=100", "migrate.mode=hook"])?;
    let child = stage.begin(&["--set", "behaviour.slowMigration=3:40"])?;
    stage.until_it_migrates()?;
    stage.world.node.restart(component)?;
    stage.is_whole(&Ended::waited_for(child)?)
}

#[test]
#[ignore = "takes the API server away from every other test; the stage node-faults runs it"]
fn an_api_server_that_restarts_while_a_hook_migrates_leaves_an_upgrade_whole() -> Result<()> {
    an_upgrade_ends_whole_where_this_restarts("upgrade-api", Component::ApiServer)
}

/// The containers themselves live on: their parents are the runtime's shims. What is lost is every stream into a pod.
#[test]
#[ignore = "takes the container runtime away from every other test; the stage node-faults runs it"]
fn a_container_runtime_that_restarts_while_a_hook_migrates_leaves_an_upgrade_whole() -> Result<()> {
    an_upgrade_ends_whole_where_this_restarts("upgrade-runtime", Component::Containerd)
}
