//! Kinds of run, and deaths.

use std::fmt;

use test_apps::HelmLine;

/// A kind of run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) line: HelmLine,
    /// Who migrates: the application at its `boot`, or a `hook`.
    pub(super) migrates: &'static str,
    pub(super) gate: &'static str,
}

impl Kind {
    /// All kinds of a Helm line. Gate `schema` needs a hook.
    pub(super) fn all(line: HelmLine) -> Vec<Self> {
        let kinds = [
            ("boot", "traffic"),
            ("boot", "after"),
            ("hook", "schema"),
            ("hook", "traffic"),
            ("hook", "after"),
        ];
        let kind = |(migrates, gate)| Self { line, migrates, gate };
        kinds.into_iter().map(kind).collect()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = match self.line {
            HelmLine::Three => 3,
            HelmLine::Four => 4,
        };
        write!(f, "helm {line}, {}-run, gate {}", self.migrates, self.gate)
    }
}

/// What another process does with the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Resume,
    Abort,
}

/// One death and what follows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Death {
    /// `before` or `after` the record.
    pub(super) when: &'static str,
    /// Which record of the journal, counted from 1.
    pub(super) record: usize,
    pub(super) then: Then,
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let then = match self.then {
            Then::Resume => "resumed",
            Then::Abort => "aborted",
        };
        write!(f, "killed {} record {}, {then}", self.when, self.record)
    }
}
