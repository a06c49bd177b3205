//! `kubectl pgbackup schedule`.

use std::collections::BTreeSet;
use std::time::Duration;

use backup::{
    CLAIM_FOLDER, MANAGED_BY, SCHEDULE_LABEL, SCHEDULE_NAMESPACE_LABEL, Schedule, ScheduleError,
    ScheduledAct, Store,
};
use checks::{ActNeeds, BackupAct, Grantee, act_rights, roles};
use clap::{Args, Subcommand};
use cli::{Consent, Environment, Output, ask};
use cluster::{ApiError, Cluster, ObjectName};
use model::{API_VERSION, DatabaseRoute, ExitCode, Phase, ScheduleFacts, ScheduleList, causes};
use serde_json::Value;

use super::arguments::{TargetFlags, time};
use super::failure::{Ends, failed};
use super::prune::KeepFlags;
use super::rights::may_do;
use super::stored::Words;
use super::target::target;
use crate::session::{Common, Session, could_not_begin};

/// Flags of `schedule`.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct ScheduleFlags {
    #[command(subcommand)]
    act: Option<ScheduleAct>,
    #[command(flatten)]
    set: SetFlags,
}

#[derive(Debug, Clone, Subcommand)]
enum ScheduleAct {
    /// List the schedules of a namespace and how their last run ended
    List(Common),
    /// Remove a schedule; its backups stay
    Remove(RemoveFlags),
}

#[derive(Debug, Clone, Args)]
struct RemoveFlags {
    /// The schedule
    #[arg(value_name = "NAME")]
    name: String,
    /// Do not ask
    #[arg(short = 'y', long)]
    yes: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Clone, Args)]
struct SetFlags {
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
    to: Option<String>,
    /// A claim that backups are kept in
    #[arg(long, value_name = "CLAIM")]
    claim: Option<String>,
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

impl Ends for ApiError {
    fn code(&self) -> ExitCode {
        if self.is_forbidden() {
            ExitCode::Blocked
        } else {
            ExitCode::CouldNotBegin
        }
    }
}

impl Ends for ScheduleError {
    fn code(&self) -> ExitCode {
        ExitCode::CouldNotBegin
    }
}

/// Sets, lists or removes.
pub(crate) async fn run(flags: &ScheduleFlags, environment: &Environment) -> ExitCode {
    let ended = match &flags.act {
        Some(ScheduleAct::List(common)) => list(common, environment).await,
        Some(ScheduleAct::Remove(flags)) => remove(flags, environment).await,
        None => set(&flags.set, environment).await,
    };
    ended.unwrap_or_else(|code| code)
}

async fn set(flags: &SetFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
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
    let schedules = schedules(flags, &session.namespace, &kept);
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
        let written = output.text(|out| render::manifests(out, &objects));
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

fn in_words(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!(
        "{}/{}",
        text(&object["kind"]).to_ascii_lowercase(),
        text(&object["metadata"]["name"])
    )
}

/// When restore tests run, by the words that stand for fields.
const VERIFY_TIMES: [(&str, &str); 3] = [
    ("weekly", "30 4 * * 0"),
    ("monthly", "30 4 1 * *"),
    ("quarterly", "30 4 1 1,4,7,10 *"),
];

/// Where the pods of a schedule keep backups.
#[derive(Debug, PartialEq, Eq)]
struct Kept {
    /// The store, as they reach it.
    store: String,
    /// The claim that they mount.
    claim: Option<String>,
}

/// A claim is mounted, and the store is a folder then: nobody has to be asked for a pod that reaches it.
fn kept(flags: &SetFlags, namespace: &str) -> Result<Kept, String> {
    let Some(store) = &flags.to else {
        return Ok(Kept {
            store: CLAIM_FOLDER.to_owned(),
            claim: flags.claim.clone(),
        });
    };
    // Names of stores stand in a file on this machine, which the pods of the schedule do not have.
    if !store.contains("://") && !store.starts_with('/') {
        return Err(format!(
            "{store:?} is no store that a pod can reach: write its URL, or use --claim"
        ));
    }
    let opened = Store::open(store).map_err(|error| causes(&error))?;
    let Some(address) = opened.claim() else {
        return Ok(Kept {
            store: store.clone(),
            claim: flags.claim.clone(),
        });
    };
    if let Some(other) = address.namespace.as_deref().filter(|other| *other != namespace) {
        return Err(format!(
            "a pod mounts claims of its own namespace only: {} is in {other}, and the schedule in {namespace}",
            address.claim
        ));
    }
    if flags.claim.as_ref().is_some_and(|claim| *claim != address.claim) {
        return Err("--to and --claim name two claims".to_owned());
    }
    let below = match address.path.as_str() {
        "" => String::new(),
        path => format!("/{path}"),
    };
    Ok(Kept {
        store: format!("{CLAIM_FOLDER}{below}"),
        claim: Some(address.claim.clone()),
    })
}

/// The schedules that the flags mean, each with the act whose rights it needs.
fn schedules(flags: &SetFlags, namespace: &str, kept: &Kept) -> Vec<(Schedule, BackupAct)> {
    let Kept { store, claim } = kept;
    let release = flags.target.release.as_deref();
    let name = match (&flags.name, release) {
        (Some(name), _) => name.clone(),
        (None, Some(release)) => format!("pgbackup-{release}"),
        (None, None) => "pgbackup".to_owned(),
    };
    let mut schedules = Vec::new();
    if let Some(cron) = &flags.cron {
        let acts = making(flags, namespace, store, &name);
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

/// Making a backup, and removing older ones after a good one.
fn making(flags: &SetFlags, namespace: &str, store: &str, name: &str) -> Vec<ScheduledAct> {
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
        let mut words = owned(&["prune", "--yes", "--from", store, "-n", namespace]);
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

/// All objects of a schedule: the account, what it may do, and when.
fn objects_of(schedule: &Schedule, act: BackupAct, needs: &ActNeeds) -> Vec<Value> {
    let rights = act_rights(&BTreeSet::from([act]), needs);
    let grantee = Grantee {
        account: schedule.name.clone(),
        namespace: schedule.namespace.clone(),
    };
    let mut granted = roles(
        &schedule.name,
        &[rights.needed, rights.helpful].concat(),
        &grantee,
    );
    for object in &mut granted {
        object["metadata"]["labels"] = schedule.labels();
    }
    let mut objects = schedule.objects();
    objects.splice(1..1, granted);
    objects
}

async fn list(common: &Common, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let session = Session::open(common, environment).await?;
    let output = &session.output;
    let list = read(&session.cluster, &session.namespace).await;
    let list = list.map_err(|error| failed(output, &error))?;
    let written = output.result(&list, |out, _| render::schedules(out, &list));
    Ok(cli::end_with(output, written, ExitCode::Done))
}

async fn read(cluster: &Cluster, namespace: &str) -> Result<ScheduleList, ApiError> {
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

async fn remove(flags: &RemoveFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let session = Session::open(&flags.common, environment).await?;
    let output = &session.output;
    let namespace = session.namespace.as_str();
    let refused = |error: ApiError| failed(output, &error);
    let listed = read(&session.cluster, namespace).await.map_err(refused)?;
    if !listed.items.iter().any(|item| item.name == flags.name) {
        let words = format!("no schedule {} in namespace {namespace}", flags.name);
        return Err(could_not_begin(output, &Words(words)));
    }
    agreed(
        output,
        &format!("Remove schedule {}? Its backups stay.", flags.name),
        flags.yes,
    )?;
    let labels = format!(
        "{}={},{SCHEDULE_LABEL}={},{SCHEDULE_NAMESPACE_LABEL}={namespace}",
        MANAGED_BY.0, MANAGED_BY.1, flags.name
    );
    const RBAC: &str = "rbac.authorization.k8s.io/v1";
    // What starts anything goes first. The database's namespace may be another one, so Roles are looked for in the
    // bindings of all that we may see.
    let kinds = [
        ("batch/v1", "CronJob", Some(namespace)),
        (RBAC, "RoleBinding", None),
        (RBAC, "Role", None),
        (RBAC, "ClusterRoleBinding", None),
        (RBAC, "ClusterRole", None),
        ("v1", "ServiceAccount", Some(namespace)),
    ];
    let mut left = Vec::new();
    for (api_version, kind, place) in kinds {
        let found = session.cluster.labelled(api_version, kind, place, &labels).await;
        let found = match found {
            Ok(found) => found,
            // Not allowed to look everywhere: the namespace of the schedule is what is left.
            Err(error) if error.is_forbidden() && place.is_none() && !kind.starts_with("Cluster") => {
                left.push(format!("{kind} objects in other namespaces"));
                let found = session
                    .cluster
                    .labelled(api_version, kind, Some(namespace), &labels)
                    .await;
                found.map_err(refused)?
            }
            Err(error) if error.is_forbidden() => {
                left.push(format!("{kind} objects"));
                Vec::new()
            }
            Err(error) => return Err(refused(error)),
        };
        for object in found {
            let name = ObjectName {
                api_version: api_version.into(),
                kind: kind.into(),
                namespace: object["metadata"]["namespace"].as_str().map(str::to_owned),
                name: object["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
            };
            session.cluster.remove(&name).await.map_err(refused)?;
        }
    }
    let written = output.text(|out| {
        writeln!(out, "schedule {} is removed; its backups stay", flags.name)?;
        for what in &left {
            writeln!(out, "not looked for, because you may not list them: {what}")?;
        }
        Ok(())
    });
    Ok(cli::end_with(output, written, ExitCode::Done))
}

fn agreed(output: &Output, question: &str, yes: bool) -> Result<(), ExitCode> {
    let refused = |words: &str| could_not_begin(output, &Words(words.to_owned()));
    match ask(question, yes) {
        Ok(Consent::Yes) => Ok(()),
        Ok(Consent::No) => Err(refused("not agreed")),
        Ok(Consent::NobodyThere) => Err(refused(
            "nobody is there to agree: say --yes, or --print to look first",
        )),
        Err(error) => Err(could_not_begin(output, &error)),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

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

    #[test]
    fn backups_and_restore_tests_are_schedules_of_their_own() {
        let flags = parsed(&["--cron", "15 3 * * *", "--keep", "30d", "--verify", "quarterly"]).unwrap();
        let schedules = schedules(&flags, "shop", &kept(&flags, "shop").unwrap());
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
        let schedules = schedules(&flags, "shop", &kept(&flags, "shop").unwrap());
        assert_eq!((schedules.len(), schedules[0].0.cron.as_str()), (1, "0 5 * * 1"));
        assert!(parsed(&[]).is_err());
    }

    #[test]
    fn the_application_is_booted_by_the_clock_with_the_rights_for_it() {
        let flags = parsed(&["--verify", "weekly", "--with-app"]).unwrap();
        let schedules = schedules(&flags, "shop", &kept(&flags, "shop").unwrap());
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
            let needs = ActNeeds {
                namespace: "shop".into(),
                database_namespace: Some("shop".into()),
                with_app: false,
            };
            let objects = objects_of(schedule, *act, &needs);
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
        let may: Vec<bool> = schedules(&flags, "shop", &kept(&flags, "shop").unwrap())
            .iter()
            .map(creates_pods)
            .collect();
        assert_eq!(may, [false, true]);
    }

    fn kept_of(words: &[&str]) -> Result<(String, Option<String>), String> {
        let fixed = ["x", "shop", "--cron", "@daily", "--image", "i"];
        let parsed = Command::try_parse_from(fixed.iter().chain(words)).unwrap();
        kept(&parsed.flags, "shop").map(|kept| (kept.store, kept.claim))
    }

    #[test]
    fn a_claim_is_mounted_and_its_folder_is_the_store() {
        let mounted = |store: &str| Ok((store.to_owned(), Some("backups".to_owned())));
        assert_eq!(kept_of(&["--claim", "backups"]), mounted("/backups"));
        assert_eq!(kept_of(&["--to", "pvc://backups"]), mounted("/backups"));
        assert_eq!(
            kept_of(&["--to", "pvc://backups/daily"]),
            mounted("/backups/daily")
        );
        assert_eq!(
            kept_of(&["--to", "pvc://shop/backups/a/b"]),
            mounted("/backups/a/b")
        );
        let told = kept_of(&["--to", "pvc://other/backups/a"]).unwrap_err();
        assert!(told.contains("its own namespace"), "{told}");
        assert!(kept_of(&["--to", "pvc://backups", "--claim", "x"]).is_err());
        assert!(kept_of(&["--to", "prod"]).is_err());
        let bucket = "s3://b/p".to_owned();
        assert_eq!(kept_of(&["--to", &bucket]), Ok((bucket.clone(), None)));
    }
}
