//! create, list, verify, get and restore in every combination that matters: each major version, route, kind of store and
//! seal at least once. Each act runs with exactly the rights that `rbac` prints for it, and no password is found anywhere.

use std::path::PathBuf;

use age::secrecy::ExposeSecret as _;
use anyhow::{Context, Result, ensure};
use e2e::{Ended, Hidden, KubectlPlugins, World, until_no_session_of_ours};
use serde_json::{Value, json};
use test_apps::{HelmLine, Postgres};
use test_node::object_server::ObjectServer;

/// What is lost where a dump is made carelessly, and names that break whoever pastes them.
const CONTENT: &str = r#"
    create extension pg_trgm;
    create collation german (provider = icu, locale = 'de-DE');
    create table orders (id serial primary key, note text not null, town text collate german);
    insert into orders (note, town)
      select md5(random()::text) || md5(random()::text) || md5(random()::text), 'Übersee ' || i
      from generate_series(1, ROWS) i;
    create table words as select note from orders where id <= 1000;
    create index on words using gin (note gin_trgm_ops);
    create table measures (at date not null, value int) partition by range (at);
    create table measures_1 partition of measures for values from ('2025-01-01') to ('2026-01-01');
    insert into measures select '2025-01-01'::date + i % 300, i from generate_series(1, 3000) i;
    create materialized view sums as select at, sum(value) from measures group by at;
    create table "odd ""$(touch /tmp/x)' table" as select 1 as x;
    alter table orders enable row level security;
    create policy few on orders using (id < 10);
    select lo_from_bytea(0, convert_to(repeat('large object', 1000), 'UTF8')) from generate_series(1, OBJECTS);
    create role keeper; create table kept (x int); alter table kept owner to keeper;
"#;

const SUM: &str = r#"select (select md5(string_agg(md5(o::text), '' order by id)) from orders o),
    (select string_agg(id::text, ',' order by town desc, id) from orders where id < 50),
    (select count(*) from measures), (select count(*) || '/' || sum(sum) from sums),
    (select count(*) || '/' || sum(length(data)) from pg_largeobject),
    (select count(*) from "odd ""$(touch /tmp/x)' table"), (select count(*) from pg_policy),
    (select string_agg(extname || extversion, ',' order by extname) from pg_extension),
    (select tableowner from pg_tables where tablename = 'kept')"#;

/// Where the node's ports answer.
const NODE: &str = "10.236.0.1";

/// Rows and large objects of the run that every change has to pass.
const SMALL: (u32, u32) = (20_000, 20);

/// The same of about 2 GB.
const LARGE: (u32, u32) = (12_000_000, 2_000);

/// How the server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Exec,
    Job,
    PortForward,
    Direct,
}

/// Where backups are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    Folder,
    Bucket,
}

/// A server with something to lose, and what every act on it needs.
struct Stage<'a> {
    world: &'a World,
    kubectl: KubectlPlugins<'a>,
    server: Postgres,
    password: String,
}

/// One way round.
struct Circle<'a> {
    stage: &'a Stage<'a>,
    way: Way,
    store: String,
    variables: Vec<(String, String)>,
    /// Public key, and the file of the secret one.
    seal: Option<(String, String)>,
    address: String,
    said: Vec<Ended>,
}

fn stage(world: &World, major: u32, (rows, objects): (u32, u32)) -> Result<Stage<'_>> {
    let server = Postgres::install(&world.place, HelmLine::Three, "db", major)?;
    let content = CONTENT
        .replace("ROWS", &rows.to_string())
        .replace("OBJECTS", &objects.to_string());
    server.query(&content)?;
    Ok(Stage {
        world,
        kubectl: KubectlPlugins::new(world)?,
        server,
        password: world.password("db-postgres")?,
    })
}

impl<'a> Circle<'a> {
    fn new(stage: &'a Stage<'a>, way: Way, store: String, variables: &[(&str, &str)]) -> Result<Self> {
        let address = match way {
            Way::Direct => node_port(stage)?,
            Way::Exec | Way::Job | Way::PortForward => String::new(),
        };
        Ok(Self {
            stage,
            way,
            store,
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            seal: None,
            address,
            said: Vec::new(),
        })
    }

    /// Seals what is kept.
    fn sealed(mut self) -> Result<Self> {
        let key = age::x25519::Identity::generate();
        let file = self.stage.world.folder.path().join("identity");
        std::fs::write(&file, key.to_string().expose_secret())?;
        self.seal = Some((key.to_public().to_string(), file.display().to_string()));
        Ok(self)
    }

    /// The words that name the database.
    fn target(&self) -> Vec<&str> {
        match self.way {
            Way::Direct => vec!["--dsn", &self.address],
            Way::Exec | Way::Job | Way::PortForward => vec!["statefulset/db-postgres"],
        }
    }

    fn opening(&self) -> Vec<&str> {
        self.seal
            .iter()
            .flat_map(|(_, file)| ["--identity", file])
            .collect()
    }

    fn run(&mut self, words: &[&str]) -> Result<Ended> {
        let mut command = self.stage.kubectl.command("pgbackup", words)?;
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        if self.way == Way::Direct {
            command.env("PGPASSWORD", &self.stage.password);
        }
        let ended = Ended::of(&mut command)?.expect(0)?;
        self.said.push(ended.clone());
        Ok(ended)
    }

    fn create(&mut self) -> Result<Value> {
        let (route, more): (_, &[&str]) = match self.way {
            Way::Exec => ("exec", &[]),
            Way::Job => ("job", &["--with-job"]),
            Way::PortForward => ("port-forward", &[]),
            Way::Direct => ("direct", &[]),
        };
        let account = self.stage.kubectl.account_with("create", more)?;
        let store = self.store.clone();
        let recipient = self.seal.clone();
        let target: Vec<String> = self.target().into_iter().map(str::to_owned).collect();
        let mut words: Vec<&str> = vec!["create"];
        words.extend(target.iter().map(String::as_str));
        words.extend(["--route", route, "--to", &store, "--as", &account, "-o", "json"]);
        words.extend(recipient.iter().flat_map(|(public, _)| ["--recipient", public]));
        let report = self.run(&words)?.json()?;
        let whole = json!({"exitStatus": 0, "bytesMatch": true, "hashMatch": true, "readToEnd": true});
        ensure!(report["proof"] == whole && report["route"] == route, "{report}");
        ensure!(report["encrypted"] == recipient.is_some(), "{report}");
        Ok(report)
    }

    fn grade(&mut self, id: &str) -> Result<String> {
        let store = self.store.clone();
        // A server at an address is in no namespace, and neither is its backup.
        let mut list = self.stage.kubectl.bare()?;
        list.args(["pgbackup", "list", "--from", &store, "-o", "json"]);
        list.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let ended = Ended::of(&mut list)?.expect(0)?;
        self.said.push(ended.clone());
        let listed = ended.json()?;
        let items = listed["items"].as_array().context("a list has items")?;
        let ours: Vec<&Value> = items.iter().filter(|item| item["id"] == id).collect();
        ensure!(ours.len() == 1, "{listed}");
        Ok(ours[0]["grade"].as_str().unwrap_or_default().to_owned())
    }

    fn verify(&mut self, id: &str, image: &str) -> Result<()> {
        let account = self.stage.kubectl.account_with("verify", &[])?;
        let store = self.store.clone();
        let opening: Vec<String> = self.opening().into_iter().map(str::to_owned).collect();
        let mut words = vec!["verify", id];
        match self.way {
            // Nobody in the cluster knows the image of a server outside of it.
            Way::Direct => words.extend(["--image", image]),
            Way::Exec | Way::Job | Way::PortForward => words.push("statefulset/db-postgres"),
        }
        words.extend(["--from", &store, "--as", &account, "-o", "json"]);
        words.extend(opening.iter().map(String::as_str));
        let found = self.run(&words)?.json()?;
        ensure!(found["differences"] == json!([]), "{found}");
        ensure!(found["compared"].to_string().contains("rows"), "{found}");
        Ok(())
    }

    fn get(&mut self, id: &str) -> Result<()> {
        let (store, copies) = (self.store.clone(), self.stage.world.subfolder("copies")?);
        let opening: Vec<String> = self.opening().into_iter().map(str::to_owned).collect();
        let mut get = self.stage.kubectl.bare()?;
        get.args(["pgbackup", "get", id])
            .arg(&copies)
            .args(["--from", &store]);
        get.args(&opening);
        get.envs(self.variables.iter().map(|(name, value)| (name, value)));
        self.said.push(Ended::of(&mut get)?.expect(0)?);
        let dump = copies.join(id).join("dump.pgc.zst");
        ensure!(dump.exists(), "no {}", dump.display());
        Ok(())
    }

    fn restore(&mut self, id: &str) -> Result<()> {
        let server = self.stage.server.clone();
        let before = server.query(SUM)?;
        server.query("delete from orders where id % 2 = 0; drop table kept")?;
        let account = self.stage.kubectl.account_with("restore", &[])?;
        let store = self.store.clone();
        let opening: Vec<String> = self.opening().into_iter().map(str::to_owned).collect();
        let target: Vec<String> = self.target().into_iter().map(str::to_owned).collect();
        let mut words = vec!["restore", id];
        words.extend(target.iter().map(String::as_str));
        words.extend(["--from", &store, "--yes", "--as", &account, "-o", "json"]);
        words.extend(opening.iter().map(String::as_str));
        let report = self.run(&words)?.json()?;
        ensure!(server.query(SUM)? == before, "{report}");
        let kept = report["keptAs"].as_str().context("the one before is kept")?;
        let half = server.query_in(kept, "select count(*) from orders where id % 2 = 0")?;
        ensure!(half.trim() == "0", "{half}");
        server.query_in("postgres", &format!("drop database {kept}"))?;
        Ok(())
    }

    /// All of it. Gives what was said.
    fn round(mut self) -> Result<Vec<Ended>> {
        let report = self.create()?;
        let id = report["backup"]["id"]
            .as_str()
            .context("a backup has an id")?
            .to_owned();
        ensure!(self.grade(&id)? == "B", "{report}");
        let major = self
            .stage
            .server
            .query("select current_setting('server_version_num')::int / 10000")?;
        self.verify(&id, &format!("localhost/postgres:{}", major.trim()))?;
        ensure!(self.grade(&id)? == "A", "a restore test makes it A");
        self.get(&id)?;
        self.restore(&id)?;
        until_no_session_of_ours(&self.stage.server, "false")?;
        server_was_left_in_peace(self.stage.world)?;
        Ok(self.said)
    }
}

/// The server's address on the node, without a password.
fn node_port(stage: &Stage<'_>) -> Result<String> {
    let place = &stage.world.place;
    let patch = r#"{"spec":{"type":"NodePort"}}"#;
    place.kubectl(&["patch", "service/db-postgres", "--patch", patch])?;
    let port = "jsonpath={.spec.ports[0].nodePort}";
    let port = place.kubectl(&["get", "service/db-postgres", "--output", port])?;
    Ok(format!(
        "postgres://app@{NODE}:{}/app?sslmode=disable",
        port.trim()
    ))
}

/// A server that is process 1 of its container takes an orphan of ours that ends by a signal for a crashed session: it
/// throws everybody out and recovers.
fn server_was_left_in_peace(world: &World) -> Result<()> {
    let log = world.place.kubectl(&["logs", "db-postgres-0", "--tail=-1"])?;
    let crash: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("was terminated by signal"))
        .collect();
    ensure!(crash.is_empty(), "{crash:?}");
    Ok(())
}

/// A round on a server of its own; a bucket has a server of its own as well.
fn all_the_way_round(
    world: &World,
    stage: &Stage<'_>,
    (way, kept, sealed): (Way, Kept, bool),
    name: &str,
) -> Result<()> {
    let folder: PathBuf = world.subfolder(name)?;
    let bucket = match kept {
        Kept::Folder => None,
        Kept::Bucket => {
            std::fs::create_dir_all(folder.join("backups"))?;
            Some(ObjectServer::start(&folder)?)
        }
    };
    let (store, variables) = match &bucket {
        None => (folder.display().to_string(), Vec::new()),
        Some(server) => (
            format!("s3://backups/here?endpoint={}", server.endpoint()),
            server.variables().to_vec(),
        ),
    };
    let mut secrets = vec![stage.password.as_str()];
    secrets.extend(variables.iter().map(|(_, value)| *value).skip(1));
    let hidden = Hidden::watch(world, &secrets)?;
    let circle = Circle::new(stage, way, store, &variables)?;
    let circle = if sealed { circle.sealed()? } else { circle };
    let said = circle.round()?;
    let said: Vec<&Ended> = said.iter().collect();
    let copies = world.subfolder("copies")?;
    hidden.are_nowhere(world, &said, &[&folder, &copies])
}

#[test]
fn postgresql_18_through_its_own_container_into_a_bucket_sealed() -> Result<()> {
    let world = World::new("pgbackup-18")?;
    let stage = stage(&world, 18, SMALL)?;
    all_the_way_round(&world, &stage, (Way::Exec, Kept::Bucket, true), "s3")
}

#[test]
fn postgresql_17_by_a_job_into_a_folder_sealed() -> Result<()> {
    let world = World::new("pgbackup-17")?;
    let stage = stage(&world, 17, SMALL)?;
    all_the_way_round(&world, &stage, (Way::Job, Kept::Folder, true), "store")
}

#[test]
fn postgresql_15_through_a_forwarded_port_into_a_bucket_and_by_its_address_into_a_folder() -> Result<()> {
    let world = World::new("pgbackup-15")?;
    let stage = stage(&world, 15, SMALL)?;
    all_the_way_round(&world, &stage, (Way::PortForward, Kept::Bucket, false), "s3")?;
    all_the_way_round(&world, &stage, (Way::Direct, Kept::Folder, false), "store")
}

/// `cargo test -p e2e two_gigabytes -- --ignored --nocapture`, on a machine with 12 GB of disk free.
#[test]
#[ignore = "takes many minutes and 12 GB of disk"]
fn two_gigabytes_of_postgresql_18_go_all_the_way_round() -> Result<()> {
    let world = World::new("pgbackup-2gb")?;
    let stage = stage(&world, 18, LARGE)?;
    let bytes = stage.server.query("select pg_database_size('app')")?;
    ensure!(bytes.trim().parse::<u64>()? > 2_000_000_000, "only {bytes} bytes");
    all_the_way_round(&world, &stage, (Way::Exec, Kept::Bucket, true), "s3")
}
