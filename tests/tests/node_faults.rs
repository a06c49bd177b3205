//! The API server is killed in the middle of a backup and in the middle of a restore. What breaks the whole node runs alone
//! and last: `cargo xtask test node-faults`.

use anyhow::Result;
use e2e::{Act, BackedUp, HalfWay, SOME, World};
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
