//! A connection pooler before the server. A stand-in: it answers for its own console as PgBouncer does to whoever may not
//! use it, and carries every other connection to the real server.

use std::net::SocketAddr;

use backup::{ReachError, Route, Server, Wanted};
use model::BackupFormat;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::fixture::{Fixture, quiet};
use crate::support;

const CONSOLE: &[u8] = b"database\0pgbouncer\0";

async fn stand_in(port: u16) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = pass(client, port).await;
            });
        }
    });
    address
}

async fn pass(mut client: TcpStream, port: u16) -> std::io::Result<()> {
    let length = client.read_u32().await?;
    let mut message = vec![0; length as usize - 4];
    client.read_exact(&mut message).await?;
    if message.windows(CONSOLE.len()).any(|window| window == CONSOLE) {
        let fields = b"SFATAL\0VFATAL\0C08P01\0Mnot allowed\0\0";
        client.write_u8(b'E').await?;
        client.write_u32(fields.len() as u32 + 4).await?;
        return client.write_all(fields).await;
    }
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    server.write_u32(length).await?;
    server.write_all(&message).await?;
    tokio::io::copy_bidirectional(&mut client, &mut server)
        .await
        .map(drop)
}

#[tokio::test]
async fn a_pooler_before_the_server_is_refused() {
    let fixture = Fixture::new("pooled").await;
    let wanted = Wanted {
        route: Some(Route::Direct),
        format: BackupFormat::Custom,
    };
    let credentials = support::credentials("postgres", support::PASSWORD);
    let mut location = fixture.location.clone();
    let reached = Server::reach_by(None, &location, &credentials, "plain", wanted, &quiet).await;
    assert!(reached.is_ok(), "the server itself is no pooler");

    location.port = stand_in(location.port).await.port();
    let refused = Server::reach_by(None, &location, &credentials, "pooled", wanted, &quiet)
        .await
        .err()
        .unwrap();
    assert!(matches!(refused, ReachError::Pooler { .. }), "{refused:?}");
}
