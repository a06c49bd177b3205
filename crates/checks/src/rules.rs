//! What the user says about the judging itself: which rows count, and which findings somebody answers for.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use model::{
    API_VERSION, Category, CheckResult, Confidence, Evidence, Severity, StrictError, Verdict, Waived, Waiver,
    WaiverFile, read_strict,
};
use thiserror::Error;

use crate::evaluate::registry;

/// Rows that no waiver lifts: nobody can answer for what stands behind them, because the upgrade would break by itself or
/// two would work on one release.
const STRICT: [&str; 7] = [
    "helm-pending",
    "run-lease",
    "run-unfinished",
    "apply-refused",
    "database-reachable",
    "postgres-primary",
    "postgres-image-major",
];

/// What the user says about the judging.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// `--only`: the ids that are judged; all where empty.
    pub only: Vec<String>,
    /// `--skip`: ids that are left out and shown as skipped.
    pub skip: Vec<String>,
    /// `--waivers`: findings that somebody answers for.
    pub waivers: Vec<Waiver>,
    /// The day (`2026-12-31`, UTC) by which waivers are judged.
    pub day: String,
}

/// Why rules cannot be taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RulesError {
    /// A row that does not exist.
    #[error("{flag}: no check is called {id}")]
    NoSuchCheck {
        /// The flag or the file that names it.
        flag: String,
        /// The id.
        id: String,
    },
    /// The file cannot be read.
    #[error("failed to read the waivers in {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is no file of waivers.
    #[error("waivers {}{}", path.display(), told(wrong))]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        wrong: StrictError,
    },
    /// A waiver for a row that none lifts.
    #[error("waivers {}: {id} cannot be waived: nobody can answer for what stands behind it", path.display())]
    Strict {
        /// The file.
        path: PathBuf,
        /// The row.
        id: String,
    },
}

fn told(wrong: &StrictError) -> String {
    let line = wrong
        .line
        .map(|line| format!(", line {line}"))
        .unwrap_or_default();
    let nearest = wrong
        .suggestion
        .as_ref()
        .map(|key| format!(" (did you mean `{key}`?)"))
        .unwrap_or_default();
    format!("{line}: {}{nearest}", wrong.message)
}

impl Rules {
    /// Refuses ids of rows that do not exist: a mistyped one would leave nothing out, or everything.
    ///
    /// # Errors
    /// See [`RulesError::NoSuchCheck`].
    pub fn check(&self) -> Result<(), RulesError> {
        for (flag, ids) in [("--only", &self.only), ("--skip", &self.skip)] {
            for id in ids {
                known(flag, id)?;
            }
        }
        Ok(())
    }

    /// Whether a row is judged or at least shown.
    pub(crate) fn wants(&self, id: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == id)
    }

    /// Whether a row is left out.
    pub(crate) fn skips(&self, id: &str) -> bool {
        self.skip.iter().any(|skip| skip == id)
    }

    /// Marks the findings that somebody answers for, and says in a row of its own whether every waiver is in force.
    pub(crate) fn waive(&self, checks: &mut Vec<CheckResult>) {
        if self.waivers.is_empty() {
            return;
        }
        let (mut expired, mut unused, mut used) = (Vec::new(), Vec::new(), 0_usize);
        for waiver in &self.waivers {
            let holds = waiver.holds_on(&self.day);
            let mut met = false;
            for row in checks
                .iter_mut()
                .filter(|row| row.is_finding() && waiver.means(&row.id, row.verdict.message()))
            {
                met = true;
                if holds {
                    row.waived = Some(Waived {
                        owner: waiver.owner.clone(),
                        reason: waiver.reason.clone(),
                        expires: waiver.expires.clone(),
                    });
                }
            }
            match (holds, met) {
                (false, _) => expired.push(format!(
                    "{} of {} ended on {}",
                    waiver.check, waiver.owner, waiver.expires
                )),
                (true, false) => unused.push(waiver.check.clone()),
                (true, true) => used += 1,
            }
        }
        checks.push(waivers_row(&expired, &unused, used));
    }
}

/// The row about the waivers themselves. One that is over fails: somebody has to look at the finding again.
fn waivers_row(expired: &[String], unused: &[String], used: usize) -> CheckResult {
    let verdict = if !expired.is_empty() {
        Verdict::Fail(format!("over: {}; renew or remove them", expired.join("; ")))
    } else if !unused.is_empty() {
        Verdict::Warn(format!(
            "nothing was found for {}; remove them",
            unused.join(", ")
        ))
    } else {
        Verdict::Pass(format!("{used} in force"))
    };
    CheckResult {
        id: "waivers".into(),
        category: Category::Path,
        title: "every waiver is in force".into(),
        severity: Severity::Block,
        verdict,
        confidence: Confidence::Certain,
        evidence: Evidence::new(),
        remedy: Vec::new(),
        waived: None,
        docs: "docs/waivers.md".into(),
    }
}

/// Reads a file of waivers.
///
/// # Errors
/// See [`RulesError`]: unknown keys, days that are none, rows that do not exist or cannot be waived.
pub fn read_waivers(path: &Path) -> Result<Vec<Waiver>, RulesError> {
    let text = fs::read_to_string(path).map_err(|source| RulesError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let wrong = |wrong| RulesError::Wrong {
        path: path.to_owned(),
        wrong,
    };
    let plainly = |message: String| {
        wrong(StrictError {
            line: None,
            column: None,
            message,
            suggestion: None,
        })
    };
    let file: WaiverFile = read_strict(&text).map_err(wrong)?;
    if file.api_version != API_VERSION || file.kind != "Waivers" {
        return Err(plainly(format!(
            "it says {} {}, and not {API_VERSION} Waivers",
            file.api_version, file.kind
        )));
    }
    for waiver in &file.waivers {
        known(&format!("waivers {}", path.display()), &waiver.check)?;
        if STRICT.contains(&waiver.check.as_str()) {
            return Err(RulesError::Strict {
                path: path.to_owned(),
                id: waiver.check.clone(),
            });
        }
        if waiver.expires.parse::<jiff::civil::Date>().is_err() {
            return Err(plainly(format!(
                "the waiver of {} expires on {:?}, which is no day such as 2026-12-31",
                waiver.check, waiver.expires
            )));
        }
        for (what, text) in [("owner", &waiver.owner), ("reason", &waiver.reason)] {
            if text.trim().is_empty() {
                return Err(plainly(format!("the waiver of {} has no {what}", waiver.check)));
            }
        }
    }
    Ok(file.waivers)
}

fn known(flag: &str, id: &str) -> Result<(), RulesError> {
    if registry().any(|check| check.id == id) {
        return Ok(());
    }
    Err(RulesError::NoSuchCheck {
        flag: flag.to_owned(),
        id: id.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiver(expires: &str) -> Waiver {
        Waiver {
            check: "lock-waits".into(),
            subject: Some("orders".into()),
            owner: "ann".into(),
            reason: "known".into(),
            expires: expires.into(),
        }
    }

    fn row(id: &str, verdict: Verdict) -> CheckResult {
        CheckResult {
            id: id.into(),
            verdict,
            ..waivers_row(&[], &[], 0)
        }
    }

    fn waived(waiver: Waiver, message: &str) -> Vec<CheckResult> {
        let rules = Rules {
            waivers: vec![waiver],
            day: "2026-11-29".into(),
            ..Rules::default()
        };
        let mut checks = vec![row("lock-waits", Verdict::Fail(message.into()))];
        rules.waive(&mut checks);
        checks
    }

    #[test]
    fn a_waiver_lifts_its_finding_until_its_last_day() {
        let checks = waived(waiver("2026-11-29"), "pid 9 holds orders");
        assert!(!checks[0].blocks() && checks[0].waived.is_some());
        assert_eq!(checks[1].verdict.word(), "pass");

        let checks = waived(waiver("2026-11-28"), "pid 9 holds orders");
        assert!(checks[0].blocks(), "a waiver that is over lifts nothing");
        assert!(checks[1].blocks(), "and says so");
    }

    #[test]
    fn a_waiver_for_something_else_lifts_nothing_and_is_told() {
        let checks = waived(waiver("2026-12-31"), "pid 9 holds users");
        assert!(checks[0].blocks());
        assert_eq!(checks[1].verdict.word(), "warn");
    }

    #[test]
    fn every_strict_row_exists() {
        for id in STRICT {
            assert!(registry().any(|check| check.id == id), "{id}");
        }
    }

    fn read(text: &str) -> Result<Vec<Waiver>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        read_waivers(file.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_says_what_is_wrong_with_it() {
        let file = |check: &str, more: &str| {
            format!(
                "apiVersion: {API_VERSION}\nkind: Waivers\nwaivers:\n- check: {check}\n  owner: ann\n  \
                 reason: known\n{more}"
            )
        };
        let good = read(&file("lock-waits", "  expires: 2026-12-31\n")).unwrap();
        assert_eq!(good[0].check, "lock-waits");
        for (text, told) in [
            (
                file("lock-wait", "  expires: 2026-12-31\n"),
                "no check is called lock-wait",
            ),
            (
                file("helm-pending", "  expires: 2026-12-31\n"),
                "cannot be waived",
            ),
            (file("lock-waits", "  expires: soon\n"), "no day"),
            (
                file("lock-waits", "  expire: 2026-12-31\n"),
                "did you mean `expires`?",
            ),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }
}
