//! Restore tests on this machine: a throw-away server of local programs, and every way in which a backup can be less than
//! its manifest says.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use backup::{Backup, LocalPlace, Questions, StoreError, VerifyError, VerifyPlace, assertions_of, verify};
use model::{AssertionVerdict, BackupGrade, BackupManifest, Verification};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use crate::fixture::{Fixture, HOSTILE, quiet, walk};
use crate::support;

const DEADLINE: Duration = Duration::from_secs(300);

/// A backup and the folder in which it is tried.
struct Trial {
    fixture: Fixture,
    backup: Backup,
    scratch: PathBuf,
}

impl Trial {
    /// A database with what the SQL makes besides the usual, backed up.
    async fn new(name: &str, sql: &str) -> Self {
        let fixture = Fixture::new(name).await;
        execute(&fixture, sql).await;
        let backup = fixture.create().await;
        let scratch = fixture.folder().join("scratch");
        std::fs::create_dir(&scratch).unwrap();
        // The server's own user has to get there.
        for folder in [fixture.folder(), &scratch] {
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self {
            fixture,
            backup,
            scratch,
        }
    }

    async fn place(&self) -> LocalPlace {
        let programs = support::server().bin.clone();
        let place = LocalPlace::find(&self.backup.manifest, Some(&programs), DEADLINE).await;
        place.unwrap().in_folder(Some(&self.scratch))
    }

    async fn tried(&self, questions: &Questions) -> Result<Verification, VerifyError> {
        let place = VerifyPlace::Local(self.place().await);
        let tried = verify(&place, &self.backup, questions, &quiet, std::future::pending()).await;
        assert!(walk(&self.scratch).is_empty(), "the server is still there");
        tried
    }

    async fn differences(&self) -> Vec<String> {
        self.tried(&Questions::default()).await.unwrap().differences
    }

    /// Changes the manifest, as nobody but a test may, and reads the backup again.
    async fn change_manifest(&mut self, change: impl FnOnce(&mut BackupManifest)) {
        let mut manifest = self.backup.manifest.clone();
        change(&mut manifest);
        let path = self.backup.folder().unwrap().join("manifest.json");
        std::fs::write(path, serde_json::to_vec(&manifest).unwrap()).unwrap();
        self.backup = self.fixture.store.find(&self.backup.id).await.unwrap();
    }

    /// Changes the database and puts its dump in the place of the one that was made.
    async fn dump_again_after(&mut self, sql: &str) {
        execute(&self.fixture, sql).await;
        let arguments = ["-Fc", "-Z0", "-d"];
        let name = connection_string(self.fixture.name());
        let dump = support::run("pg_dump", &[&arguments[..], &[&name]].concat(), None);
        let packed = zstd::encode_all(dump.as_slice(), 1).unwrap();
        std::fs::write(self.file("dump.pgc.zst"), &packed).unwrap();
        let hash = Sha256::digest(&packed);
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        self.change_manifest(|manifest| {
            let file = &mut manifest.files[0];
            assert_eq!(file.name, "dump.pgc.zst");
            file.bytes = packed.len() as u64;
            file.sha256_stored = hash;
        })
        .await;
    }

    fn file(&self, name: &str) -> PathBuf {
        self.backup.folder().unwrap().join(name)
    }
}

fn connection_string(database: &str) -> String {
    format!("dbname='{}'", database.replace('\\', "\\\\").replace('\'', "\\'"))
}

async fn execute(fixture: &Fixture, sql: &str) {
    let session = support::session(fixture.name(), "setup").await;
    session.batch_execute(sql).await.unwrap();
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

fn flip(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
}

#[tokio::test]
async fn a_good_backup_is_proven_by_local_programs_alone() {
    let trial = Trial::new(HOSTILE, "create extension hstore").await;
    let found = trial.tried(&Questions::default()).await.unwrap();
    assert_eq!(found.differences, Vec::<String>::new());
    assert_eq!(found.unjudged, Vec::<String>::new());
    for what in ["hash", "schema", "rows in", "extensions", "migration tool"] {
        assert!(
            found.compared.iter().any(|compared| compared.contains(what)),
            "{what}: {found:?}"
        );
    }
    assert!(found.restored_bytes.unwrap() > 1 << 20, "{found:?}");
    assert!(found.restored_in.as_deref().unwrap().ends_with("on this machine"));
    let again = trial.fixture.store.find(&trial.backup.id).await.unwrap();
    assert_eq!(again.verifications, [found]);
    let summary = again.summary(jiff::Timestamp::now());
    assert_eq!(summary.grade, BackupGrade::A);
}

#[tokio::test]
async fn what_the_dump_lacks_is_told() {
    let mut trial = Trial::new("lacks", "create extension hstore; create table notes (x int)").await;
    trial.dump_again_after("delete from orders where id = 7").await;
    let differences = trial.differences().await;
    assert_eq!(differences, ["public.orders has 19999 rows instead of 20000"]);

    trial.dump_again_after("drop extension hstore").await;
    let differences = trial.differences().await.join("; ");
    assert!(
        differences.contains("extensions missing: hstore"),
        "{differences}"
    );

    trial
        .dump_again_after("insert into goose_db_version (version_id, is_applied) values (8, true)")
        .await;
    let differences = trial.differences().await.join("; ");
    assert!(
        differences.contains("goose_db_version is at 8 instead of 7"),
        "{differences}"
    );

    trial.dump_again_after("drop table notes").await;
    let differences = trial.differences().await.join("; ");
    assert!(
        differences.contains("public.notes is missing") && differences.contains("schema hash"),
        "{differences}"
    );
    let again = trial.fixture.store.find(&trial.backup.id).await.unwrap();
    assert_eq!(again.summary(jiff::Timestamp::now()).grade, BackupGrade::B);
}

#[tokio::test]
async fn a_flipped_byte_is_found_in_every_file() {
    let trial = Trial::new("flipped", "").await;
    for name in ["dump.pgc.zst", "globals.sql", "settings.json"] {
        change(&trial.file(name), |bytes| flip(bytes));
        let found = trial.tried(&Questions::default()).await.unwrap();
        let told = found.differences.join("; ");
        assert!(told.contains(name) && told.contains("damaged"), "{told}");
        assert_eq!(found.restored_bytes, None);
        change(&trial.file(name), |bytes| flip(bytes));
        // Results are published by the second.
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
    assert_eq!(trial.differences().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_cut_tail_and_a_missing_file_are_told_as_damage_and_not_as_no_backup() {
    let trial = Trial::new("cut", "").await;
    let told = async || match trial.fixture.store.find(&trial.backup.id).await {
        Err(error @ StoreError::Damaged { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let (dump, aside) = (trial.file("dump.pgc.zst"), trial.fixture.folder().join("aside"));
    std::fs::copy(&dump, &aside).unwrap();
    change(&dump, |bytes| bytes.truncate(bytes.len() - 1));
    assert!(told().await.contains("dump.pgc.zst has "), "{}", told().await);
    std::fs::copy(&aside, &dump).unwrap();
    std::fs::remove_file(trial.file("globals.sql")).unwrap();
    assert!(
        told().await.contains("globals.sql is missing"),
        "{}",
        told().await
    );
}

#[tokio::test]
async fn a_wrong_major_version_is_refused_before_anything_is_restored() {
    let mut trial = Trial::new("major", "").await;
    let own = trial.place().await;
    trial
        .change_manifest(|manifest| manifest.server.version_num += 90_000)
        .await;
    let bin = support::server().bin.clone();
    let none = LocalPlace::find(&trial.backup.manifest, Some(&bin), DEADLINE).await;
    let told = none.unwrap_err().to_string();
    assert!(
        told.contains("no programs") && told.contains(&bin.display().to_string()),
        "{told}"
    );
    let place = VerifyPlace::Local(own);
    let questions = Questions::default();
    let tried = verify(&place, &trial.backup, &questions, &quiet, std::future::pending()).await;
    assert!(matches!(tried, Err(VerifyError::Major { .. })), "{tried:?}");
    assert!(
        trial
            .fixture
            .store
            .find(&trial.backup.id)
            .await
            .unwrap()
            .verifications
            .is_empty()
    );
}

#[tokio::test]
async fn an_extension_that_the_server_lacks_is_named_and_no_word_against_the_backup() {
    let mut trial = Trial::new("extension", "").await;
    trial
        .change_manifest(|manifest| {
            manifest.extensions.insert("time_travel".into(), "2.1".into());
        })
        .await;
    let error = trial.tried(&Questions::default()).await.unwrap_err();
    assert!(error.to_string().contains("time_travel 2.1"), "{error}");
}

#[tokio::test]
async fn a_dump_that_its_own_server_cannot_restore_is_a_finding() {
    // Valid in use: the body is found through search_path, which pg_restore empties.
    let trial = Trial::new(
        "unrestorable",
        "create function twice(int) returns int language sql immutable as 'select $1 * 2';
         create function four(int) returns int language plpgsql immutable as 'begin return twice(twice($1)); end';
         create table indexed (x int); insert into indexed values (1);
         create index on indexed (four(x))",
    )
    .await;
    let told = trial.differences().await.join("; ");
    assert!(
        told.contains("cannot be restored") && told.contains("twice"),
        "{told}"
    );
}

const STATEMENTS: &str = "
    -- there are orders
    select count(*) = 20000, count(*) as orders from orders;
    -- no superuser asks
    select not rolsuper and not rolcreatedb from pg_roles where rolname = current_user;
    -- rows behind a policy are seen
    select count(*) = 1 from secrets;
    -- orders have notes
    select count(*) = 0, min(id) as first from orders where length(note) = 64;
    -- nobody knows
    select null::boolean;
    -- there is a row
    select true from orders where id < 0;
    -- there is one row
    select true from orders;
    -- a table that is gone
    select count(*) > 0 from customers;
    -- a number is no answer
    select 1;
    -- nothing is written
    delete from orders returning true;
    -- it takes too long
    select pg_sleep(60) is not null;
    -- files are out of reach
    select pg_read_file('/etc/hostname') is not null;
";

#[tokio::test]
async fn statements_are_asked_as_a_role_that_can_only_read() {
    let trial = Trial::new(
        "statements",
        "create table secrets (x int); insert into secrets values (1);
         alter table secrets enable row level security; alter table secrets force row level security",
    )
    .await;
    let questions = Questions {
        assertions: assertions_of("checks.sql", STATEMENTS).unwrap(),
        statement_timeout: Duration::from_millis(500),
        amcheck: false,
    };
    let found = trial.tried(&questions).await.unwrap();
    let said: Vec<(&str, AssertionVerdict, &str)> = found
        .assertions
        .iter()
        .map(|result| (result.what.as_str(), result.verdict, result.evidence.as_str()))
        .collect();
    use AssertionVerdict::{Fails, Holds, Unknown};
    assert_eq!(
        said,
        [
            ("there are orders", Holds, "true, orders = 20000"),
            ("no superuser asks", Holds, "true"),
            ("rows behind a policy are seen", Holds, "true"),
            ("orders have notes", Fails, "false, first = 1"),
            ("nobody knows", Fails, "null"),
            ("there is a row", Fails, "it returned no row"),
            ("there is one row", Fails, "it returned more rows than one"),
            (
                "a table that is gone",
                Fails,
                "relation \"customers\" does not exist"
            ),
            (
                "a number is no answer",
                Unknown,
                "its first column is no boolean, so it says neither true nor false"
            ),
            (
                "nothing is written",
                Unknown,
                "it is no query, and only queries are asked"
            ),
            (
                "it takes too long",
                Unknown,
                "canceling statement due to statement timeout"
            ),
            (
                "files are out of reach",
                Unknown,
                "permission denied for function pg_read_file"
            ),
        ]
    );
    assert_eq!(
        (found.differences.len(), found.unjudged.len()),
        (5, 4),
        "{found:?}"
    );
    assert!(
        found
            .compared
            .contains(&"3 statements that must be true".to_owned())
    );
}

#[tokio::test]
async fn amcheck_reads_every_index_and_table_and_finds_an_index_that_does_not_fit() {
    let mut trial = Trial::new("amcheck", "").await;
    let questions = Questions {
        amcheck: true,
        ..Questions::default()
    };
    let found = trial.tried(&questions).await.unwrap();
    assert_eq!((found.differences, found.unjudged), (Vec::new(), Vec::new()));
    for what in [" indexes (amcheck)", " tables (amcheck)"] {
        assert!(
            found.compared.iter().any(|compared| compared.ends_with(what)),
            "{what}"
        );
    }
    // A function that says that it is immutable and is not: its index is wrong as soon as it is made.
    execute(
        &trial.fixture,
        "create function moody(int) returns float language sql immutable as 'select random()';
         create index moods on orders (moody(id))",
    )
    .await;
    trial.backup = trial.fixture.create().await;
    let told = trial.tried(&questions).await.unwrap().differences.join("; ");
    assert!(told.contains("public.moods is damaged"), "{told}");
}

/// Begins a restore test, and lets go of it when it says a word; `interrupted` decides how.
async fn let_go(trial: &Trial, told: &str, interrupted: bool) {
    let reached = Arc::new(Notify::new());
    let progress = {
        let (reached, told) = (Arc::clone(&reached), told.to_owned());
        move |message: &str, _share: Option<f64>| {
            if message.starts_with(&told) {
                reached.notify_one();
            }
        }
    };
    let place = VerifyPlace::Local(trial.place().await);
    let questions = Questions::default();
    if interrupted {
        let tried = verify(&place, &trial.backup, &questions, &progress, reached.notified()).await;
        assert!(matches!(tried, Err(VerifyError::Interrupted)), "{tried:?}");
        assert!(walk(&trial.scratch).is_empty(), "the server is still there");
    } else {
        let tried = verify(
            &place,
            &trial.backup,
            &questions,
            &progress,
            std::future::pending(),
        );
        tokio::select! {
            biased;
            () = reached.notified() => {}
            tried = tried => panic!("not stopped: {tried:?}"),
        }
    }
}

#[tokio::test]
async fn however_a_test_ends_its_server_goes_and_nothing_is_published() {
    let trial = Trial::new("let_go", "").await;
    for told in ["starting", "restoring", "comparing"] {
        for interrupted in [true, false] {
            let_go(&trial, told, interrupted).await;
            // A dropped server ends by itself, as that of a killed program does.
            let gone = async {
                while !walk(&trial.scratch).is_empty() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            let waited = tokio::time::timeout(Duration::from_secs(60), gone).await;
            assert!(waited.is_ok(), "{told}: the server is still there");
        }
    }
    let again = trial.fixture.store.find(&trial.backup.id).await.unwrap();
    assert!(again.verifications.is_empty(), "{again:?}");
}
