//! What is wrong with a file of a profile or a path: what the strict reader refuses, then what can hardly be meant.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use model::path::parse_path;
use model::profile::{ArtefactPlace, ProfileError, RoleKind, RunBy, Selector, parse};
use model::{LintFinding, LintedFile, Profile, Severity, StrictError, Version};

use super::choice::ProfileChoiceError;
use super::pack::{is_path, yaml_files};

/// The files that are meant: a folder stands for the YAML files in it.
///
/// # Errors
/// When a folder cannot be read.
pub fn files_to_lint(places: &[PathBuf]) -> Result<Vec<PathBuf>, ProfileChoiceError> {
    let mut files = Vec::new();
    for place in places {
        if place.is_dir() {
            files.extend(yaml_files(place).map_err(|source| ProfileChoiceError::Folder {
                path: place.clone(),
                source,
            })?);
        } else {
            files.push(place.clone());
        }
    }
    Ok(files)
}

/// Reads a file strictly.
///
/// # Errors
/// When it cannot be read at all.
pub fn lint(file: &Path) -> Result<LintedFile, ProfileChoiceError> {
    let text = fs::read_to_string(file).map_err(|source| ProfileChoiceError::Unreadable {
        path: file.to_owned(),
        source,
    })?;
    let place = file.display().to_string();
    let (name, findings) = if is_path(&text) {
        match parse_path(&place, &text) {
            Ok(path) => (Some(path.name), Vec::new()),
            Err(error) => (None, vec![refused(error.wrong)]),
        }
    } else {
        match parse(&place, &text) {
            Ok(profile) => (Some(profile.name.clone()), of_profile(&profile, file)),
            Err(ProfileError {
                source: _,
                line,
                column,
                message,
                suggestion,
            }) => (
                None,
                vec![refused(StrictError {
                    line,
                    column,
                    message,
                    suggestion,
                })],
            ),
        }
    };
    Ok(LintedFile {
        file: place,
        name,
        findings,
    })
}

/// What the strict reader refuses.
fn refused(wrong: StrictError) -> LintFinding {
    let StrictError {
        line,
        column,
        message,
        suggestion,
    } = wrong;
    LintFinding {
        severity: Severity::Block,
        line,
        column,
        message,
        suggestion,
    }
}

fn plainly(severity: Severity, message: String) -> LintFinding {
    LintFinding {
        severity,
        line: None,
        column: None,
        message,
        suggestion: None,
    }
}

/// What a profile says that cannot work, or can hardly be meant.
fn of_profile(profile: &Profile, file: &Path) -> Vec<LintFinding> {
    let wrong = [
        health(profile),
        statements(profile),
        artefacts(profile),
        schema(profile),
        path_file(profile, file),
    ];
    let odd = [roles(profile), migrators(profile), matches(profile)];
    let as_findings = |severity: Severity, texts: Vec<String>| {
        texts
            .into_iter()
            .map(move |text| plainly(severity, text))
            .collect::<Vec<_>>()
    };
    let wrong = wrong
        .into_iter()
        .flat_map(|texts| as_findings(Severity::Block, texts));
    let odd = odd
        .into_iter()
        .flat_map(|texts| as_findings(Severity::Warn, texts));
    wrong.chain(odd).collect()
}

fn health(profile: &Profile) -> Vec<String> {
    let known: Vec<&str> = profile.roles.iter().map(|role| role.name.as_str()).collect();
    let mut texts = Vec::new();
    for question in &profile.health {
        if !known.contains(&question.role.as_str()) {
            texts.push(format!(
                "`health` asks role {}, and the roles are: {}",
                question.role,
                known.join(", ")
            ));
        }
        if !question.path.starts_with('/') {
            texts.push(format!(
                "the path {} of `health` begins with no slash",
                question.path
            ));
        }
    }
    texts
}

fn statements(profile: &Profile) -> Vec<String> {
    let busy = profile.busy.iter().map(|busy| ("busy", &busy.what, &busy.sql));
    let assertions = profile
        .verify
        .assertions
        .iter()
        .map(|must| ("verify.assertions", &must.what, &must.sql));
    let smoke = profile
        .smoke
        .iter()
        .filter_map(|step| Some(("smoke", &step.what, step.sql.as_ref()?)));
    let off_peak = profile
        .off_peak
        .activity
        .iter()
        .map(|must| ("offPeak.activity", &must.what, &must.sql));
    busy.chain(assertions)
        .chain(off_peak)
        .chain(smoke)
        .filter(|(_, _, sql)| sql.trim().is_empty())
        .map(|(key, what, _)| format!("the sql of `{key}` ({what}) is empty"))
        .collect()
}

fn artefacts(profile: &Profile) -> Vec<String> {
    let kinds = |place: &ArtefactPlace| {
        let said = [
            place.claim.is_some(),
            !place.labels.is_empty(),
            place.bucket.is_some(),
        ];
        said.into_iter().filter(|said| *said).count()
    };
    profile
        .artefacts
        .iter()
        .enumerate()
        .filter(|(_, place)| kinds(place) != 1)
        .map(|(number, _)| {
            format!(
                "entry {} of `artefacts` has to have one of `claim`, `labels` and `bucket`",
                number + 1
            )
        })
        .collect()
}

/// The versions have to be in their order: each holds up to the next.
fn schema(profile: &Profile) -> Vec<String> {
    let mut texts = Vec::new();
    let mut before: Option<(Version, &str)> = None;
    for entry in &profile.migrations.schema {
        let Some(version) = Version::parse(&entry.from) else {
            texts.push(format!(
                "`migrations.schema` has {}, which is no version",
                entry.from
            ));
            continue;
        };
        if let Some((earlier, text)) = &before
            && *earlier >= version
        {
            texts.push(format!(
                "`migrations.schema` has {} after {text}: each entry holds up to the next",
                entry.from
            ));
        }
        before = Some((version, &entry.from));
    }
    if let (Some(last), Some((newest, text))) = (&profile.migrations.schema_to, &before)
        && last < newest
    {
        texts.push(format!(
            "`migrations.schemaTo` is {last}, and `migrations.schema` goes up to {text}"
        ));
    }
    texts
}

/// A path file beside the profile. Nothing is fetched: an address is read when it is used.
fn path_file(profile: &Profile, file: &Path) -> Vec<String> {
    let Some(named) = &profile.path_file else {
        return Vec::new();
    };
    if named.contains("://") || !named.contains(['/', '\\', '.']) {
        return Vec::new();
    }
    let beside = file.parent().unwrap_or_else(|| Path::new("")).join(named);
    match fs::read_to_string(&beside) {
        Ok(text) => parse_path(&beside.display().to_string(), &text)
            .err()
            .map(|error| error.to_string())
            .into_iter()
            .collect(),
        Err(error) => vec![format!(
            "`pathFile` names {}, which cannot be read: {error}",
            beside.display()
        )],
    }
}

fn roles(profile: &Profile) -> Vec<String> {
    let mut texts = Vec::new();
    let mut names = BTreeSet::new();
    for role in &profile.roles {
        if role.select == Selector::default() {
            texts.push(format!("role {} selects nothing", role.name));
        }
        if !names.insert(&role.name) {
            texts.push(format!("two roles are called {}", role.name));
        }
    }
    texts
}

fn migrators(profile: &Profile) -> Vec<String> {
    let migrators: Vec<&str> = profile
        .roles
        .iter()
        .filter(|role| role.kind == RoleKind::Migrator)
        .map(|role| role.name.as_str())
        .collect();
    match (profile.migrations.run, migrators.as_slice()) {
        (Some(RunBy::Hook), [_, ..]) => vec![format!(
            "a hook migrates (`migrations.run`), and role {} is a migrator, too",
            migrators.join(", ")
        )],
        (Some(RunBy::Boot), []) => {
            vec![
                "the application migrates when it boots (`migrations.run`), and no role is a migrator".into(),
            ]
        }
        (Some(RunBy::Hook | RunBy::Boot) | None, _) => Vec::new(),
    }
}

fn matches(profile: &Profile) -> Vec<String> {
    if profile.matches.charts.is_empty() && profile.matches.images.is_empty() {
        return vec!["`match` names no chart and no image, so it is only taken by `--profile`".into()];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "apiVersion: safe-upgrade.dev/v1alpha1\nkind: Profile\nname: shop\nmatch: { charts: [shop] }\n";

    fn linted(text: &str) -> LintedFile {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shop.yaml");
        fs::write(&file, text).unwrap();
        lint(&file).unwrap()
    }

    /// The only finding of a profile with this after its head.
    fn told(rest: &str) -> (Severity, String) {
        let found = linted(&format!("{HEAD}{rest}"));
        let [finding] = found.findings.as_slice() else {
            panic!("{rest}: {found:?}");
        };
        (finding.severity, finding.message.clone())
    }

    #[test]
    fn what_the_reader_refuses_is_told_with_its_place_and_the_nearest_key() {
        let found = linted(&format!(
            "{HEAD}roles:\n  - name: web\n    knd: writer\n    select: {{ image: web }}\n"
        ));
        assert_eq!(found.name, None);
        let finding = &found.findings[0];
        assert_eq!(
            (finding.severity, finding.line, finding.column),
            (Severity::Block, Some(7), Some(5))
        );
        assert_eq!(finding.suggestion.as_deref(), Some("kind"));
    }

    #[test]
    fn a_profile_that_can_be_meant_has_no_finding() {
        let ledger = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/apps/profiles/ledger.yaml"
        );
        let found = lint(Path::new(ledger)).unwrap();
        assert_eq!(
            (found.name.as_deref(), found.findings),
            (Some("ledger"), Vec::new())
        );
        for known in super::super::known_profiles(None).unwrap() {
            let blocks: Vec<LintFinding> = of_profile(&known.profile, Path::new("x.yaml"))
                .into_iter()
                .filter(|finding| finding.severity == Severity::Block)
                .collect();
            assert_eq!(blocks, Vec::new(), "{}", known.profile.name);
        }
    }

    #[test]
    fn what_cannot_work_blocks() {
        for (rest, part) in [
            ("health: [{ role: web, port: 80, path: /x }]\n", "asks role web"),
            (
                "roles: [{ name: web, kind: writer, select: { image: web } }]\nhealth: [{ role: web, port: 80, path: x }]\n",
                "begins with no slash",
            ),
            ("busy: [{ what: a job runs, sql: ' ' }]\n", "a job runs"),
            ("artefacts: [{ path: files }]\n", "entry 1"),
            ("migrations: { schema: [{ from: soon, version: '1' }] }\n", "soon"),
            (
                "migrations: { schema: [{ from: 2.0.0, version: '2' }, { from: 1.0.0, version: '1' }] }\n",
                "1.0.0 after 2.0.0",
            ),
            (
                "migrations: { schema: [{ from: 2.0.0, version: '2' }], schemaTo: 1.0.0 }\n",
                "goes up to 2.0.0",
            ),
            ("pathFile: ./way.yaml\n", "way.yaml"),
        ] {
            let (severity, message) = told(rest);
            assert_eq!(severity, Severity::Block, "{message}");
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn what_can_hardly_be_meant_warns() {
        for (rest, part) in [
            (
                "roles: [{ name: web, kind: writer, select: {} }]\n",
                "selects nothing",
            ),
            (
                "roles: [{ name: a, kind: writer, select: { image: a } }, { name: a, kind: writer, select: { image: b } }]\n",
                "two roles",
            ),
            (
                "migrations: { run: hook }\nroles: [{ name: a, kind: migrator, select: { image: a } }]\n",
                "is a migrator, too",
            ),
            ("migrations: { run: boot }\n", "no role is a migrator"),
        ] {
            let (severity, message) = told(rest);
            assert_eq!(severity, Severity::Warn, "{message}");
            assert!(message.contains(part), "{message}");
        }
        let bare = linted("apiVersion: safe-upgrade.dev/v1alpha1\nkind: Profile\nname: shop\n");
        assert!(bare.findings[0].message.contains("no chart"), "{bare:?}");
    }

    #[test]
    fn a_path_file_and_a_folder_are_read_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let head = "apiVersion: safe-upgrade.dev/v1alpha1\nkind: Path\nname: way\npath:";
        fs::write(folder.path().join("way.yaml"), format!("{head} {{}}\n")).unwrap();
        fs::write(folder.path().join("wrong.yml"), format!("{head}\n  stopps: []\n")).unwrap();
        let files = files_to_lint(&[folder.path().to_owned()]).unwrap();
        let found: Vec<LintedFile> = files.iter().map(|file| lint(file).unwrap()).collect();
        assert_eq!(found[0].findings, Vec::new());
        assert_eq!(found[1].findings[0].suggestion.as_deref(), Some("stops"));
        assert!(lint(Path::new("/nowhere/x.yaml")).is_err());
    }
}
