//! A row of the catalogue and what it answers.

use model::{
    Category, CheckResult, Confidence, Evidence, Observation, Profile, Remedy, Seen, Severity, Target,
    Verdict,
};

const NO_TARGET: &str = "no target chart was named";

/// A row: what it is called, what it means, and the pure function that judges.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Stable id, never reused; the heading in `docs/checks.md`.
    pub id: &'static str,
    /// The room it stands in.
    pub category: Category,
    /// The healthy condition, in words.
    pub title: &'static str,
    /// What a failure means.
    pub severity: Severity,
    /// Judges. Asks nobody: everything it may know is in its arguments.
    pub judge: fn(&Observation, Option<&Target>, &Profile) -> Judgement,
}

impl Check {
    /// The anchor of this row in the user's documentation.
    pub fn docs(&self) -> String {
        format!("docs/checks.md#{}", self.id)
    }

    /// Judges and names the result.
    pub fn run(&self, seen: &Observation, target: Option<&Target>, profile: &Profile) -> CheckResult {
        self.result((self.judge)(seen, target, profile).unwrap_or_else(|unjudged| {
            Judged::new(match (unjudged, &seen.target_unread) {
                (Unjudged::Skip(why), _) => Verdict::Skip(why),
                (Unjudged::Unknown(why), _) => Verdict::Unknown(why),
                (Unjudged::NoTarget, Some(why)) => {
                    Verdict::Unknown(format!("the target was not judged: {why}"))
                }
                (Unjudged::NoTarget, None) => Verdict::Skip(NO_TARGET.into()),
            })
        }))
    }

    /// The result of a row that the user left out.
    pub(crate) fn left_out(&self) -> CheckResult {
        self.result(Judged::new(Verdict::Skip("left out by --skip".into())))
    }

    fn result(&self, judged: Judged) -> CheckResult {
        let Judged {
            verdict,
            confidence,
            evidence,
            remedy,
        } = judged;
        CheckResult {
            id: self.id.into(),
            category: self.category,
            title: self.title.into(),
            severity: self.severity,
            verdict,
            confidence,
            evidence,
            remedy,
            waived: None,
            docs: self.docs(),
        }
    }
}

/// What a row says: a judgement, or why there is none.
pub type Judgement = Result<Judged, Unjudged>;

/// Why a row has no judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unjudged {
    /// It does not apply here.
    Skip(String),
    /// The facts could not be read.
    Unknown(String),
    /// It is about the target, and there is none.
    NoTarget,
}

impl Unjudged {
    /// The reason, for a row that has something to say all the same.
    pub(crate) fn why(self) -> String {
        match self {
            Self::Skip(why) | Self::Unknown(why) => why,
            Self::NoTarget => NO_TARGET.into(),
        }
    }
}

/// A verdict with what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// What was found.
    pub verdict: Verdict,
    /// How sure the evidence is.
    pub confidence: Confidence,
    /// The facts behind it.
    pub evidence: Evidence,
    /// What can be done.
    pub remedy: Vec<Remedy>,
}

impl Judged {
    fn new(verdict: Verdict) -> Self {
        Self {
            verdict,
            confidence: Confidence::Certain,
            evidence: Evidence::new(),
            remedy: Vec::new(),
        }
    }

    /// The title's condition holds.
    pub(crate) fn pass(message: impl Into<String>) -> Self {
        Self::new(Verdict::Pass(message.into()))
    }

    /// It holds, with something to know.
    pub(crate) fn warn(message: impl Into<String>) -> Self {
        Self::new(Verdict::Warn(message.into()))
    }

    /// It does not hold.
    pub(crate) fn fail(message: impl Into<String>) -> Self {
        Self::new(Verdict::Fail(message.into()))
    }

    /// It could not be judged, though something can be said or done about it.
    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self::new(Verdict::Unknown(message.into()))
    }

    /// Says how sure the evidence is, where it is not certain.
    pub(crate) fn sure(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    /// Adds a named fact.
    pub(crate) fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.evidence.insert(name.into(), value.into());
        self
    }

    /// Adds something the user can do.
    pub(crate) fn advise(mut self, text: impl Into<String>) -> Self {
        self.remedy.push(Remedy {
            text: text.into(),
            command: None,
        });
        self
    }

    /// Adds something the user can type.
    pub(crate) fn command(mut self, text: impl Into<String>, command: impl Into<String>) -> Self {
        self.remedy.push(Remedy {
            text: text.into(),
            command: Some(command.into()),
        });
        self
    }
}

/// The fact, `None` where there is none; a fact that could not be read leaves the row as unknown.
pub(crate) fn readable<'a, T>(seen: &'a Seen<T>, what: &str) -> Result<Option<&'a T>, Unjudged> {
    match seen {
        Seen::Present(value) => Ok(Some(value)),
        Seen::Absent => Ok(None),
        Seen::Unreadable(why) => Err(Unjudged::Unknown(format!("{what} could not be read: {why}"))),
    }
}

/// The fact; where there is none the row is skipped for the reason given.
pub(crate) fn needed<'a, T>(seen: &'a Seen<T>, what: &str, otherwise: &str) -> Result<&'a T, Unjudged> {
    readable(seen, what)?.ok_or_else(|| Unjudged::Skip(otherwise.into()))
}

/// The target; without one the row is skipped, or unknown where one was named and could not be rendered.
pub(crate) fn given(target: Option<&Target>) -> Result<&Target, Unjudged> {
    target.ok_or(Unjudged::NoTarget)
}

/// The items of a list that is either read or not; an absent list is an empty one.
pub(crate) fn listed<'a, T>(seen: &'a Seen<Vec<T>>, what: &str) -> Result<&'a [T], Unjudged> {
    Ok(readable(seen, what)?.map(Vec::as_slice).unwrap_or_default())
}

/// Seconds in words, at most two units.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    let (days, hours, minutes, rest) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60, whole % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest} s"),
        (0, 0, _) => format!("{minutes} min {rest} s"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        (_, _, _) => format!("{days} d {hours} h"),
    }
}

/// Bytes in words.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{count} B")
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// A list for a message: the first five, then how many more.
pub(crate) fn some_of(items: &[String]) -> String {
    const SHOWN: usize = 5;
    if items.len() <= SHOWN {
        return items.join(", ");
    }
    format!("{} and {} more", items[..SHOWN].join(", "), items.len() - SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_read_like_speech() {
        assert_eq!(duration(7.9), "7 s");
        assert_eq!(duration(252.0), "4 min 12 s");
        assert_eq!(duration(7_260.0), "2 h 1 min");
        assert_eq!(duration(180_000.0), "2 d 2 h");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(1_572_864), "1.5 MiB");
    }

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let items: Vec<String> = (1..=7).map(|n| n.to_string()).collect();
        assert_eq!(some_of(&items), "1, 2, 3, 4, 5 and 2 more");
        assert_eq!(some_of(&items[..2]), "1, 2");
    }
}
