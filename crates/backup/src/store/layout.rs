//! Where in a store what lies: `<cluster>/<namespace>/<server>/<database>/<id>/<file>`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::BackupId;

/// The file that makes a folder a backup.
pub(crate) const MANIFEST: &str = "manifest.json";

/// How the names of restore tests begin.
pub(super) const VERIFIED: &str = "verified-";

/// Small files that may lie beside the manifest: somebody holds the backup.
pub(crate) const SMALL: [&str; 1] = [PIN];

/// The file that holds a backup whatever a policy says.
pub(crate) const PIN: &str = "pin.json";

/// How many steps lead from the root of a store to a backup's files.
pub(super) const DEPTH: usize = 6;

/// What a name may hold as a step of a path. The dot is not among it, so that no name can be `..`.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// What stands for a cluster or namespace where there is none.
pub(crate) const DIRECT: &str = "direct";

/// Whose backups: the first four steps of the path in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// First 8 characters of the kube-system UID, or `direct`.
    pub cluster: String,
    /// Namespace of the database; `direct` where there is none.
    pub namespace: String,
    /// The server's workload name or system identifier.
    pub server: String,
    /// The database's name.
    pub database: String,
}

/// Which backups to list; `None` is any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// See [`Place::cluster`].
    pub cluster: Option<String>,
    /// See [`Place::namespace`].
    pub namespace: Option<String>,
    /// Whether those of no namespace go with those of `namespace`: of databases outside the cluster, named by an address.
    pub outside: bool,
    /// See [`Place::server`].
    pub server: Option<String>,
    /// See [`Place::database`].
    pub database: Option<String>,
}

impl Place {
    /// The folder of a backup, relative to the store's root.
    pub(super) fn folder(&self, id: &BackupId) -> String {
        let Self {
            cluster,
            namespace,
            server,
            database,
        } = self;
        let steps = [cluster, namespace, server, database].map(|name| step(name));
        format!("{}/{id}", steps.join("/"))
    }
}

impl Filter {
    /// By how the steps of a path must read. One that may read otherwise is any here.
    fn steps(&self) -> [Option<String>; 4] {
        let namespace = self.namespace.clone().filter(|_| !self.outside);
        [&self.cluster, &namespace, &self.server, &self.database].map(|name| name.as_deref().map(step))
    }

    /// The folder that holds everything this filter lets through; empty for the store's root.
    pub(super) fn prefix(&self) -> String {
        let known: Vec<String> = self.steps().into_iter().map_while(|step| step).collect();
        known.join("/")
    }

    /// Whether it lets a path through.
    pub(super) fn lets_through(&self, path: &str) -> bool {
        let of_namespace = self.namespace.as_deref().map(step);
        let of_another = of_namespace.is_some_and(|own| {
            let found = path.split('/').nth(1);
            found != Some(own.as_str()) && !(self.outside && found == Some(DIRECT))
        });
        if of_another {
            return false;
        }
        let mut steps = path.split('/');
        self.steps()
            .into_iter()
            .all(|wanted| match (wanted, steps.next()) {
                (None, Some(_)) => true,
                (Some(wanted), Some(found)) => wanted == found,
                (_, None) => false,
            })
    }
}

/// A name as a step of a path.
pub(super) fn step(name: &str) -> String {
    if name.is_empty() {
        "_".into()
    } else {
        utf8_percent_encode(name, PLAIN).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_can_leave_its_step_of_the_path() {
        for name in ["..", ".", "a/b", "a\\b", "C:", "é", "x\ny", ""] {
            let step = step(name);
            assert!(
                !step.is_empty() && !step.contains(['/', '\\', '.', ':', '\n']),
                "{step}"
            );
        }
    }

    #[test]
    fn a_filter_asks_for_as_little_as_it_can_and_lets_through_no_more_than_it_should() {
        let filter = Filter {
            cluster: Some("c".into()),
            database: Some("a/b".into()),
            ..Filter::default()
        };
        assert_eq!(filter.prefix(), "c");
        assert!(filter.lets_through("c/n/s/a%2Fb/id/manifest.json"));
        assert!(!filter.lets_through("c/n/s/other/id/manifest.json"));
        assert!(!filter.lets_through("d/n/s/a%2Fb/id/manifest.json"));
        assert_eq!(Filter::default().prefix(), "");
    }

    #[test]
    fn backups_of_no_namespace_go_with_those_of_one_where_that_is_asked_for() {
        let mut filter = Filter {
            cluster: Some("c".into()),
            namespace: Some("shop".into()),
            ..Filter::default()
        };
        let path = |namespace: &str| format!("c/{namespace}/s/d/id/manifest.json");
        assert_eq!(filter.prefix(), "c/shop");
        assert!(filter.lets_through(&path("shop")) && !filter.lets_through(&path(DIRECT)));
        filter.outside = true;
        assert_eq!(filter.prefix(), "c");
        assert!(filter.lets_through(&path("shop")) && filter.lets_through(&path(DIRECT)));
        assert!(!filter.lets_through(&path("other")));
        assert!(!filter.lets_through("d/shop/s/d/id/manifest.json"));
    }
}
