//! What the cluster said of the release's objects.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use cluster::ClusterEvent;

use super::Part;
use crate::live::{Live, why};
use crate::request::BundleRequest;

const PATH: &str = "events.txt";
const ABOUT: &str = "events of the release's objects that the cluster still has, oldest first";

/// Kinds whose objects are made for a workload and are called after it.
const MADE: [&str; 4] = ["Pod", "ReplicaSet", "Job", "PersistentVolumeClaim"];

pub(crate) async fn part(request: &BundleRequest<'_>, live: &Live) -> Part {
    let events = match request.cluster.events(request.namespace).await {
        Ok(events) => events,
        Err(error) => return Part::unread(PATH, ABOUT, why(&error, "list events", request.namespace)),
    };
    let objects = request
        .observed
        .stored
        .iter()
        .flat_map(|stored| helm::object_names(&stored.manifest).unwrap_or_default())
        .map(|object| (object.kind, object.name));
    let workloads = live
        .workloads
        .iter()
        .map(|workload| (workload.name.kind.to_string(), workload.name.name.clone()));
    let pods = live
        .pods
        .iter()
        .map(|pod| ("Pod".to_owned(), pod.name().to_owned()));
    let names: BTreeSet<(String, String)> = objects.chain(workloads).chain(pods).collect();
    let text = events
        .iter()
        .filter(|event| belongs(event, &names))
        .fold(String::new(), |mut text, event| {
            line(&mut text, event);
            text
        });
    if text.is_empty() {
        return Part::unavailable(
            PATH,
            ABOUT,
            "the cluster has none of the release's objects any more",
        );
    }
    Part::text(PATH, ABOUT, text)
}

/// Whether an event is of one of these objects, or of one that was made for one of them.
fn belongs(event: &ClusterEvent, names: &BTreeSet<(String, String)>) -> bool {
    let made_for = |name: &str| {
        // A claim of a StatefulSet begins with the name of its template.
        let made = MADE.contains(&event.kind.as_str());
        let claim = event.kind == "PersistentVolumeClaim" && event.name.contains(&format!("-{name}-"));
        made && event.name.starts_with(&format!("{name}-")) || claim
    };
    names
        .iter()
        .any(|(kind, name)| (*kind == event.kind && *name == event.name) || made_for(name))
}

fn line(text: &mut String, event: &ClusterEvent) {
    let at = event.at.as_deref().unwrap_or("?");
    let times = match event.count {
        ..=1 => String::new(),
        many => format!(" (seen {many} times)"),
    };
    // Writing into a String cannot fail.
    let _ = writeln!(
        text,
        "{at}  {:<7}  {}  {}/{}  {}{times}",
        event.level,
        event.reason,
        event.kind.to_lowercase(),
        event.name,
        event.message.trim()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, name: &str) -> ClusterEvent {
        ClusterEvent {
            at: Some("2026-01-01T00:00:00Z".into()),
            level: "Warning".into(),
            reason: "BackOff".into(),
            kind: kind.into(),
            name: name.into(),
            count: 3,
            message: "restarting\n".into(),
        }
    }

    #[test]
    fn events_are_those_of_the_release_and_of_what_was_made_for_it() {
        let names = BTreeSet::from([
            ("Deployment".to_owned(), "web".to_owned()),
            ("StatefulSet".to_owned(), "db".to_owned()),
        ]);
        for (kind, name, ours) in [
            ("Deployment", "web", true),
            ("ReplicaSet", "web-7d9", true),
            ("Pod", "web-7d9-x2x", true),
            ("PersistentVolumeClaim", "data-db-0", true),
            ("Pod", "webshop-1", false),
            ("Deployment", "db", false),
            ("Service", "web-7d9", false),
        ] {
            assert_eq!(belongs(&event(kind, name), &names), ours, "{kind} {name}");
        }
    }

    #[test]
    fn an_event_is_one_line() {
        let mut text = String::new();
        line(&mut text, &event("Pod", "web-0"));
        assert_eq!(
            text,
            "2026-01-01T00:00:00Z  Warning  BackOff  pod/web-0  restarting (seen 3 times)\n"
        );
    }
}
