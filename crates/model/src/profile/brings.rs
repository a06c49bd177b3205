//! Which schema a version of the application brings.

use super::{Migrations, SchemaOf};
use crate::Version;

impl Migrations {
    /// The schema of an application version: that of the newest entry not above it. `None` where nothing is known of it, so
    /// also beyond `schemaTo`.
    pub fn schema_of(&self, app_version: Option<&str>) -> Option<&SchemaOf> {
        let version = Version::parse(app_version?)?;
        if self.schema_to.as_ref().is_some_and(|last| version > *last) {
            return None;
        }
        self.schema
            .iter()
            .filter_map(|entry| Some((Version::parse(&entry.from)?, entry)))
            .filter(|(from, _)| *from <= version)
            .max_by(|(one, _), (other, _)| one.cmp(other))
            .map(|(_, entry)| entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brought(migrations: &Migrations, app_version: &str) -> Option<String> {
        let entry = migrations.schema_of(Some(app_version))?;
        Some(entry.version.clone())
    }

    #[test]
    fn each_entry_holds_up_to_the_next_and_the_last_as_far_as_is_known() {
        let mut migrations = Migrations {
            schema: [("1.0.0", "3"), ("1.8.0", "5")]
                .map(|(from, version)| SchemaOf {
                    from: from.into(),
                    version: version.into(),
                })
                .into(),
            ..Migrations::default()
        };
        assert_eq!(brought(&migrations, "0.9.0"), None);
        assert_eq!(brought(&migrations, "v1.7.9").as_deref(), Some("3"));
        assert_eq!(brought(&migrations, "2.0.0").as_deref(), Some("5"));
        assert_eq!(brought(&migrations, "latest"), None);
        assert_eq!(migrations.schema_of(None), None);

        migrations.schema_to = Version::parse("1.9.2");
        assert_eq!(brought(&migrations, "1.9.2").as_deref(), Some("5"));
        assert_eq!(brought(&migrations, "1.9.3"), None);
    }
}
