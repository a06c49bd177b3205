//! A server that stands in for GitHub, which tests cannot reach. It gives the answers that a test wrote, in the form that
//! GitHub's documentation of its API describes, over real connections: whole, cut off, slow, or not at all.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// One answer.
#[derive(Clone)]
pub(crate) struct Reply {
    status: &'static str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// How much of the body is sent before the connection ends.
    sent: usize,
    /// Whether nothing at all is said, until the asker goes away.
    silent: bool,
}

impl Reply {
    /// An answer with a body.
    pub(crate) fn of(status: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self {
            status,
            headers: Vec::new(),
            sent: body.len(),
            body,
            silent: false,
        }
    }

    /// With a header more.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Cut off in the middle of its body.
    pub(crate) fn cut(mut self) -> Self {
        self.sent = self.body.len() / 2;
        self
    }

    /// None.
    pub(crate) fn silence() -> Self {
        Self {
            silent: true,
            ..Self::of("200 OK", "")
        }
    }
}

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// Path and question.
    pub(crate) path: String,
    /// `Authorization`.
    pub(crate) authorization: Option<String>,
}

/// The server. It lives as long as the test's process.
pub(crate) struct StandIn {
    /// Its address, without a slash at the end.
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl StandIn {
    /// Answers every request by what `reply` makes of its address and path.
    pub(crate) fn new(reply: impl Fn(&str, &str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (own, seen, reply) = (url.clone(), asked.clone(), Arc::new(reply));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (own, seen, reply) = (own.clone(), seen.clone(), reply.clone());
                std::thread::spawn(move || serve(stream, &seen, |path| reply(&own, path)));
            }
        });
        Self { url, asked }
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Asked>>, reply: impl Fn(&str) -> Reply) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(first)) = lines.next() else { return };
    let mut asked = Asked {
        path: first.split(' ').nth(1).unwrap_or_default().to_owned(),
        authorization: None,
    };
    for line in lines
        .by_ref()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
    {
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("authorization")
        {
            asked.authorization = Some(value.to_owned());
        }
    }
    let reply = reply(&asked.path);
    seen.lock().unwrap().push(asked);
    if reply.silent {
        // The asker gives up and closes: that ends the reading.
        drop(lines.next());
        return;
    }
    let mut head = format!("HTTP/1.1 {}\r\nconnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", reply.body.len()));
    // Who goes away before the end is no failure of this server.
    drop(
        stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(&reply.body[..reply.sent]))
            .and_then(|()| stream.shutdown(Shutdown::Both)),
    );
}
