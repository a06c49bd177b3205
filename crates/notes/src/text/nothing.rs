//! Lines that say that there is nothing to say.

/// Words of a line that says that there is nothing, besides the one that it begins with.
const OF_NOTHING: &[&str] = &[
    "action",
    "actions",
    "api",
    "are",
    "at",
    "breaking",
    "bugs",
    "change",
    "changes",
    "data",
    "database",
    "db",
    "deprecated",
    "deprecation",
    "deprecations",
    "expected",
    "fixes",
    "in",
    "introduced",
    "is",
    "issue",
    "issues",
    "known",
    "manual",
    "migration",
    "migrations",
    "moment",
    "necessary",
    "needed",
    "new",
    "notable",
    "or",
    "problems",
    "release",
    "removals",
    "report",
    "required",
    "schema",
    "security",
    "so",
    "steps",
    "the",
    "this",
    "time",
    "to",
    "updates",
    "version",
    "vulnerabilities",
    "was",
    "were",
    "yet",
];

/// Whether a line says that there is nothing of its kind: "None", "No breaking changes in this release". It is one sentence,
/// it begins so, and no word in it is about anything else: one that goes on says something.
pub(super) fn says_nothing(words: &str) -> bool {
    let low = words.to_lowercase();
    let low = low.trim_matches(|character: char| !character.is_alphanumeric());
    let low = ["there are ", "there were "]
        .into_iter()
        .find_map(|begin| low.strip_prefix(begin))
        .unwrap_or(low);
    let goes_on = [". ", "! ", "? ", ";", ":", ",", "(", " - ", "–", "—"];
    if goes_on.iter().any(|sign| low.contains(sign)) {
        return false;
    }
    let mut words = low
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty());
    match words.next() {
        None => true,
        Some("na") => words.next().is_none(),
        // "n/a"
        Some("n") => words.next() == Some("a") && words.next().is_none(),
        Some("no" | "none" | "nothing") => words.all(is_of_nothing),
        Some(_) => false,
    }
}

/// Whether a word may stand in a line that says that there is nothing; a version may.
fn is_of_nothing(word: &str) -> bool {
    let number = word.strip_prefix('v').unwrap_or(word);
    OF_NOTHING.contains(&word)
        || word.starts_with("incompatib")
        || (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_that_there_is_nothing_is_nothing() {
        for line in [
            "",
            "None",
            "n/a",
            "N/A.",
            "No",
            "None known.",
            "Nothing to report.",
            "_None in v1.2.0_",
            "No breaking changes in this release.",
            "There are no database migrations in this version.",
            "There were no incompatible changes.",
            "No manual action is required.",
            "No security fixes in this release",
        ] {
            assert!(says_nothing(line), "{line}");
        }
    }

    #[test]
    fn what_only_begins_like_nothing_is_told() {
        for line in [
            "None of the old keys work any more",
            "Nothing listens on port 80 now",
            "No breaking changes for most, but the port moves",
            "No known issues except that lists are stale",
            "No action required; the port moves",
            "No breaking changes unless the old key is set",
            "No manual migration is possible",
            "No changes are written to the old table any more",
            "There are no default passwords any more",
            "No breaking changes. Rename `a` to `b`",
            "No breaking changes: migration required",
            "No schema is created any more",
            "No security context is set by default",
            "No migration path from 1.x exists",
            "N keys are gone",
        ] {
            assert!(!says_nothing(line), "{line}");
        }
    }
}
