//! `kubectl pgbackup prune`, `pin` and `unpin`: which backups stay.

use std::collections::{BTreeMap, BTreeSet};

use backup::prune::{Plan, Policy, ReleaseKey, Revisions, Survey, pin as hold, unpin as let_go};
use backup::{BackupId, Filter, Place, Store, StoreError};
use clap::Args;
use cli::{Environment, Output};
use cluster::Cluster;
use helm::Storage;
use jiff::{Span, Timestamp};
use model::text::shell_word;
use model::{API_VERSION, ExitCode, NextStep, PinReport, PruneReport};

use super::act::{ActEnd, act};
use super::arguments::StoreFlags;
use super::failure::failed;
use super::stored::{Words, backup_of, store_of};
use crate::session::{Common, could_not_begin};

/// Flags of `prune`.
#[derive(Debug, Clone, Args)]
pub(crate) struct PruneFlags {
    /// Only backups of this database
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// Only backups of this server: the name of its StatefulSet or pod, as `show` tells it
    #[arg(long, value_name = "NAME")]
    database_server: Option<String>,
    #[command(flatten)]
    keep: KeepFlags,
    /// Do not hold the newest backup of each revision that a Helm release can still be turned back to
    #[arg(long)]
    ignore_releases: bool,
    /// Remove; without it, only what would go is told
    #[arg(short = 'y', long)]
    yes: bool,
    #[command(flatten)]
    store: StoreFlags,
    #[command(flatten)]
    common: Common,
}

/// What stays: what any of these keeps.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "What stays (what any of these keeps, for each database; times are UTC)")]
pub(super) struct KeepFlags {
    /// All that are not older than this, such as 30d
    #[arg(long, value_name = "TIME", value_parser = span, conflicts_with = "keep_within")]
    keep: Option<Span>,
    /// The same under restic's name, such as 14d, 6mo or 1y
    #[arg(long, value_name = "TIME", value_parser = span)]
    keep_within: Option<Span>,
    /// The newest N
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_last: u32,
    /// The newest of each of the newest N hours that have one
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_hourly: u32,
    /// The newest of each of the newest N days that have one
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_daily: u32,
    /// The newest of each of the newest N weeks that have one
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_weekly: u32,
    /// The newest of each of the newest N months that have one
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_monthly: u32,
    /// The newest of each of the newest N years that have one
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_yearly: u32,
}

fn span(text: &str) -> Result<Span, String> {
    let span: Result<Span, _> = text.parse();
    span.ok()
        .filter(|span| span.is_positive())
        .ok_or_else(|| format!("{text:?} is no time to look back by; write 36h, 14d, 4w, 6mo or 1y"))
}

/// Flags of `pin`.
#[derive(Debug, Clone, Args)]
pub(crate) struct PinFlags {
    /// The backup
    #[arg(value_name = "ID")]
    id: BackupId,
    /// Why, for whoever wonders why it stays
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    #[command(flatten)]
    store: StoreFlags,
    #[command(flatten)]
    common: Common,
}

/// Flags of `unpin`.
#[derive(Debug, Clone, Args)]
pub(crate) struct UnpinFlags {
    /// The backup
    #[arg(value_name = "ID")]
    id: BackupId,
    #[command(flatten)]
    store: StoreFlags,
    #[command(flatten)]
    common: Common,
}

impl KeepFlags {
    fn policy(&self) -> Policy {
        Policy {
            last: self.keep_last,
            hourly: self.keep_hourly,
            daily: self.keep_daily,
            weekly: self.keep_weekly,
            monthly: self.keep_monthly,
            yearly: self.keep_yearly,
            within: self.keep.or(self.keep_within),
        }
    }

    /// The flags that mean the same, with their values.
    pub(super) fn pairs(&self) -> Vec<(String, String)> {
        let within = self
            .keep
            .or(self.keep_within)
            .map(|span| ("--keep".to_owned(), format!("{span:#}")));
        let counts = [
            ("last", self.keep_last),
            ("hourly", self.keep_hourly),
            ("daily", self.keep_daily),
            ("weekly", self.keep_weekly),
            ("monthly", self.keep_monthly),
            ("yearly", self.keep_yearly),
        ];
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        let counts = counts.map(|(rule, count)| (format!("--keep-{rule}"), count.to_string()));
        within.into_iter().chain(counts).collect()
    }
}

/// Decides, tells, and removes where that was agreed to.
pub(crate) async fn run(flags: &PruneFlags, environment: &Environment) -> ExitCode {
    let output = Output::new(&flags.common.output, environment);
    let store = match store_of(&flags.store, &flags.common, environment).await {
        Ok(store) => store,
        Err(code) => return code,
    };
    let options = flags.common.connection.options(environment);
    let filter = Filter {
        namespace: options.namespace.clone(),
        database: flags.database.clone(),
        server: flags.database_server.clone(),
        ..Filter::default()
    };
    let survey = match Survey::take(&store, &filter).await {
        Ok(survey) => survey,
        Err(error) => return failed(&output, &error),
    };
    let wanted = survey.releases();
    let revisions = if flags.ignore_releases {
        wanted.into_iter().map(|key| (key, Ok(BTreeSet::new()))).collect()
    } else if wanted.is_empty() {
        BTreeMap::new()
    } else {
        match Cluster::connect(&options).await {
            Ok(cluster) => revisions(&cluster, wanted).await,
            Err(error) => {
                let why = model::causes(&error);
                wanted.into_iter().map(|key| (key, Err(why.clone()))).collect()
            }
        }
    };
    let plan = match Plan::make(survey, &revisions, &flags.keep.policy(), Timestamp::now()) {
        Ok(plan) => plan,
        Err(error) => return could_not_begin(&output, &error),
    };
    if !flags.yes || !plan.removes_anything() {
        let mut report = plan.preview(&store);
        report.dry_run = !flags.yes;
        if plan.removes_anything() {
            report
                .next
                .push(next(flags, options.namespace.as_deref(), &store.to_string()));
        }
        return told(&output, &report, ExitCode::Done);
    }
    carry_out(&output, plan, &store).await
}

async fn carry_out(output: &Output, plan: Plan, store: &Store) -> ExitCode {
    let done: ActEnd<_, StoreError> = act(output, "remove backups that no rule keeps", async |progress| {
        Ok(plan.carry_out(store, progress).await)
    })
    .await;
    match done {
        ActEnd::Ended(Ok(end)) => {
            let code = if end.failure.is_some() {
                ExitCode::Stopped
            } else {
                ExitCode::Done
            };
            let code = told(output, &end.report, code);
            match end.failure {
                Some(error) => cli::fail(output, &error, PARTLY, Some(AGAIN), code),
                None => code,
            }
        }
        ActEnd::Ended(Err(error)) => failed(output, &error),
        ActEnd::Interrupted => cli::fail(
            output,
            &Words("interrupted".into()),
            PARTLY,
            Some(AGAIN),
            ExitCode::Stopped,
        ),
    }
}

/// How things stand when not everything went that was to go.
const PARTLY: &str = "Some backups that were to go may be there still; what was half removed is no backup any more. \
                      Nothing that was to stay was touched.";

/// What to do then.
const AGAIN: &str = "the same command again";

fn told(output: &Output, report: &PruneReport, code: ExitCode) -> ExitCode {
    let written = output.result(report, |out, style| render::prune_report(out, style, report));
    cli::end_with(output, written, code)
}

/// The command that removes what was told, and nothing beside it.
fn next(flags: &PruneFlags, namespace: Option<&str>, store: &str) -> NextStep {
    let mut words = vec!["kubectl pgbackup prune".to_owned()];
    let rules = flags.keep.pairs().into_iter();
    words.extend(rules.map(|(flag, value)| format!("{flag} {}", shell_word(&value))));
    let only = [
        ("-n", namespace),
        ("--database-server", flags.database_server.as_deref()),
        ("--database", flags.database.as_deref()),
    ];
    for (flag, value) in only {
        words.extend(value.map(|value| format!("{flag} {}", shell_word(value))));
    }
    if flags.ignore_releases {
        words.push("--ignore-releases".to_owned());
    }
    words.push(format!("--from {}", shell_word(store)));
    words.push("--yes".to_owned());
    NextStep {
        text: "remove what would go".into(),
        command: Some(words.join(" ")),
    }
}

/// Which revisions the releases can still be turned back to.
async fn revisions(cluster: &Cluster, wanted: BTreeSet<ReleaseKey>) -> BTreeMap<ReleaseKey, Revisions> {
    let here = Place::cluster_name(cluster).await;
    let mut revisions = BTreeMap::new();
    for key in wanted {
        let known = if key.cluster == here {
            history(cluster, &key).await
        } else {
            Err(format!(
                "it is a release of cluster {}, and this is {here}",
                key.cluster
            ))
        };
        revisions.insert(key, known);
    }
    revisions
}

async fn history(cluster: &Cluster, key: &ReleaseKey) -> Revisions {
    let storage = Storage::open(cluster, &key.namespace).map_err(|error| model::causes(&error))?;
    let history = storage.history(&key.release).await;
    let history = history.map_err(|error| model::causes(&error))?;
    if history.is_empty() {
        // It may be gone, or live in another namespace than its database.
        return Err(format!(
            "there is no such release in namespace {} (--ignore-releases where it is gone for good)",
            key.namespace
        ));
    }
    Ok(history.into_iter().map(|revision| revision.revision).collect())
}

/// Pins.
pub(crate) async fn pin(flags: &PinFlags, environment: &Environment) -> ExitCode {
    let output = Output::new(&flags.common.output, environment);
    let backup = match backup_of(&flags.id, &flags.store, &flags.common, environment).await {
        Ok(backup) => backup,
        Err(code) => return code,
    };
    let held = hold(&backup, &flags.reason, &environment.person(), Timestamp::now()).await;
    match held {
        Ok(changed) => pinned(&output, &flags.id, true, changed),
        Err(error) => failed(&output, &error),
    }
}

/// Unpins.
pub(crate) async fn unpin(flags: &UnpinFlags, environment: &Environment) -> ExitCode {
    let output = Output::new(&flags.common.output, environment);
    let backup = match backup_of(&flags.id, &flags.store, &flags.common, environment).await {
        Ok(backup) => backup,
        Err(code) => return code,
    };
    match let_go(&backup).await {
        Ok(changed) => pinned(&output, &flags.id, false, changed),
        Err(error) => failed(&output, &error),
    }
}

fn pinned(output: &Output, id: &BackupId, pinned: bool, changed: bool) -> ExitCode {
    let report = PinReport {
        api_version: API_VERSION.into(),
        kind: "PinReport".into(),
        id: id.to_string(),
        pinned,
        changed,
    };
    let written = output.result(&report, |out, _| render::pin_report(out, &report));
    cli::end_with(output, written, ExitCode::Done)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        flags: PruneFlags,
    }

    #[test]
    fn the_proposed_command_removes_what_was_told_and_nothing_beside_it() {
        let line = [
            "x",
            "--keep-last",
            "2",
            "--database",
            "my app",
            "--database-server",
            "db",
            "-n",
            "shop",
        ];
        let flags = Command::try_parse_from(line).unwrap().flags;
        let step = next(&flags, Some("shop"), "s3://b/p?endpoint=https://s3.example.com");
        assert_eq!(
            step.command.unwrap(),
            "kubectl pgbackup prune --keep-last 2 -n shop --database-server db --database 'my app' \
             --from 's3://b/p?endpoint=https://s3.example.com' --yes"
        );
    }
}
