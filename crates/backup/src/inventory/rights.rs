//! The rights to see what the mechanisms leave in a cluster.

use model::{AccessRequest, Phase};

use super::gather::kinds;
use super::objects::{Place, Reads};

/// What looking at everybody's backups lists, beside a database in a namespace and in the whole cluster. Nobody has to hold
/// more of these than there are mechanisms: what may not be listed is named.
pub fn inventory_rights(namespace: &str) -> Vec<AccessRequest> {
    let mut rights: Vec<AccessRequest> = Vec::new();
    for reads in kinds() {
        let right = AccessRequest {
            phase: Phase::Observe,
            verb: "list".into(),
            group: reads.kind.group.into(),
            resource: plural(reads),
            subresource: None,
            name: None,
            namespace: match reads.place {
                Place::Beside => namespace.into(),
                Place::Elsewhere => String::new(),
            },
        };
        if !rights.contains(&right) {
            rights.push(right);
        }
    }
    rights
}

/// The name that the API has for many of a kind. All that are read have the regular one.
fn plural(reads: &Reads) -> String {
    format!("{}s", reads.kind.kind.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_listed_where_it_is_looked_for() {
        let lines: Vec<String> = inventory_rights("data").iter().map(ToString::to_string).collect();
        for wanted in [
            "list cronjobs.batch in data",
            "list postgresqls.acid.zalan.do in data",
            "list perconapgbackups.pgv2.percona.com in data",
            "list snapshots.k8up.io in data",
        ] {
            assert!(lines.contains(&wanted.to_owned()), "{wanted} {lines:?}");
        }
        let whole = inventory_rights("data");
        let velero = whole.iter().find(|right| right.group == "velero.io");
        assert_eq!(velero.map(|right| right.namespace.as_str()), Some(""));
    }

    #[test]
    fn every_kind_has_the_regular_plural() {
        for reads in kinds() {
            let kind = reads.kind.kind;
            assert!(!kind.ends_with(['s', 'x', 'y', 'z', 'h']), "{kind}");
        }
    }
}
