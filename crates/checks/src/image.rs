//! Image references, as far as names and versions can be read from them.

/// An image reference taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Image<'a> {
    /// Everything before tag and digest, without the registry.
    pub(crate) repository: &'a str,
    /// The tag, if one is written.
    pub(crate) tag: Option<&'a str>,
    /// Whether a digest pins it.
    pub(crate) pinned: bool,
}

/// Images that are a Postgres server, by the last part of the repository.
///
/// A name alone proves nothing about a client such as a backup job; callers ask for a serving kind too.
const SERVERS: [&str; 9] = [
    "postgres",
    "postgresql",
    "postgresql-repmgr",
    "postgis",
    "pgvector",
    "timescaledb",
    "timescaledb-ha",
    "spilo",
    "cloudnative-pg",
];

impl<'a> Image<'a> {
    /// Takes a reference apart. Never fails: what is not there is not said.
    pub(crate) fn parse(reference: &'a str) -> Self {
        let (name, pinned) = match reference.split_once('@') {
            Some((name, _digest)) => (name, true),
            None => (reference, false),
        };
        let (path, tag) = match name.rsplit_once(':') {
            // A colon before a slash is the registry's port.
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            Some(_) | None => (name, None),
        };
        // The first part is a registry only when it looks like a host: that is the rule of the reference format.
        let repository = match path.split_once('/') {
            Some((host, rest)) if host == "localhost" || host.contains(['.', ':']) => rest,
            Some(_) | None => path,
        };
        Self {
            repository,
            tag,
            pinned,
        }
    }

    /// The last part of the repository.
    pub(crate) fn name(&self) -> &'a str {
        self.repository.rsplit('/').next().unwrap_or(self.repository)
    }

    /// Whether this is a Postgres server's image by its name.
    pub(crate) fn is_postgres(&self) -> bool {
        SERVERS.contains(&self.name())
    }

    /// Whether the repository is the one a profile names; a bare name fits any owner.
    pub(crate) fn is_repository(&self, wanted: &str) -> bool {
        let wanted = Image::parse(wanted).repository;
        self.repository == wanted || self.name() == wanted
    }

    /// The major version of the server by the tag's first number, `None` where the tag does not begin with one.
    pub(crate) fn postgres_major(&self) -> Option<i32> {
        let tag = self.tag?;
        let tag = tag
            .strip_prefix("pg")
            .or_else(|| tag.strip_prefix('v'))
            .unwrap_or(tag);
        let digits: String = tag.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok().filter(|major| (9..100).contains(major))
    }

    /// Whether the same reference may mean another image tomorrow, in another version of the application.
    pub(crate) fn floats(&self) -> bool {
        !self.pinned
            && match self.tag {
                None => true,
                Some(tag) => !tag.contains(|character: char| character.is_ascii_digit()),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_taken_apart() {
        let image = Image::parse("registry.example:5000/team/app:1.2@sha256:00");
        assert_eq!(image.repository, "team/app");
        assert_eq!(image.tag, Some("1.2"));
        assert!(image.pinned);
        assert_eq!(Image::parse("registry.example:5000/app").tag, None);
        assert_eq!(Image::parse("localhost/postgres:15").repository, "postgres");
        assert_eq!(Image::parse("bitnami/postgresql:17.2.0").name(), "postgresql");
    }

    #[test]
    fn the_server_is_told_from_what_only_talks_to_it() {
        assert!(Image::parse("registry.example/bitnami/postgresql:17").is_postgres());
        assert!(!Image::parse("quay.io/prometheuscommunity/postgres-exporter:v0.15").is_postgres());
    }

    #[test]
    fn the_major_is_the_tags_first_number() {
        let major = |reference| Image::parse(reference).postgres_major();
        assert_eq!(major("postgres:17.6-alpine"), Some(17));
        assert_eq!(major("timescale/timescaledb-ha:pg16.2"), Some(16));
        assert_eq!(major("postgres:latest"), None);
        assert_eq!(major("postgres"), None);
    }

    #[test]
    fn only_a_reference_without_any_number_floats() {
        assert!(Image::parse("postgres").floats());
        assert!(Image::parse("postgres:alpine").floats());
        assert!(!Image::parse("postgres:17").floats());
        assert!(!Image::parse("postgres@sha256:00").floats());
    }
}
