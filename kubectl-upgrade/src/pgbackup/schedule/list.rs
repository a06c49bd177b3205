//! `schedule list`.

use backup::{MANAGED_BY, SCHEDULE_LABEL};
use cli::Environment;
use cluster::{ApiError, Cluster};
use model::{API_VERSION, ExitCode, ScheduleFacts, ScheduleList};
use serde_json::Value;

use super::super::failure::failed;
use crate::session::{Common, Session};

/// Tells the schedules of the namespace.
pub(super) async fn list(common: &Common, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let session = Session::open(common, environment).await?;
    let output = &session.output;
    let list = read(&session.cluster, &session.namespace).await;
    let list = list.map_err(|error| failed(output, &error))?;
    let written = output.result(&list, |out, _| render::schedules(out, &list));
    Ok(cli::end_with(output, written, ExitCode::Done))
}

/// The schedules of a namespace, as its objects tell them.
pub(super) async fn read(cluster: &Cluster, namespace: &str) -> Result<ScheduleList, ApiError> {
    let labels = format!("{}={},{SCHEDULE_LABEL}", MANAGED_BY.0, MANAGED_BY.1);
    let (cron_jobs, jobs) = tokio::join!(
        cluster.labelled("batch/v1", "CronJob", Some(namespace), &labels),
        cluster.labelled("batch/v1", "Job", Some(namespace), &labels),
    );
    let (cron_jobs, jobs) = (cron_jobs?, jobs?);
    Ok(ScheduleList {
        api_version: API_VERSION.into(),
        kind: "ScheduleList".into(),
        items: cron_jobs.iter().map(|cron_job| facts(cron_job, &jobs)).collect(),
    })
}

/// What a CronJob and its Jobs say.
fn facts(cron_job: &Value, jobs: &[Value]) -> ScheduleFacts {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let name = text(&cron_job["metadata"]["name"]).unwrap_or_default();
    let of_ours = jobs
        .iter()
        .filter(|job| job["metadata"]["labels"][SCHEDULE_LABEL].as_str() == Some(&name));
    let newest = of_ours.max_by_key(|job| text(&job["metadata"]["creationTimestamp"]));
    let last_result = newest.map(|job| {
        let ended = job["status"]["conditions"].as_array().into_iter().flatten();
        let mut ended = ended.filter(|condition| condition["status"] == "True");
        let word = ended.find_map(|condition| match condition["type"].as_str() {
            Some("Complete") => Some("complete"),
            Some("Failed") => Some("failed"),
            _ => None,
        });
        word.unwrap_or("running").to_owned()
    });
    ScheduleFacts {
        cron: text(&cron_job["spec"]["schedule"]).unwrap_or_default(),
        time_zone: text(&cron_job["spec"]["timeZone"]),
        suspended: cron_job["spec"]["suspend"] == true,
        last_scheduled_at: text(&cron_job["status"]["lastScheduleTime"]),
        last_succeeded_at: text(&cron_job["status"]["lastSuccessfulTime"]),
        last_result,
        namespace: text(&cron_job["metadata"]["namespace"]).unwrap_or_default(),
        name,
    }
}
