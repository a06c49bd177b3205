//! Which version's schema the database has. Pure.

use model::{MigrationState, Seen};

/// What a version expects of the schema, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The schema's version, as the migration tool names it.
    pub version: Option<String>,
    /// The fingerprint of the migration tool's table, where it was seen under that version.
    pub fingerprint: Option<String>,
    /// Who says so.
    pub source: String,
}

impl Expected {
    /// As it was seen under the version.
    pub fn seen(state: &MigrationState, source: String) -> Self {
        Self {
            version: state.version.clone(),
            fingerprint: Some(state.fingerprint.clone()),
            source,
        }
    }

    /// Whether the state is the one that is expected.
    fn fits(&self, now: &MigrationState) -> bool {
        match &self.fingerprint {
            Some(fingerprint) => *fingerprint == now.fingerprint,
            None => self.version.is_some() && self.version == now.version,
        }
    }

    fn word(&self) -> &str {
        self.version.as_deref().unwrap_or("none")
    }
}

/// Where the schema stands between two versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stand {
    /// As the older version expects it: no migration of the newer one has been committed.
    Older(String),
    /// As the newer version expects it, and not as the older one does.
    Newer(String),
    /// It has left what the older version expects, and what the newer one expects is not known or not reached.
    Between(String),
    /// A migration broke off half-way and left a mark: no version starts on it before a person has looked.
    Dirty(String),
    /// What the older version expects is not known, nor is it what the newer one expects.
    Untold(String),
}

/// Judges. A table that is not there is a schema of which nothing is known.
///
/// # Errors
/// Why nothing can be told.
pub fn stand(
    now: &Seen<MigrationState>,
    older: Option<&Expected>,
    newer: Option<&Expected>,
) -> Result<Stand, String> {
    let now = match now {
        Seen::Present(now) => now,
        Seen::Absent => return Err("no migration tool has left a table that is known".into()),
        Seen::Unreadable(why) => return Err(format!("the migration state could not be read: {why}")),
    };
    let version = now.version.as_deref().unwrap_or("none");
    if now.dirty {
        return Ok(Stand::Dirty(format!(
            "{} says in {} that a migration broke off half-way; the last one that it counts is {version}",
            now.tool, now.table
        )));
    }
    if let Some(older) = older.filter(|older| older.fits(now)) {
        return Ok(Stand::Older(format!(
            "the schema is still at version {version}, on which the older version runs ({})",
            older.source
        )));
    }
    if let Some(newer) = newer.filter(|newer| newer.fits(now)) {
        return Ok(Stand::Newer(format!(
            "the schema is at version {version}, which is the newer version's ({})",
            newer.source
        )));
    }
    Ok(match older {
        Some(older) => Stand::Between(format!(
            "the schema has left version {} of the older version ({}) and is at {version}{}",
            older.word(),
            older.source,
            newer
                .map(|newer| format!(", the newer one's is {}", newer.word()))
                .unwrap_or_default()
        )),
        None => Stand::Untold(format!(
            "the schema is at version {version}, and which one the older version runs on is not known"
        )),
    })
}

#[cfg(test)]
mod tests {
    use model::MigrationTool;

    use super::*;

    fn state(version: &str, dirty: bool) -> Seen<MigrationState> {
        Seen::Present(MigrationState {
            tool: MigrationTool::GolangMigrate,
            table: "public.schema_migrations".into(),
            version: Some(version.into()),
            applied: 1,
            dirty,
            fingerprint: format!("f{version}"),
        })
    }

    fn expected(version: &str, fingerprint: Option<&str>) -> Expected {
        Expected {
            version: Some(version.into()),
            fingerprint: fingerprint.map(str::to_owned),
            source: "profile".into(),
        }
    }

    #[test]
    fn the_table_of_stands() {
        let (two, four) = (expected("2", None), expected("4", None));
        let seen = expected("2", Some("f2"));
        // Migrations of another branch, which end at the same version.
        let other = expected("2", Some("other"));
        for (now, older, newer, wanted) in [
            (state("2", false), Some(&two), Some(&four), "older"),
            (state("2", false), Some(&two), None, "older"),
            (state("2", false), Some(&seen), Some(&four), "older"),
            // Both versions have one schema: nothing had to be migrated.
            (state("2", false), Some(&two), Some(&two), "older"),
            (state("4", false), Some(&two), Some(&four), "newer"),
            (state("4", false), None, Some(&four), "newer"),
            (state("3", false), Some(&two), Some(&four), "between"),
            (state("4", false), Some(&two), None, "between"),
            (state("2", false), Some(&other), Some(&four), "between"),
            (state("3", false), None, Some(&four), "untold"),
            (state("3", false), None, None, "untold"),
            (state("2", true), Some(&two), Some(&four), "dirty"),
        ] {
            let found = match stand(&now, older, newer).unwrap() {
                Stand::Older(_) => "older",
                Stand::Newer(_) => "newer",
                Stand::Between(_) => "between",
                Stand::Dirty(_) => "dirty",
                Stand::Untold(_) => "untold",
            };
            assert_eq!(found, wanted, "{now:?} {older:?} {newer:?}");
        }
        assert!(stand(&Seen::Absent, Some(&two), Some(&four)).is_err());
        assert!(stand(&Seen::Unreadable("no".into()), Some(&two), Some(&four)).is_err());
    }
}
