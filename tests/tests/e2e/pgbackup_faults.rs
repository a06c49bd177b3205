//! The program, the server's pod or the bucket's server is killed in the middle of a backup and in the middle of a restore:
//! nothing that looks like a backup is left, nobody of ours stays connected, the database is as it was, and the next backup
//! and restore work.

use anyhow::{Result, ensure};
use e2e::{Act, BackedUp, HalfWay, MANY, SOME, World, signal};
use test_node::object_server::ObjectServer;

#[test]
fn a_program_that_is_killed_half_way_harms_nothing() -> Result<()> {
    let world = World::new("pgbackup-kill")?;
    let store = world.subfolder("store")?.display().to_string();
    let mut scene = BackedUp::new(&world, 17, SOME, &store, &[])?;
    for act in [Act::Create, Act::Restore] {
        let HalfWay { mut program, session } = scene.half_way(act)?;
        signal(program.id(), "KILL")?;
        program.wait()?;
        session.thaw()?;
        scene.is_unharmed()?;
    }
    scene.goes_on()
}

#[test]
fn a_pod_that_goes_away_half_way_is_a_failure_that_harms_nothing() -> Result<()> {
    let world = World::new("pgbackup-pod")?;
    let store = world.subfolder("store")?.display().to_string();
    let mut scene = BackedUp::new(&world, 18, SOME, &store, &[])?;
    for act in [Act::Create, Act::Restore] {
        let HalfWay { program, session } = scene.half_way(act)?;
        world
            .place
            .kubectl(&["delete", "pod/db-postgres-0", "--grace-period=1"])?;
        drop(session);
        HalfWay::failed(program)?;
        // Not before the set has made the pod anew.
        world
            .place
            .kubectl(&["rollout", "status", "statefulset/db-postgres", "--timeout=120s"])?;
        world.place.kubectl(&[
            "wait",
            "pod/db-postgres-0",
            "--for=condition=Ready",
            "--timeout=120s",
        ])?;
        scene.is_unharmed()?;
    }
    scene.goes_on()
}

#[test]
fn a_bucket_whose_server_dies_half_way_is_a_failure_that_harms_nothing() -> Result<()> {
    let world = World::new("pgbackup-s3")?;
    let folder = world.subfolder("s3")?;
    std::fs::create_dir_all(folder.join("backups"))?;
    let mut bucket = ObjectServer::start(&folder)?;
    let store = format!("s3://backups/here?endpoint={}", bucket.endpoint());
    let variables: Vec<(String, String)> = bucket
        .variables()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    let variables: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut scene = BackedUp::new(&world, 15, MANY, &store, &variables)?;
    for act in [Act::Create, Act::Restore] {
        let HalfWay { program, session } = scene.half_way(act)?;
        bucket.kill();
        session.thaw()?;
        let ended = HalfWay::failed(program)?;
        ensure!(ended.stderr.contains("backups/here"), "{ended}");
        bucket.resume()?;
        scene.is_unharmed()?;
    }
    scene.goes_on()
}
