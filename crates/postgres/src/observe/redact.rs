//! Statements without what users put into them.

use model::text::line;

/// The most characters of a statement that are shown.
const LONGEST: usize = 200;

/// A statement for a person: literals as `?`, comments and what steers a terminal gone, blanks folded, at most 200 characters.
///
/// The server cuts long statements anywhere, so a literal may never be closed: then the rest counts as literal. Where
/// it cannot be known whether a backslash hides a quote, the rest is dropped too.
pub fn redact(statement: &str) -> String {
    let folded = line(&without_literals(statement));
    if folded.chars().count() <= LONGEST {
        return folded;
    }
    let mut cut: String = folded.chars().take(LONGEST - 1).collect();
    cut.push('…');
    cut
}

fn without_literals(statement: &str) -> String {
    let characters: Vec<char> = statement.chars().collect();
    let at = |index: usize| characters.get(index).copied();
    let mut shown = String::with_capacity(statement.len());
    let mut index = 0;
    while let Some(character) = at(index) {
        match character {
            '\'' => {
                let escapes = prefix_is_escape(&shown);
                shown.push('?');
                index = match end_of_quoted(&characters, index + 1, escapes) {
                    Some(end) => end,
                    None => return shown,
                };
            }
            '"' => {
                // Names are kept: they say what is locked.
                shown.push('"');
                index += 1;
                while let Some(inner) = at(index) {
                    shown.push(inner);
                    index += 1;
                    if inner == '"' {
                        break;
                    }
                }
            }
            '-' if at(index + 1) == Some('-') => {
                while at(index).is_some_and(|inner| inner != '\n') {
                    index += 1;
                }
                shown.push(' ');
            }
            '/' if at(index + 1) == Some('*') => {
                index = end_of_comment(&characters, index);
                shown.push(' ');
            }
            '$' if !ends_in_name(&shown) => match dollar_tag(&characters, index) {
                Some(tag) => {
                    shown.push('?');
                    index = match find(&characters, index + tag.len(), &tag) {
                        Some(start) => start + tag.len(),
                        None => return shown,
                    };
                }
                None => {
                    // A parameter such as `$1` says nothing of its value.
                    shown.push('$');
                    index += 1;
                    while let Some(digit) = at(index).filter(char::is_ascii_digit) {
                        shown.push(digit);
                        index += 1;
                    }
                }
            },
            digit if digit.is_ascii_digit() && !ends_in_name(&shown) => {
                shown.push('?');
                while at(index).is_some_and(|inner| inner.is_alphanumeric() || inner == '.' || inner == '_') {
                    index += 1;
                }
            }
            other => {
                shown.push(other);
                index += 1;
            }
        }
    }
    shown
}

/// Whether what stands before a quote makes backslashes escapes: `E'…'`.
fn prefix_is_escape(shown: &str) -> bool {
    let mut before = shown.chars().rev();
    let escape = matches!(before.next(), Some('e' | 'E'));
    escape
        && !before
            .next()
            .is_some_and(|character| character.is_alphanumeric() || character == '_')
}

fn ends_in_name(shown: &str) -> bool {
    shown
        .chars()
        .next_back()
        .is_some_and(|last| last.is_alphanumeric() || last == '_' || last == '$')
}

/// The place behind the closing quote; `None` where there is none or it cannot be told.
fn end_of_quoted(characters: &[char], start: usize, escapes: bool) -> Option<usize> {
    let mut index = start;
    loop {
        match characters.get(index)? {
            '\\' if escapes => index += 2,
            // With standard_conforming_strings off this quote would not close.
            '\\' if characters.get(index + 1) == Some(&'\'') => return None,
            '\'' if characters.get(index + 1) == Some(&'\'') => index += 2,
            '\'' => return Some(index + 1),
            _ => index += 1,
        }
    }
}

fn end_of_comment(characters: &[char], start: usize) -> usize {
    let mut depth = 0usize;
    let mut index = start;
    while index < characters.len() {
        match (characters.get(index), characters.get(index + 1)) {
            (Some('/'), Some('*')) => {
                depth += 1;
                index += 2;
            }
            (Some('*'), Some('/')) => {
                depth -= 1;
                index += 2;
                if depth == 0 {
                    return index;
                }
            }
            _ => index += 1,
        }
    }
    index
}

/// `$tag$` at this place.
fn dollar_tag(characters: &[char], start: usize) -> Option<Vec<char>> {
    let mut tag = vec!['$'];
    for (offset, character) in characters.get(start + 1..)?.iter().enumerate() {
        tag.push(*character);
        match character {
            '$' => return Some(tag),
            digit if digit.is_ascii_digit() && offset == 0 => return None,
            letter if letter.is_alphanumeric() || *letter == '_' => {}
            _ => return None,
        }
    }
    None
}

fn find(characters: &[char], from: usize, wanted: &[char]) -> Option<usize> {
    characters
        .get(from..)?
        .windows(wanted.len())
        .position(|window| window == wanted)
        .map(|place| place + from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_become_question_marks_and_names_stay() {
        for (statement, shown) in [
            (
                "select * from t1 where a = 'hush' and b=42",
                "select * from t1 where a = ? and b=?",
            ),
            (
                "insert into \"We ird\" values ('it''s hush', 3.5e7)",
                "insert into \"We ird\" values (?, ?)",
            ),
            (r"select E'a\'hush' from t", "select E? from t"),
            ("do $body$ hush 'x' $body$", "do ?"),
            ("select $1, $$hush$$, col_2", "select $1, ?, col_2"),
            (
                "select 1 -- hush\nfrom t /* hush /* hush */ hush */ where x",
                "select ? from t where x",
            ),
            ("alter role app password 'hush'", "alter role app password ?"),
        ] {
            assert_eq!(redact(statement), shown);
        }
    }

    #[test]
    fn an_unclosed_or_doubtful_literal_hides_the_rest() {
        for statement in [
            "select 'hush",
            r"select 'C:\', 'hush'",
            "select $a$ hush",
            "select /* hush",
            "select 'a''hush",
            r"select E'a\",
        ] {
            let shown = redact(statement);
            assert!(!shown.contains("hush"), "{statement} → {shown}");
        }
    }

    #[test]
    fn no_more_than_two_hundred_characters_are_shown() {
        let shown = redact(&"ä, ".repeat(300));
        assert_eq!(shown.chars().count(), 200);
        assert!(shown.ends_with('…'));
    }
}
