//! Looking at a dump while it works: which table it copies, and who keeps it waiting.

use std::io;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::AsyncWrite;

use crate::{Server, script};

use super::examine::Holder;

/// How often is looked: often enough for somebody who watches, seldom enough for the server not to notice.
const EVERY: Duration = Duration::from_secs(2);

/// What the server says of copies since 14: schema, table, bytes.
const COPYING: &str = "(select json_build_array(n.nspname, c.relname, p.bytes_processed) \
    from pg_catalog.pg_stat_progress_copy p join pg_catalog.pg_stat_activity s on s.pid = p.pid \
    join pg_catalog.pg_class c on c.oid = p.relid join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
    where s.application_name = :'application' order by p.pid limit 1)";

/// The first version that says which table is copied.
const PROGRESS_SINCE: i32 = 140_000;

/// One line: whoever asks reads line by line.
fn question(version_num: i32) -> String {
    let copying = if version_num >= PROGRESS_SINCE {
        COPYING
    } else {
        "null::json"
    };
    format!(
        "select json_build_object('copying', {copying}, 'holders', coalesce((select json_agg(json_build_object(\
         'table', (select l.relation::pg_catalog.regclass::text from pg_catalog.pg_locks l \
                   where l.pid = s.pid and not l.granted and l.relation is not null limit 1), \
         'pid', h.pid, 'application', b.application_name, 'user', b.usename, 'state', b.state, \
         'seconds', extract(epoch from clock_timestamp() - b.xact_start))) \
         from pg_catalog.pg_stat_activity s cross join lateral unnest(pg_catalog.pg_blocking_pids(s.pid)) h(pid) \
         left join pg_catalog.pg_stat_activity b on b.pid = h.pid \
         where s.application_name = :'application'), '[]'::json))::jsonb;"
    )
}

/// What was seen at one look.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(super) struct Sight {
    /// Schema, name and bytes so far of the table that is copied.
    pub(super) copying: Option<(String, String, u64)>,
    /// Who keeps the dump waiting.
    pub(super) holders: Vec<Holder>,
}

/// The latest look, and the latest that saw the dump wait.
#[derive(Debug, Default)]
pub(super) struct Watched {
    latest: Mutex<Sight>,
    waited: Mutex<Vec<Holder>>,
}

impl Watched {
    /// The latest look.
    pub(super) fn sight(&self) -> Sight {
        self.latest.lock().map(|sight| sight.clone()).unwrap_or_default()
    }

    /// Who kept the dump waiting when it was last seen to wait.
    pub(super) fn waited_for(&self) -> Vec<Holder> {
        self.waited
            .lock()
            .map(|holders| holders.clone())
            .unwrap_or_default()
    }

    fn see(&self, line: &str) {
        // What is no answer is a complaint about one look; the next will do.
        let Ok(sight) = serde_json::from_str::<Sight>(line) else {
            return;
        };
        if !sight.holders.is_empty()
            && let Ok(mut waited) = self.waited.lock()
        {
            waited.clone_from(&sight.holders);
        }
        if let Ok(mut latest) = self.latest.lock() {
            *latest = sight;
        }
    }
}

/// Looks until it is dropped. Never fails: a dump is none the worse for nobody looking.
pub(super) async fn watch(server: &Server, watched: &Watched) {
    let application = server.application("dump");
    let question = question(server.probe.server.version_num);
    let mut lines = Lines {
        line: Vec::new(),
        watched,
    };
    let database = &server.location.database;
    let arguments = [application.as_str()];
    let asking = |feed: crate::feed::Feed| feed.asking(&question, EVERY);
    let _ = server
        .run(script::WATCH, database, "watch", &arguments, asking, &mut lines)
        .await;
}

/// Takes output line by line.
struct Lines<'a> {
    line: Vec<u8>,
    watched: &'a Watched,
}

impl AsyncWrite for Lines<'_> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.watched.see(&String::from_utf8_lossy(&line));
            } else {
                self.line.push(*byte);
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_kept_the_dump_waiting_is_remembered_when_it_waits_no_more() {
        let watched = Watched::default();
        watched.see(r#"{"copying": null, "holders": [{"table": "orders", "pid": 7, "application": "migrate", "user": "app", "state": "idle in transaction", "seconds": 12.5}]}"#);
        watched.see("ERROR: no answer");
        watched.see(r#"{"copying": ["public", "orders", 12], "holders": []}"#);
        assert_eq!(
            watched.sight().copying,
            Some(("public".into(), "orders".into(), 12))
        );
        let [holder] = &watched.waited_for()[..] else {
            panic!("one holder");
        };
        assert_eq!(
            holder.words(),
            "session 7 of app (migrate), idle in transaction, its transaction is 12 s old"
        );
    }

    #[test]
    fn a_question_is_one_line() {
        assert!(!question(150_000).contains('\n'));
        assert!(!question(130_000).contains("pg_stat_progress_copy"));
    }
}
