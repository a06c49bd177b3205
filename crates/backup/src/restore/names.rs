//! What the databases of a restore are called.

use super::RestoreError;

/// What Postgres can hold, in bytes (`NAMEDATALEN` - 1).
const LONGEST_NAME: usize = 63;

/// The longest id: leaves room for a good part of the database's own name.
const LONGEST_ID: usize = 24;

/// The name under which the database in use is kept.
pub fn kept_name(database: &str, id: &str) -> String {
    with_end(database, &format!("_pre_{id}"))
}

/// The name under which a restored database is kept once it was swapped out again.
pub fn undone_name(database: &str, id: &str) -> String {
    with_end(database, &format!("_undone_{id}"))
}

fn with_end(database: &str, end: &str) -> String {
    let room = LONGEST_NAME.saturating_sub(end.len());
    let cut = (0..=room.min(database.len()))
        .rev()
        .find(|at| database.is_char_boundary(*at))
        .unwrap_or(0);
    format!("{}{end}", &database[..cut])
}

/// The id at the end of a name that a restore may have given.
pub(super) fn id_in(name: &str) -> Option<&str> {
    let (before, id) = name.rsplit_once('_')?;
    let given = ["_pre", "_undone", "_restore"]
        .iter()
        .any(|end| before.ends_with(end));
    (given && check_id(id).is_ok()).then_some(id)
}

/// Whether an id can be part of a name.
pub(super) fn check_id(id: &str) -> Result<(), RestoreError> {
    let plain = id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
    if plain && (1..=LONGEST_ID).contains(&id.len()) {
        Ok(())
    } else {
        Err(RestoreError::Id(id.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_what_postgres_holds_and_keep_their_end() {
        let id = "20250131235959ab12";
        assert_eq!(kept_name("shop", id), "shop_pre_20250131235959ab12");
        for database in ["x".repeat(63), "é".repeat(31), "漢".repeat(21)] {
            for name in [kept_name(&database, id), undone_name(&database, id)] {
                assert!(name.len() <= LONGEST_NAME && name.ends_with(id), "{name}");
            }
        }
    }

    #[test]
    fn an_id_is_found_again_in_the_names_it_is_part_of() {
        for name in [
            kept_name("shop", "x1"),
            undone_name("a_b", "x1"),
            "shop_restore_x1".to_owned(),
        ] {
            assert_eq!(id_in(&name), Some("x1"), "{name}");
        }
        for name in ["shop", "shop_x1", "shop_pre_", "shop_pre_X"] {
            assert_eq!(id_in(name), None, "{name}");
        }
    }

    #[test]
    fn ids_are_plain() {
        assert!(check_id("20250131235959ab12").is_ok());
        for id in ["", "A", "a-b", "a_b", "a\"b", &"x".repeat(25)] {
            assert!(check_id(id).is_err(), "{id}");
        }
    }
}
