//! What the running application will find: the schema in the dump against the one in use.

use model::{MigrationState, Seen};

/// How the schema in a dump stands to the one in use, by the migration tool's own table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outlook {
    /// The same migrations were applied.
    Same(String),
    /// The dump is older: the running image will apply what lies between.
    Behind {
        /// The tool.
        tool: String,
        /// The dump's version.
        dump: String,
        /// The version in use.
        live: String,
        /// How many migrations lie between, as far as the table tells.
        between: i64,
    },
    /// The dump is newer than the schema in use, and so than the image that runs on it.
    Ahead {
        /// The tool.
        tool: String,
        /// The dump's version.
        dump: String,
        /// The version in use.
        live: String,
    },
    /// Nothing tells.
    Unknown(String),
}

impl Outlook {
    /// Compares the two.
    pub fn judge(dump: Option<&MigrationState>, live: &Seen<MigrationState>) -> Self {
        let Some(dump) = dump else {
            return Self::Unknown("nothing says at which schema version the dump is".into());
        };
        let live = match live {
            Seen::Present(live) => live,
            Seen::Absent => {
                return Self::Unknown("the database in use has no migration table that is known".into());
            }
            Seen::Unreadable(why) => {
                return Self::Unknown(format!("the migration table in use could not be read: {why}"));
            }
        };
        let version = |state: &MigrationState| state.version.clone().unwrap_or_else(|| "none".into());
        let (from, to) = (version(dump), version(live));
        if dump.table != live.table {
            return Self::Unknown(format!(
                "the dump's migrations are in {}, those in use in {}",
                dump.table, live.table
            ));
        }
        if dump.fingerprint == live.fingerprint {
            return Self::Same(to);
        }
        let tool = live.tool.to_string();
        let between = live.applied - dump.applied;
        match order(&from, &to).unwrap_or_else(|| dump.applied.cmp(&live.applied)) {
            std::cmp::Ordering::Less => Self::Behind {
                tool,
                dump: from,
                live: to,
                between,
            },
            std::cmp::Ordering::Greater => Self::Ahead {
                tool,
                dump: from,
                live: to,
            },
            std::cmp::Ordering::Equal => Self::Unknown(format!(
                "both are at {from}, but not the same migrations were applied"
            )),
        }
    }

    /// In words, for the person who has to agree.
    pub fn words(&self) -> String {
        match self {
            Self::Same(version) => {
                format!("the dump is at the schema version in use ({version}): no migration will run")
            }
            Self::Behind {
                tool,
                dump,
                live,
                between,
            } => {
                let count = match between {
                    1 => " (1 migration)".to_owned(),
                    2.. => format!(" ({between} migrations)"),
                    _ => String::new(),
                };
                format!(
                    "the dump is at {tool} version {dump}, in use is {live}: the running image will migrate what is \
                     restored from {dump} to {live}{count} when it starts"
                )
            }
            Self::Ahead { tool, dump, live } => format!(
                "the dump is at {tool} version {dump}, newer than {live} in use: the running image does not know that schema"
            ),
            Self::Unknown(why) => format!("which migrations will run is not known: {why}"),
        }
    }
}

/// By number, where both are numbers.
fn order(one: &str, other: &str) -> Option<std::cmp::Ordering> {
    let (one, other) = (one.parse::<u64>().ok()?, other.parse::<u64>().ok()?);
    Some(one.cmp(&other))
}

#[cfg(test)]
mod tests {
    use model::MigrationTool;

    use super::*;

    fn state(version: &str, applied: i64) -> MigrationState {
        MigrationState {
            tool: MigrationTool::Goose,
            table: "public.goose_db_version".into(),
            version: Some(version.into()),
            applied,
            dirty: false,
            fingerprint: version.into(),
        }
    }

    fn judged(dump: Option<&MigrationState>, live: MigrationState) -> Outlook {
        Outlook::judge(dump, &Seen::Present(live))
    }

    #[test]
    fn what_the_running_image_will_do_follows_from_both_versions() {
        assert_eq!(
            judged(Some(&state("7", 7)), state("7", 7)),
            Outlook::Same("7".into())
        );
        let behind = judged(Some(&state("9", 9)), state("11", 11));
        assert!(
            behind.words().contains("from 9 to 11 (2 migrations)"),
            "{}",
            behind.words()
        );
        let ahead = judged(Some(&state("11", 11)), state("9", 9));
        assert!(matches!(ahead, Outlook::Ahead { .. }), "{ahead:?}");
    }

    #[test]
    fn what_cannot_be_compared_is_unknown() {
        assert!(matches!(judged(None, state("7", 7)), Outlook::Unknown(_)));
        let absent = Outlook::judge(Some(&state("7", 7)), &Seen::Absent);
        assert!(matches!(absent, Outlook::Unknown(_)));
        let elsewhere = MigrationState {
            table: "other".into(),
            ..state("7", 7)
        };
        assert!(matches!(
            judged(Some(&state("7", 7)), elsewhere),
            Outlook::Unknown(_)
        ));
        let other = MigrationState {
            fingerprint: "x".into(),
            ..state("7", 7)
        };
        assert!(matches!(judged(Some(&state("7", 7)), other), Outlook::Unknown(_)));
    }
}
