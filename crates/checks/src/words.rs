//! Pieces of text that several rows need.

use jiff::Timestamp;
use model::text::shell_word;
use model::{DatabaseLocation, DatabaseRoute, Observation, ReleaseStatus, Session, Target};

/// Seconds from `then` to the time of looking, by the clocks that wrote them; `None` where either cannot be read.
pub(crate) fn age(seen: &Observation, then: Option<&str>) -> Option<f64> {
    let then: Timestamp = then?.parse().ok()?;
    let now: Timestamp = seen.taken_at.parse().ok()?;
    Some((now.as_second() - then.as_second()) as f64)
}

/// The highest revision below the newest that was in force once; Helm's word on it.
pub(crate) fn last_good(seen: &Observation) -> Option<u32> {
    let history = seen.history.present()?;
    let newest = history.iter().map(|line| line.revision).max()?;
    history
        .iter()
        .filter(|line| {
            matches!(line.status, ReleaseStatus::Deployed | ReleaseStatus::Superseded)
                && line.revision < newest
        })
        .map(|line| line.revision)
        .max()
}

/// Whether a chart is named by its folder or archive, which holds one version alone.
pub(crate) fn is_local(chart: &str) -> bool {
    chart.starts_with(['.', '/', '~']) || chart.ends_with(".tgz")
}

/// The chart as it is typed: with its version, but where a folder or an archive holds one alone.
pub(crate) fn chart(target: &Target) -> String {
    let reference = shell_word(&target.reference);
    if is_local(&target.reference) {
        reference
    } else {
        format!("{reference} --version {}", shell_word(&target.chart.version))
    }
}

/// A command that runs one statement on the database.
pub(crate) fn psql(location: &DatabaseLocation, statement: &str) -> String {
    let (user, database, statement) = (
        shell_word(&location.user),
        shell_word(&location.database),
        shell_word(statement),
    );
    match &location.route {
        DatabaseRoute::Pod {
            namespace,
            pod,
            container,
            workload: _,
            port: _,
        } => format!(
            "kubectl exec -n {namespace} {pod} -c {container} -- psql -U {user} -d {database} -c {statement}"
        ),
        DatabaseRoute::Direct => format!(
            "psql -h {} -p {} -U {user} -d {database} -c {statement}",
            shell_word(&location.host),
            location.port
        ),
    }
}

/// A session in words: process id, application, client, and the release's own pod where it is one.
pub(crate) fn who(seen: &Observation, session: &Session) -> String {
    let application = if session.application.is_empty() {
        "no application name"
    } else {
        &session.application
    };
    let client = match (&session.client, own_pod(seen, session)) {
        (Some(_), Some(pod)) => format!("pod {pod}"),
        (Some(address), None) => address.clone(),
        (None, _) => "the server's own socket".to_owned(),
    };
    format!("pid {} ({application}, from {client})", session.pid)
}

/// The pod of the release that a session comes from.
pub(crate) fn own_pod<'a>(seen: &'a Observation, session: &Session) -> Option<&'a str> {
    let client = session.client.as_deref()?;
    seen.pods
        .present()?
        .iter()
        .find(|pod| pod.ip.as_deref() == Some(client))
        .map(|pod| pod.name.as_str())
}
