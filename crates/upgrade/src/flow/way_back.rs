//! Whether the database could be put back.

use model::{DatabaseFacts, Seen};

/// Room for the restored copy and its dump, in relation to the database's size: the old one is kept.
const ROOM_FACTOR: u64 = 2;

/// Why the database could not be put back by a swap, if it could not. What cannot be seen counts as not possible:
/// a way back that may not be there must not be promised.
pub fn no_way_back(database: &DatabaseFacts) -> Option<String> {
    match &database.can_swap {
        Seen::Present(true) => {}
        Seen::Present(false) => return Some("no identity at hand may create and rename databases".into()),
        Seen::Absent => return Some("nothing says whether databases may be created and renamed".into()),
        Seen::Unreadable(why) => {
            return Some(format!("whether databases may be created is not known: {why}"));
        }
    }
    match &database.replication {
        Seen::Present(names) if !names.is_empty() => {
            return Some(format!("logical replication would break: {}", names.join(", ")));
        }
        Seen::Present(_) | Seen::Absent => {}
        Seen::Unreadable(why) => {
            return Some(format!(
                "whether logical replication is in use is not known: {why}"
            ));
        }
    }
    let needed = u64::try_from(database.size_bytes)
        .unwrap_or(0)
        .saturating_mul(ROOM_FACTOR);
    match &database.free_bytes {
        Seen::Present(free) if *free < needed => Some(format!(
            "{free} bytes are free on its volume, {needed} are needed"
        )),
        Seen::Present(_) | Seen::Absent | Seen::Unreadable(_) => None,
    }
}
