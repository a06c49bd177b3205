//! The scripts on a folder of this machine: what a pod adds is only who carries the bytes.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::base::run;
use crate::feed::Feed;
use crate::script::{self, Trailer};
use crate::{Backup, LocalRunner, Place, Runner, Store};

use super::check_artefacts;

fn runner() -> Arc<dyn Runner> {
    Arc::new(LocalRunner::default())
}

async fn said(script: &str, arguments: &[&str]) -> (String, i32) {
    let (said, end) = run(&runner(), script, arguments).await.unwrap();
    (said, end.exit_code)
}

/// Every file below a folder with its content, by path.
fn content(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            let below = content(&path).into_iter();
            found.extend(below.map(|(path, text)| (format!("{name}/{path}"), text)));
        } else {
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}

fn text(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect()
}

/// A volume with an artefact unpacked beside what is in use.
fn volume() -> tempfile::TempDir {
    let volume = tempfile::tempdir().unwrap();
    let at = |path: &str| volume.path().join(path);
    for folder in ["sub", "lost+found", ".pgbackup-incoming-r-0/new"] {
        fs::create_dir_all(at(folder)).unwrap();
    }
    for (file, text) in [("a", "old"), (".hidden", "old"), ("sub/b", "old")] {
        fs::write(at(file), text).unwrap();
    }
    fs::write(at(".pgbackup-incoming-r-0/new/c"), "new").unwrap();
    fs::write(at(".pgbackup-incoming-r-0/.dot"), "new").unwrap();
    volume
}

const SWAPPED: [(&str, &str); 5] = [
    (".dot", "new"),
    (".pgbackup-pre-r-0/.hidden", "old"),
    (".pgbackup-pre-r-0/a", "old"),
    (".pgbackup-pre-r-0/sub/b", "old"),
    ("new/c", "new"),
];

fn without_journal(folder: &Path) -> Vec<(String, String)> {
    let mut found = content(folder);
    found.retain(|(path, _)| !path.starts_with(".pgbackup-journal-"));
    found
}

#[tokio::test]
async fn what_is_in_use_is_moved_aside_and_nothing_of_it_is_lost_wherever_it_is_killed() {
    // As a kill would leave it: how far the moves are, by the journal and by what has been moved.
    let moves: [(&str, &[(&str, &str)]); 5] = [
        ("", &[]),
        ("unpacked", &[]),
        ("unpacked", &[("a", ".pgbackup-pre-r-0/a")]),
        (
            "aside",
            &[
                ("a", ".pgbackup-pre-r-0/a"),
                ("sub", ".pgbackup-pre-r-0/sub"),
                (".hidden", ".pgbackup-pre-r-0/.hidden"),
            ],
        ),
        (
            "aside",
            &[
                ("a", ".pgbackup-pre-r-0/a"),
                ("sub", ".pgbackup-pre-r-0/sub"),
                (".hidden", ".pgbackup-pre-r-0/.hidden"),
                (".pgbackup-incoming-r-0/new", "new"),
            ],
        ),
    ];
    for (phase, moved) in moves {
        let volume = volume();
        let at = |path: &str| volume.path().join(path);
        fs::create_dir(at(".pgbackup-pre-r-0")).unwrap();
        if !phase.is_empty() {
            fs::write(at(".pgbackup-journal-r-0"), format!("phase {phase}\n")).unwrap();
        }
        for (from, to) in moved {
            fs::rename(at(from), at(to)).unwrap();
        }
        let place = volume.path().to_str().unwrap();
        for _ in 0..2 {
            // Twice is once.
            let (told, code) = said(script::ARTEFACT_SWAP, &[place, "r-0", "."]).await;
            assert_eq!(
                (told.as_str(), code),
                ("aside .pgbackup-pre-r-0\n", 0),
                "{phase} {moved:?}"
            );
            assert_eq!(
                without_journal(volume.path()),
                text(&SWAPPED),
                "{phase} {moved:?}"
            );
        }
        assert!(at("lost+found").is_dir());
    }
}

#[tokio::test]
async fn what_was_made_again_between_a_kill_and_the_next_run_is_never_overwritten() {
    struct Killed<'a> {
        phase: &'a str,
        moved: &'a [(&'a str, &'a str)],
        made_again: &'a str,
        namesake: &'a str,
    }
    let cases = [
        Killed {
            phase: "unpacked",
            moved: &[("a", ".pgbackup-pre-r-0/a")],
            made_again: "a",
            namesake: ".pgbackup-pre-r-0/a",
        },
        Killed {
            phase: "aside",
            moved: &[
                ("a", ".pgbackup-pre-r-0/a"),
                ("sub", ".pgbackup-pre-r-0/sub"),
                (".hidden", ".pgbackup-pre-r-0/.hidden"),
            ],
            made_again: ".dot",
            namesake: ".pgbackup-incoming-r-0/.dot",
        },
    ];
    for Killed {
        phase,
        moved,
        made_again: made,
        namesake,
    } in cases
    {
        let volume = volume();
        let at = |path: &str| volume.path().join(path);
        fs::create_dir(at(".pgbackup-pre-r-0")).unwrap();
        fs::write(at(".pgbackup-journal-r-0"), format!("phase {phase}\n")).unwrap();
        for (from, to) in moved {
            fs::rename(at(from), at(to)).unwrap();
        }
        let kept = fs::read_to_string(at(namesake)).unwrap();
        fs::write(at(made), "made again").unwrap();
        let arguments = [volume.path().to_str().unwrap(), "r-0", "."];
        let (_, end) = run(&runner(), script::ARTEFACT_SWAP, &arguments).await.unwrap();
        assert_eq!(end.exit_code, 69, "{phase}: {end:?}");
        assert!(end.stderr_tail.contains("nothing was overwritten"), "{end:?}");
        assert_eq!(fs::read_to_string(at(made)).unwrap(), "made again", "{phase}");
        assert_eq!(fs::read_to_string(at(namesake)).unwrap(), kept, "{phase}");
        // Whoever takes it away can carry on.
        fs::remove_file(at(made)).unwrap();
        let (_, code) = said(script::ARTEFACT_SWAP, &arguments).await;
        assert_eq!(code, 0, "{phase}");
        assert_eq!(without_journal(volume.path()), text(&SWAPPED), "{phase}");
    }
}

#[tokio::test]
async fn a_folder_of_a_volume_is_put_back_alone() {
    let volume = volume();
    let place = volume.path().to_str().unwrap();
    let (_, code) = said(script::ARTEFACT_SWAP, &[place, "r-0", "sub"]).await;
    assert_eq!(code, 0);
    let wanted = [
        (".hidden", "old"),
        (".pgbackup-pre-r-0/b", "old"),
        ("a", "old"),
        ("sub/.dot", "new"),
        ("sub/new/c", "new"),
    ];
    assert_eq!(without_journal(volume.path()), text(&wanted));
}

#[tokio::test]
async fn what_was_only_unpacked_goes_again_and_what_has_begun_to_move_stays() {
    let volume = volume();
    let place = volume.path().to_str().unwrap();
    fs::write(volume.path().join(".pgbackup-journal-r-0"), "phase aside\n").unwrap();
    said(script::ARTEFACT_FORGET, &[place, "r-0"]).await;
    assert!(volume.path().join(".pgbackup-incoming-r-0").exists());
    fs::remove_file(volume.path().join(".pgbackup-journal-r-0")).unwrap();
    said(script::ARTEFACT_FORGET, &[place, "r-0"]).await;
    assert_eq!(
        content(volume.path()),
        text(&[(".hidden", "old"), ("a", "old"), ("sub/b", "old")])
    );
    let (_, code) = said(script::ARTEFACT_SWAP, &[place, "r-0", "."]).await;
    assert_ne!(code, 0, "nothing was unpacked");
    assert!(volume.path().join("a").exists());
}

#[tokio::test]
async fn the_archive_leaves_out_what_is_ours_and_says_what_it_holds() {
    let volume = volume();
    let place = volume.path().to_str().unwrap();
    let mut archive = Vec::new();
    let arguments = ["N", "gzip", place].map(str::to_owned);
    let end = runner()
        .run(
            script::ARTEFACT_TAR,
            &arguments,
            Box::new(Feed::new(None)),
            &mut archive,
        )
        .await
        .unwrap();
    let trailer = Trailer::find(&end.stderr_tail, "N").unwrap();
    let mut names: Vec<String> = tar::Archive::new(flate2::read::GzDecoder::new(archive.as_slice()))
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    names.sort();
    assert_eq!(names, ["./.hidden", "./a", "./sub/", "./sub/b"]);
    assert_eq!(trailer.bytes("entries"), Some(4));
    assert_eq!(trailer.bytes("bytes"), Some(archive.len() as u64));
    assert_eq!(trailer.text("sha256"), crate::transfer::hash(&archive));
}

#[tokio::test]
async fn what_cannot_be_moved_is_found_before_anything_is_touched() {
    use std::os::unix::fs::PermissionsExt as _;
    let volume = volume();
    let at = |path: &str| volume.path().join(path);
    let rights = |path: &str, mode: u32| {
        fs::set_permissions(at(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    std::os::unix::fs::symlink("sub", at("link")).unwrap();
    rights("sub", 0o555);
    rights("lost+found", 0o555);
    rights("a", 0o444);
    // Root may write to everything, whatever its rights say.
    let root = fs::write(at("sub/trial"), "").is_ok();
    let place = volume.path().to_str().unwrap();
    let fixed = async |folder: &str, act: &str| {
        let (told, code) = said(script::ARTEFACT_LOOK, &[place, folder, act]).await;
        assert_eq!(code, 0, "{told}");
        let lines = told.lines().filter_map(|line| line.strip_prefix("fixed "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let wanted = |name: &str| if root { Vec::new() } else { vec![name.to_owned()] };
    assert_eq!(fixed(".", "write").await, wanted("sub"));
    assert_eq!(fixed("sub", "write").await, wanted("sub"));
    assert_eq!(fixed("sub/new/deep", "write").await, wanted("sub"));
    assert_eq!(fixed(".", "read").await, Vec::<String>::new());
    rights("sub", 0o755);
    assert_eq!(fixed(".", "write").await, Vec::<String>::new());
    assert_eq!(fixed("new/deep", "write").await, Vec::<String>::new());
}

/// A backup in a folder with one artefact, and where the artefact's file is.
async fn backed_up(folder: &Path) -> (Backup, std::path::PathBuf) {
    let archive: Vec<u8> = (0..500_000_u32).map(|index| (index % 241) as u8).collect();
    let packed = zstd::encode_all(archive.as_slice(), 1).unwrap();
    let id = crate::BackupId::new(jiff::Timestamp::now());
    let sha256 = crate::transfer::hash(&packed);
    let manifest = serde_json::json!({
        "apiVersion": model::API_VERSION, "kind": "BackupManifest", "id": id.as_str(), "cluster": "c",
        "namespace": "n", "serverName": "s", "database": "d",
        "server": {"version": "17.0", "versionNum": 170000, "systemIdentifier": null, "inRecovery": false, "lsn": null},
        "clientVersion": "17", "startedAt": "2025-01-31T00:00:00Z", "finishedAt": "2025-01-31T00:00:01Z",
        "databaseBytes": 1, "rows": [], "schemaHash": "", "migration": null, "extensions": {}, "owners": [],
        "settings": [], "release": null, "madeBy": "t", "reason": "t",
        "proof": {"exitStatus": 0, "bytesMatch": true, "hashMatch": true, "readToEnd": true},
        "files": [{"name": "artefact-u.tar.zst", "codec": "zstd", "bytes": packed.len(),
            "sha256Stream": sha256, "sha256Stored": sha256}],
        "artefacts": [
            {"of": {"kind": "volume", "namespace": "n", "claim": "u", "path": null},
             "kept": {"as": "tar", "file": "artefact-u.tar.zst", "entries": 3, "archiveBytes": archive.len(),
                "archiveSha256": crate::transfer::hash(&archive), "owner": "7:7", "changed": false},
             "startedAt": "", "finishedAt": "", "gapSeconds": 1.5, "held": false},
            {"of": {"kind": "bucket", "url": "s3://b"},
             "kept": {"as": "instant", "versioning": "enabled", "retention": "none"},
             "startedAt": "", "finishedAt": "", "gapSeconds": 1.5, "held": false},
        ],
    });
    let store = Store::open(folder.to_str().unwrap()).unwrap();
    let place = Place {
        cluster: "c".into(),
        namespace: "n".into(),
        server: "s".into(),
        database: "d".into(),
    };
    let draft = store.draft(&place, &id).await.unwrap();
    draft.write("artefact-u.tar.zst", packed).await.unwrap();
    let backup = draft
        .publish(serde_json::from_value(manifest).unwrap())
        .await
        .unwrap();
    let file = backup.folder().unwrap().join("artefact-u.tar.zst");
    (backup, file)
}

#[tokio::test]
async fn an_archive_that_was_damaged_in_its_store_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (backup, file) = backed_up(folder.path()).await;
    let checked = check_artefacts(&backup, &|_, _| ()).await.unwrap();
    assert_eq!(checked.differences, Vec::<String>::new());
    assert!(
        checked.compared[0].contains("volume n/u: 3 entries"),
        "{checked:?}"
    );
    assert!(checked.left_out[0].contains("bucket s3://b"), "{checked:?}");

    let (mut other, _) = backed_up(folder.path()).await;
    other.manifest.files[0].codec = "lz9".into();
    // A newer version may know it: that is no word against the backup.
    let error = check_artefacts(&other, &|_, _| ()).await.unwrap_err();
    let told = model::causes(&error);
    assert!(
        told.contains("lz9") && told.contains("artefact-u.tar.zst"),
        "{told}"
    );

    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&file, bytes).unwrap();
    let checked = check_artefacts(&backup, &|_, _| ()).await.unwrap();
    assert_eq!(
        (checked.compared.len(), checked.differences.len()),
        (0, 1),
        "{checked:?}"
    );
}
