//! An API server for tests that upgrades one connection and does then what the test says.

use std::future::Future;

use kube::{Client, Config};
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
