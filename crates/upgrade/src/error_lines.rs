//! Which lines of a log are errors.

/// Words that mark an error in the formats that programs commonly log in, for where a profile names none.
const USUAL: [&str; 12] = [
    "level=error",
    "level=fatal",
    "level=critical",
    "\"level\":\"error\"",
    "\"level\":\"fatal\"",
    "\"severity\":\"error\"",
    "\"severity\":\"critical\"",
    "[error]",
    "[fatal]",
    "[critical]",
    "panic:",
    "traceback (most recent call last)",
];

/// Levels that stand alone in capital letters.
const LEVELS: [&str; 4] = ["ERROR", "FATAL", "CRITICAL", "PANIC"];

/// Whether a line is an error: by a profile's markers, to the letter, or by the usual words.
pub(crate) fn is_error(line: &str, markers: &[String]) -> bool {
    if !markers.is_empty() {
        return markers.iter().any(|marker| line.contains(marker.as_str()));
    }
    let small = line.to_ascii_lowercase().replace("\": \"", "\":\"");
    let is_level = |word: &str| LEVELS.contains(&word.trim_matches(|c: char| !c.is_ascii_alphanumeric()));
    USUAL.iter().any(|word| small.contains(word)) || line.split_whitespace().take(6).any(is_level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_formats_are_understood_and_a_word_in_a_sentence_is_no_error() {
        for line in [
            "time=2026-01-31T22:00:00Z level=error msg=\"no\"",
            "{\"level\": \"error\", \"msg\": \"no\"}",
            "2026-01-31 22:00:00 ERROR web: no",
            "2026-01-31 22:00:00 UTC [31] FATAL:  no",
            "panic: runtime error: index out of range",
            "Traceback (most recent call last):",
        ] {
            assert!(is_error(line, &[]), "{line}");
        }
        for line in [
            "level=info msg=\"no error so far\"",
            "GET /errors 200",
            "0 errors, 3 warnings",
            "{\"level\":\"info\",\"error\":null}",
        ] {
            assert!(!is_error(line, &[]), "{line}");
        }
    }

    #[test]
    fn where_a_profile_names_markers_nothing_else_counts() {
        let markers = ["E!".to_owned()];
        assert!(is_error("E! no", &markers));
        assert!(!is_error("level=error no", &markers));
    }
}
