//! A door on this machine to the port of a pod, for client programs that know nothing of clusters.

use std::io;

use cluster::Cluster;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::task::JoinHandle;

/// The number in the name of a socket, and in the connection string that leads to it.
const SOCKET_PORT: u16 = 5432;

/// The door; shut when dropped.
pub(super) struct Door {
    /// The host to give to a client program: a folder with a socket, or a loopback address.
    pub(super) host: String,
    /// The port to give to it.
    pub(super) port: u16,
    task: JoinHandle<()>,
    /// Gone with the door.
    #[cfg(unix)]
    _folder: Option<tempfile::TempDir>,
}

impl Door {
    /// Opens a door to a port of a pod. Many servers trust whoever comes from their own pod, as connections through the
    /// API server do: so the door is a socket in a folder that only its owner may enter, where the system has such
    /// things and the connection is not to be encrypted, which sockets never are; else a port on loopback.
    pub(super) async fn open(
        cluster: &Cluster,
        namespace: &str,
        pod: &str,
        port: u16,
        encrypted: bool,
    ) -> io::Result<Self> {
        let pod = Behind {
            cluster: cluster.clone(),
            namespace: namespace.to_owned(),
            pod: pod.to_owned(),
            port,
        };
        #[cfg(unix)]
        if !encrypted {
            let folder = tempfile::Builder::new().prefix("pgbackup-").tempdir()?;
            let listener =
                tokio::net::UnixListener::bind(folder.path().join(format!(".s.PGSQL.{SOCKET_PORT}")))?;
            let task = tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(pod.clone().carry(stream));
                }
            });
            return Ok(Self {
                host: folder.path().display().to_string(),
                port: SOCKET_PORT,
                task,
                _folder: Some(folder),
            });
        }
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pod.clone().carry(stream));
            }
        });
        Ok(Self {
            host: "127.0.0.1".into(),
            port,
            task,
            #[cfg(unix)]
            _folder: None,
        })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What is behind the door.
#[derive(Clone)]
struct Behind {
    cluster: Cluster,
    namespace: String,
    pod: String,
    port: u16,
}

impl Behind {
    /// Carries one connection. Programs of Postgres close both ways at once: when one side has nothing more to say, both
    /// are closed, because a way through the API server cannot be closed by half.
    async fn carry(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        // The client program says what it makes of a connection that closes at once.
        let Ok(forward) = self
            .cluster
            .port_forward(&self.namespace, &self.pod, self.port)
            .await
        else {
            return;
        };
        let (mut from_pod, mut to_pod) = tokio::io::split(forward);
        let (mut from_client, mut to_client) = tokio::io::split(stream);
        let there = async {
            let copied = tokio::io::copy(&mut from_client, &mut to_pod).await;
            let _ = to_pod.flush().await;
            copied
        };
        let back = async {
            let copied = tokio::io::copy(&mut from_pod, &mut to_client).await;
            let _ = to_client.shutdown().await;
            copied
        };
        tokio::select! {
            _ = there => {}
            _ = back => {}
        }
    }
}
