//! Files of pods, encrypted backups and sealed keys on the node.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use age::secrecy::ExposeSecret as _;
use anyhow::{Context, Result, ensure};
use e2e::{Ended, KubectlPlugins, World, files_below};
use serde_json::Value;
use test_apps::{HelmLine, Postgres};

/// How long an arriving file is waited for before the test says that none comes.
const ARRIVAL: Duration = Duration::from_secs(60);

/// How often the file is looked at: often enough to catch it half-way.
const LOOK: Duration = Duration::from_millis(5);

fn shell(world: &World, postgres: &Postgres, script: &str) -> Result<String> {
    let said = world
        .place
        .kubectl(&["exec", &postgres.pod, "--", "sh", "-c", script])?;
    Ok(said.trim().to_owned())
}

fn text(value: &Value) -> Result<String> {
    let text = value.as_str().with_context(|| format!("no text: {value}"))?;
    Ok(text.to_owned())
}

/// Waits until a file holds more than so many bytes.
#[expect(
    clippy::disallowed_methods,
    reason = "the file is another process's, and nothing tells how far it is"
)]
fn wait_for(path: &Path, bytes: u64) -> Result<()> {
    let begun = Instant::now();
    while std::fs::metadata(path).map_or(0, |found| found.len()) <= bytes {
        ensure!(begun.elapsed() < ARRIVAL, "nothing arrives in {}", path.display());
        std::thread::sleep(LOOK);
    }
    Ok(())
}

#[test]
fn a_killed_copy_of_a_large_file_is_taken_up_and_both_ends_agree() -> Result<()> {
    let world = World::new("pgbackup-files")?;
    let postgres = Postgres::install(&world.place, HelmLine::Four, "pg", 17)?;
    let name = "/tmp/big $(touch x)";
    let quoted = format!("'{name}'");
    shell(
        &world,
        &postgres,
        &format!("head -c 200000000 /dev/urandom >{quoted} && chmod 640 {quoted}"),
    )?;
    let sum = shell(&world, &postgres, &format!("sha256sum <{quoted}"))?;
    let sum = sum.split_whitespace().next().context("a hash")?.to_owned();

    let kubectl = KubectlPlugins::new(&world)?;
    let folder = world.subfolder("files")?;
    let here = folder.join("big");
    let pod = format!("{}:{name}", postgres.pod);
    let destination = here.display().to_string();
    let words = ["get", "--pod", &pod, &destination, "-o", "json"];
    let mut get = kubectl.command("pgbackup", &words)?;
    let mut child = get.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let part = folder.join("big.part");
    wait_for(&part, 20 << 20)?;
    child.kill()?;
    child.wait()?;
    ensure!(
        !here.exists() && part.exists(),
        "a killed copy leaves only its part"
    );

    let taken_up = kubectl.run("pgbackup", &words)?.expect(0)?;
    let report = taken_up.json()?;
    ensure!(
        report["sha256"] == sum.as_str() && report["proof"] == "sha256",
        "{report}"
    );
    ensure!(report["bytes"] == 200_000_000, "{report}");
    ensure!(
        report["resumedBytes"]
            .as_u64()
            .is_some_and(|resumed| resumed >= 20 << 20),
        "{report}"
    );
    ensure!(here.exists() && !part.exists());

    let back = format!("{}:/tmp/-back", postgres.pod);
    let put = kubectl.run("pgbackup", &["put", &destination, "--pod", &back, "-o", "json"])?;
    ensure!(put.expect(0)?.json()?["sha256"] == sum.as_str());
    let there = shell(
        &world,
        &postgres,
        "sha256sum </tmp/-back; stat -c %a /tmp/-back; ls /tmp | grep -c part-; true",
    )?;
    ensure!(
        there.starts_with(&sum) && there.contains("640") && there.ends_with('0'),
        "{there}"
    );

    // Nothing is replaced unless it may be; a pod that is not there is one clear line.
    let again = kubectl.run("pgbackup", &["put", &destination, "--pod", &back])?;
    again.expect_one_clear_line(1, &["exists already", "--overwrite"])?;
    let nowhere = kubectl.run("pgbackup", &["get", "--pod", "nobody:/x", &destination])?;
    nowhere.expect_one_clear_line(1, &["nobody"])?;
    Ok(())
}

/// A key pair: the public key as text, the secret one in a file.
fn key_pair(world: &World, name: &str) -> Result<(String, String)> {
    let key = age::x25519::Identity::generate();
    let file = world.folder.path().join(name);
    std::fs::write(&file, key.to_string().expose_secret())?;
    Ok((key.to_public().to_string(), file.display().to_string()))
}

#[test]
fn an_encrypted_backup_is_verified_and_restored_with_its_key_and_rotated_keys_are_told() -> Result<()> {
    let world = World::new("pgbackup-sealed")?;
    let postgres = Postgres::install(&world.place, HelmLine::Four, "pg", 17)?;
    postgres
        .query("create table t as select g as id, 'marked-' || g as note from generate_series(1, 5000) g")?;
    let kubectl = KubectlPlugins::new(&world)?;
    let (public, identity) = key_pair(&world, "identity")?;
    let (_, other) = key_pair(&world, "other")?;
    let folder = world.subfolder("store")?;
    let store = folder.display().to_string();
    let database = ["--secret", "pg-postgres/uri"];

    let words = ["create", "--to", &store, "--recipient", &public, "-o", "json"];
    let made = kubectl
        .run("pgbackup", &[&words[..], &database].concat())?
        .expect(0)?
        .json()?;
    ensure!(made["encrypted"] == true, "{made}");
    let id = text(&made["backup"]["id"])?;
    for file in files_below(&folder)? {
        let stored = std::fs::read(&file)?;
        let sealed = stored.starts_with(b"age-encryption.org/v1\n");
        ensure!(
            sealed || file.ends_with("manifest.json"),
            "{} is plain",
            file.display()
        );
    }

    let verify = |extra: &[&str]| {
        let words = [&["verify", &id, "--from", &store, "-o", "json"], extra, &database].concat();
        kubectl.run("pgbackup", &words)
    };
    verify(&[])?.expect_one_clear_line(1, &["--identity"])?;
    verify(&["--identity", &other])?.expect_one_clear_line(1, &["does not open"])?;
    let tried = verify(&["--identity", &identity])?.expect(0)?.json()?;
    ensure!(tried["differences"] == serde_json::json!([]), "{tried}");

    let sum = "select count(*), md5(string_agg(t::text, ',' order by id)) from t";
    let before = postgres.query(sum)?;
    postgres.query("delete from t where id % 2 = 0")?;
    let words = ["restore", &id, "--from", &store, "--identity", &identity, "--yes"];
    kubectl
        .run("pgbackup", &[&words[..], &database].concat())?
        .expect(0)?;
    ensure!(postgres.query(sum)? == before);

    rotated_keys_are_told(&world, &kubectl, &public, &identity)
}

fn rotated_keys_are_told(
    world: &World,
    kubectl: &KubectlPlugins<'_>,
    public: &str,
    identity: &str,
) -> Result<()> {
    let secret = "rotated-secret-of-the-test";
    let literal = format!("--from-literal=signing={secret}");
    world
        .place
        .kubectl(&["create", "secret", "generic", "web-keys", &literal])?;
    let folder = world.subfolder("vault")?;
    let vault = folder.display().to_string();
    let words = [
        "keys",
        "create",
        "--key",
        "web-keys",
        "--recipient",
        public,
        "--keys-to",
        &vault,
        "-o",
        "json",
    ];
    let made = kubectl.run("pgbackup", &words)?.expect(0)?;
    let id = text(&made.json()?["keys"]["id"])?;
    let test = || {
        let words = ["keys", "test", &id, "--keys-from", &vault, "--identity", identity];
        kubectl.run("pgbackup", &words)
    };
    let same = test()?.expect(0)?;
    ensure!(same.stdout.contains("the same in the cluster"), "{same}");
    let patch = r#"{"stringData":{"signing":"another"}}"#;
    world
        .place
        .kubectl(&["patch", "secret", "web-keys", "--patch", patch])?;
    let changed = test()?.expect(2)?;
    ensure!(
        changed
            .stdout
            .contains("key signing of secret/web-keys has changed"),
        "{changed}"
    );

    let shown = kubectl
        .run(
            "pgbackup",
            &["keys", "show", &id, "--keys-from", &vault, "-o", "json"],
        )?
        .expect(0)?;
    let export = [
        "pgbackup",
        "keys",
        "export",
        &id,
        "--keys-from",
        &vault,
        "--sheet",
    ];
    let mut bare = kubectl.bare()?;
    let sheet = Ended::of(bare.args(export))?.expect(0)?;
    ensure!(sheet.stdout.contains("BEGIN AGE ENCRYPTED FILE"), "{sheet}");
    for said in [&made, &same, &changed, &shown, &sheet] {
        ensure!(!said.to_string().contains(secret), "a value was shown: {said}");
    }
    for file in files_below(&folder)? {
        let stored = std::fs::read(&file)?;
        ensure!(
            !String::from_utf8_lossy(&stored).contains(secret),
            "{} holds a value",
            file.display()
        );
    }
    Ok(())
}

#[test]
fn prune_asks_helm_which_revisions_can_be_turned_back_to() -> Result<()> {
    let world = World::new("pgbackup-prune")?;
    Postgres::install(&world.place, HelmLine::Four, "pg", 17)?;
    let kubectl = KubectlPlugins::new(&world)?;
    let store = world.subfolder("store")?.display().to_string();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let words = [
            "create",
            "pg",
            "--secret",
            "pg-postgres/uri",
            "--to",
            &store,
            "-o",
            "json",
        ];
        let made = kubectl.run("pgbackup", &words)?.expect(0)?.json()?;
        ids.push(text(&made["backup"]["id"])?);
    }
    let prune = |extra: &[&str]| {
        let words = [
            &["prune", "--keep-last", "1", "--from", &store, "-o", "json"],
            extra,
        ]
        .concat();
        kubectl.run("pgbackup", &words)?.expect(0)?.json()
    };
    let told = prune(&[])?;
    ensure!(
        told["dryRun"] == true && told["backups"][1]["outcome"] == "would-be-removed",
        "{told}"
    );
    ensure!(told["backups"][1]["id"] == ids[0].as_str(), "{told}");
    let newest = &told["backups"][0]["reasons"];
    ensure!(
        newest
            .to_string()
            .contains("can still be turned back to revision 1"),
        "{told}"
    );
    let done = prune(&["--yes"])?;
    ensure!(done["backups"][1]["outcome"] == "removed", "{done}");
    let mut list = kubectl.bare()?;
    let listed = Ended::of(list.args(["pgbackup", "list", "--from", &store, "-o", "json"]))?
        .expect(0)?
        .json()?;
    ensure!(
        listed["items"].as_array().is_some_and(|items| items.len() == 1),
        "{listed}"
    );
    Ok(())
}
