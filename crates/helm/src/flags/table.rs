//! The table: every flag of `helm upgrade` of Helm 3.21 and 4.2, and what becomes of it in a run.

/// What follows a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// Nothing; `=true` and `=false` are allowed.
    Bool,
    /// A value, as the next word or after `=`.
    Value,
    /// A value after `=` only; without it this one.
    Optional(&'static str),
}

/// The Helm lines on which a flag exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// Both.
    Both,
    /// Helm 3 only; the text says what to type on Helm 4.
    Three(&'static str),
    /// Helm 4 only; the text says what to type on Helm 3.
    Four(&'static str),
}

/// What becomes of a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// Says the values. Used to render once; the passes get the pinned values.
    Values,
    /// Says where the chart is. Used to fetch it once; the passes get the pinned archive.
    Location,
    /// Says what the values come from and the chart's rendering, and is the same in every pass.
    Passed,
    /// The user's post-renderer: passed, and chained before ours in a gated pass.
    PostRenderer,
    /// Decided by the run.
    Ours,
    /// Says how to reach the cluster: goes to every child by its environment.
    Connection,
    /// Would break the run's promises.
    Refused {
        /// Why.
        reason: &'static str,
        /// What to do instead.
        remedy: &'static str,
    },
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HelmFlag {
    /// Its long name without dashes.
    pub name: &'static str,
    /// Its short form.
    pub short: Option<char>,
    /// What follows it.
    pub arity: Arity,
    /// Where it exists.
    pub lines: Lines,
    /// What becomes of it.
    pub treatment: Treatment,
}

/// All rows, sorted by name.
pub fn table() -> &'static [HelmFlag] {
    todo!()
}
