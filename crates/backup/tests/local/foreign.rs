//! Dumps that anybody made: every layout, packed and encrypted, cut, damaged, hostile.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use age::secrecy::ExposeSecret as _;
use backup::seal::Identities;
use backup::{FillError, ForeignDump, PlainFault, RestoreError, RestoreRequest, restore, restore_id};
use jiff::Timestamp;
use model::{RestoreOptions, causes};

use crate::fixture::{Fixture, HOSTILE, ask, content, databases_like, quiet};
use crate::support;

fn request() -> RestoreRequest {
    RestoreRequest {
        id: restore_id(Timestamp::now()),
        options: RestoreOptions::default(),
    }
}

/// A dump of the fixture's database as pg_dump writes it, in a file.
fn dump(fixture: &Fixture, format: &str, name: &str) -> PathBuf {
    let path = fixture.folder().join(name);
    let database = format!(
        "dbname='{}'",
        fixture.name().replace('\\', "\\\\").replace('\'', "\\'")
    );
    let file = path.to_str().unwrap();
    // The server's user writes nowhere of ours, so its programs run as whoever runs the test.
    support::run("pg_dump", &["--format", format, "--file", file, &database], None);
    path
}

async fn restored(fixture: &Fixture, path: &Path) -> Result<backup::RestoreReport, String> {
    let dump = ForeignDump::open(path, None)
        .await
        .map_err(|error| causes(&error))?;
    restore(&fixture.server().await, &dump, &request(), &quiet)
        .await
        .map_err(|error| causes(&error))
}

async fn spoil(fixture: &Fixture) {
    let session = support::session(fixture.name(), "migration").await;
    session
        .batch_execute("update orders set note = 'gone'")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_dump_of_every_layout_is_restored_and_the_database_before_is_kept() {
    // pg_dump writes no text of a database whose name has two lines.
    let fixture = Fixture::new(&HOSTILE.replace('\n', " ")).await;
    let before = content(fixture.name()).await;
    for (format, name) in [("c", "x.dump"), ("t", "x.tar"), ("d", "x.dir"), ("p", "x.sql")] {
        let path = dump(&fixture, format, name);
        spoil(&fixture).await;
        let report = restored(&fixture, &path).await.unwrap();
        assert_eq!(content(fixture.name()).await, before, "{name}");
        assert_eq!(
            ask(&report.kept_as, "select min(note) from orders").await,
            "gone",
            "{name}"
        );
        assert!(report.content.contains("rows in"), "{report:?}");
        assert!(
            report.compared.is_empty(),
            "nothing says what it should be: {report:?}"
        );
    }
}

/// A folder of the directory format that somebody packed with tar.
fn packed_folder(fixture: &Fixture, folder: &Path) -> PathBuf {
    let path = fixture.folder().join("folder.tar.gz");
    let file = std::fs::File::create(&path).unwrap();
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(file, flate2::Compression::fast()));
    tar.append_dir_all("some/where", folder).unwrap();
    tar.into_inner().unwrap().finish().unwrap();
    path
}

#[tokio::test]
async fn packed_and_encrypted_dumps_are_opened_while_they_are_read() {
    let fixture = Fixture::new("packed").await;
    let before = content(fixture.name()).await;
    let sql = std::fs::read(dump(&fixture, "p", "x.sql")).unwrap();
    let zst = fixture.folder().join("x.sql.zst");
    std::fs::write(&zst, zstd::encode_all(sql.as_slice(), 1).unwrap()).unwrap();
    let gz = fixture.folder().join("x.sql.gz");
    let mut packer =
        flate2::write::GzEncoder::new(std::fs::File::create(&gz).unwrap(), flate2::Compression::fast());
    packer.write_all(&sql).unwrap();
    packer.finish().unwrap();
    let folder = packed_folder(&fixture, &dump(&fixture, "d", "x.dir"));
    for path in [&zst, &gz, &folder] {
        spoil(&fixture).await;
        restored(&fixture, path).await.unwrap();
        assert_eq!(content(fixture.name()).await, before, "{}", path.display());
    }

    let key = age::x25519::Identity::generate();
    let sealed = fixture.folder().join("x.sql.zst.age");
    let bytes = age::encrypt(&key.to_public(), &std::fs::read(&zst).unwrap()).unwrap();
    std::fs::write(&sealed, bytes).unwrap();
    let shut = ForeignDump::open(&sealed, None).await.unwrap_err();
    assert!(causes(&shut).contains("--identity"), "{}", causes(&shut));
    let identity = fixture.folder().join("identity");
    std::fs::write(&identity, key.to_string().expose_secret()).unwrap();
    let identities = Arc::new(Identities::read(&[identity]).unwrap());
    let opened = ForeignDump::open(&sealed, Some(identities)).await.unwrap();
    spoil(&fixture).await;
    restore(&fixture.server().await, &opened, &request(), &quiet)
        .await
        .unwrap();
    assert_eq!(content(fixture.name()).await, before);
}

#[tokio::test]
async fn what_is_cut_or_no_dump_is_refused_before_anything_is_made() {
    let fixture = Fixture::new("cut").await;
    let sql = std::fs::read(dump(&fixture, "p", "whole.sql")).unwrap();
    let custom = std::fs::read(dump(&fixture, "c", "whole.dump")).unwrap();
    let tar = std::fs::read(dump(&fixture, "t", "whole.tar")).unwrap();
    let packed = zstd::encode_all(sql.as_slice(), 1).unwrap();
    let text = String::from_utf8(sql.clone()).unwrap();
    let last = text
        .rfind("\\unrestrict")
        .expect("a pg_dump that knows the restricted mode");
    let cases: Vec<(&str, &[u8])> = vec![
        ("half.sql", &sql[..sql.len() / 2]),
        ("without-trailer.sql", &sql[..last]),
        ("in-the-last-line.sql", &sql[..last + 20]),
        ("half.dump", &custom[..custom.len() / 2]),
        ("short.dump", &custom[..custom.len() - 200]),
        ("half.tar", &tar[..tar.len() / 2]),
        ("half.sql.zst", &packed[..packed.len() / 2]),
        ("empty.sql", b""),
        ("notes.txt", b"select 1;\n"),
        ("misnamed.dump", &packed),
    ];
    for (name, bytes) in cases {
        let path = fixture.folder().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = restored(&fixture, &path).await.expect_err(name);
        assert!(
            error.contains(name) || error.contains("ended with status 1"),
            "{name}: {error}"
        );
        assert_eq!(databases_like(fixture.name()).await, [fixture.name()], "{name}");
    }
    let folder = dump(&fixture, "d", "holes.dir");
    let table = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "gz"))
        .unwrap();
    std::fs::remove_file(table).unwrap();
    let error = restored(&fixture, &folder).await.unwrap_err();
    assert!(error.contains("reading the archive to its end"), "{error}");
    assert_eq!(databases_like(fixture.name()).await, [fixture.name()]);
}

/// CVE-2025-8714: what psql would take for a command of its own is never given to it.
#[tokio::test]
async fn a_hostile_dump_runs_no_command() {
    let fixture = Fixture::new("hostile").await;
    let trap = fixture.folder().join("trap");
    let sql = std::fs::read_to_string(dump(&fixture, "p", "x.sql")).unwrap();
    let (head, tail) = sql.split_at(sql.find("\nCREATE").unwrap());
    for command in [
        format!("\\! touch {}\n", trap.display()),
        format!("-- Name: x\n\\! touch {}\n", trap.display()),
        format!("select 1 \\g |touch {}\n", trap.display()),
    ] {
        let path = fixture.folder().join("evil.sql");
        std::fs::write(&path, format!("{head}\n{command}{tail}")).unwrap();
        let dump = ForeignDump::open(&path, None).await.unwrap();
        let error = restore(&fixture.server().await, &dump, &request(), &quiet)
            .await
            .unwrap_err();
        assert!(
            matches!(
                &error,
                RestoreError::Fill(FillError::Plain {
                    fault: PlainFault::Command { .. },
                    ..
                })
            ),
            "{error:?}"
        );
    }
    // What deceives the reader: the server is told to take backslashes in texts for escapes, so that psql leaves the text
    // where the reader enters it. psql itself then refuses the command.
    let deceit = format!(
        "do $$ begin perform set_config('standard_' || 'conforming_strings', 'off', false); end $$;\n\
         select 'a\\', ';\n\\! touch {}\nselect ';\n",
        trap.display()
    );
    let path = fixture.folder().join("deceit.sql");
    std::fs::write(&path, format!("{head}\n{deceit}{tail}")).unwrap();
    assert!(restored(&fixture, &path).await.is_err());
    assert!(!trap.exists(), "a command of the dump was run");
    assert_eq!(databases_like(fixture.name()).await, [fixture.name()]);
}

#[tokio::test]
async fn a_dump_that_fails_half_way_leaves_the_database_in_use_and_nothing_else() {
    let fixture = Fixture::new("breaks").await;
    let sql = std::fs::read_to_string(dump(&fixture, "p", "x.sql")).unwrap();
    let at = sql.rfind("\n--\n-- PostgreSQL database dump complete").unwrap();
    let (head, tail) = sql.split_at(at);
    let path = fixture.folder().join("breaks.sql");
    std::fs::write(
        &path,
        format!("{head}\nALTER TABLE public.orders OWNER TO nobody_here;\n{tail}"),
    )
    .unwrap();
    let error = restored(&fixture, &path).await.unwrap_err();
    assert!(error.contains("create role nobody_here"), "{error}");
    assert_eq!(databases_like(fixture.name()).await, [fixture.name()]);
}

#[tokio::test]
async fn several_sessions_fill_at_a_time_where_the_archive_allows_it() {
    let fixture = Fixture::new("jobs").await;
    let before = content(fixture.name()).await;
    let with_jobs = || RestoreRequest {
        options: RestoreOptions {
            jobs: Some(2),
            ..RestoreOptions::default()
        },
        ..request()
    };
    for (format, name) in [("c", "x.dump"), ("d", "x.dir")] {
        let dump = ForeignDump::open(&dump(&fixture, format, name), None)
            .await
            .unwrap();
        spoil(&fixture).await;
        restore(&fixture.server().await, &dump, &with_jobs(), &quiet)
            .await
            .unwrap();
        assert_eq!(content(fixture.name()).await, before, "{name}");
    }
    let text = ForeignDump::open(&dump(&fixture, "p", "x.sql"), None)
        .await
        .unwrap();
    let error = restore(&fixture.server().await, &text, &with_jobs(), &quiet)
        .await
        .unwrap_err();
    assert!(matches!(error, RestoreError::OneAtATime(_)), "{error}");
}
