//! A web server of the test's own that takes notifications, as a chat program or a pager would.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use serde_json::Value;

/// What its address must never be seen by.
pub const WEBHOOK_SECRET: &str = "5ecret-t0ken-of-the-webhook";

/// The server. It answers until the test process ends.
pub struct Webhook {
    url: String,
    answer: Arc<AtomicU16>,
    bodies: Arc<Mutex<Vec<Value>>>,
}

impl Webhook {
    /// Starts it; it answers with 204.
    ///
    /// # Errors
    /// When there is no port.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/hooks/{WEBHOOK_SECRET}", listener.local_addr()?);
        let (answer, bodies) = (Arc::new(AtomicU16::new(204)), Arc::<Mutex<Vec<Value>>>::default());
        let (its_answer, its_bodies) = (Arc::clone(&answer), Arc::clone(&bodies));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that breaks off is told nothing, and the test finds its message missing.
                if let Ok(body) = take(stream, its_answer.load(Ordering::SeqCst)) {
                    its_bodies
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(body);
                }
            }
        });
        Ok(Self { url, answer, bodies })
    }

    /// Writes its address into a file of its own.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn url_file(&self, folder: &Path) -> Result<PathBuf> {
        let file = folder.join("webhook-url");
        std::fs::write(&file, format!("{}\n", self.url))?;
        Ok(file)
    }

    /// Answers with another code from now on.
    pub fn answer(&self, code: u16) {
        self.answer.store(code, Ordering::SeqCst);
    }

    /// Takes what came so far.
    #[must_use]
    pub fn taken(&self) -> Vec<Value> {
        std::mem::take(&mut self.bodies.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn take(stream: TcpStream, code: u16) -> Result<Value> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    write!(
        reader.into_inner(),
        "HTTP/1.1 {code} so\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )?;
    serde_json::from_slice(&body).context("a notification is JSON")
}
