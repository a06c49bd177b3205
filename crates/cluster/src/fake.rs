//! API servers for tests: one that upgrades one connection and does then what the test says, one that answers requests.

use std::future::Future;

use kube::{Client, Config};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use crate::Cluster;

/// The server's side of the upgraded connection.
pub(crate) type Socket = WebSocketStream<TcpStream>;

/// Starts the server; the task ends with what `act` returns.
pub(crate) async fn server<F, T>(
    protocol: &'static str,
    act: impl FnOnce(Socket) -> F + Send + 'static,
) -> (Cluster, JoinHandle<T>)
where
    F: Future<Output = T> + Send,
    T: Send + 'static,
{
    crate::install_crypto_provider();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        #[expect(clippy::result_large_err, reason = "the library's callback is typed so")]
        let upgrade = |_: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
            response.headers_mut().insert(
                http::header::SEC_WEBSOCKET_PROTOCOL,
                http::HeaderValue::from_static(protocol),
            );
            Ok(response)
        };
        act(tokio_tungstenite::accept_hdr_async(stream, upgrade)
            .await
            .unwrap())
        .await
    });
    let config = Config::new(format!("http://{address}").parse().unwrap());
    let client = Client::try_from(config).unwrap();
    (Cluster::from_client(client, "fake", "shop"), task)
}

/// Starts a server that answers every request as the test says: by `METHOD path?query` and body, with a status and JSON.
pub(crate) async fn answers(
    mut answer: impl FnMut(&str, &str) -> (u16, serde_json::Value) + Send + 'static,
) -> Cluster {
    crate::install_crypto_provider();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                if line.trim().is_empty() {
                    break;
                }
                head.push(line.trim().to_owned());
            }
            let length = head.iter().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse().ok())?
            });
            let mut body = vec![0; length.unwrap_or(0)];
            stream.read_exact(&mut body).await.unwrap();
            let request = head.first().cloned().unwrap_or_default();
            let (status, said) = answer(
                request.trim_end_matches(" HTTP/1.1"),
                &String::from_utf8(body).unwrap(),
            );
            let said = said.to_string();
            let text = format!(
                "HTTP/1.1 {status} told\r\ncontent-type: application/json\r\nconnection: close\r\n\
                 content-length: {}\r\n\r\n{said}",
                said.len()
            );
            stream.get_mut().write_all(text.as_bytes()).await.unwrap();
        }
    });
    let config = Config::new(format!("http://{address}").parse().unwrap());
    Cluster::from_client(Client::try_from(config).unwrap(), "fake", "shop")
}
