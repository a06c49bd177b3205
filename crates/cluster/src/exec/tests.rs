//! What happens when the other side of a command misbehaves.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::{ExecEnd, ExecError, ExecRequest};
use crate::Cluster;
use crate::fake::{Socket, answers, server};

const V5: &str = "v5.channel.k8s.io";
const SUCCESS: &[u8] = br#"{"metadata":{},"status":"Success"}"#;
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Only tells a hang from an end; nothing here takes so long.
const HANGS: Duration = Duration::from_secs(20);

fn request() -> ExecRequest {
    ExecRequest::new("shop", "web-0", "web", ["dump"])
}

fn frame(channel: u8, bytes: &[u8]) -> Message {
    let mut frame = vec![channel];
    frame.extend_from_slice(bytes);
    Message::binary(frame)
}

async fn run(cluster: &Cluster, sink: &mut Vec<u8>) -> Result<ExecEnd, ExecError> {
    timeout(HANGS, cluster.exec(&request(), None::<&[u8]>, sink))
        .await
        .expect("the command hangs")
}

/// Cuts the TCP connection without closing the WebSocket.
async fn cut(mut socket: Socket) {
    socket.flush().await.unwrap();
    drop(socket);
}

#[tokio::test]
async fn bytes_code_and_hash_of_a_whole_command_are_told() {
    let (cluster, _server) = server(V5, |mut socket| async move {
        for channel in 0..=4 {
            socket.send(frame(channel, b"")).await.unwrap();
        }
        socket.send(frame(1, b"abc")).await.unwrap();
        socket.send(frame(2, b"a warning")).await.unwrap();
        socket.send(frame(3, SUCCESS)).await.unwrap();
        socket.close(None).await.unwrap();
    })
    .await;
    let mut sink = Vec::new();
    let end = run(&cluster, &mut sink).await.unwrap();
    assert_eq!(sink, b"abc");
    assert_eq!(
        end,
        ExecEnd {
            exit_code: 0,
            stderr_tail: "a warning".to_owned(),
            stdout_bytes: 3,
            stdout_sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned(),
            stdin_bytes: 0,
            stdin_complete: false,
        }
    );
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_is_an_error_and_no_hang() {
    let (cluster, _server) = server(V5, |mut socket| async move {
        for _ in 0..8 {
            socket.send(frame(1, &vec![7; 1024 * 1024])).await.unwrap();
        }
        cut(socket).await;
    })
    .await;
    let mut sink = Vec::new();
    let error = run(&cluster, &mut sink).await.unwrap_err();
    assert!(matches!(error, ExecError::Broken { .. }), "{error:?}");
}

#[tokio::test]
async fn a_stream_closed_without_a_status_is_an_error() {
    let (cluster, _server) = server(V5, |mut socket| async move {
        socket.send(frame(1, b"half a dump")).await.unwrap();
        socket.close(None).await.unwrap();
    })
    .await;
    let error = run(&cluster, &mut Vec::new()).await.unwrap_err();
    assert!(matches!(error, ExecError::NoStatus { .. }), "{error:?}");
}

#[tokio::test]
async fn output_that_comes_after_the_status_is_kept_and_counted() {
    let (cluster, _server) = server(V5, |mut socket| async move {
        socket.send(frame(1, b"first,")).await.unwrap();
        socket.send(frame(3, SUCCESS)).await.unwrap();
        socket.send(frame(1, b"last")).await.unwrap();
        socket.close(None).await.unwrap();
    })
    .await;
    let mut sink = Vec::new();
    let end = run(&cluster, &mut sink).await.unwrap();
    assert_eq!(sink, b"first,last");
    assert_eq!(end.stdout_bytes, 10);
}

#[tokio::test]
async fn a_connection_cut_after_the_status_is_an_end() {
    let (cluster, _server) = server(V5, |mut socket| async move {
        socket.send(frame(1, b"all")).await.unwrap();
        socket.send(frame(3, SUCCESS)).await.unwrap();
        cut(socket).await;
    })
    .await;
    let mut sink = Vec::new();
    run(&cluster, &mut sink).await.unwrap();
    assert_eq!(sink, b"all");
}

#[tokio::test(start_paused = true)]
async fn a_stream_left_open_after_the_status_is_an_error() {
    let (cluster, _server) = server(V5, |mut socket| async move {
        socket.send(frame(3, SUCCESS)).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let error = cluster
        .exec(&request(), None::<&[u8]>, Vec::new())
        .await
        .unwrap_err();
    assert!(matches!(error, ExecError::NotClosed { .. }), "{error:?}");
}

#[tokio::test]
async fn a_flood_on_stderr_does_not_hold_stdout_up() {
    let (cluster, _server) = server(V5, |mut socket| async move {
        for _ in 0..200 {
            socket.send(frame(2, &[b'w'; 32 * 1024])).await.unwrap();
        }
        socket.send(frame(2, b"the last words")).await.unwrap();
        socket.send(frame(1, b"dump")).await.unwrap();
        socket.send(frame(3, SUCCESS)).await.unwrap();
        socket.close(None).await.unwrap();
    })
    .await;
    let mut sink = Vec::new();
    let end = run(&cluster, &mut sink).await.unwrap();
    assert_eq!(sink, b"dump");
    assert!(end.stderr_tail.ends_with("the last words"));
    assert_eq!(end.stderr_tail.len(), 64 * 1024);
}

#[tokio::test]
async fn the_end_of_stdin_is_signalled_and_its_bytes_arrive_in_order() {
    let input: Vec<u8> = (0..300_000_u32).map(|number| number as u8).collect();
    let expected = input.clone();
    let (cluster, server) = server(V5, |mut socket| async move {
        let mut received = Vec::new();
        loop {
            let Some(Ok(Message::Binary(bytes))) = socket.next().await else {
                continue;
            };
            if bytes[..] == [255, 0] {
                break;
            }
            assert_eq!(bytes[0], 0);
            received.extend_from_slice(&bytes[1..]);
        }
        socket.send(frame(3, SUCCESS)).await.unwrap();
        socket.close(None).await.unwrap();
        received
    })
    .await;
    let end = timeout(HANGS, cluster.exec(&request(), Some(&input[..]), Vec::new()))
        .await
        .expect("the command waits for the end of stdin")
        .unwrap();
    assert_eq!(server.await.unwrap(), expected);
    assert_eq!((end.stdin_bytes, end.stdin_complete), (300_000, true));
    assert_eq!(end.stdout_sha256, EMPTY_SHA256);
}

#[tokio::test]
async fn input_leaves_in_large_frames() {
    const BYTES: usize = 4 * 1024 * 1024;
    let (cluster, server) = server(V5, |mut socket| async move {
        let mut sizes = Vec::new();
        loop {
            let Some(Ok(Message::Binary(bytes))) = socket.next().await else {
                continue;
            };
            if bytes[..] == [255, 0] {
                break;
            }
            sizes.push(bytes.len() - 1);
        }
        socket.send(frame(3, SUCCESS)).await.unwrap();
        socket.close(None).await.unwrap();
        sizes
    })
    .await;
    let input = vec![7; BYTES];
    timeout(HANGS, cluster.exec(&request(), Some(&input[..]), Vec::new()))
        .await
        .expect("the command hangs")
        .unwrap();
    let sizes = server.await.unwrap();
    assert!(sizes.iter().all(|size| *size == 32 * 1024), "{sizes:?}");
}

/// A sink that counts how often it is written to.
#[derive(Default)]
struct Counting {
    writes: usize,
    bytes: usize,
}

impl AsyncWrite for Counting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.writes += 1;
        self.bytes += bytes.len();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn output_is_not_cut_into_small_pieces() {
    const FRAMES: usize = 100;
    let (cluster, _server) = server(V5, |mut socket| async move {
        for _ in 0..FRAMES {
            socket.send(frame(1, &[7; 32 * 1024])).await.unwrap();
        }
        socket.send(frame(3, SUCCESS)).await.unwrap();
        socket.close(None).await.unwrap();
    })
    .await;
    let mut sink = Counting::default();
    cluster.exec(&request(), None::<&[u8]>, &mut sink).await.unwrap();
    assert_eq!((sink.writes, sink.bytes), (FRAMES, FRAMES * 32 * 1024));
}

#[tokio::test]
async fn a_way_that_lets_no_web_socket_through_is_one_clear_error() {
    let cluster = answers(|request, _| {
        assert!(request.contains("/exec?") && request.contains("stdout=true"), "{request}");
        assert!(!request.contains("tty=true"), "{request}");
        (403, serde_json::json!({"kind": "Status", "status": "Failure", "message": "no upgrade here", "code": 403}))
    })
    .await;
    let error = timeout(HANGS, cluster.exec(&request(), Some(&b"x"[..]), Vec::new()))
        .await
        .expect("the command hangs")
        .unwrap_err();
    assert!(matches!(error, ExecError::Open { .. }), "{error:?}");
}

#[tokio::test]
async fn a_source_that_fails_is_not_signalled_as_its_end() {
    let (cluster, server) = server(V5, |mut socket| async move {
        let mut frames = Vec::new();
        while let Some(Ok(message)) = socket.next().await {
            frames.push(message.into_data());
        }
        frames
    })
    .await;
    let failing = tokio_util::io::StreamReader::new(futures::stream::iter([
        Ok(bytes::Bytes::from_static(b"half")),
        Err(std::io::Error::other("disk gone")),
    ]));
    let error = timeout(HANGS, cluster.exec(&request(), Some(failing), Vec::new()))
        .await
        .expect("the command hangs")
        .unwrap_err();
    assert!(matches!(error, ExecError::Stdin { .. }), "{error:?}");
    drop(cluster);
    assert!(!server.await.unwrap().iter().any(|frame| frame[..] == [255, 0]));
}

#[tokio::test]
async fn a_command_that_ends_before_it_has_read_everything_says_so() {
    let (cluster, _server) = server(V5, |mut socket| async move {
        let _ = socket.next().await;
        socket.send(frame(3, SUCCESS)).await.unwrap();
        socket.close(None).await.unwrap();
    })
    .await;
    let (mut never_ending, source) = tokio::io::duplex(1024);
    never_ending.write_all(b"some").await.unwrap();
    let end = timeout(HANGS, cluster.exec(&request(), Some(source), Vec::new()))
        .await
        .expect("the command's end is not seen while stdin is open")
        .unwrap();
    assert_eq!((end.stdin_bytes, end.stdin_complete), (4, false));
}

#[tokio::test]
async fn stdin_needs_a_server_that_can_signal_its_end() {
    let (cluster, _server) = server("v4.channel.k8s.io", cut).await;
    let error = cluster
        .exec(&request(), Some(&b"x"[..]), Vec::new())
        .await
        .unwrap_err();
    assert!(matches!(error, ExecError::OldProtocol), "{error:?}");
}

#[tokio::test]
async fn a_sink_that_fails_ends_the_command_with_its_error() {
    let (cluster, _server) = server(V5, |mut socket| async move {
        while socket.send(frame(1, &[0; 32 * 1024])).await.is_ok() {}
    })
    .await;
    let (sink, reader) = tokio::io::duplex(1024);
    drop(reader);
    let error = timeout(HANGS, cluster.exec(&request(), None::<&[u8]>, sink))
        .await
        .expect("the command hangs")
        .unwrap_err();
    assert!(matches!(error, ExecError::Stdout { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_only_answers_pings_may_be_idle_for_hours() {
    let (cluster, _server) = server(V5, |mut socket| async move {
        let mut pings = 0;
        while pings < 200 {
            if let Some(Ok(Message::Ping(_))) = socket.next().await {
                pings += 1;
            }
        }
        socket.send(frame(3, SUCCESS)).await.unwrap();
        socket.close(None).await.unwrap();
    })
    .await;
    let mut request = request();
    request.silence_limit = Some(Duration::from_secs(60));
    let end = cluster.exec(&request, None::<&[u8]>, Vec::new()).await.unwrap();
    assert_eq!(end.exit_code, 0);
}

#[tokio::test(start_paused = true)]
async fn a_dead_peer_is_noticed_where_the_caller_asks() {
    let (cluster, _server) = server(V5, |socket| async move {
        let _held = socket;
        std::future::pending::<()>().await;
    })
    .await;
    let mut request = request();
    request.silence_limit = Some(Duration::from_secs(60));
    let error = cluster
        .exec(&request, None::<&[u8]>, Vec::new())
        .await
        .unwrap_err();
    assert!(matches!(error, ExecError::Silent { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn signs_of_life_go_out_while_the_sink_stalls() {
    const FRAMES: usize = 256;
    let (heard, hears) = tokio::sync::oneshot::channel();
    let (cluster, _server) = server(V5, |socket| async move {
        let (mut to_client, mut from_client) = socket.split();
        let listening = async move {
            let mut pings = 0;
            while pings < 3 {
                if let Some(Ok(Message::Ping(_))) = from_client.next().await {
                    pings += 1;
                }
            }
            heard.send(()).unwrap();
            from_client
        };
        let sending = async move {
            for _ in 0..FRAMES {
                to_client.send(frame(1, &[7; 32 * 1024])).await.unwrap();
            }
            to_client.send(frame(3, SUCCESS)).await.unwrap();
            to_client.close().await.unwrap();
        };
        tokio::join!(listening, sending)
    })
    .await;
    let (sink, mut stalled) = tokio::io::duplex(1024);
    let command = tokio::spawn(async move { cluster.exec(&request(), None::<&[u8]>, sink).await });
    hears.await.expect("no sign of life came");
    let mut received = Vec::new();
    stalled.read_to_end(&mut received).await.unwrap();
    let end = command.await.unwrap().unwrap();
    assert_eq!(end.stdout_bytes, received.len() as u64);
    assert_eq!(received.len(), FRAMES * 32 * 1024);
}

#[tokio::test]
async fn text_longer_than_its_limit_is_refused() {
    let (cluster, _server) = server(V5, |mut socket| async move {
        while socket.send(frame(1, &[b'x'; 32 * 1024])).await.is_ok() {}
    })
    .await;
    let error = cluster.exec_text(&request(), None).await.unwrap_err();
    assert!(matches!(error, ExecError::TooLong { .. }), "{error:?}");
}
