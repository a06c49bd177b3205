//! Schedules of backups in a cluster.

use serde::{Deserialize, Serialize};

/// A schedule as its CronJob and the newest of its Jobs say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleFacts {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// When: a CronJob's five fields.
    pub cron: String,
    /// The time zone of the fields.
    pub time_zone: Option<String>,
    /// Whether it is suspended.
    pub suspended: bool,
    /// When its last Job was due (RFC 3339). That says nothing of how it ended.
    pub last_scheduled_at: Option<String>,
    /// When a Job of it last ended well (RFC 3339).
    pub last_succeeded_at: Option<String>,
    /// How its newest Job stands: `complete`, `failed` or `running`; `None` where there is none.
    pub last_result: Option<String>,
}

/// The schedules of a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleList {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `ScheduleList`.
    pub kind: String,
    /// The schedules.
    pub items: Vec<ScheduleFacts>,
}
