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
    /// The same in every pass, the rendering included.
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
    TABLE
}

const fn row(name: &'static str, arity: Arity, lines: Lines, treatment: Treatment) -> HelmFlag {
    HelmFlag {
        name,
        short: None,
        arity,
        lines,
        treatment,
    }
}

const fn short(short: char, row: HelmFlag) -> HelmFlag {
    HelmFlag {
        short: Some(short),
        ..row
    }
}

const NETS: Treatment = Treatment::Refused {
    reason: "helm would put the old version back onto a database that may have been migrated",
    remedy: "leave it out: a run that fails turns back by itself, the data included",
};
const REPLACES: Treatment = Treatment::Refused {
    reason: "helm would replace objects instead of changing them, which ends pods that the plan keeps",
    remedy: "leave it out, or delete the one object that cannot be changed by hand",
};
const INSTALLS: Treatment = Treatment::Refused {
    reason: "a first installation has nothing to protect",
    remedy: "use helm install for it",
};
const CLEANS: Treatment = Treatment::Refused {
    reason: "helm would delete new objects before the failure can be judged",
    remedy: "leave it out: a run that fails turns back by itself",
};
const NO_COLOURS: Lines = Lines::Four("leave it out, Helm 3 has no colours");

/// Taken from `helm upgrade --help` of Helm 3.21.4 and 4.2.4.
const TABLE: &[HelmFlag] = &[
    row("atomic", Arity::Bool, Lines::Both, NETS),
    row("burst-limit", Arity::Value, Lines::Both, Treatment::Passed),
    row("ca-file", Arity::Value, Lines::Both, Treatment::Location),
    row("cert-file", Arity::Value, Lines::Both, Treatment::Location),
    row("cleanup-on-fail", Arity::Bool, Lines::Both, CLEANS),
    row("color", Arity::Value, NO_COLOURS, Treatment::Passed),
    row("colour", Arity::Value, NO_COLOURS, Treatment::Passed),
    row(
        "content-cache",
        Arity::Value,
        Lines::Four("leave it out, Helm 3 has no such cache"),
        Treatment::Location,
    ),
    row("create-namespace", Arity::Bool, Lines::Both, INSTALLS),
    row("debug", Arity::Bool, Lines::Both, Treatment::Passed),
    row("dependency-update", Arity::Bool, Lines::Both, Treatment::Location),
    row("description", Arity::Value, Lines::Both, Treatment::Passed),
    row("devel", Arity::Bool, Lines::Both, Treatment::Location),
    row(
        "disable-openapi-validation",
        Arity::Bool,
        Lines::Both,
        Treatment::Passed,
    ),
    row("dry-run", Arity::Optional("client"), Lines::Both, Treatment::Ours),
    row("enable-dns", Arity::Bool, Lines::Both, Treatment::Passed),
    row("force", Arity::Bool, Lines::Both, REPLACES),
    row(
        "force-conflicts",
        Arity::Bool,
        Lines::Four("leave it out, Helm 3 never conflicts with other field owners"),
        Treatment::Passed,
    ),
    row("force-replace", Arity::Bool, Lines::Both, REPLACES),
    short('h', row("help", Arity::Bool, Lines::Both, Treatment::Ours)),
    row("hide-notes", Arity::Bool, Lines::Both, Treatment::Passed),
    row("hide-secret", Arity::Bool, Lines::Both, Treatment::Ours),
    row("history-max", Arity::Value, Lines::Both, Treatment::Passed),
    row(
        "insecure-skip-tls-verify",
        Arity::Bool,
        Lines::Both,
        Treatment::Location,
    ),
    short('i', row("install", Arity::Bool, Lines::Both, INSTALLS)),
    row("key-file", Arity::Value, Lines::Both, Treatment::Location),
    row("keyring", Arity::Value, Lines::Both, Treatment::Location),
    row("kube-apiserver", Arity::Value, Lines::Both, Treatment::Connection),
    row("kube-as-group", Arity::Value, Lines::Both, Treatment::Connection),
    row("kube-as-user", Arity::Value, Lines::Both, Treatment::Connection),
    row("kube-ca-file", Arity::Value, Lines::Both, Treatment::Connection),
    row("kube-context", Arity::Value, Lines::Both, Treatment::Connection),
    row(
        "kube-insecure-skip-tls-verify",
        Arity::Bool,
        Lines::Both,
        Treatment::Connection,
    ),
    row(
        "kube-tls-server-name",
        Arity::Value,
        Lines::Both,
        Treatment::Connection,
    ),
    row("kube-token", Arity::Value, Lines::Both, Treatment::Connection),
    row("kubeconfig", Arity::Value, Lines::Both, Treatment::Connection),
    short('l', row("labels", Arity::Value, Lines::Both, Treatment::Passed)),
    short(
        'n',
        row("namespace", Arity::Value, Lines::Both, Treatment::Connection),
    ),
    row("no-hooks", Arity::Bool, Lines::Both, Treatment::Passed),
    short('o', row("output", Arity::Value, Lines::Both, Treatment::Ours)),
    row("pass-credentials", Arity::Bool, Lines::Both, Treatment::Location),
    row("password", Arity::Value, Lines::Both, Treatment::Location),
    row("plain-http", Arity::Bool, Lines::Both, Treatment::Location),
    row(
        "post-renderer",
        Arity::Value,
        Lines::Both,
        Treatment::PostRenderer,
    ),
    row(
        "post-renderer-args",
        Arity::Value,
        Lines::Both,
        Treatment::PostRenderer,
    ),
    row("qps", Arity::Value, Lines::Both, Treatment::Passed),
    row("registry-config", Arity::Value, Lines::Both, Treatment::Location),
    row(
        "render-subchart-notes",
        Arity::Bool,
        Lines::Both,
        Treatment::Passed,
    ),
    row("repo", Arity::Value, Lines::Both, Treatment::Location),
    row("repository-cache", Arity::Value, Lines::Both, Treatment::Location),
    row(
        "repository-config",
        Arity::Value,
        Lines::Both,
        Treatment::Location,
    ),
    row(
        "reset-then-reuse-values",
        Arity::Bool,
        Lines::Both,
        Treatment::Values,
    ),
    row("reset-values", Arity::Bool, Lines::Both, Treatment::Values),
    row("reuse-values", Arity::Bool, Lines::Both, Treatment::Values),
    row("rollback-on-failure", Arity::Bool, Lines::Both, NETS),
    row(
        "server-side",
        Arity::Value,
        Lines::Four("leave it out, Helm 3 always applies on the client side"),
        Treatment::Passed,
    ),
    row("set", Arity::Value, Lines::Both, Treatment::Values),
    row("set-file", Arity::Value, Lines::Both, Treatment::Values),
    row("set-json", Arity::Value, Lines::Both, Treatment::Values),
    row("set-literal", Arity::Value, Lines::Both, Treatment::Values),
    row("set-string", Arity::Value, Lines::Both, Treatment::Values),
    row("skip-crds", Arity::Bool, Lines::Both, Treatment::Passed),
    row(
        "skip-schema-validation",
        Arity::Bool,
        Lines::Both,
        Treatment::Passed,
    ),
    row("take-ownership", Arity::Bool, Lines::Both, Treatment::Passed),
    row("timeout", Arity::Value, Lines::Both, Treatment::Ours),
    row("username", Arity::Value, Lines::Both, Treatment::Location),
    short('f', row("values", Arity::Value, Lines::Both, Treatment::Values)),
    row("verify", Arity::Bool, Lines::Both, Treatment::Location),
    row("version", Arity::Value, Lines::Both, Treatment::Location),
    row("wait", Arity::Optional("watcher"), Lines::Both, Treatment::Ours),
    row("wait-for-jobs", Arity::Bool, Lines::Both, Treatment::Ours),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_short_forms_unique() {
        assert!(TABLE.windows(2).all(|pair| pair[0].name < pair[1].name));
        let mut shorts: Vec<_> = TABLE.iter().filter_map(|row| row.short).collect();
        let all = shorts.len();
        shorts.sort_unstable();
        shorts.dedup();
        assert_eq!(shorts.len(), all);
    }
}
