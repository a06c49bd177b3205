//! Asking the backup tool in the database's pod for its catalogue. It starts a process there, so only on request.

use std::time::Duration;

use cluster::{Cluster, ExecRequest};
use model::{BackupFinding, FindingLevel, FoundBackup, Mechanism, Unread, causes};
use serde_json::{Value, json};

use super::found::{Finds, found};
use super::{barman, pgbackrest, walg};

/// How long a tool may take: it asks an object store that may be far away.
const TOOL_LIMIT: Duration = Duration::from_secs(30);

/// The exit code of the scripts where the tool is not installed.
const NOT_INSTALLED: i32 = 127;

/// Where a catalogue was asked for.
pub(super) struct Entry<'a> {
    /// The pod's namespace.
    pub(super) namespace: &'a str,
    /// The pod.
    pub(super) pod: &'a str,
}

/// A backup that stands in a catalogue.
pub(super) fn entry(mechanism: Mechanism, pod: &Entry<'_>, label: &str) -> FoundBackup {
    let object = json!({"metadata": {"name": label, "namespace": pod.namespace}});
    let mut made = found(mechanism, "", &object, pgbackrest::subject(pod));
    label.clone_into(&mut made.id);
    made
}

/// Something that a catalogue says.
pub(super) fn finding(
    mechanism: Mechanism,
    pod: &Entry<'_>,
    (id, level): (&str, FindingLevel),
    message: String,
) -> BackupFinding {
    BackupFinding {
        id: id.to_owned(),
        level,
        mechanism,
        namespace: pod.namespace.to_owned(),
        object: format!("Pod/{}", pod.pod),
        of: pgbackrest::subject(pod),
        message,
    }
}

/// A tool: what to run, and what its answer means.
struct Tool {
    mechanism: Mechanism,
    script: &'static str,
    parse: fn(&Value, &Entry<'_>) -> Finds,
}

const TOOLS: [Tool; 3] = [
    Tool {
        mechanism: Mechanism::PgBackRest,
        script: pgbackrest::SCRIPT,
        parse: pgbackrest::parse,
    },
    Tool {
        mechanism: Mechanism::WalG,
        script: walg::SCRIPT,
        parse: walg::parse,
    },
    Tool {
        mechanism: Mechanism::Barman,
        script: barman::SCRIPT,
        parse: barman::parse,
    },
];

/// Asks every tool that is installed in a container.
pub(super) async fn ask(
    cluster: &Cluster,
    namespace: &str,
    pod: &str,
    container: &str,
) -> (Finds, Vec<Unread>) {
    let answers = futures::future::join_all(TOOLS.iter().map(async |tool| {
        let request = ExecRequest::new(namespace, pod, container, ["sh", "-c", tool.script]);
        let ended = tokio::time::timeout(TOOL_LIMIT, cluster.exec_text(&request, None)).await;
        let answer = match ended {
            Err(_) => Err(format!("it did not answer within {} s", TOOL_LIMIT.as_secs())),
            Ok(Err(error)) => Err(causes(&error)),
            Ok(Ok(end)) if end.exit_code == NOT_INSTALLED => Ok(None),
            Ok(Ok(end)) if end.exit_code != 0 => {
                let last = end
                    .stderr
                    .lines()
                    .rfind(|line| !line.trim().is_empty())
                    .unwrap_or_default();
                Err(format!("it ended with {}: {}", end.exit_code, last.trim()))
            }
            Ok(Ok(end)) => answer(&end.stdout).map(Some),
        };
        (tool, answer)
    }));
    let place = Entry { namespace, pod };
    let (mut finds, mut unread) = (Finds::default(), Vec::new());
    for (tool, answer) in answers.await {
        match answer {
            Ok(None) => {}
            Ok(Some(answer)) => finds.extend((tool.parse)(&answer, &place)),
            Err(why) => unread.push(Unread {
                mechanism: Some(tool.mechanism),
                what: format!("the catalogue, asked in pod {pod},"),
                why,
            }),
        }
    }
    (finds, unread)
}

/// The JSON of an answer; WAL-G answers with nothing where it has no backup.
fn answer(text: &str) -> Result<Value, String> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(text).map_err(|error| format!("it answered in an unknown form: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_an_empty_catalogue_and_noise_is_none() {
        assert_eq!(answer("\n"), Ok(Value::Null));
        assert_eq!(answer("[]"), Ok(json!([])));
        assert!(answer("No backups found").is_err());
        for tool in &TOOLS {
            assert_eq!(
                (tool.parse)(
                    &Value::Null,
                    &Entry {
                        namespace: "a",
                        pod: "b"
                    }
                ),
                Finds::default()
            );
        }
    }
}
