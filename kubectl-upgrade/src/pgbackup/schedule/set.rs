//! `schedule`: the objects that make backups, or test the newest, by the clock.

use std::time::Duration;

use backup::{Filter, Schedule, ScheduledAct, WHOLE_SERVER};
use checks::{ActNeeds, BackupAct};
use clap::Args;
use cli::{Environment, Output};
use cluster::ApiError;
use model::{DatabaseRoute, ExitCode, Phase};

use super::super::arguments::{TargetFlags, time};
use super::super::failure::failed;
use super::super::prune::KeepFlags;
use super::super::rights::may_do;
use super::super::stored::Words;
use super::super::target::target;
use super::agreed;
use super::kept::{Kept, kept};
use super::list::read;
use super::objects::{in_words, objects_of};
use crate::session::{Common, Session, could_not_begin};

/// What is to run by the clock.
#[derive(Debug, Clone, Args)]
pub(super) struct SetFlags {
    #[command(flatten)]
    target: TargetFlags,
    /// When backups are made: minute, hour, day of month, month, day of week
    #[arg(long, value_name = "FIELDS", required_unless_present = "verify")]
    cron: Option<String>,
    /// When the newest backup is restored into a throw-away server and compared, by a schedule of its own
    #[arg(long, value_name = "weekly|monthly|quarterly|FIELDS", conflicts_with = "base")]
    verify: Option<String>,
    /// With --verify, boot the application on the restored copy, too
    #[arg(long, requires = "verify")]
    with_app: bool,
    /// Time zone of the fields
    #[arg(long, value_name = "ZONE", default_value = "Etc/UTC")]
    time_zone: String,
    /// The store, as the pods of the schedule reach it; a claim, as pvc://claim/folder, is mounted [default with --claim:
    /// the claim]
    #[arg(long, value_name = "STORE", required_unless_present = "claim")]
    pub(super) to: Option<String>,
    /// A claim that backups are kept in
    #[arg(long, value_name = "CLAIM")]
    pub(super) claim: Option<String>,
    /// A Secret with the store's credentials; each of its keys becomes an environment variable
    #[arg(long, value_name = "NAME")]
    store_secret: Option<String>,
    #[command(flatten)]
    keep: KeepFlags,
    /// Copy the whole server (`base create`) instead of dumping the database
    #[arg(long)]
    base: bool,
    /// Image that holds this program; the Containerfile of the project builds it
    #[arg(long, value_name = "IMAGE", required = true)]
    image: Option<String>,
    /// Name of the schedule [default: pgbackup-RELEASE]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// How long a run may take
    #[arg(long, value_name = "TIME", default_value = "6h", value_parser = time)]
    deadline: Duration,
    /// Print the objects and change nothing
    #[arg(long)]
    print: bool,
    /// Do not ask
    #[arg(short = 'y', long)]
    yes: bool,
    #[command(flatten)]
    common: Common,
}

/// Applies the objects that the flags mean, or prints them.
pub(super) async fn set(flags: &SetFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let session = Session::open(&flags.common, environment).await?;
    let output = &session.output;
    let found = target(&session, &flags.target, flags.target.release.as_deref())
        .await
        .map_err(|error| could_not_begin(output, &error))?;
    let database_namespace = match &found.location.route {
        DatabaseRoute::Pod { namespace, .. } => Some(namespace.clone()),
        DatabaseRoute::Direct => None,
    };
    let kept = kept(flags, &session.namespace).map_err(|words| could_not_begin(output, &Words(words)))?;
    if flags.verify.is_some() && database_namespace.is_none() {
        let words = "a restore test by the clock runs in the image of the database's pod, and this database has none in \
                     the cluster: run `verify newest --local` by another clock";
        return Err(could_not_begin(output, &Words(words.into())));
    }
    let filed = Filter::of(&found.location);
    let schedules = schedules(flags, &session.namespace, &kept, &filed);
    let mut objects = Vec::new();
    for (schedule, act) in &schedules {
        schedule.judge().map_err(|error| failed(output, &error))?;
        let needs = ActNeeds {
            namespace: schedule.namespace.clone(),
            database_namespace: database_namespace.clone(),
            with_app: flags.with_app,
        };
        objects.extend(objects_of(schedule, *act, &needs));
    }
    if flags.print {
        let written = output.data(|out| render::manifests(out, &objects));
        return Ok(cli::end_with(output, written, ExitCode::Done));
    }
    let names: Vec<String> = objects.iter().map(in_words).collect();
    let question = format!("Apply {}?", names.join(", "));
    agreed(output, &question, flags.yes)?;
    let phases = &[Phase::Observe, Phase::Backup];
    may_do(&session, BackupAct::Schedule, &found.location, phases).await?;
    for (place, object) in objects.iter().enumerate() {
        let applied = session.cluster.apply(object).await;
        applied.map_err(|error| half_set(output, &error, &names[..place]))?;
    }
    let list = read(&session.cluster, &session.namespace).await;
    let mut list = list.map_err(|error| failed(output, &error))?;
    list.items
        .retain(|item| schedules.iter().any(|(schedule, _)| schedule.name == item.name));
    let written = output.result(&list, |out, _| render::schedules(out, &list));
    Ok(cli::end_with(output, written, ExitCode::Done))
}

/// Tells what stands when an object could not be applied: the API server may refuse one whose rights its author does not
/// hold. The same command carries on.
fn half_set(output: &Output, error: &ApiError, applied: &[String]) -> ExitCode {
    if applied.is_empty() {
        return failed(output, error);
    }
    let state = format!(
        "Applied before it: {}. A CronJob among these runs by the clock.",
        applied.join(", ")
    );
    let next = "the same command carries on; --print gives the objects to somebody who may apply them";
    cli::fail(output, error, &state, Some(next), ExitCode::Stopped)
}

/// When restore tests run, by the words that stand for fields.
const VERIFY_TIMES: [(&str, &str); 3] = [
    ("weekly", "30 4 * * 0"),
    ("monthly", "30 4 1 * *"),
    ("quarterly", "30 4 1 1,4,7,10 *"),
];

/// The schedules that the flags mean, each with the act whose rights it needs. `filed` are the backups that they make.
fn schedules(flags: &SetFlags, namespace: &str, kept: &Kept, filed: &Filter) -> Vec<(Schedule, BackupAct)> {
    let Kept { store, claim } = kept;
    let release = flags.target.release.as_deref();
    let name = match (&flags.name, release) {
        (Some(name), _) => name.clone(),
        (None, Some(release)) => format!("pgbackup-{release}"),
        (None, None) => "pgbackup".to_owned(),
    };
    let mut schedules = Vec::new();
    if let Some(cron) = &flags.cron {
        let acts = making(flags, namespace, store, &name, filed);
        // A copy of the server is made in its pod, as a dump is: it needs no more than that.
        let schedule = schedule(flags, namespace, &name, cron, acts, claim.as_deref());
        schedules.push((schedule, BackupAct::Create));
    }
    if let Some(words) = &flags.verify {
        let known = VERIFY_TIMES.iter().find(|(word, _)| word == words);
        let cron = known.map_or(words.as_str(), |(_, cron)| cron);
        let name = format!("{name}-verify");
        let acts = vec![testing(flags, namespace, store)];
        let schedule = schedule(flags, namespace, &name, cron, acts, claim.as_deref());
        schedules.push((schedule, BackupAct::Verify));
    }
    schedules
}

fn schedule(
    flags: &SetFlags,
    namespace: &str,
    name: &str,
    cron: &str,
    acts: Vec<ScheduledAct>,
    claim: Option<&str>,
) -> Schedule {
    Schedule {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        cron: cron.to_owned(),
        time_zone: flags.time_zone.clone(),
        image: flags.image.clone().unwrap_or_default(),
        acts,
        secret: flags.store_secret.clone(),
        claim: claim.map(str::to_owned),
        deadline: i64::try_from(flags.deadline.as_secs()).unwrap_or(i64::MAX),
    }
}

/// Making a backup, and removing older ones of the same kind after a good one: other schedules may keep theirs in the same
/// store, by other rules.
fn making(flags: &SetFlags, namespace: &str, store: &str, name: &str, filed: &Filter) -> Vec<ScheduledAct> {
    let verbs: &[&str] = if flags.base {
        &["base", "create"]
    } else {
        &["create"]
    };
    let mut create = owned(verbs);
    create.extend(flags.target.words(namespace));
    create.extend(owned(&["--to", store, "--reason", &format!("schedule {name}")]));
    let mut acts = vec![ScheduledAct {
        name: "create".into(),
        words: create,
    }];
    let rules = flags.keep.pairs();
    if !rules.is_empty() {
        let mut words = owned(&["prune", "--yes", "--from", store]);
        let database = if flags.base {
            Some(WHOLE_SERVER)
        } else {
            filed.database.as_deref()
        };
        let only = [
            ("-n", filed.namespace.as_deref()),
            ("--database-server", filed.server.as_deref()),
            ("--database", database),
        ];
        for (flag, value) in only {
            words.extend(value.into_iter().flat_map(|value| owned(&[flag, value])));
        }
        words.extend(rules.into_iter().flat_map(|(flag, value)| [flag, value]));
        acts.push(ScheduledAct {
            name: "prune".into(),
            words,
        });
    }
    acts
}

/// Restoring the newest backup into a throw-away server, and comparing.
fn testing(flags: &SetFlags, namespace: &str, store: &str) -> ScheduledAct {
    let mut words = owned(&["verify", "newest"]);
    words.extend(flags.target.words(namespace));
    let limit = format!("{}s", flags.deadline.as_secs());
    words.extend(owned(&["--from", store, "--timeout", &limit]));
    if flags.with_app {
        words.push("--with-app".to_owned());
    }
    ScheduledAct {
        name: "verify".into(),
        words,
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::Value;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        flags: SetFlags,
    }

    fn parsed(words: &[&str]) -> Result<SetFlags, clap::Error> {
        let fixed = ["x", "shop", "--claim", "backups", "--image", "pgbackup:1"];
        Command::try_parse_from(fixed.iter().chain(words)).map(|command| command.flags)
    }

    /// Those of a database in another namespace than the release's.
    fn filed() -> Filter {
        Filter {
            namespace: Some("data".into()),
            server: Some("db".into()),
            database: Some("app".into()),
            ..Filter::default()
        }
    }

    #[test]
    fn only_backups_of_the_same_database_are_pruned_by_the_clock_and_where_they_are_filed() {
        let pruning = |words: &[&str]| {
            let flags = parsed(&[&["--cron", "15 3 * * *", "--keep-last", "2"][..], words].concat()).unwrap();
            let schedules = schedules(&flags, "shop", &kept(&flags, "shop").unwrap(), &filed());
            schedules[0].0.acts[1].words.join(" ")
        };
        let of = |database: &str| {
            format!(
                "prune --yes --from /backups -n data --database-server db --database {database} --keep-last 2"
            )
        };
        assert_eq!(pruning(&[]), of("app"));
        assert_eq!(pruning(&["--base"]), of("*"));
    }

    #[test]
    fn backups_and_restore_tests_are_schedules_of_their_own() {
        let flags = parsed(&["--cron", "15 3 * * *", "--keep", "30d", "--verify", "quarterly"]).unwrap();
        let schedules = schedules(&flags, "shop", &kept(&flags, "shop").unwrap(), &filed());
        let told: Vec<(&str, &str, BackupAct)> = schedules
            .iter()
            .map(|(schedule, act)| (schedule.name.as_str(), schedule.cron.as_str(), *act))
            .collect();
        assert_eq!(
            told,
            [
                ("pgbackup-shop", "15 3 * * *", BackupAct::Create),
                ("pgbackup-shop-verify", "30 4 1 1,4,7,10 *", BackupAct::Verify),
            ]
        );
        let words = schedules[1].0.acts[0].words.join(" ");
        assert_eq!(
            words,
            "verify newest shop -n shop --from /backups --timeout 21600s"
        );
        assert_eq!(schedules[0].0.acts[1].name, "prune");
    }

    #[test]
    fn a_restore_test_alone_can_be_scheduled_at_any_time() {
        let flags = parsed(&["--verify", "0 5 * * 1"]).unwrap();
        let schedules = schedules(&flags, "shop", &kept(&flags, "shop").unwrap(), &filed());
        assert_eq!((schedules.len(), schedules[0].0.cron.as_str()), (1, "0 5 * * 1"));
        assert!(parsed(&[]).is_err());
    }

    #[test]
    fn the_application_is_booted_by_the_clock_with_the_rights_for_it() {
        let flags = parsed(&["--verify", "weekly", "--with-app"]).unwrap();
        let schedules = schedules(&flags, "shop", &kept(&flags, "shop").unwrap(), &filed());
        let (schedule, act) = &schedules[0];
        let words = schedule.acts[0].words.join(" ");
        assert!(words.ends_with("--timeout 21600s --with-app"), "{words}");
        let needs = ActNeeds {
            namespace: "shop".into(),
            database_namespace: Some("data".into()),
            with_app: flags.with_app,
        };
        let objects = Value::from(objects_of(schedule, *act, &needs)).to_string();
        assert!(objects.contains("networkpolicies"), "{objects}");
        assert!(parsed(&["--cron", "15 3 * * *", "--with-app"]).is_err());
    }

    #[test]
    fn a_restore_test_may_make_pods_and_a_backup_may_not() {
        let flags = parsed(&["--cron", "15 3 * * *", "--verify", "weekly"]).unwrap();
        let creates_pods = |(schedule, act): &(Schedule, BackupAct)| {
            let objects = {
                let needs = ActNeeds {
                    namespace: "shop".into(),
                    database_namespace: Some("shop".into()),
                    with_app: false,
                };
                objects_of(schedule, *act, &needs)
            };
            objects.iter().any(|object| {
                let rules = object["rules"].as_array().into_iter().flatten();
                rules.into_iter().any(|rule| {
                    let has = |key: &str, word: &str| {
                        rule[key]
                            .as_array()
                            .is_some_and(|words| words.contains(&word.into()))
                    };
                    has("resources", "pods") && has("verbs", "create")
                })
            })
        };
        let may: Vec<bool> = schedules(&flags, "shop", &kept(&flags, "shop").unwrap(), &filed())
            .iter()
            .map(creates_pods)
            .collect();
        assert_eq!(may, [false, true]);
    }
}
