//! What a forwarded port does when the other side misbehaves.

use std::io::ErrorKind;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::fake::{answers, server};

const V5: &str = "v5.channel.k8s.io";

/// Only tells a hang from an end.
const HANGS: Duration = Duration::from_secs(20);

fn frame(channel: u8, bytes: &[u8]) -> Message {
    let mut frame = vec![channel];
    frame.extend_from_slice(bytes);
    Message::binary(frame)
}

/// The frames that announce the two channels of port 5432.
fn announcements() -> [Message; 2] {
    let port = 5432_u16.to_le_bytes();
    [frame(0, &port), frame(1, &port)]
}

#[tokio::test]
async fn what_the_pod_says_after_our_shutdown_still_comes() {
    let (cluster, _server) = server(V5, |mut socket| async move {
        for message in announcements() {
            socket.send(message).await.unwrap();
        }
        let question = socket.next().await.unwrap().unwrap().into_data();
        assert_eq!(&question[..], b"\0question");
        socket.send(frame(0, b"ans")).await.unwrap();
        socket.send(frame(0, b"wer")).await.unwrap();
        socket.close(None).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    let mut stream = cluster.port_forward("shop", "db-0", 5432).await.unwrap();
    stream.write_all(b"question").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    timeout(HANGS, stream.read_to_string(&mut answer))
        .await
        .expect("the read hangs")
        .unwrap();
    assert_eq!(answer, "answer");
}

#[tokio::test]
async fn the_kubelets_error_comes_out_of_the_read() {
    let (cluster, _server) = server(V5, |mut socket| async move {
        for message in announcements() {
            socket.send(message).await.unwrap();
        }
        socket
            .send(frame(1, b"connect: connection refused"))
            .await
            .unwrap();
        socket.close(None).await.unwrap();
    })
    .await;
    let mut stream = cluster.port_forward("shop", "db-0", 5432).await.unwrap();
    let error = timeout(HANGS, stream.read_to_end(&mut Vec::new()))
        .await
        .expect("the read hangs")
        .unwrap_err();
    assert!(error.to_string().contains("connection refused"), "{error}");
    let error = stream.write_all(b"more").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_is_an_error_and_no_end_of_file() {
    let (cluster, _server) = server(V5, |mut socket| async move {
        for message in announcements() {
            socket.send(message).await.unwrap();
        }
        socket.send(frame(0, b"half")).await.unwrap();
    })
    .await;
    let mut stream = cluster.port_forward("shop", "db-0", 5432).await.unwrap();
    let mut bytes = Vec::new();
    let result = timeout(HANGS, stream.read_to_end(&mut bytes))
        .await
        .expect("the read hangs");
    assert!(result.is_err());
    assert_eq!(bytes, b"half");
}

#[tokio::test]
async fn an_http_status_is_read_from_a_pod() {
    let (cluster, server) = server(V5, |mut socket| async move {
        for message in announcements() {
            socket.send(message).await.unwrap();
        }
        let request = socket.next().await.unwrap().unwrap().into_data();
        socket
            .send(frame(
                0,
                b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno",
            ))
            .await
            .unwrap();
        while let Some(Ok(_)) = socket.next().await {}
        String::from_utf8_lossy(&request[1..]).into_owned()
    })
    .await;
    let status = timeout(HANGS, cluster.http_get_from_pod("shop", "db-0", 5432, "healthz"))
        .await
        .expect("the request hangs")
        .unwrap();
    assert_eq!(status, 503);
    drop(cluster);
    assert!(server.await.unwrap().starts_with("GET /healthz HTTP/1.1\r\n"));
}

#[tokio::test]
async fn what_goes_to_the_pod_leaves_in_large_frames() {
    const FRAMES: usize = 64;
    let (cluster, server) = server(V5, |mut socket| async move {
        for message in announcements() {
            socket.send(message).await.unwrap();
        }
        let mut sizes = Vec::new();
        while sizes.iter().sum::<usize>() < FRAMES * 32 * 1024 {
            if let Message::Binary(bytes) = socket.next().await.unwrap().unwrap() {
                sizes.push(bytes.len() - 1);
            }
        }
        sizes
    })
    .await;
    let mut stream = cluster.port_forward("shop", "db-0", 5432).await.unwrap();
    stream.write_all(&vec![7; FRAMES * 32 * 1024]).await.unwrap();
    stream.flush().await.unwrap();
    assert_eq!(server.await.unwrap(), [32 * 1024; FRAMES]);
}

#[tokio::test]
async fn a_way_that_lets_no_web_socket_through_is_an_error_and_no_other_protocol_is_tried() {
    let cluster = answers(|request, _| {
        assert!(request.starts_with("GET "), "{request}");
        (
            403,
            serde_json::json!({"kind": "Status", "status": "Failure", "message": "no upgrade", "code": 403}),
        )
    })
    .await;
    let refused = timeout(HANGS, cluster.port_forward("shop", "db-0", 5432))
        .await
        .expect("the connection hangs");
    assert!(refused.is_err());
}
