//! A stand-in for a network plugin that enforces NetworkPolicy, which the test node has none of: pods with a label begin no
//! connection any more. It knows one policy, the one that lets nothing out.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use anyhow::{Context, Result, ensure};

use crate::World;

/// Pods are cut off for as long as this lives.
pub struct ClosedNetwork {
    table: String,
    watching: Child,
    reading: Option<JoinHandle<()>>,
}

impl ClosedNetwork {
    /// Cuts off every pod of the test's namespace with these labels (`key=value`) as soon as its address is known.
    ///
    /// # Errors
    /// When the machine's packet filter cannot be changed or pods cannot be watched.
    pub fn of(world: &World, labels: &str) -> Result<Self> {
        let table = format!("closed-{}", world.place.namespace);
        // After the machine knows to which connection a packet belongs, and before any address is replaced.
        nft(&format!(
            "add table ip {table}\n\
             add set ip {table} pods {{ type ipv4_addr; }}\n\
             add chain ip {table} out {{ type filter hook prerouting priority -150; policy accept; }}\n\
             add rule ip {table} out ip saddr @pods ct state new drop\n"
        ))?;
        let addresses = r#"jsonpath={.status.podIP}{"\n"}"#;
        let watch = [
            "get",
            "pods",
            "--watch",
            "--selector",
            labels,
            "--output",
            addresses,
        ];
        let mut watching = world
            .place
            .kubectl_command()
            .args(watch)
            .stdout(Stdio::piped())
            .spawn()
            .context("watch pods")?;
        let lines = BufReader::new(watching.stdout.take().context("a pipe")?).lines();
        let into = table.clone();
        let reading = std::thread::spawn(move || {
            for address in lines.map_while(Result::ok).filter(|line| !line.trim().is_empty()) {
                // The test sees by itself whether it worked.
                let _ = nft(&format!("add element ip {into} pods {{ {address} }}\n"));
            }
        });
        Ok(Self {
            table,
            watching,
            reading: Some(reading),
        })
    }
}

impl Drop for ClosedNetwork {
    fn drop(&mut self) {
        let _ = self.watching.kill();
        let _ = self.watching.wait();
        if let Some(reading) = self.reading.take() {
            let _ = reading.join();
        }
        let _ = nft(&format!("delete table ip {}\n", self.table));
    }
}

fn nft(rules: &str) -> Result<()> {
    let mut nft = Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .context("start nft")?;
    let mut stdin = nft.stdin.take().context("a pipe")?;
    stdin.write_all(rules.as_bytes())?;
    drop(stdin);
    ensure!(nft.wait()?.success(), "nft refuses:\n{rules}");
    Ok(())
}
