//! Lines of `helm upgrade` as people type them.

use std::time::Duration;

use super::{FlagError, Reuse, UpgradeLine};
use crate::HelmMajor::{self, Four, Three};

fn parse(line: &str, major: HelmMajor) -> Result<UpgradeLine, FlagError> {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    UpgradeLine::parse(&words, major)
}

fn parsed(line: &str) -> UpgradeLine {
    parse(line, Four).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn refused(line: &str, major: HelmMajor) -> FlagError {
    parse(line, major)
        .err()
        .unwrap_or_else(|| panic!("{line} was accepted"))
}

#[test]
fn every_flag_goes_where_the_table_says() {
    let line = parsed(
        "web ./chart -f a.yaml -fb.yaml --set=k=v --set x=--yes --version 1.2.3 --repo https://example.org \
         --labels a=b -l c=d --history-max 5 --skip-crds --timeout 10m --server-side=false --debug=true \
         --burst-limit 7 -n shop --kube-context=there --wait -o json",
    );
    assert_eq!((line.release.as_str(), line.chart().unwrap()), ("web", "./chart"));
    assert_eq!(
        line.values,
        ["--values=a.yaml", "--values=b.yaml", "--set=k=v", "--set=x=--yes"]
    );
    assert_eq!(line.location, ["--version=1.2.3", "--repo=https://example.org"]);
    assert_eq!(
        line.passed,
        [
            "--labels=a=b",
            "--labels=c=d",
            "--history-max=5",
            "--skip-crds",
            "--server-side=false",
            "--debug",
            "--burst-limit=7"
        ]
    );
    assert_eq!(line.timeout, Some(Duration::from_secs(600)));
    assert_eq!(line.output.as_deref(), Some("json"));
    assert_eq!(
        line.connection,
        [
            ("namespace".to_owned(), "shop".to_owned()),
            ("kube-context".to_owned(), "there".to_owned())
        ]
    );
    assert!(line.notices.iter().any(|notice| notice.starts_with("--wait ")));
}

#[test]
fn helms_own_safety_nets_are_refused_with_a_remedy() {
    for line in [
        "r c --atomic",
        "r c --rollback-on-failure",
        "r c --install",
        "r c -i",
        "r c --force",
        "r c --force-replace",
        "r c --cleanup-on-fail",
        "r c --create-namespace",
    ] {
        for major in [Three, Four] {
            let error = refused(line, major);
            assert!(matches!(error, FlagError::Refused { .. }), "{line}: {error}");
        }
    }
    assert!(parsed("r c --atomic=false").passed.is_empty());
}

#[test]
fn flags_of_the_other_line_are_named() {
    for line in [
        "r c --server-side true",
        "r c --force-conflicts",
        "r c --color never",
    ] {
        assert!(
            matches!(refused(line, Three), FlagError::OtherLine { .. }),
            "{line}"
        );
        assert!(parse(line, Four).is_ok(), "{line}");
    }
}

#[test]
fn mistakes_are_named() {
    let error = refused("r c --reuse-value", Four).to_string();
    assert_eq!(error, "unknown flag --reuse-value: did you mean --reuse-values?");
    assert_eq!(refused("r c -x", Four).to_string(), "unknown flag -x");
    assert_eq!(refused("r c --set", Four).to_string(), "flag --set needs a value");
    assert!(matches!(
        refused("r c --timeout soon", Four),
        FlagError::BadValue { .. }
    ));
    assert!(matches!(
        refused("r c --history-max 2", Four),
        FlagError::BadValue { .. }
    ));
    assert!(matches!(
        refused("r c --devel=maybe", Four),
        FlagError::BadValue { .. }
    ));
    assert!(matches!(refused("--devel", Four), FlagError::MissingRelease));
    assert!(matches!(refused("r c d", Four), FlagError::TooManyWords { .. }));
    assert!(matches!(parsed("r").chart(), Err(FlagError::MissingChart)));
}

#[test]
fn values_are_kept_by_helms_own_precedence() {
    for (line, expected) in [
        ("r c", Reuse::ResetThenReuse),
        ("r c --set a=b", Reuse::Reset),
        ("r c --reuse-values", Reuse::Reuse),
        ("r c --reuse-values --set a=b", Reuse::Reuse),
        ("r c --reuse-values=false --set a=b", Reuse::Reset),
        ("r c --reset-then-reuse-values --set a=b", Reuse::ResetThenReuse),
        ("r c --reset-then-reuse-values --reuse-values", Reuse::Reuse),
        ("r c --reset-values --reuse-values", Reuse::Reset),
    ] {
        assert_eq!(parsed(line).reuse, expected, "{line}");
    }
}

#[test]
fn secrets_in_values_stay_out_of_what_is_journaled() {
    let line = parsed("r c --set password=hunter2 --password hunter2 --username me");
    assert!(!line.passed.iter().any(|word| word.contains("hunter2")));
}

#[test]
fn optional_values_are_only_taken_after_an_equals_sign() {
    assert!(parsed("r c --dry-run").dry_run);
    assert!(!parsed("r c --dry-run=none").dry_run);
    let line = parsed("r --dry-run c");
    assert_eq!(line.chart().unwrap(), "c");
    assert!(parsed("r --wait c").chart().is_ok());
}

#[test]
fn the_users_post_renderer_is_kept_in_the_passes() {
    let line = parsed("r c --post-renderer mine --post-renderer-args a --post-renderer-args=--b=c");
    let post_renderer = line.post_renderer().unwrap();
    assert_eq!(
        (post_renderer.name.as_str(), post_renderer.args),
        ("mine", vec!["a".to_owned(), "--b=c".to_owned()])
    );
    let line = parse("r c --post-renderer sh", Three).unwrap_or_else(|error| panic!("{error}"));
    assert!(std::path::Path::new(&line.post_renderer().unwrap().name).is_absolute());
}

#[test]
fn words_after_two_dashes_are_words() {
    assert_eq!(parsed("-- r -c").chart().unwrap(), "-c");
}
