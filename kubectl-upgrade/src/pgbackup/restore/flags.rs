//! What can be said to `restore`.

use std::path::{Path, PathBuf};

use backup::BackupId;
use clap::Args;
use model::RestoreOptions;

use super::super::arguments::{StoreFlags, TargetFlags};
use super::super::artefacts::WithArtefactsFlag;
use super::super::seal::IdentityFlags;
use crate::session::Common;

/// Flags of `restore`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RestoreFlags {
    /// The backup; with --undo, --drop-old, --resume and --abort the restore; with --file and --list there is none
    #[arg(value_name = "ID")]
    id: Option<String>,
    #[command(flatten)]
    pub(crate) target: TargetFlags,
    /// Restore a dump that anybody made with pg_dump: a file in custom, tar or plain format (.gz, .zst, .age as its name
    /// says) or a folder in directory format
    #[arg(long, value_name = "PATH", group = "what")]
    file: Option<PathBuf>,
    /// List the databases that restores left beside the one in use
    #[arg(long, group = "what")]
    list: bool,
    /// Swap the database that a restore had replaced back in
    #[arg(long, group = "what")]
    undo: bool,
    /// Drop the database that a restore had put aside; asks first, and wants a proven backup of the one in use
    #[arg(long, group = "what")]
    drop_old: bool,
    /// Carry a restore of a release on that was killed, from any machine
    #[arg(long, group = "what", requires = "release")]
    resume: bool,
    /// Take a restore of a release back that was killed, from any machine
    #[arg(long, group = "what", requires = "release")]
    abort: bool,
    /// With --abort, agree to lose what was written since the swap
    #[arg(long, requires = "abort")]
    pub(crate) accept_loss: bool,
    /// Take up the restore of this id, which was killed and was no run of a release; with --with-artefacts also put back the
    /// volumes of one whose database is the restored one by now
    #[arg(long, value_name = "RESTORE", conflicts_with_all = ["list", "undo", "drop_old", "resume", "abort"])]
    pub(crate) again: Option<String>,
    #[command(flatten)]
    answers: AnswerFlags,
    /// Where no second database may be made: drop what the role owns and fill it anew in one transaction, after a backup
    /// of what is there
    #[arg(long, conflicts_with_all = ["list", "undo", "drop_old", "resume", "abort", "again", "jobs"])]
    pub(crate) clean_in_place: bool,
    /// Leave the writers of the release as they are
    #[arg(long)]
    pub(crate) keep_writers: bool,
    /// Only tell what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(short = 'y', long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) artefacts: WithArtefactsFlag,
    #[command(flatten)]
    pub(crate) identity: IdentityFlags,
    #[command(flatten)]
    pub(crate) store: StoreFlags,
    /// Faults on request, for tests
    #[arg(long, hide = true, value_name = "FAULTS")]
    pub(crate) fault: Option<engine::Faults>,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Answers to what a restore asks.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Answers")]
struct AnswerFlags {
    /// Restore a backup of another database or server
    #[arg(long)]
    foreign: bool,
    /// This role owns everything, whoever owned it
    #[arg(long, value_name = "ROLE", conflicts_with = "no_owner")]
    owner: Option<String>,
    /// Whoever restores owns everything
    #[arg(long)]
    no_owner: bool,
    /// Leave privileges out
    #[arg(long)]
    no_acl: bool,
    /// Create missing roles, without login and password
    #[arg(long)]
    create_roles: bool,
    /// Fill this many tables at a time instead of all in one transaction; needs a temporary folder beside the server
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
    /// Agree to a finding: older-image (the dump is newer than the schema in use) or operator (an operator keeps the
    /// server); may be repeated
    #[arg(long, value_name = "FINDING", value_parser = ["older-image", "operator"])]
    accept: Vec<String>,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A backup of ours.
    Backup(BackupId),
    /// A Backup of CloudNativePG, by its name.
    ClusterBackup(String),
    /// A dump of anybody's.
    File(PathBuf),
    /// What is kept.
    List,
    /// A restore taken back.
    Undo(String),
    /// What it had put aside dropped.
    DropOld(String),
    /// A killed run carried on.
    Resume(String),
    /// A killed run taken back.
    Abort(String),
}

impl RestoreFlags {
    /// What the words mean, and which database.
    pub(super) fn meaning(&self) -> Result<(Wanted, TargetFlags), String> {
        let mut target = self.target.clone();
        let alone = self.file.is_some() || self.list;
        if alone {
            // The first word is the target then.
            if let Some(word) = &self.id
                && let Some(more) = target.release.replace(word.clone())
            {
                return Err(format!(
                    "{more:?} is one word too many: only the target is named here"
                ));
            }
            return Ok(match &self.file {
                Some(path) => (Wanted::File(absolute(path)?), target),
                None => (Wanted::List, target),
            });
        }
        let id = self
            .id
            .clone()
            .ok_or("name the backup, or a dump with --file; --list tells what restores left")?;
        let wanted = if self.undo {
            Wanted::Undo(id)
        } else if self.drop_old {
            Wanted::DropOld(id)
        } else if self.resume {
            Wanted::Resume(id)
        } else if self.abort {
            Wanted::Abort(id)
        } else if target.names_cnpg() && id.parse::<BackupId>().is_err() {
            if self.artefacts.wanted() {
                return Err(format!(
                    "--with-artefacts is for backups of ours, and {id} is a Backup of CloudNativePG: it holds no artefacts"
                ));
            }
            Wanted::ClusterBackup(id)
        } else {
            Wanted::Backup(id.parse().map_err(|error| format!("{error}"))?)
        };
        Ok((wanted, target))
    }

    /// The answers.
    pub(super) fn options(&self) -> RestoreOptions {
        let accepted = |finding: &str| self.answers.accept.iter().any(|said| said == finding);
        RestoreOptions {
            foreign: self.answers.foreign,
            owner: self.answers.owner.clone(),
            no_owner: self.answers.no_owner,
            no_acl: self.answers.no_acl,
            create_roles: self.answers.create_roles,
            jobs: self.answers.jobs,
            operator_managed: accepted("operator"),
            older_image: accepted("older-image"),
        }
    }
}

fn absolute(path: &Path) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        flags: RestoreFlags,
    }

    fn meaning(words: &[&str]) -> Result<(Wanted, Option<String>), String> {
        let line = Line::try_parse_from(std::iter::once(&"restore").chain(words))
            .map_err(|error| error.to_string())?;
        line.flags
            .meaning()
            .map(|(wanted, target)| (wanted, target.release))
    }

    const ID: &str = "20250131T235959Z-0a1b2c3d";

    #[test]
    fn the_first_word_is_what_is_restored_or_whose_database_it_is() {
        let backup = Wanted::Backup(ID.parse().unwrap());
        assert_eq!(meaning(&[ID, "shop"]), Ok((backup.clone(), Some("shop".into()))));
        assert_eq!(meaning(&[ID]), Ok((backup, None)));
        let file = meaning(&["--file", "/x/dump.sql.gz", "shop"]).unwrap();
        assert_eq!(file, (Wanted::File("/x/dump.sql.gz".into()), Some("shop".into())));
        assert_eq!(
            meaning(&["--list", "shop"]),
            Ok((Wanted::List, Some("shop".into())))
        );
        assert_eq!(
            meaning(&["x1", "shop", "--resume"]),
            Ok((Wanted::Resume("x1".into()), Some("shop".into())))
        );
        let cnpg = meaning(&["nightly-1", "cluster.postgresql.cnpg.io/main"]).unwrap();
        assert_eq!(cnpg.0, Wanted::ClusterBackup("nightly-1".into()));
    }

    #[test]
    fn what_means_nothing_is_refused_with_what_to_say() {
        assert!(meaning(&[]).unwrap_err().contains("--file"));
        assert!(
            meaning(&["nonsense", "shop"])
                .unwrap_err()
                .contains("is no backup id")
        );
        assert!(
            meaning(&["--file", "x", "shop", "more"])
                .unwrap_err()
                .contains("too many")
        );
        assert!(meaning(&[ID, "--undo", "--list"]).is_err());
        assert!(meaning(&[ID, "--resume"]).is_err(), "a run belongs to a release");
        assert!(meaning(&[ID, "shop", "--owner", "a", "--no-owner"]).is_err());
        let cnpg = meaning(&["nightly-1", "cluster.postgresql.cnpg.io/main", "--with-artefacts"]);
        assert!(cnpg.unwrap_err().contains("--with-artefacts"));
        assert!(meaning(&["--file", "x", "shop", "--with-artefacts"]).is_err());
        assert!(meaning(&[ID, "shop", "--accept", "everything"]).is_err());
    }
}
