//! Handing a text over to an address that may be a secret: no error tells it.

use reqwest::Url;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use thiserror::Error;

use crate::{Patience, redirected};

/// Why a text was not taken. It names neither the address nor its server.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PostError {
    /// It is no address.
    #[error("what was given is no http address")]
    Address,
    /// The machine's certificates cannot be used.
    #[error("the certificates of this machine cannot be used")]
    Certificates,
    /// No connection.
    #[error("there is no connection to it")]
    NoConnection,
    /// No answer.
    #[error("it did not answer in time")]
    Slow,
    /// The connection broke off.
    #[error("the connection broke off")]
    Broken,
    /// It was not taken. A redirect is no answer either: what would be sent there is not ours to decide.
    #[error("it answered with {0}")]
    Status(u16),
}

/// Whether a text is an address that a text can be handed over to.
pub fn is_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
}

/// Hands a JSON text over. Taken is what is answered with 2xx.
///
/// # Errors
/// When it is not taken.
pub async fn post_json(address: &str, text: String, patience: Patience) -> Result<(), PostError> {
    let url = Url::parse(address).map_err(|_| PostError::Address)?;
    let client = redirected(patience, Policy::none()).map_err(|_| PostError::Certificates)?;
    let request = client
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .body(text);
    let response = request.send().await.map_err(|error| {
        if error.is_timeout() {
            PostError::Slow
        } else if error.is_connect() {
            PostError::NoConnection
        } else {
            PostError::Broken
        }
    })?;
    match response.status() {
        status if status.is_success() => Ok(()),
        status => Err(PostError::Status(status.as_u16())),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// A server that answers one request, and what it was sent.
    fn server(answer: &'static str) -> (String, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/hook/s3cret", listener.local_addr().unwrap());
        let heard = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut heard = String::new();
            let mut piece = [0; 4096];
            while !heard.ends_with('}') {
                let read = stream.read(&mut piece).unwrap();
                heard.push_str(std::str::from_utf8(&piece[..read]).unwrap());
            }
            stream.write_all(answer.as_bytes()).unwrap();
            heard
        });
        (address, heard)
    }

    #[tokio::test]
    async fn what_is_answered_with_2xx_is_taken_and_nothing_else() {
        let (address, heard) = server("HTTP/1.1 204 No Content\r\n\r\n");
        post_json(&address, "{\"a\":1}".into(), Patience::default())
            .await
            .unwrap();
        let heard = heard.join().unwrap();
        assert!(
            heard.starts_with("POST /hook/s3cret ") && heard.ends_with("{\"a\":1}"),
            "{heard}"
        );
        for (answer, code) in [
            ("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n", 500),
            (
                "HTTP/1.1 302 On\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n",
                302,
            ),
        ] {
            let (address, heard) = server(answer);
            let refused = post_json(&address, "{}".into(), Patience::default()).await;
            assert_eq!(refused, Err(PostError::Status(code)));
            heard.join().unwrap();
        }
    }

    #[tokio::test]
    async fn an_error_does_not_tell_the_address() {
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refused = post_json(
            &format!("http://{nobody}/s3cret"),
            String::new(),
            Patience::default(),
        )
        .await;
        assert_eq!(refused, Err(PostError::NoConnection));
        assert!(
            !is_address("hooks.example/s3cret") && !is_address("file:///s3cret") && is_address("https://a/b")
        );
    }
}
