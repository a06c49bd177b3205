//! Backups that were cut or changed where they are kept, in every layout; and names that want to be commands.

use std::path::PathBuf;
use std::process::Command;

use backup::{Backup, Filter, Packing, RestoreError, RestoreRequest, create, get, restore, restore_id};
use jiff::Timestamp;
use model::{BackupFormat, RestoreOptions};

use crate::fixture::{Fixture, HOSTILE, ask, content, databases_like, quiet, walk};
use crate::support;

const LAYOUTS: [(BackupFormat, Packing); 5] = [
    (BackupFormat::Custom, Packing::Best),
    (BackupFormat::Custom, Packing::None),
    (BackupFormat::Directory, Packing::None),
    (BackupFormat::Plain, Packing::Best),
    (BackupFormat::Plain, Packing::None),
];

async fn made(fixture: &Fixture, format: BackupFormat, packing: Packing) -> (Backup, PathBuf) {
    let mut request = fixture.request();
    request.format = format;
    request.packing = packing;
    let backup = create(&fixture.server().await, &fixture.store, &request, &quiet)
        .await
        .unwrap();
    let path = backup.folder().unwrap().join(&backup.manifest.files[0].name);
    (backup, path)
}

fn request() -> RestoreRequest {
    RestoreRequest {
        id: restore_id(Timestamp::now()),
        options: RestoreOptions::default(),
    }
}

#[tokio::test]
async fn a_cut_or_changed_backup_is_found_in_every_layout() {
    let fixture = Fixture::new("harmed").await;
    for (format, packing) in LAYOUTS {
        let (backup, path) = made(&fixture, format, packing).await;
        let whole = std::fs::read(&path).unwrap();
        // A place of its own for each: a fetch carries on with what an earlier one brought whole.
        let place = |what: &str| fixture.folder().join(format!("{}-{what}", backup.id));
        for lost in [whole.len() / 2, 200, 1] {
            std::fs::write(&path, &whole[..whole.len() - lost]).unwrap();
            let listed = fixture.store.list(&Filter::default()).await.unwrap();
            assert!(
                listed.iter().all(|found| found.id != backup.id),
                "{format:?} without {lost} bytes is listed"
            );
            get(&backup, &place(&format!("cut-{lost}")), &quiet)
                .await
                .unwrap_err();
        }
        for at in [0, whole.len() / 2, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            let destination = place(&format!("changed-{at}"));
            let error = get(&backup, &destination, &quiet).await.unwrap_err().to_string();
            assert!(
                error.contains("is damaged"),
                "{format:?} changed at {at}: {error}"
            );
            assert_eq!(walk(&destination), Vec::<PathBuf>::new());
        }
        std::fs::write(&path, &whole).unwrap();
        get(&backup, &place("whole"), &quiet).await.unwrap();
    }
}

#[tokio::test]
async fn a_changed_row_that_pg_restore_reads_over_is_found() {
    let fixture = Fixture::new("row").await;
    let setup = support::session(fixture.name(), "setup").await;
    setup
        .batch_execute("insert into orders (note) values ('the one that is changed')")
        .await
        .unwrap();
    let (backup, path) = made(&fixture, BackupFormat::Custom, Packing::None).await;
    let mut bytes = std::fs::read(&path).unwrap();
    let row = b"the one that is changed";
    let at = bytes.windows(row.len()).position(|window| window == row).unwrap();
    bytes[at] = b'T';
    std::fs::write(&path, &bytes).unwrap();
    // Read to its end by Postgres itself, without a complaint.
    support::run("pg_restore", &["--file=/dev/null", path.to_str().unwrap()], None);
    let error = restore(&fixture.server().await, &backup, &request(), &quiet)
        .await
        .unwrap_err();
    assert!(
        model::causes(&error).contains("is damaged"),
        "{}",
        model::causes(&error)
    );
    assert_eq!(databases_like(fixture.name()).await, [fixture.name()]);
}

#[tokio::test]
async fn a_backup_of_a_newer_server_is_refused_before_anything_is_created() {
    let fixture = Fixture::new("newer").await;
    let (mut backup, _) = made(&fixture, BackupFormat::Custom, Packing::Best).await;
    backup.manifest.server.version_num += 10_000;
    let error = restore(&fixture.server().await, &backup, &request(), &quiet)
        .await
        .unwrap_err();
    assert!(matches!(error, RestoreError::Newer { .. }), "{error}");
    assert_eq!(databases_like(fixture.name()).await, [fixture.name()]);
}

#[tokio::test]
async fn a_name_that_is_a_command_to_psql_stays_a_name() {
    let fixture = Fixture::new(HOSTILE).await;
    let trap = fixture.folder().join("touched");
    let name = format!("x\n\\! touch {}\n--", trap.display());
    let quoted = support::quoted(&name);
    let setup = support::session(fixture.name(), "setup").await;
    setup
        .batch_execute(&format!(
            "create table {quoted} (x int); comment on table {quoted} is '{}'",
            name.replace('\'', "''")
        ))
        .await
        .unwrap();
    drop(setup);
    let before = content(fixture.name()).await;
    let (backup, _) = made(&fixture, BackupFormat::Custom, Packing::Best).await;
    restore(&fixture.server().await, &backup, &request(), &quiet)
        .await
        .unwrap();
    assert_eq!(content(fixture.name()).await, before);
    let there = "select count(*)::text from pg_tables where tablename like 'x%touch%'";
    assert_eq!(ask(fixture.name(), there).await, "1");
    assert!(!trap.exists(), "a name of the source ran a command here");
}

#[tokio::test]
async fn what_belongs_to_the_database_but_not_into_its_dump_is_kept_beside_it() {
    let fixture = Fixture::new("beside").await;
    let role = support::unique("beside_role");
    let quoted = support::quoted(fixture.name());
    let setup = support::session("postgres", "setup").await;
    for statement in [
        format!("create role {role} login password 'not to be seen'"),
        format!("alter database {quoted} set work_mem = '7MB'"),
        format!("alter role {role} in database {quoted} set search_path = 'odd'"),
        format!("grant connect on database {quoted} to {role}"),
        format!("comment on database {quoted} is 'kept'"),
    ] {
        setup.batch_execute(&statement).await.unwrap();
    }
    let backup = fixture.create().await;
    let read = |name: &str| std::fs::read_to_string(backup.folder().unwrap().join(name)).unwrap();
    let settings = read("settings.json");
    for what in ["work_mem", "search_path", "\"kept\"", &format!("{role}=c/")] {
        assert!(settings.contains(what), "no {what} in {settings}");
    }
    let globals = read("globals.sql");
    assert!(globals.contains(&format!("CREATE ROLE {role}")), "{globals}");
    assert!(
        !globals.contains("PASSWORD") && !globals.contains("SCRAM"),
        "{globals}"
    );
}

#[tokio::test]
async fn one_table_can_be_taken_out_of_a_folder_of_files() {
    let fixture = Fixture::new("selective").await;
    let (_, path) = made(&fixture, BackupFormat::Directory, Packing::None).await;
    let place = tempfile::tempdir().unwrap();
    let status = Command::new("tar")
        .arg("-xf")
        .arg(&path)
        .current_dir(place.path())
        .status()
        .unwrap();
    assert!(status.success());
    let dump = place.path().join("dump");
    let text = support::run(
        "pg_restore",
        &["--table=goose_db_version", "--file=-", dump.to_str().unwrap()],
        None,
    );
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains("COPY public.goose_db_version") && !text.contains("orders"),
        "{text}"
    );
}
