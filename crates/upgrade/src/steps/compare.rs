//! How a release stands against how it stood before the run.

use std::time::Duration;

use backup::steps::BackUpRecord;
use engine::{StepContext, StepFailure, StepKind};
use model::{DatabaseLocation, LogErrors, PostCheck, ServiceEndpoints, TableRows, Workload, causes};
use postgres_room::{SessionOptions, row_counts_of};

use crate::error_lines::is_error;

/// How long the controller of endpoints may be behind the pods.
const ENDPOINTS_FOLLOW: Duration = Duration::from_secs(15);
/// Over how many seconds the log of a container is read.
pub(crate) const LOG_WINDOW: i64 = 600;
/// So many lines of errors are a finding at least: a start has one or two of its own.
const FEW_ERRORS: u64 = 5;
/// So many times more errors than before are a finding.
const TIMES_MORE: u64 = 3;

/// Endpoints that are gone.
pub(super) async fn endpoints(context: &StepContext, check: &PostCheck) -> Vec<Result<String, String>> {
    let mut found = Vec::new();
    for before in &check.before.services {
        let ServiceEndpoints {
            namespace,
            name,
            ready,
        } = before;
        let cluster = context.cluster();
        let now = cluster.wait_ready_endpoints(namespace, name, *ready, ENDPOINTS_FOLLOW);
        found.push(match now.await {
            Ok(now) => judge_endpoints(name, *ready, now),
            Err(error) => Err(format!(
                "the endpoints of service {name} cannot be read: {}",
                causes(&error)
            )),
        });
    }
    found
}

/// A Service that answered must answer; how many pods do so is the business of counts and autoscalers.
fn judge_endpoints(name: &str, before: usize, now: Option<usize>) -> Result<String, String> {
    match now {
        None => Ok(format!("service {name} is not part of the new version")),
        Some(0) => Err(format!(
            "service {name} has no ready endpoint, {before} were ready before"
        )),
        Some(now) => Ok(format!("service {name} {now}/{before} endpoints")),
    }
}

/// Rows of the named tables, against those in this run's backup, which was made while nobody wrote.
pub(super) async fn tables(
    context: &StepContext,
    check: &PostCheck,
) -> Result<Vec<Result<String, String>>, StepFailure> {
    let (Some(database), false) = (&check.database, check.tables.is_empty()) else {
        return Ok(Vec::new());
    };
    let Some(record) = context.recorded_by::<BackUpRecord>(StepKind::BackUp)? else {
        return Ok(vec![Err(
            "rows cannot be compared: this run made no backup".into()
        )]);
    };
    let before = match record.backup(context).await {
        Ok(backup) => backup.manifest.rows,
        Err(failure) => return Ok(vec![Err(format!("rows cannot be compared: {}", failure.text()))]),
    };
    Ok(match counted(context, database, &check.tables).await {
        Ok(now) => now
            .iter()
            .map(|(wanted, now)| judge_rows(wanted, &before, now.as_ref()))
            .collect(),
        Err(failure) => vec![Err(format!("rows cannot be counted: {}", failure.text()))],
    })
}

async fn counted(
    context: &StepContext,
    database: &DatabaseLocation,
    tables: &[String],
) -> Result<Vec<(String, Option<TableRows>)>, StepFailure> {
    let connector = context.connector(database).await?;
    let session = connector.connect(&SessionOptions::default()).await?;
    Ok(row_counts_of(&session, tables).await?)
}

/// A table must not have fewer rows than before. A name without a schema means the table that the search path finds.
fn judge_rows(wanted: &str, before: &[TableRows], now: Option<&TableRows>) -> Result<String, String> {
    let is_meant = |table: &str| match now {
        Some(now) => table == now.table,
        None => table == wanted || table.split_once('.').is_some_and(|(_, table)| table == wanted),
    };
    let before = before
        .iter()
        .find(|rows| is_meant(&rows.table))
        .map(|rows| rows.rows);
    match (before, now.map(|now| now.rows)) {
        (None, None) => Err(format!("table {wanted} is not there and was not before")),
        (Some(before), None) => Err(format!("table {wanted} is gone, it had {before} rows")),
        (None, Some(now)) => Ok(format!("table {wanted} is new and has {now} rows")),
        (Some(before), Some(now)) if now < before => Err(format!(
            "table {wanted} has {now} rows, {before} were in the backup"
        )),
        (Some(_), Some(now)) => Ok(format!("table {wanted} has {now} rows")),
    }
}

/// Errors in the logs, against those before; `None` where they were not counted before.
pub(super) async fn logs(
    context: &StepContext,
    check: &PostCheck,
) -> Result<Option<Result<String, String>>, StepFailure> {
    let Some(before) = check.before.errors else {
        return Ok(None);
    };
    let mut workloads: Vec<Workload> = Vec::new();
    for name in &check.logs_of {
        workloads.extend(context.cluster().workload(name).await?);
    }
    let is_error = |line: &str| is_error(line, &check.error_markers);
    let now = context.clock().now();
    let after = context
        .cluster()
        .log_errors(&workloads, now, LOG_WINDOW, is_error)
        .await;
    Ok(Some(match after {
        Ok(after) => judge_errors(before, after),
        Err(error) => Err(format!("errors in logs cannot be counted: {}", causes(&error))),
    }))
}

/// Judges errors by how many there are in a second of a container; a handful is none.
fn judge_errors(before: LogErrors, after: LogErrors) -> Result<String, String> {
    // after.lines / after.seconds > TIMES_MORE * before.lines / before.seconds, without division.
    let rate_after = u128::from(after.lines) * u128::from(before.seconds.max(1));
    let rate_before = u128::from(before.lines) * u128::from(after.seconds.max(1));
    let figures = format!(
        "{} lines of errors in {} s of logs, {} in {} s before",
        after.lines, after.seconds, before.lines, before.seconds
    );
    if after.lines >= FEW_ERRORS && rate_after > u128::from(TIMES_MORE) * rate_before {
        Err(format!("more errors than before: {figures}"))
    } else {
        Ok(figures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(table: &str, rows: i64) -> TableRows {
        TableRows {
            table: table.into(),
            rows,
        }
    }

    #[test]
    fn a_service_that_nobody_answers_for_any_more_is_a_finding() {
        assert!(judge_endpoints("web", 2, Some(2)).is_ok());
        assert!(judge_endpoints("web", 2, Some(1)).is_ok());
        assert!(judge_endpoints("web", 2, None).is_ok());
        assert!(
            judge_endpoints("web", 2, Some(0))
                .unwrap_err()
                .contains("no ready endpoint")
        );
    }

    #[test]
    fn a_table_that_lost_rows_or_is_gone_is_a_finding() {
        let before = [rows("public.orders", 7), rows("audit.orders", 3)];
        let judged = |wanted: &str, now: Option<&TableRows>| judge_rows(wanted, &before, now);
        assert!(judged("orders", Some(&rows("public.orders", 7))).is_ok());
        assert!(judged("orders", Some(&rows("public.orders", 9))).is_ok());
        assert!(judged("orders", Some(&rows("public.orders", 6))).is_err());
        assert!(judged("audit.orders", Some(&rows("audit.orders", 3))).is_ok());
        assert!(judged("orders", None).unwrap_err().contains("it had 7 rows"));
        assert!(judged("invoices", None).is_err());
        assert!(
            judged("invoices", Some(&rows("public.invoices", 0)))
                .unwrap()
                .contains("new")
        );
    }

    #[test]
    fn errors_are_judged_by_their_rate_and_a_handful_is_none() {
        let errors = |lines, seconds| LogErrors { lines, seconds };
        assert!(judge_errors(errors(0, 600), errors(4, 10)).is_ok());
        assert!(judge_errors(errors(0, 600), errors(5, 10)).is_err());
        assert!(
            judge_errors(errors(60, 600), errors(5, 50)).is_ok(),
            "as many as before"
        );
        assert!(judge_errors(errors(60, 600), errors(16, 50)).is_err());
        assert!(judge_errors(LogErrors::default(), LogErrors::default()).is_ok());
    }
}
