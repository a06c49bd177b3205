//! The newest version that an upgrade path knows. Pure.

use model::path::{PathFile, UpgradePath};
use model::{ChartIdentity, NewestKnown, Version};

use crate::path::by_chart;
use crate::profiles::fits_chart;

/// What the built-in path of a chart knows; `None` where there is none, or it lists no version.
pub(super) fn by_built_in(paths: &[PathFile], chart: &ChartIdentity) -> Option<NewestKnown> {
    let file = paths
        .iter()
        .find(|file| fits_chart(&file.matches, &[&chart.name]).is_some())?;
    let running = by_chart(chart, &file.path);
    newest(
        &file.path,
        &format!("path {}, built in", file.name),
        running.as_ref(),
    )
}

/// The newest release that a path lists. Paths are written by hand: there may be a newer one that they do not know.
pub(super) fn newest(path: &UpgradePath, origin: &str, running: Option<&Version>) -> Option<NewestKnown> {
    let newest = path
        .known
        .iter()
        .filter(|known| !known.version.is_prerelease())
        .max_by(|one, other| one.version.cmp(&other.version))?;
    Some(NewestKnown {
        version: newest.version.to_string(),
        source: origin.to_owned(),
        as_of: newest.released.clone(),
        newer: running.map(|running| newest.version > *running),
    })
}

#[cfg(test)]
mod tests {
    use model::path::parse_path;

    use super::*;

    fn file(path: &str) -> PathFile {
        let text = format!(
            "apiVersion: safe-upgrade.dev/v1alpha1\nkind: Path\nname: shop\nmatch: {{ charts: [shop] }}\npath:\n{path}"
        );
        parse_path("shop.yaml", &text).unwrap()
    }

    fn chart(name: &str, app_version: &str) -> ChartIdentity {
        ChartIdentity {
            name: name.into(),
            version: "0.1.0".into(),
            app_version: Some(app_version.into()),
        }
    }

    #[test]
    fn the_newest_release_that_is_listed_counts_and_no_prerelease() {
        let paths = [file(
            "  known:\n    - { version: 1.9.0 }\n    - { version: 1.10.0, released: 2026-02-01 }\n    - { version: 2.0.0-rc.1 }\n",
        )];
        let known = by_built_in(&paths, &chart("shop", "1.9.0")).unwrap();
        assert_eq!((known.version.as_str(), known.newer), ("1.10.0", Some(true)));
        assert_eq!(known.as_of.as_deref(), Some("2026-02-01"));
        assert_eq!(
            by_built_in(&paths, &chart("shop", "v1.10.0")).unwrap().newer,
            Some(false)
        );
        assert_eq!(by_built_in(&paths, &chart("shop", "main")).unwrap().newer, None);
        assert_eq!(by_built_in(&paths, &chart("web", "1.9.0")), None);
    }

    #[test]
    fn what_lists_no_version_knows_none_and_an_image_s_tag_is_not_in_the_record() {
        assert_eq!(
            by_built_in(&[file("  stops: []\n")], &chart("shop", "1.0.0")),
            None
        );
        let paths = [file(
            "  running: { read: imageTag, image: shop/web }\n  known:\n    - { version: 1.9.0 }\n",
        )];
        assert_eq!(by_built_in(&paths, &chart("shop", "1.0.0")).unwrap().newer, None);
    }
}
