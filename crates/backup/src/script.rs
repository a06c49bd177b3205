//! The shell scripts that run beside the server. They are constant: values only ever arrive as arguments, a password as
//! the first line of standard input.

use std::collections::BTreeMap;

/// What the scripts are called in process lists and in their own error messages.
pub(crate) const COMMAND_NAME: &str = "safe-upgrade";

macro_rules! script {
    ($($file:literal),+) => {
        concat!(include_str!("scripts/prelude.sh") $(, include_str!($file))+)
    };
}

pub(crate) const PROBE: &str = script!("scripts/probe.sh");
pub(crate) const EXAMINE: &str = script!("scripts/examine.sh");
pub(crate) const DATABASES: &str = script!("scripts/databases.sh");
pub(crate) const WATCH: &str = script!("scripts/watch.sh");
pub(crate) const MEASURE: &str = script!("scripts/measure.sh");
pub(crate) const DUMP: &str = script!("scripts/guard.sh", "scripts/dump.sh");
pub(crate) const DUMP_FOLDER: &str = script!("scripts/guard.sh", "scripts/dump_folder.sh");
pub(crate) const BASE_LOOK: &str = script!("scripts/base_look.sh");
pub(crate) const BASE: &str = script!("scripts/base.sh");
pub(crate) const BASE_TOOLS: &str = include_str!("scripts/base_tools.sh");
pub(crate) const BASE_UNPACK: &str = include_str!("scripts/base_unpack.sh");
pub(crate) const BASE_TRY: &str = include_str!("scripts/base_try.sh");
pub(crate) const BASE_SURVEY: &str = include_str!("scripts/base_survey.sh");
pub(crate) const BASE_CHECK: &str = include_str!("scripts/base_check.sh");
pub(crate) const BASE_SWAP: &str = include_str!("scripts/base_swap.sh");
pub(crate) const BASE_UNDO: &str = include_str!("scripts/base_undo.sh");
pub(crate) const WAIT: &str = include_str!("scripts/wait.sh");
pub(crate) const GLOBALS: &str = script!("scripts/globals.sh");
pub(crate) const RESTORE: &str = script!("scripts/restore.sh");
pub(crate) const RESTORE_IN_PLACE: &str = script!("scripts/restore_in_place.sh");
pub(crate) const RESTORE_KEPT: &str = script!("scripts/restore_kept.sh");
pub(crate) const END_SESSIONS: &str = script!("scripts/end_sessions.sh");
pub(crate) const END_ALL: &str = script!("scripts/end_all.sh");
pub(crate) const ANALYZE: &str = script!("scripts/analyze.sh");
pub(crate) const CREATE_EMPTY: &str = script!("scripts/create_empty.sh");
pub(crate) const IDLE: &str = include_str!("scripts/idle.sh");
pub(crate) const KEEPER: &str = include_str!("scripts/keeper.sh");
pub(crate) const THROW_AWAY: &str = include_str!("scripts/throw_away.sh");
pub(crate) const THROW_AWAY_LOCAL: &str = include_str!("scripts/throw_away_local.sh");
pub(crate) const APP_GATE: &str = include_str!("scripts/app_gate.sh");
pub(crate) const APP_OPEN: &str = include_str!("scripts/app_open.sh");
pub(crate) const APP_DOOR: &str = include_str!("scripts/app_door.sh");
pub(crate) const APP_APART: &str = include_str!("scripts/app_apart.sh");
pub(crate) const APP_FOLDER: &str = include_str!("scripts/app_folder.sh");
pub(crate) const APP_ROLES: &str = script!("scripts/app_roles.sh");
pub(crate) const FILE_LOOK: &str = include_str!("scripts/file_look.sh");
pub(crate) const FILE_HASH: &str = include_str!("scripts/file_hash.sh");
pub(crate) const FILE_READ: &str = include_str!("scripts/file_read.sh");
pub(crate) const FILE_WRITE: &str = include_str!("scripts/file_write.sh");
pub(crate) const FILE_FORGET: &str = include_str!("scripts/file_forget.sh");
pub(crate) const ARTEFACT_LOOK: &str = include_str!("scripts/artefact_look.sh");
pub(crate) const ARTEFACT_TAR: &str = include_str!("scripts/artefact_tar.sh");
pub(crate) const ARTEFACT_SWAP: &str = include_str!("scripts/artefact_swap.sh");
pub(crate) const ARTEFACT_FORGET: &str = include_str!("scripts/artefact_forget.sh");
pub(crate) const VOLUME_LIST: &str = include_str!("scripts/volume_list.sh");
pub(crate) const VOLUME_SMALL: &str = include_str!("scripts/volume_small.sh");
pub(crate) const VOLUME_READ: &str = include_str!("scripts/volume_read.sh");
pub(crate) const VOLUME_BEGIN: &str = include_str!("scripts/volume_begin.sh");
pub(crate) const VOLUME_WRITE: &str = include_str!("scripts/volume_write.sh");
pub(crate) const VOLUME_REMOVE: &str = include_str!("scripts/volume_remove.sh");
pub(crate) const VOLUME_DISCARD: &str = include_str!("scripts/volume_discard.sh");

/// A word that no database can know, so that nothing that a server prints can pass for the line we look for.
pub(crate) fn nonce() -> String {
    format!("safe-upgrade-proof-{:032x}", rand::random::<u128>())
}

/// What the scripts say at their end, in the line that begins with our nonce; and the rest, for messages.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Trailer {
    values: BTreeMap<String, String>,
}

impl Trailer {
    /// Finds the line; one that was cut off is none.
    pub(crate) fn find(stderr: &str, nonce: &str) -> Option<Self> {
        let line = stderr.lines().rev().find_map(|line| line.strip_prefix(nonce))?;
        let values = line.strip_suffix(" end")?;
        let pairs = values.split_whitespace().map(|pair| pair.split_once('='));
        let values = pairs
            .map(|pair| pair.map(|(key, value)| (key.to_owned(), value.to_owned())))
            .collect::<Option<_>>()?;
        Some(Self { values })
    }

    /// A value as text; empty where the script could not know it.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.values.get(key).map_or("", String::as_str)
    }

    /// An exit status; -1 where it was never known.
    pub(crate) fn status(&self, key: &str) -> i32 {
        self.text(key).parse().unwrap_or(-1)
    }

    /// A byte count, where known.
    pub(crate) fn bytes(&self, key: &str) -> Option<u64> {
        self.text(key).parse().ok()
    }
}

/// The last words of a command for a message: what it wrote on standard error without our own line, from its first error
/// on. What follows that may be long: a server repeats the statement.
pub(crate) fn last_words(stderr: &str) -> String {
    const LINES: usize = 6;
    let lines: Vec<&str> = stderr
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty() && !line.starts_with("safe-upgrade-proof-"))
        .collect();
    let is_error = |line: &&str| line.contains("error:") || line.contains("ERROR:");
    let begin = lines
        .iter()
        .position(is_error)
        .unwrap_or_else(|| lines.len().saturating_sub(LINES));
    lines[begin..]
        .iter()
        .take(LINES)
        .copied()
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marked_line_is_found_among_the_words_of_the_programs() {
        let text = "pg_dump: warning: x\n\nN1 dump=0 pack=0 read=0 bytes=12 sha256=ab end\n";
        let trailer = Trailer::find(text, "N1").unwrap();
        assert_eq!(
            (
                trailer.status("dump"),
                trailer.bytes("bytes"),
                trailer.text("sha256")
            ),
            (0, Some(12), "ab")
        );
        assert_eq!(last_words("a\nsafe-upgrade-proof-1 x end\nb\n"), "a; b");
        let long = format!("warning: x\npg_restore: error: y\n{}", "line\n".repeat(20));
        assert!(last_words(&long).starts_with("pg_restore: error: y; line; "));
    }

    #[test]
    fn a_line_with_another_nonce_or_without_its_end_is_none() {
        assert_eq!(Trailer::find("N2 dump=0 end\n", "N1"), None);
        assert_eq!(Trailer::find("N1 dump=0 pack=0 read=0 byt", "N1"), None);
    }

    #[test]
    fn a_status_that_was_never_said_is_no_success() {
        let trailer = Trailer::find("N1 dump= pack=0 end", "N1").unwrap();
        assert_eq!(trailer.status("dump"), -1);
    }
}
