//! A command line of `helm upgrade`, sorted by what becomes of each flag.

use std::time::Duration;

use super::{Arity, FlagError, HelmFlag, Lines, Treatment, parse_duration, table};
use crate::HelmMajor;

/// The fewest revisions that Helm must keep: the one before, the gated one and the new one.
const LEAST_HISTORY: u32 = 3;

/// How values of the running revision are kept, by helm's own precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// `--reset-values`, or values given and no flag: the running revision's values are dropped.
    Reset,
    /// `--reuse-values`: the running revision's values and its chart's defaults are kept.
    Reuse,
    /// `--reset-then-reuse-values`, or no values given and no flag: the running revision's values over the new defaults.
    ResetThenReuse,
}

impl Reuse {
    /// The flag of `helm upgrade` that says so.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Reset => "--reset-values",
            Self::Reuse => "--reuse-values",
            Self::ResetThenReuse => "--reset-then-reuse-values",
        }
    }
}

/// The post-renderer that the user asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPostRenderer {
    /// Helm 3: an executable, absolute where it was found. Helm 4: a plugin's name.
    pub name: String,
    /// `--post-renderer-args`.
    pub args: Vec<String>,
}

impl UserPostRenderer {
    /// Takes the user's post-renderer out of flags that [`UpgradeLine::passed`] holds: the post-renderer and the rest.
    pub(crate) fn take_out(flags: &[String]) -> (Option<Self>, Vec<String>) {
        let (mut name, mut args, mut rest) = (None, Vec::new(), Vec::new());
        for flag in flags {
            if let Some(value) = flag.strip_prefix("--post-renderer=") {
                name = Some(value.to_owned());
            } else if let Some(value) = flag.strip_prefix("--post-renderer-args=") {
                args.push(value.to_owned());
            } else {
                rest.push(flag.clone());
            }
        }
        (name.map(|name| Self { name, args }), rest)
    }
}

/// A command line of `helm upgrade`. Has no `Debug`: values on it may be secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct UpgradeLine {
    /// The release.
    pub release: String,
    /// The chart as the user named it; see [`UpgradeLine::chart`].
    pub chart: Option<String>,
    /// Values flags. May hold secrets: for [`crate::Helm::render`] only.
    pub(crate) values: Vec<String>,
    /// Flags that say where the chart is. May hold a repository's password.
    pub(crate) location: Vec<String>,
    /// Flags of every pass, the user's post-renderer included, each one word. Hold no values: for plan and journal.
    pub passed: Vec<String>,
    /// Connection flags (`--kube-context …`), long name and value.
    pub connection: Vec<(String, String)>,
    /// How values are kept.
    pub reuse: Reuse,
    /// `--dry-run` in any form but `none` and `false`.
    pub dry_run: bool,
    /// `-o`.
    pub output: Option<String>,
    /// `--timeout`.
    pub timeout: Option<Duration>,
    /// `--no-hooks`; also in `passed`.
    pub no_hooks: bool,
    /// `--help`.
    pub help: bool,
    /// What the run does otherwise than a flag says, such as `--wait`; for the user.
    pub notices: Vec<String>,
}

impl UpgradeLine {
    /// Sorts the words after `helm upgrade`: a release, perhaps a chart, and flags in any order.
    ///
    /// # Errors
    /// A flag that is unknown, of the other Helm line, refused, or without its value; no release; too many words.
    pub fn parse(args: &[String], major: HelmMajor) -> Result<Self, FlagError> {
        let mut line = Self {
            release: String::new(),
            chart: None,
            values: Vec::new(),
            location: Vec::new(),
            passed: Vec::new(),
            connection: Vec::new(),
            reuse: Reuse::Reset,
            dry_run: false,
            output: None,
            timeout: None,
            no_hooks: false,
            help: false,
            notices: Vec::new(),
        };
        let mut words = Vec::new();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if arg == "--" {
                words.extend(args.by_ref().cloned());
            } else if let Some(long) = arg.strip_prefix("--") {
                let (name, inline) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                let flag = by_name(name)?;
                let value = value_of(flag, inline, || args.next().cloned())?;
                line.take(flag, value, major)?;
            } else if arg.len() > 1 && arg.starts_with('-') {
                line.take_short(&arg[1..], &mut args, major)?;
            } else {
                words.push(arg.clone());
            }
        }
        line.reuse = line.effective_reuse();
        let mut words = words.into_iter();
        line.release = match words.next().filter(|word| !word.is_empty()) {
            Some(release) => release,
            None if line.help => String::new(),
            None => return Err(FlagError::MissingRelease),
        };
        line.chart = words.next();
        match words.next() {
            Some(word) => Err(FlagError::TooManyWords { word }),
            None => Ok(line),
        }
    }

    /// The chart.
    ///
    /// # Errors
    /// None was named.
    pub fn chart(&self) -> Result<&str, FlagError> {
        self.chart.as_deref().ok_or(FlagError::MissingChart)
    }

    /// Whether the line says anything about values.
    pub fn says_values(&self) -> bool {
        !self.values.is_empty()
    }

    /// The user's post-renderer, if any.
    pub fn post_renderer(&self) -> Option<UserPostRenderer> {
        UserPostRenderer::take_out(&self.passed).0
    }

    /// Letters after one dash: flags without values, and at most one with a value, which is the rest or the next word.
    fn take_short<'a>(
        &mut self,
        letters: &str,
        args: &mut impl Iterator<Item = &'a String>,
        major: HelmMajor,
    ) -> Result<(), FlagError> {
        for (index, letter) in letters.char_indices() {
            let flag = table()
                .iter()
                .find(|flag| flag.short == Some(letter))
                .ok_or_else(|| FlagError::Unknown {
                    flag: format!("-{letter}"),
                    nearest: None,
                })?;
            let rest = &letters[index + letter.len_utf8()..];
            if flag.arity == Arity::Value {
                let inline = (!rest.is_empty()).then(|| rest.strip_prefix('=').unwrap_or(rest).to_owned());
                let value = value_of(flag, inline, || args.next().cloned())?;
                return self.take(flag, value, major);
            }
            let value = rest.strip_prefix('=').map(str::to_owned);
            let ends = value.is_some();
            let value = value_of(flag, value, || None)?;
            self.take(flag, value, major)?;
            if ends {
                break;
            }
        }
        Ok(())
    }

    fn take(&mut self, flag: &HelmFlag, value: String, major: HelmMajor) -> Result<(), FlagError> {
        let is_off = flag.arity == Arity::Bool && value == "false";
        match flag.treatment {
            Treatment::Refused { .. } if is_off => return Ok(()),
            Treatment::Refused { reason, remedy } => {
                return Err(FlagError::Refused {
                    flag: typed(flag),
                    reason,
                    remedy,
                });
            }
            Treatment::Values
            | Treatment::Location
            | Treatment::Passed
            | Treatment::PostRenderer
            | Treatment::Ours
            | Treatment::Connection => {}
        }
        match (flag.lines, major) {
            (Lines::Four(remedy), HelmMajor::Three) | (Lines::Three(remedy), HelmMajor::Four) => {
                return Err(FlagError::OtherLine {
                    flag: typed(flag),
                    remedy: remedy.to_owned(),
                });
            }
            (Lines::Both | Lines::Three(_) | Lines::Four(_), HelmMajor::Three | HelmMajor::Four) => {}
        }
        let one_word = match flag.arity {
            Arity::Bool if !is_off => typed(flag),
            Arity::Bool | Arity::Value | Arity::Optional(_) => format!("{}={value}", typed(flag)),
        };
        match flag.treatment {
            Treatment::Values => self.values.push(one_word),
            Treatment::Location => self.location.push(one_word),
            Treatment::Connection => self.connection.push((flag.name.to_owned(), value)),
            Treatment::PostRenderer if flag.name == "post-renderer" => {
                self.passed
                    .push(format!("{}={}", typed(flag), post_renderer_name(&value, major)));
            }
            Treatment::PostRenderer => self.passed.push(one_word),
            Treatment::Passed => {
                check_history(flag, &value)?;
                self.no_hooks = if flag.name == "no-hooks" {
                    !is_off
                } else {
                    self.no_hooks
                };
                self.passed.push(one_word);
            }
            Treatment::Ours => self.take_ours(flag, value)?,
            Treatment::Refused { .. } => {}
        }
        Ok(())
    }

    fn take_ours(&mut self, flag: &HelmFlag, value: String) -> Result<(), FlagError> {
        match flag.name {
            "dry-run" => self.dry_run = !matches!(value.as_str(), "none" | "false"),
            "help" => self.help = value != "false",
            "output" => self.output = Some(value),
            "timeout" => {
                self.timeout = Some(parse_duration(&value).ok_or_else(|| FlagError::BadValue {
                    flag: typed(flag),
                    value,
                    expected: "a duration such as 10m or 1h30m".to_owned(),
                })?);
            }
            "wait" | "wait-for-jobs" if value != "false" => self.notices.push(format!(
                "{} is not handed to helm: the run itself waits until every workload is rolled out",
                typed(flag)
            )),
            // `--hide-secret` only shapes the text of a dry run, which nobody sees here.
            _ => {}
        }
        Ok(())
    }

    fn effective_reuse(&self) -> Reuse {
        let is_on = |name: &str| {
            let flag = format!("--{name}");
            self.values
                .iter()
                .rev()
                .find(|word| **word == flag || word.starts_with(&format!("{flag}=")))
                .is_some_and(|word| *word == flag)
        };
        let gives_values = self
            .values
            .iter()
            .any(|word| ["--set", "--values"].iter().any(|start| word.starts_with(start)));
        if is_on("reset-values") {
            Reuse::Reset
        } else if is_on("reuse-values") {
            Reuse::Reuse
        } else if is_on("reset-then-reuse-values") || !gives_values {
            Reuse::ResetThenReuse
        } else {
            Reuse::Reset
        }
    }
}

fn typed(flag: &HelmFlag) -> String {
    format!("--{}", flag.name)
}

fn by_name(name: &str) -> Result<&'static HelmFlag, FlagError> {
    // Further than this, a suggestion is a guess.
    const FARTHEST: usize = 3;
    table().iter().find(|flag| flag.name == name).ok_or_else(|| {
        let nearest = table()
            .iter()
            .map(|flag| (strsim::damerau_levenshtein(flag.name, name), flag))
            .filter(|(distance, _)| *distance <= FARTHEST)
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, flag)| typed(flag));
        FlagError::Unknown {
            flag: format!("--{name}"),
            nearest,
        }
    })
}

/// The value of a flag; `true` or `false` for one that takes none.
fn value_of(
    flag: &HelmFlag,
    inline: Option<String>,
    next: impl FnOnce() -> Option<String>,
) -> Result<String, FlagError> {
    match (flag.arity, inline) {
        (Arity::Value, inline) => inline
            .or_else(next)
            .ok_or_else(|| FlagError::MissingValue { flag: typed(flag) }),
        (Arity::Optional(default), inline) => Ok(inline.unwrap_or_else(|| default.to_owned())),
        (Arity::Bool, None) => Ok("true".to_owned()),
        // The words that Go takes for a truth value.
        (Arity::Bool, Some(word)) => match word.as_str() {
            "1" | "t" | "T" | "true" | "True" | "TRUE" => Ok("true".to_owned()),
            "0" | "f" | "F" | "false" | "False" | "FALSE" => Ok("false".to_owned()),
            _ => Err(FlagError::BadValue {
                flag: typed(flag),
                value: word,
                expected: "true or false".to_owned(),
            }),
        },
    }
}

fn check_history(flag: &HelmFlag, value: &str) -> Result<(), FlagError> {
    if flag.name != "history-max"
        || value
            .parse()
            .is_ok_and(|kept: u32| kept == 0 || kept >= LEAST_HISTORY)
    {
        return Ok(());
    }
    Err(FlagError::BadValue {
        flag: typed(flag),
        value: value.to_owned(),
        expected: format!("0 or at least {LEAST_HISTORY}, else helm drops the revision to turn back to"),
    })
}

/// Helm 3 looks on PATH first, then at the path as given; a later pass may run in another folder.
fn post_renderer_name(name: &str, major: HelmMajor) -> String {
    match major {
        HelmMajor::Four => name.to_owned(),
        HelmMajor::Three => which::which(name)
            .or_else(|_| std::path::absolute(name))
            .map_or_else(|_| name.to_owned(), |path| path.display().to_string()),
    }
}
