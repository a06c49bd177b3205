//! Names of databases that we make.

use std::fmt;

/// The most bytes of a name that Postgres keeps (`NAMEDATALEN - 1`); it cuts longer ones without a word.
const LONGEST: usize = 63;

/// The name of a database that a restore fills: `<database>_restore_<id>`, the database's part cut where the whole
/// would be longer than Postgres keeps. Only databases of such a name are ever dropped: a swap gives them another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreName(String);

impl RestoreName {
    /// The name for this database and restore id. An id is at most 40 characters of `a-z`, `A-Z`, `0-9`, `-`.
    pub fn new(database: &str, id: &str) -> Self {
        Self(with_suffix(database, &format!("_restore_{id}")))
    }

    /// The name under which the database in use is kept when this one takes its place: `<database>_before_<id>`.
    pub fn kept_name(database: &str, id: &str) -> String {
        with_suffix(database, &format!("_before_{id}"))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a name is one that only a restore in progress has.
    pub(crate) fn is_one(name: &str) -> bool {
        name.rsplit_once("_restore_").is_some_and(|(database, id)| {
            !database.is_empty()
                && !id.is_empty()
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
    }
}

impl fmt::Display for RestoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a name is one under which a restore keeps a database: `…_pre_<id>`, `…_undone_<id>`, `…_before_<id>`.
pub(crate) fn is_kept_name(name: &str) -> bool {
    ["_pre_", "_undone_", "_before_"].iter().any(|mark| {
        name.rsplit_once(mark).is_some_and(|(database, id)| {
            !database.is_empty() && !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
    })
}

fn with_suffix(database: &str, suffix: &str) -> String {
    let room = LONGEST.saturating_sub(suffix.len());
    let end = (0..=room.min(database.len()))
        .rev()
        .find(|end| database.is_char_boundary(*end))
        .unwrap_or(0);
    format!("{}{suffix}", database.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_between_characters_and_keeps_its_id() {
        let name = RestoreName::new(&"ä".repeat(31), "20261120T190000Z-0a1b2c3d");
        assert!(name.as_str().len() <= LONGEST);
        assert!(name.as_str().ends_with("_restore_20261120T190000Z-0a1b2c3d"));
        assert!(RestoreName::is_one(name.as_str()));
    }

    #[test]
    fn only_names_that_a_restore_gave_may_be_dropped() {
        for name in ["shop_pre_x1", "a_b_undone_2025ab"] {
            assert!(is_kept_name(name), "{name}");
        }
        for name in [
            "shop",
            "shop_pre_",
            "_pre_x1",
            "shop_pre_x y",
            "postgres",
            "pre_x1",
        ] {
            assert!(!is_kept_name(name), "{name}");
        }
    }

    #[test]
    fn only_names_of_restores_are_taken_for_such() {
        assert!(RestoreName::is_one(
            RestoreName::new("we\"ird; drop", "x1").as_str()
        ));
        for other in [
            "ledger",
            "ledger_before_x1",
            "_restore_x1",
            "a_restore_",
            "a_restore_x y",
        ] {
            assert!(!RestoreName::is_one(other), "{other}");
        }
    }
}
