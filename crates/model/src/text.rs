//! Other people's text (a vendor's file, a server's words) before it is shown, and words before they are typed.

use serde::Serialize;
use serde_json::Value;

/// Takes out what would steer a terminal or hide text in it; line ends and tabs stay.
pub fn harmless(text: &str) -> String {
    text.chars()
        .filter(|character| !steers(*character) || matches!(*character, '\n' | '\t'))
        .collect()
}

/// Whether a character steers a terminal, or hides or turns round the text beside it. Line ends and tabs do.
pub fn steers(character: char) -> bool {
    let hides = matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    hides || character.is_control()
}

/// Harmless, and on one line.
pub fn line(text: &str) -> String {
    harmless(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A time (RFC 3339) to the minute: `2026-01-02 03:04Z`, with the offset of another zone. What is no time stays as it is.
pub fn minutes(time: &str) -> String {
    let to_the_minute = || {
        let (minutes, rest) = time.split_at_checked(16)?;
        let zone = rest.find(['Z', '+', '-']).map(|at| &rest[at..])?;
        Some(format!("{}{zone}", minutes.replace('T', " ")))
    };
    to_the_minute().unwrap_or_else(|| time.to_owned())
}

/// A word as one argument of a POSIX shell, for a command that is proposed.
pub fn shell_word(word: &str) -> String {
    let plain = !word.is_empty()
        && word
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "-_./:=@%+,".contains(character));
    if plain {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Refuses a text that is not harmless, wherever it stands in what was read.
///
/// # Errors
/// In words, which text it is.
pub(crate) fn only_harmless(read: &impl Serialize) -> Result<(), String> {
    let read = serde_json::to_value(read).map_err(|error| error.to_string())?;
    match harmful(&read) {
        Some(text) => Err(format!(
            "`{}` has characters that steer a terminal or hide text",
            line(text)
        )),
        None => Ok(()),
    }
}

fn harmful(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => (harmless(text) != *text).then_some(text.as_str()),
        Value::Array(values) => values.iter().find_map(harmful),
        Value::Object(entries) => entries.iter().find_map(|(key, value)| {
            (harmless(key) != *key)
                .then_some(key.as_str())
                .or_else(|| harmful(value))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_taken_out() {
        assert_eq!(harmless("a\u{1b}[31mb\r\n\tc\u{202e}d\u{7}"), "a[31mb\n\tcd");
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(line(" a\u{1b}[2J\r\n\tb "), "a[2J b");
    }

    #[test]
    fn a_time_is_told_to_the_minute_in_the_zone_that_it_is_written_in() {
        for (time, told) in [
            ("2026-01-02T03:04:05.494304653Z", "2026-01-02 03:04Z"),
            ("2026-01-02T03:04:05Z", "2026-01-02 03:04Z"),
            ("2026-01-02T03:04:05.494304653+02:00", "2026-01-02 03:04+02:00"),
            ("2026-01-02T03:04:05-05:00", "2026-01-02 03:04-05:00"),
            ("today", "today"),
            ("", ""),
        ] {
            assert_eq!(minutes(time), told);
        }
    }

    #[test]
    fn a_hostile_name_stays_one_argument() {
        assert_eq!(shell_word("shop"), "shop");
        assert_eq!(shell_word("a; rm -rf /"), "'a; rm -rf /'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn a_harmful_text_is_found_wherever_it_stands() {
        let found = |value: Value| only_harmless(&value);
        assert_eq!(
            found(serde_json::json!({"a": [1, "plain\n\ttext", null]})),
            Ok(())
        );
        for value in [
            serde_json::json!("\u{1b}[2J"),
            serde_json::json!({"a": [{"b": "\u{1b}[2J"}]}),
            serde_json::json!({"\u{1b}[2J": 1}),
        ] {
            let told = found(value).unwrap_err();
            assert!(told.starts_with("`[2J` has"), "{told}");
        }
    }
}
