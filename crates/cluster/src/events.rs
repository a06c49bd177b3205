//! What the cluster says of a namespace's objects.

use k8s_openapi::api::core::v1::Event;

use crate::{ApiError, Cluster};

/// An event of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterEvent {
    /// When it was last seen (RFC 3339), where the API server says.
    pub at: Option<String>,
    /// `Normal` or `Warning`.
    pub level: String,
    /// Its reason, such as `BackOff`.
    pub reason: String,
    /// The kind of its object.
    pub kind: String,
    /// The name of its object.
    pub name: String,
    /// How often it was seen.
    pub count: i32,
    /// Its words.
    pub message: String,
}

impl Cluster {
    /// The events of a namespace that are still there, oldest first.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn events(&self, namespace: &str) -> Result<Vec<ClusterEvent>, ApiError> {
        let mut events: Vec<ClusterEvent> = self
            .listed::<Event>(namespace)
            .await?
            .into_iter()
            .map(of)
            .collect();
        events.sort_by(|one, other| one.at.cmp(&other.at));
        Ok(events)
    }
}

fn of(event: Event) -> ClusterEvent {
    let series = event.series.as_ref();
    let times = [
        series
            .and_then(|series| series.last_observed_time.as_ref())
            .map(|time| time.0.to_string()),
        event.last_timestamp.as_ref().map(|time| time.0.to_string()),
        event.event_time.as_ref().map(|time| time.0.to_string()),
        event
            .metadata
            .creation_timestamp
            .as_ref()
            .map(|time| time.0.to_string()),
    ];
    ClusterEvent {
        at: times.into_iter().flatten().next(),
        level: event.type_.unwrap_or_default(),
        reason: event.reason.unwrap_or_default(),
        kind: event.involved_object.kind.unwrap_or_default(),
        name: event.involved_object.name.unwrap_or_default(),
        count: series
            .and_then(|series| series.count)
            .or(event.count)
            .unwrap_or(1),
        message: event.message.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_tells_when_it_was_last_seen_and_how_often() {
        let event = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "a", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "involvedObject": {"kind": "Pod", "name": "web-0"}, "type": "Warning", "reason": "BackOff",
            "message": "restarting", "count": 7, "lastTimestamp": "2026-01-02T00:00:00Z",
        }));
        let event = of(event.unwrap());
        assert_eq!(event.at.as_deref(), Some("2026-01-02T00:00:00Z"));
        assert_eq!(
            (event.count, event.kind.as_str(), event.name.as_str()),
            (7, "Pod", "web-0")
        );
    }
}
