//! Files to and from a place, through the runner of this machine and through ones that lose, change and refuse bytes.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use backup::files::{CopiedFile, FileError, FileProof, get_file, put_file};
use backup::{LocalRunner, RunEnd, RunError, Runner};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Names that break whoever pastes them into a shell or takes them for an option.
const NAMES: [&str; 5] = [
    "plain",
    "-rf",
    "a b'\"$(touch x)`é%s\\",
    "new\nline",
    "trailing\n",
];

const MIB: usize = 1 << 20;

/// What a place does to the bytes that pass.
#[derive(Default)]
struct Fault {
    /// Said before every script.
    before: String,
    /// Cut the stream after so many bytes and fail.
    break_after: Option<usize>,
    /// Lose what comes after so many bytes and say nothing.
    lose_after: Option<usize>,
    /// Change the byte at this place.
    flip: Option<usize>,
}

#[async_trait]
impl Runner for Fault {
    async fn run(
        &self,
        script: &str,
        arguments: &[String],
        mut input: Box<dyn AsyncRead + Unpin + Send>,
        output: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<RunEnd, RunError> {
        let script = format!("{}{script}", self.before);
        let sends = script.contains("umask 077");
        if let Some(place) = self.flip.filter(|_| sends) {
            let mut head = vec![0; place + 1];
            input.read_exact(&mut head).await.map_err(RunError::Local)?;
            head[place] ^= 1;
            input = Box::new(std::io::Cursor::new(head).chain(input));
        }
        let mut held = Vec::new();
        let end = LocalRunner::default()
            .run(&script, arguments, input, &mut held)
            .await?;
        if held.is_empty() {
            return Ok(end);
        }
        if let Some(place) = self.flip {
            held[place] ^= 1;
        }
        held.truncate(self.lose_after.unwrap_or(held.len()));
        let cut = self.break_after.filter(|cut| *cut < held.len());
        let passed = &held[..cut.unwrap_or(held.len())];
        output.write_all(passed).await.map_err(RunError::Local)?;
        output.flush().await.map_err(RunError::Local)?;
        match cut {
            Some(_) => Err(RunError::Local(std::io::ErrorKind::ConnectionReset.into())),
            None => Ok(end),
        }
    }

    fn place(&self) -> String {
        "a bad place".into()
    }
}

fn quiet(_message: &str, _share: Option<f64>) {}

async fn get(runner: &dyn Runner, from: &Path, to: &Path) -> Result<CopiedFile, FileError> {
    get_file(runner, from.to_str().unwrap(), to, false, &quiet).await
}

async fn put(runner: &dyn Runner, from: &Path, to: &Path) -> Result<CopiedFile, FileError> {
    put_file(runner, from, to.to_str().unwrap(), false, &quiet).await
}

/// Bytes of every value, without a period that a lost block could hide in.
fn content(bytes: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..bytes).map(next).collect()
}

fn there_and_here(bytes: usize) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (there, here) = (folder.path().join("there"), folder.path().join("here"));
    std::fs::write(&there, content(bytes)).unwrap();
    (folder, there, here)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn files_of_every_size_and_name_go_there_and_back_with_their_mode() {
    for (bytes, name) in [0, 1, MIB, 3 * MIB + 7, 70_000].into_iter().zip(NAMES) {
        let folder = tempfile::tempdir().unwrap();
        let [source, sent, back] = ["a", "b", "c"].map(|place| {
            let place = folder.path().join(place);
            std::fs::create_dir(&place).unwrap();
            place.join(name)
        });
        std::fs::write(&source, content(bytes)).unwrap();
        set_mode(&source, 0o750);
        let copied = put(&LocalRunner::default(), &source, &sent).await.unwrap();
        assert_eq!((copied.bytes, copied.proof), (bytes as u64, FileProof::Sha256));
        let fetched = get(&LocalRunner::default(), &sent, &back).await.unwrap();
        assert_eq!(fetched.sha256, copied.sha256);
        assert_eq!(std::fs::read(&back).unwrap(), content(bytes), "{name:?}");
        assert_eq!((mode(&sent), mode(&back)), (0o750, 0o750));
        for file in [sent, back] {
            assert_eq!(names(file.parent().unwrap()), [name]);
        }
    }
}

#[tokio::test]
async fn a_name_without_a_folder_is_below_the_place_where_commands_run() {
    // The runner's working folder is this crate's, which has such a file.
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("manifest");
    let copied = get_file(&LocalRunner::default(), "Cargo.toml", &here, false, &quiet)
        .await
        .unwrap();
    assert_eq!(copied.bytes, std::fs::metadata(&here).unwrap().len());
}

#[tokio::test]
async fn a_broken_copy_is_taken_up_where_its_hash_proves_the_beginning() {
    let (folder, there, here) = there_and_here(5 * MIB + 3);
    let broken = Fault {
        break_after: Some(3 * MIB + 100),
        ..Fault::default()
    };
    assert!(matches!(
        get(&broken, &there, &here).await,
        Err(FileError::Run(_))
    ));
    assert_eq!(names(folder.path()), ["here.part", "there"]);
    let copied = get(&LocalRunner::default(), &there, &here).await.unwrap();
    assert_eq!(copied.resumed, 3 * MIB as u64);
    assert_eq!(std::fs::read(&here).unwrap(), content(5 * MIB + 3));
    assert_eq!(names(folder.path()), ["here", "there"]);
}

#[tokio::test]
async fn what_is_no_beginning_of_the_file_is_not_built_on() {
    let (folder, there, here) = there_and_here(2 * MIB + 3);
    // Of another file, and longer.
    std::fs::write(folder.path().join("here.part"), vec![7; 4 * MIB]).unwrap();
    let copied = get(&LocalRunner::default(), &there, &here).await.unwrap();
    assert_eq!(copied.resumed, 0);
    assert_eq!(std::fs::read(&here).unwrap(), content(2 * MIB + 3));
}

#[tokio::test]
async fn a_lost_tail_and_a_flipped_byte_are_failures_that_leave_the_old_file() {
    for (fault, short) in [
        (
            Fault {
                lose_after: Some(100_000),
                ..Fault::default()
            },
            true,
        ),
        (
            Fault {
                flip: Some(70_000),
                ..Fault::default()
            },
            false,
        ),
    ] {
        let (_folder, there, here) = there_and_here(100_001);
        std::fs::write(&here, "old").unwrap();
        let error = get_file(&fault, there.to_str().unwrap(), &here, true, &quiet)
            .await
            .unwrap_err();
        match error {
            FileError::Short { sent, arrived, .. } => {
                assert_eq!((short, sent, arrived), (true, 100_001, 100_000))
            }
            FileError::Differs { .. } => assert!(!short),
            other => panic!("{other}"),
        }
        assert_eq!(std::fs::read(&here).unwrap(), b"old");
    }
}

#[tokio::test]
async fn a_byte_that_changes_on_its_way_into_the_pod_leaves_the_old_file_and_no_part() {
    let (folder, here, there) = there_and_here(100_001);
    std::fs::write(&there, "old").unwrap();
    let fault = Fault {
        flip: Some(70_000),
        ..Fault::default()
    };
    let error = put_file(&fault, &here, there.to_str().unwrap(), true, &quiet)
        .await
        .unwrap_err();
    assert!(
        matches!(error, FileError::Differs { proof: "sha256", .. }),
        "{error}"
    );
    assert_eq!(std::fs::read(&there).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["here", "there"]);
}

#[tokio::test]
async fn a_full_disk_in_the_pod_leaves_the_old_file_and_no_part() {
    let (folder, here, there) = there_and_here(3 * MIB);
    std::fs::write(&there, "old").unwrap();
    // A limit on the size of files ends a write as a full disk does.
    let full = Fault {
        before: "trap '' XFSZ; ulimit -f 1024;\n".into(),
        ..Fault::default()
    };
    let error = put_file(&full, &here, there.to_str().unwrap(), true, &quiet)
        .await
        .unwrap_err();
    assert!(
        matches!(error, FileError::Remote { doing: "write", .. }),
        "{error}"
    );
    assert_eq!(std::fs::read(&there).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["here", "there"]);
}

#[tokio::test]
async fn a_disk_that_takes_nothing_here_leaves_the_old_file() {
    let (folder, there, here) = there_and_here(MIB);
    std::fs::write(&here, "old").unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.path().join("here.part")).unwrap();
    let error = get_file(
        &LocalRunner::default(),
        there.to_str().unwrap(),
        &here,
        true,
        &quiet,
    )
    .await;
    assert!(matches!(error, Err(FileError::Local { doing: "write", .. })));
    assert_eq!(std::fs::read(&here).unwrap(), b"old");
}

#[tokio::test]
async fn nothing_is_replaced_unless_it_may_be() {
    let (_folder, there, here) = there_and_here(10);
    std::fs::write(&here, "old").unwrap();
    let runner = LocalRunner::default();
    assert!(matches!(
        get(&runner, &there, &here).await,
        Err(FileError::Taken(_))
    ));
    assert!(matches!(
        put(&runner, &there, &here).await,
        Err(FileError::Taken(_))
    ));
    assert_eq!(std::fs::read(&here).unwrap(), b"old");
    let copied = put_file(&runner, &there, here.to_str().unwrap(), true, &quiet)
        .await
        .unwrap();
    assert_eq!((copied.bytes, std::fs::read(&here).unwrap()), (10, content(10)));
}

#[tokio::test]
async fn what_is_no_file_is_said_to_be_none() {
    let (folder, there, here) = there_and_here(10);
    let runner = LocalRunner::default();
    let told = |found: Result<CopiedFile, FileError>| found.unwrap_err().to_string();
    assert!(told(get(&runner, folder.path(), &here).await).contains("is a folder"));
    assert!(told(get(&runner, Path::new("/dev/null"), &here).await).contains("is a device"));
    assert!(told(get(&runner, &folder.path().join("none"), &here).await).contains("no file"));
    assert!(told(get(&runner, &there, folder.path()).await).contains("is a folder"));
    assert!(told(put(&runner, &there, folder.path()).await).contains("is a folder"));
    std::os::unix::fs::symlink(&there, &here).unwrap();
    let over = put_file(&runner, &there, here.to_str().unwrap(), true, &quiet).await;
    assert!(told(over).contains("is a link"));
    let missing = put(&runner, &there, &folder.path().join("no folder").join("x")).await;
    assert!(matches!(missing, Err(FileError::Remote { doing: "write", .. })));
}

#[tokio::test]
async fn a_place_without_sha256sum_gives_a_weaker_proof_and_says_so() {
    for (tools, proof) in [(vec!["cksum"], FileProof::Cksum), (Vec::new(), FileProof::Bytes)] {
        let (folder, there, here) = there_and_here(MIB + 5);
        let programs = folder.path().join("programs");
        std::fs::create_dir(&programs).unwrap();
        let basic = [
            "sh", "cat", "head", "wc", "tee", "dd", "rm", "mv", "ln", "chmod", "stat", "sync",
        ];
        for tool in basic.into_iter().chain(tools) {
            let found = ["/usr/bin", "/bin"].map(|place| Path::new(place).join(tool));
            let found = found.iter().find(|path| path.exists()).unwrap();
            std::os::unix::fs::symlink(found, programs.join(tool)).unwrap();
        }
        let poor = Fault {
            before: format!("PATH='{}'; export PATH\n", programs.display()),
            ..Fault::default()
        };
        assert_eq!(get(&poor, &there, &here).await.unwrap().proof, proof);
        let back = folder.path().join("back");
        assert_eq!(put(&poor, &here, &back).await.unwrap().proof, proof);
        assert_eq!(std::fs::read(&back).unwrap(), content(MIB + 5));
        // And even the weaker one finds a changed byte.
        if proof == FileProof::Cksum {
            let fault = Fault {
                before: poor.before.clone(),
                flip: Some(17),
                ..Fault::default()
            };
            let elsewhere = folder.path().join("elsewhere");
            assert!(matches!(
                get(&fault, &there, &elsewhere).await,
                Err(FileError::Differs { proof: "cksum", .. })
            ));
            assert!(matches!(
                put(&fault, &there, &elsewhere).await,
                Err(FileError::Differs { proof: "cksum", .. })
            ));
        }
    }
}

#[tokio::test]
async fn two_copies_to_one_place_do_not_mix() {
    let (folder, there, here) = there_and_here(10);
    let other = std::fs::File::create(folder.path().join("here.part")).unwrap();
    other.lock().unwrap();
    assert!(matches!(
        get(&LocalRunner::default(), &there, &here).await,
        Err(FileError::Busy(_))
    ));
}

#[tokio::test]
#[ignore = "reads and writes 5 GiB"]
async fn sizes_beyond_32_bits_are_counted_right() {
    let folder = tempfile::tempdir().unwrap();
    let (there, here) = (folder.path().join("there"), folder.path().join("here"));
    let bytes = (4_u64 << 30) + 5;
    std::fs::File::create(&there).unwrap().set_len(bytes).unwrap();
    // All but the last MiB is here already, so that the place to go on at is beyond 32 bits, too.
    std::fs::File::create(folder.path().join("here.part"))
        .unwrap()
        .set_len(bytes - 5)
        .unwrap();
    let copied = get(&LocalRunner::default(), &there, &here).await.unwrap();
    assert_eq!((copied.bytes, copied.resumed), (bytes, 4 << 30));
}
