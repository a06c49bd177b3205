//! Copies of a whole server.

use std::sync::Arc;

use async_trait::async_trait;
use backup::{
    BackupId, BaseError, BaseRequest, LocalRunner, Place, RunEnd, RunError, Runner, Server, WHOLE_SERVER,
    create_base,
};
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use crate::fixture::{Fixture, quiet};
use crate::support;

pub(crate) fn request() -> BaseRequest {
    BaseRequest {
        id: BackupId::new(Timestamp::now()),
        place: Place {
            cluster: "direct".into(),
            namespace: "direct".into(),
            server: "test".into(),
            database: WHOLE_SERVER.into(),
        },
        reason: "test".into(),
        made_by: "test".into(),
        release: None,
        rate: None,
    }
}

#[tokio::test]
async fn a_copy_is_proven_file_by_file_and_postgres_says_so_too() {
    let fixture = Fixture::new("base").await;
    let server = fixture.server().await;
    let backup = create_base(&server, &fixture.store, &request(), &quiet)
        .await
        .unwrap();
    let base = backup.manifest.base.clone().unwrap();
    assert!(base.file_count > 500 && base.timeline == 1, "{base:?}");
    assert_eq!(base.administrator, "postgres");
    assert!(base.configuration.contains(&"pg_hba.conf".to_owned()), "{base:?}");
    assert!(backup.manifest.proof.is_complete());
    assert_eq!(backup.manifest.database, "*");

    // What we call proven, pg_verifybackup calls proven.
    let file = &backup.manifest.files[0];
    let unpacked = tempfile::tempdir().unwrap();
    let script = "zstd -q -d -c \"$1\" | tar -x -C \"$2\" && \"$3/pg_verifybackup\" -q \"$2\"";
    let packed = backup.folder().unwrap().join(&file.name);
    let status = std::process::Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(packed)
        .arg(unpacked.path())
        .arg(&support::server().bin)
        .status()
        .unwrap();
    assert!(status.success());
    let listed = fixture.store.list(&backup::Filter::default()).await.unwrap();
    assert!(listed.iter().any(|found| found.id == backup.id));
}

#[tokio::test]
async fn who_may_not_replicate_is_told_what_to_grant() {
    let fixture = Fixture::new("base-right").await;
    let role = support::unique("plain");
    let admin = support::session("postgres", "roles").await;
    let create = format!("create role \"{role}\" login password 'p'");
    admin.batch_execute(&create).await.unwrap();
    let credentials = support::credentials(&role, "p");
    let runner = Arc::new(LocalRunner::default());
    let server = Server::reach_through(runner, &fixture.location, &credentials, &support::unique("test"))
        .await
        .unwrap();
    let refused = create_base(&server, &fixture.store, &request(), &quiet)
        .await
        .unwrap_err();
    assert!(matches!(refused, BaseError::NoReplication { .. }), "{refused}");
    assert!(fixture.left().is_empty());
}

/// What a place does to the stream that leaves it.
#[derive(Clone, Copy)]
enum Harm {
    Flip,
    Cut,
}

/// A place whose copies come over harmed, with the proof of what was sent untouched.
struct Harming(LocalRunner, Harm);

/// Where the harm begins: well within the data.
const AT: usize = 300_000;

#[async_trait]
impl Runner for Harming {
    async fn run(
        &self,
        script: &str,
        arguments: &[String],
        input: Box<dyn AsyncRead + Unpin + Send>,
        output: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<RunEnd, RunError> {
        if !script.contains("guarded_copy") {
            return self.0.run(script, arguments, input, output).await;
        }
        let mut whole = Vec::new();
        let end = self.0.run(script, arguments, input, &mut whole).await?;
        match self.1 {
            Harm::Flip => whole[AT] ^= 1,
            Harm::Cut => whole.truncate(AT),
        }
        // A reader that gave up is what is tested for.
        let _ = output.write_all(&whole).await;
        Ok(end)
    }

    fn place(&self) -> String {
        self.0.place()
    }
}

#[tokio::test]
async fn a_copy_that_changed_on_its_way_leaves_nothing() {
    for harm in [Harm::Flip, Harm::Cut] {
        let fixture = Fixture::new("base-harm").await;
        let server = fixture
            .server_through(Arc::new(Harming(LocalRunner::default(), harm)))
            .await;
        let error = create_base(&server, &fixture.store, &request(), &quiet)
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                BaseError::Inspect(_)
                    | BaseError::Changed(_)
                    | BaseError::Differs(_)
                    | BaseError::Write { .. }
            ),
            "{error:?}"
        );
        assert!(fixture.left().is_empty(), "{:?}", fixture.left());
    }
}

#[tokio::test]
async fn nothing_of_a_copy_stays_on_the_server() {
    let fixture = Fixture::new("base-left").await;
    let server = fixture.server().await;
    create_base(&server, &fixture.store, &request(), &quiet)
        .await
        .unwrap();
    let look = support::session("postgres", "look").await;
    support::until(
        &look,
        "select count(*) = 0 from pg_replication_slots where slot_name like 'safe_upgrade%'",
    )
    .await;
}
