//! The command line.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use backup::files::PodFile;
use backup::{BackupId, Packing, Route};
use clap::{Args, CommandFactory, Parser, Subcommand};
use cli::{DatabaseFlags, Environment, Output, OutputFlags, ProfileFlags, parse};
use model::text::shell_word;
use model::{BackupFormat, ExitCode};
use postgres_room::{Named, Operator};

use super::artefacts::ArtefactFlags;
use super::list::ListFlags;
use super::restore::RestoreFlags;
use super::seal::{IdentityFlags, RecipientFlags};
use super::show::ShowFlags;
use super::status::StatusFlags;
use super::store::StoreVerb;
use super::verify_app::AppFlags;
use super::{
    base, create, files, keys, list, prune, rbac, restore, schedule, show, status, store, stored, verify,
};
use crate::session::{Common, Session};

/// The name of the program's file.
const PROGRAM: &str = "kubectl-pgbackup";

/// Backups of Postgres that prove themselves
#[derive(Debug, Parser)]
#[command(
    name = "kubectl pgbackup",
    bin_name = "kubectl pgbackup",
    version,
    after_help = "The database is that of a Helm release, a workload, a pod, a Service or an operator's cluster, or the one named \
                  by --dsn or --secret. Flags come after \
                  `pgbackup`: kubectl hands on none that stand before it.\n\n\
                  Exit codes: 0 done, 1 could not begin, 2 blocked by a finding (a restore test that finds a difference \
                  is one), 10 failed and left nothing behind, 11 stopped half-way."
)]
struct Command {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Back up a database and prove it: exit status, bytes and hash at both ends, archive read to its end
    Create(CreateFlags),
    /// List everybody's backups: ours, those of operators, controllers and CronJobs, and volume snapshots
    List(ListFlags),
    /// Show everything about one backup: why its grade, what to know, how to restore it
    Show(ShowFlags),
    /// Judge whether a database has a fresh backup: 0 fresh, 2 stale or failing, 3 cannot tell
    Status(StatusFlags),
    /// Fetch a backup to disk, or a file of a pod, and prove the hashes; carries on with one that was cut off
    Get(GetFlags),
    /// Copy a file into a pod and compare the hashes of both ends
    Put(files::PutFlags),
    /// Restore a backup into a throw-away server of the same image and compare
    Verify(VerifyFlags),
    /// Fill a new database from a backup, compare it, and swap it in; the old one is kept
    Restore(Box<RestoreFlags>),
    /// Name stores of backups and try them
    Store {
        #[command(subcommand)]
        verb: StoreVerb,
    },
    /// Tell which backups no rule keeps, and remove them with --yes
    Prune(prune::PruneFlags),
    /// Keep a backup whatever the rules of prune say
    Pin(prune::PinFlags),
    /// Let the rules of prune apply to a backup again
    Unpin(prune::UnpinFlags),
    /// The keys without which a restore is useless: seal them, keep them apart, prove that they open
    #[command(subcommand)]
    Keys(keys::KeysAct),
    /// Copy, try and put back whole servers (pg_basebackup)
    Base(base::BaseFlags),
    /// Make backups by the clock: a CronJob that runs this program in the cluster
    Schedule(Box<schedule::ScheduleFlags>),
    /// Print the Roles and bindings with which a ServiceAccount may do an act, and nothing more
    Rbac(rbac::RbacFlags),
    /// Print a completion script for a shell
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Which database.
#[derive(Debug, Clone, Args)]
pub(crate) struct TargetFlags {
    /// Whose database is meant: a Helm release, or deployment/, statefulset/, pod/, service/NAME, or an operator's
    /// cluster as cluster.postgresql.cnpg.io/, postgrescluster/ or postgresql/NAME
    #[arg(value_name = "TARGET")]
    pub(crate) release: Option<String>,
    /// The server's pod, and its container where that cannot be told
    #[arg(long, value_name = "POD[/CONTAINER]")]
    pub(crate) pod: Option<String>,
    /// The database on the server that is found
    #[arg(long = "database", id = "database_name", value_name = "NAME")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) profile: ProfileFlags,
    #[command(flatten)]
    pub(crate) database: DatabaseFlags,
}

impl TargetFlags {
    /// Whether the database is named by an address alone, so that no cluster is needed to find it.
    pub(crate) fn is_address(&self) -> bool {
        self.database.is_address() && self.release.is_none() && self.pod.is_none()
    }

    /// Whether the database is named otherwise than by a release or a workload.
    pub(crate) fn is_given(&self) -> bool {
        let options = self.database.options();
        options.dsn.is_some() || options.secret.is_some() || self.pod.is_some()
    }

    /// Whether a Cluster of CloudNativePG is named.
    pub(crate) fn names_cnpg(&self) -> bool {
        let named = self.release.as_deref().map(str::parse::<Named>);
        matches!(named, Some(Ok(Named::Operator(Operator::CloudNativePg, _))))
    }

    /// The words that mean the same database again, for a command that runs in its cluster.
    pub(crate) fn words(&self, namespace: &str) -> Vec<String> {
        let mut words: Vec<String> = self.release.iter().cloned().collect();
        words.extend(["-n".to_owned(), namespace.to_owned()]);
        words.extend(self.more_words());
        words
    }

    /// What a person types to mean the same database again: in the same cluster, where one was asked.
    pub(crate) fn typed(&self, session: Option<&Session>) -> String {
        self.typed_in(session.map(|session| (session.namespace.as_str(), session.connection.as_slice())))
    }

    /// The same, for a namespace and the flags that mean its cluster.
    pub(crate) fn typed_in(&self, cluster: Option<(&str, &[String])>) -> String {
        let words = match cluster {
            Some((namespace, connection)) => [self.words(namespace).as_slice(), connection].concat(),
            None => self.more_words(),
        };
        let words: Vec<String> = words.iter().map(|word| shell_word(word)).collect();
        words.join(" ")
    }

    fn more_words(&self) -> Vec<String> {
        let mut words = self.database.words();
        for (flag, value) in [("--pod", &self.pod), ("--database", &self.name)] {
            words.extend(value.iter().flat_map(|value| [flag.to_owned(), value.clone()]));
        }
        words.extend(self.profile.words());
        words
    }
}

/// Where backups are.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct StoreFlags {
    /// Store with backups: a name, a folder or s3://bucket/prefix [default: safe-upgrade/backups in the user's data
    /// folder]
    #[arg(long = "from", aliases = ["to", "store"], value_name = "STORE")]
    pub(crate) folder: Option<String>,
}

/// Flags of `create`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CreateFlags {
    #[command(flatten)]
    pub(crate) target: TargetFlags,
    /// Store for the backup: a name, a folder, s3://bucket/prefix or pvc://claim/folder (gs:// and az:// are untested) [default:
    /// safe-upgrade/backups in the user's data folder]
    #[arg(long, alias = "store", value_name = "STORE")]
    pub(crate) to: Option<String>,
    /// Why, for whoever reads the manifest
    #[arg(long, value_name = "TEXT", default_value = "made by hand")]
    pub(crate) reason: String,
    /// How long to wait for the lock on a table
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub(crate) lock_wait: Duration,
    /// Layout of the dump: custom, directory (job and direct routes), or plain SQL
    #[arg(long, value_name = "custom|directory|plain", default_value = "custom", value_parser = format)]
    pub(crate) format: BackupFormat,
    /// Compression where the dump runs: what that place has and can afford, or none
    #[arg(long, value_name = "best|none", default_value = "best", value_parser = packing)]
    pub(crate) compress: Packing,
    /// Way to the database: exec, job, port-forward or direct [default: the best that can be had, with its reason]
    #[arg(long, value_name = "ROUTE", value_parser = route_word)]
    pub(crate) route: Option<Route>,
    /// Back up every database of the server, each as a backup of its own
    #[arg(long, conflicts_with = "database_name")]
    pub(crate) all: bool,
    /// With --all: also the database `postgres`
    #[arg(long, requires = "all")]
    pub(crate) with_postgres: bool,
    /// Have somebody else make it, wait, and end by its real result: cnpg CLUSTER or cronjob NAME
    #[arg(long, num_args = 2, value_names = ["cnpg|cronjob", "NAME"], conflicts_with_all = ["release", "to", "dsn", "secret", "all"])]
    pub(crate) via: Option<Vec<String>>,
    /// With --via, how long to wait for its end
    #[arg(long, value_name = "TIME", default_value = "2h", value_parser = time, requires = "via")]
    pub(crate) via_timeout: Duration,
    #[command(flatten)]
    pub(crate) seal: RecipientFlags,
    #[command(flatten)]
    pub(crate) keys: keys::KeyFlags,
    #[command(flatten)]
    pub(crate) artefacts: ArtefactFlags,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Flags of `get`.
#[derive(Debug, Clone, Args)]
pub(crate) struct GetFlags {
    /// The backup and the folder to copy it into, where a folder of its name is made; with --pod, only the name of the
    /// file to make
    #[arg(value_names = ["ID", "DESTINATION"], num_args = 1..=2, required = true)]
    words: Vec<String>,
    /// Copy a file of a pod instead: the pod, its container where it has several, and the path there
    #[arg(long, value_name = "POD[/CONTAINER]:PATH")]
    pub(crate) pod: Option<PodFile>,
    /// Replace a file that is there
    #[arg(long, requires = "pod")]
    pub(crate) overwrite: bool,
    #[command(flatten)]
    pub(crate) identity: IdentityFlags,
    #[command(flatten)]
    pub(crate) store: StoreFlags,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What `get` is to fetch.
#[derive(Debug)]
pub(crate) enum Wanted<'a> {
    Backup(BackupId, &'a Path),
    File(&'a PodFile, &'a Path),
}

impl GetFlags {
    /// What the words mean.
    pub(crate) fn wanted(&self) -> Result<Wanted<'_>, String> {
        match (&self.pod, self.words.as_slice()) {
            (Some(file), [destination]) => Ok(Wanted::File(file, Path::new(destination))),
            (Some(_), _) => Err("with --pod there is only one word more: the file to make here".to_owned()),
            (None, [id, destination]) => match id.parse() {
                Ok(id) => Ok(Wanted::Backup(id, Path::new(destination))),
                Err(error) => Err(error.to_string()),
            },
            (None, _) => {
                Err("name the backup and the folder to copy it into, or a file with --pod".to_owned())
            }
        }
    }
}

/// Which backup is to be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WhichBackup {
    Id(BackupId),
    Newest,
}

impl FromStr for WhichBackup {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "newest" => Ok(Self::Newest),
            id => match id.parse() {
                Ok(id) => Ok(Self::Id(id)),
                Err(error) => Err(format!("{error}, or the word newest")),
            },
        }
    }
}

/// Flags of `verify`.
#[derive(Debug, Clone, Args)]
pub(crate) struct VerifyFlags {
    /// The backup; `newest` is the newest one of the target's database
    #[arg(value_name = "ID|newest")]
    pub(crate) backup: WhichBackup,
    #[command(flatten)]
    pub(crate) target: TargetFlags,
    /// Image of the throw-away server, where the server that was backed up is gone
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: Option<String>,
    /// Use this machine's programs of a PostgreSQL server for the throw-away server, and no cluster
    #[arg(long, conflicts_with_all = ["image", "pod", "dsn", "secret"])]
    pub(crate) local: bool,
    /// With --local, folder with the programs [default: where systems keep those of the backup's version, then PATH]
    #[arg(long, value_name = "FOLDER", requires = "local")]
    pub(crate) programs: Option<PathBuf>,
    /// With --local, folder with room for the restored database [default: the system's temporary folder]
    #[arg(long, value_name = "FOLDER", requires = "local")]
    pub(crate) scratch: Option<PathBuf>,
    /// File of SQL statements that must each return true; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) sql: Vec<PathBuf>,
    /// How long one of them may take
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = time)]
    pub(crate) statement_timeout: Duration,
    /// Check every index and table with the extension amcheck, too
    #[arg(long)]
    pub(crate) amcheck: bool,
    #[command(flatten)]
    pub(crate) app: AppFlags,
    /// User id that servers of the image run under
    #[arg(long, value_name = "UID", default_value_t = 999, requires = "image")]
    pub(crate) run_as: i64,
    /// How long all of it may take
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = time)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) identity: IdentityFlags,
    #[command(flatten)]
    pub(crate) store: StoreFlags,
    #[command(flatten)]
    pub(crate) common: Common,
}

fn format(text: &str) -> Result<BackupFormat, String> {
    [BackupFormat::Custom, BackupFormat::Directory, BackupFormat::Plain]
        .into_iter()
        .find(|format| format.word() == text)
        .ok_or_else(|| format!("{text:?} is no layout of a dump; write custom, directory or plain"))
}

fn packing(text: &str) -> Result<Packing, String> {
    match text {
        "best" => Ok(Packing::Best),
        "none" => Ok(Packing::None),
        _ => Err(format!("{text:?} is no compression; write best or none")),
    }
}

fn route_word(text: &str) -> Result<Route, String> {
    Route::ALL
        .into_iter()
        .find(|route| route.word() == text)
        .ok_or_else(|| format!("{text:?} is no route; write exec, job, port-forward or direct"))
}

pub(crate) fn time(text: &str) -> Result<Duration, String> {
    helm::parse_duration(text).ok_or_else(|| format!("{text:?} is no time; write 30s, 5m or 1h"))
}

/// Runs the command that the words mean.
pub(crate) async fn route(words: Vec<String>, environment: Environment) -> ExitCode {
    let command = match parse::<Command>(&words) {
        Ok(command) => command,
        Err(code) => return code,
    };
    match command.act {
        Act::Create(flags) => create::run(&flags, &environment).await,
        Act::List(flags) => list::run(&flags, &environment).await,
        Act::Show(flags) => show::run(&flags, &environment).await,
        Act::Status(flags) => status::run(&flags, &environment).await,
        Act::Get(flags) => stored::get(&flags, &environment).await,
        Act::Put(flags) => files::put(&flags, &environment).await,
        Act::Keys(wanted) => keys::run(&wanted, &environment).await,
        Act::Prune(flags) => prune::run(&flags, &environment).await,
        Act::Pin(flags) => prune::pin(&flags, &environment).await,
        Act::Unpin(flags) => prune::unpin(&flags, &environment).await,
        Act::Verify(flags) => verify::run(&flags, &environment).await,
        Act::Restore(flags) => restore::run(&flags, &environment).await,
        Act::Store { verb } => store::run(&verb, &environment).await,
        Act::Base(flags) => base::run(&flags, &environment).await,
        Act::Schedule(flags) => schedule::run(&flags, &environment).await,
        Act::Rbac(flags) => rbac::run(&flags, &environment),
        Act::Completion { shell } => {
            let output = Output::new(&OutputFlags::default(), &environment);
            let written = cli::print_completion(shell, Command::command(), PROGRAM);
            cli::end_with(&output, written, ExitCode::Done)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Act, clap::Error> {
        Command::try_parse_from(std::iter::once(&"x").chain(words)).map(|command| command.act)
    }

    #[test]
    fn the_arguments_are_well_formed() {
        Command::command().debug_assert();
    }

    #[test]
    fn what_is_typed_again_means_the_same_database_of_the_same_cluster() {
        let Ok(Act::Create(flags)) = parsed(&[
            "create",
            "shop",
            "--database",
            "my orders",
            "--context",
            "two east",
        ]) else {
            panic!("create");
        };
        let connection = flags.common.connection.words();
        assert_eq!(
            flags.target.typed_in(Some(("prod", connection.as_slice()))),
            "shop -n prod --database 'my orders' --context 'two east'"
        );
        let Ok(Act::Create(flags)) = parsed(&["create", "--dsn", "postgres://db/shop?sslmode=require&a=b"])
        else {
            panic!("create");
        };
        assert_eq!(
            flags.target.typed_in(None),
            "--dsn 'postgres://db/shop?sslmode=require&a=b'"
        );
    }

    #[test]
    fn what_is_no_backup_id_is_a_mistake_in_the_words() {
        let Ok(Act::Get(flags)) = parsed(&["get", "../../etc", "here"]) else {
            panic!("get");
        };
        let told = flags.wanted().unwrap_err();
        assert!(told.contains("is no backup id"), "{told}");
    }

    #[test]
    fn get_takes_a_backup_and_a_folder_or_a_file_of_a_pod_and_a_name() {
        let wanted = |words: &[&str]| {
            let Ok(Act::Get(flags)) = parsed(words) else {
                panic!("get");
            };
            flags.wanted().map(|wanted| format!("{wanted:?}"))
        };
        let backup = wanted(&["get", "20250131T235959Z-0a1b2c3d", "here"]).unwrap();
        assert!(
            backup.starts_with("Backup") && backup.ends_with("\"here\")"),
            "{backup}"
        );
        let file = wanted(&["get", "--pod", "db-0:/etc/a:b", "here"]).unwrap();
        assert!(file.starts_with("File") && file.contains("/etc/a:b"), "{file}");
        assert!(wanted(&["get", "here"]).is_err());
        assert!(wanted(&["get", "--pod", "db-0:/x", "20250131T235959Z-0a1b2c3d", "here"]).is_err());
        assert!(parsed(&["get", "--pod", "db-0", "here"]).is_err());
    }

    #[test]
    fn what_prune_keeps_is_counted_or_a_time() {
        let kept = ["prune", "--keep-daily", "7", "--keep-within", "14d"];
        assert!(matches!(parsed(&kept), Ok(Act::Prune(_))));
        assert!(parsed(&["prune", "--keep", "soon"]).is_err());
        assert!(parsed(&["prune", "--keep", "-3d"]).is_err());
        assert!(parsed(&["prune", "--keep", "3d", "--keep-within", "4d"]).is_err());
    }

    #[test]
    fn the_application_is_named_as_kubectl_names_it_and_needs_a_cluster() {
        let id = "20250131T235959Z-0a1b2c3d";
        let Ok(Act::Verify(flags)) = parsed(&["verify", id, "--with-app", "--app", "deploy/web:main"]) else {
            panic!("verify");
        };
        let named = flags.app.app.unwrap();
        assert_eq!(
            (named.name.as_str(), named.container.as_deref()),
            ("web", Some("main"))
        );
        assert!(
            parsed(&["verify", id, "--app", "deploy/web"]).is_err(),
            "of no use alone"
        );
        assert!(parsed(&["verify", id, "--with-app", "--local"]).is_err());
        for wrong in ["web", "pod/web", "deploy/", "deploy/web:", "svc/web"] {
            assert!(
                parsed(&["verify", id, "--with-app", "--app", wrong]).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_wait_for_locks_is_a_time() {
        let Ok(Act::Create(flags)) = parsed(&["create", "shop", "--lock-wait", "2m"]) else {
            panic!("create");
        };
        assert_eq!((flags.format, flags.route), (BackupFormat::Custom, None));
        assert_eq!(flags.lock_wait, Duration::from_secs(120));
        assert!(parsed(&["create", "shop", "--lock-wait", "soon"]).is_err());
    }

    #[test]
    fn a_layout_and_a_route_are_among_those_there_are() {
        let words = [
            "create",
            "sts/db",
            "--route",
            "port-forward",
            "--format",
            "directory",
            "--compress",
            "none",
        ];
        let Ok(Act::Create(flags)) = parsed(&words) else {
            panic!("create");
        };
        assert_eq!(
            (flags.format, flags.compress),
            (BackupFormat::Directory, Packing::None)
        );
        assert_eq!(flags.route, Some(Route::PortForward));
        assert!(parsed(&["create", "shop", "--route", "pigeon"]).is_err());
        assert!(parsed(&["create", "shop", "--all", "--database", "x"]).is_err());
    }
}
