//! The last words of a container, fit to be shown and kept.

use model::Secret;

/// How many lines of a log are kept.
pub(super) const LINES: i64 = 5;

/// How many characters of them.
const CHARACTERS: usize = 600;

/// Shorter secrets are words like `on` and `postgres`: hiding them would hide what is said.
const SHORTEST: usize = 6;

/// The lines of a log, without any of the secrets and without empty lines.
pub(super) fn lines(log: &str, secrets: &[Secret]) -> Vec<String> {
    let mut hidden: Vec<&str> = secrets.iter().map(|secret| secret.expose().trim()).collect();
    hidden.retain(|secret| secret.len() >= SHORTEST);
    // One may be a part of another.
    hidden.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    let mut text = log.to_owned();
    for secret in hidden {
        text = text.replace(secret, "***");
    }
    let printable = |line: &str| line.trim().chars().filter(|one| !one.is_control()).collect();
    text.lines()
        .map(printable)
        .filter(|line: &String| !line.is_empty())
        .collect()
}

/// The end of a log in one line, without any of the secrets.
pub(super) fn last_words(log: &str, secrets: &[Secret]) -> String {
    let lines = lines(log, secrets);
    let kept = usize::try_from(LINES).unwrap_or(usize::MAX);
    let words = lines[lines.len().saturating_sub(kept)..].join(" | ");
    let surplus = words.chars().count().saturating_sub(CHARACTERS);
    words.chars().skip(surplus).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_among_them() {
        let secrets = [
            Secret::new("open sesame"),
            Secret::new("postgres://web:open sesame@db/shop\n"),
            Secret::new("on"),
        ];
        let log = "1\n2\n3\n4\n5\nconnecting to postgres://web:open sesame@db/shop\n\nsaid open sesame, going on\u{7}\n";
        assert_eq!(
            last_words(log, &secrets),
            "3 | 4 | 5 | connecting to *** | said ***, going on"
        );
    }

    #[test]
    fn only_the_end_is_kept() {
        let long = "x".repeat(2000) + "the end";
        let words = last_words(&long, &[]);
        assert!(words.len() == CHARACTERS && words.ends_with("the end"), "{words}");
        assert_eq!(last_words("", &[]), "");
    }
}
