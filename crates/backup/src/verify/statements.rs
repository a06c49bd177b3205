//! A file of statements that must be true, taken apart.

use thiserror::Error;

use super::Assertion;

/// Why a text holds no statements.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatementError {
    /// Something is opened and never closed.
    #[error("{place}, line {line}: {what} is not closed")]
    Open {
        /// The file.
        place: String,
        /// Where it begins, counted from 1.
        line: usize,
        /// What: `a quote`, `a comment`.
        what: &'static str,
    },
    /// Nothing in it.
    #[error("{0} holds no statement")]
    Empty(String),
}

/// The statements of a text, each called by the comment that stands before it, else by its first line. `place` names the
/// text in messages.
///
/// # Errors
/// When something is not closed, or there is no statement at all: a test that asks nothing would be green for nothing.
pub fn assertions_of(place: &str, text: &str) -> Result<Vec<Assertion>, StatementError> {
    let mut assertions = Vec::new();
    let mut rest = Rest {
        place,
        text,
        at: 0,
        line: 1,
    };
    while let Some(statement) = rest.statement()? {
        assertions.push(statement);
    }
    if assertions.is_empty() {
        return Err(StatementError::Empty(place.to_owned()));
    }
    Ok(assertions)
}

struct Rest<'a> {
    place: &'a str,
    text: &'a str,
    /// Bytes that have been read.
    at: usize,
    /// The line of the next byte.
    line: usize,
}

impl<'a> Rest<'a> {
    /// The next statement up to its semicolon.
    fn statement(&mut self) -> Result<Option<Assertion>, StatementError> {
        let mut comment = None;
        let mut begin = None;
        loop {
            let here = &self.text[self.at..];
            let Some(next) = here.chars().next() else {
                return Ok(begin.map(|begin| self.assertion(begin, self.at, comment)));
            };
            if next == ';' {
                let end = self.at;
                self.skip(1);
                match begin {
                    Some(begin) => return Ok(Some(self.assertion(begin, end, comment))),
                    None => continue,
                }
            }
            if let Some(words) = here.strip_prefix("--") {
                let length = words.find('\n').unwrap_or(words.len());
                if begin.is_none() {
                    comment = Some(words[..length].trim());
                }
                self.skip(2 + length);
            } else if here.starts_with("/*") {
                self.block_comment()?;
            } else if next.is_whitespace() {
                self.skip(next.len_utf8());
            } else {
                begin.get_or_insert((self.at, self.line));
                self.token(here, next)?;
            }
        }
    }

    /// Skips what belongs together: a quoted text, whatever stands in it, a word, or one sign.
    fn token(&mut self, here: &str, next: char) -> Result<(), StatementError> {
        match next {
            '\'' => self.quoted(1, "'", false),
            '"' => self.quoted(1, "\"", false),
            'e' | 'E' if here[1..].starts_with('\'') => self.quoted(2, "'", true),
            '$' => match dollar_tag(here) {
                Some(tag) => self.quoted(tag.len(), tag, false),
                None => {
                    self.skip(1);
                    Ok(())
                }
            },
            // A dollar inside a word opens nothing.
            _ if is_word(next) => {
                let length = here
                    .find(|other| !is_word(other) && other != '$')
                    .unwrap_or(here.len());
                self.skip(length);
                Ok(())
            }
            _ => {
                self.skip(next.len_utf8());
                Ok(())
            }
        }
    }

    /// Skips `open` bytes and all up to the closing text.
    fn quoted(&mut self, open: usize, close: &str, escapes: bool) -> Result<(), StatementError> {
        let line = self.line;
        self.skip(open);
        loop {
            let here = &self.text[self.at..];
            if here.starts_with(close) {
                self.skip(close.len());
                return Ok(());
            }
            let mut signs = here.chars();
            let Some(next) = signs.next() else {
                return Err(self.open(line, "a quote"));
            };
            let escaped = if escapes && next == '\\' {
                signs.next()
            } else {
                None
            };
            self.skip(next.len_utf8() + escaped.map_or(0, char::len_utf8));
        }
    }

    /// Skips a comment, and those inside it.
    fn block_comment(&mut self) -> Result<(), StatementError> {
        let line = self.line;
        let mut depth = 0_usize;
        loop {
            let here = &self.text[self.at..];
            if here.starts_with("/*") {
                depth += 1;
                self.skip(2);
            } else if here.starts_with("*/") {
                depth -= 1;
                self.skip(2);
                if depth == 0 {
                    return Ok(());
                }
            } else if let Some(next) = here.chars().next() {
                self.skip(next.len_utf8());
            } else {
                return Err(self.open(line, "a comment"));
            }
        }
    }

    fn skip(&mut self, bytes: usize) {
        let passed = &self.text[self.at..self.at + bytes];
        self.line += passed.matches('\n').count();
        self.at += bytes;
    }

    fn open(&self, line: usize, what: &'static str) -> StatementError {
        StatementError::Open {
            place: self.place.to_owned(),
            line,
            what,
        }
    }

    fn assertion(&self, (begin, line): (usize, usize), end: usize, comment: Option<&'a str>) -> Assertion {
        let sql = self.text[begin..end].trim_end();
        let first = sql.lines().next().unwrap_or(sql);
        Assertion {
            what: comment
                .filter(|words| !words.is_empty())
                .unwrap_or(first)
                .to_owned(),
            sql: sql.to_owned(),
            source: format!("{}, line {line}", self.place),
        }
    }
}

/// The tag that opens a dollar-quoted text here: `$$`, `$body$`.
fn dollar_tag(here: &str) -> Option<&str> {
    let name = &here[1..];
    let end = name.find('$')?;
    let name = &name[..end];
    let plain = name.chars().all(is_word) && !name.starts_with(|first: char| first.is_ascii_digit());
    plain.then(|| &here[..end + 2])
}

fn is_word(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sql(text: &str) -> Vec<String> {
        let found = assertions_of("a.sql", text).unwrap();
        found.into_iter().map(|found| found.sql).collect()
    }

    #[test]
    fn a_semicolon_ends_a_statement_only_outside_of_quotes_and_comments() {
        assert_eq!(
            sql("select true; select false ;;"),
            ["select true", "select false"]
        );
        for whole in [
            "select ';' = ';'",
            "select 'it''s; so' is not null",
            r"select E'\'; x' is not null",
            "select \"a;\"\"b\" from t",
            "select $$;$$ = ';'",
            "select $x$ $$;$$ $x$ is not null",
            "select /* ; /* ; */ ; */ true",
            "select true -- ; no end",
            "select a$b = 1 and c$d = 2 from t",
            "select $1::bool",
            "select 'é;' <> U&'x;'",
        ] {
            assert_eq!(sql(&format!("{whole}\n; select 2 > 1")), [whole, "select 2 > 1"]);
        }
    }

    #[test]
    fn a_statement_is_called_by_the_comment_before_it() {
        let text = "-- every order has a customer\nselect\n  true;\nselect 1 = 1;\n\n--\nselect 2 = 2";
        let found = assertions_of("a.sql", text).unwrap();
        let called: Vec<(&str, &str)> = found
            .iter()
            .map(|found| (found.what.as_str(), found.source.as_str()))
            .collect();
        assert_eq!(
            called,
            [
                ("every order has a customer", "a.sql, line 2"),
                ("select 1 = 1", "a.sql, line 4"),
                ("select 2 = 2", "a.sql, line 7"),
            ]
        );
    }

    #[test]
    fn what_is_not_closed_is_told_with_its_line_and_nothing_is_no_test() {
        let told = |text: &str| assertions_of("a.sql", text).unwrap_err().to_string();
        assert_eq!(told("\nselect 'x"), "a.sql, line 2: a quote is not closed");
        assert_eq!(told("/* x"), "a.sql, line 1: a comment is not closed");
        assert_eq!(told("select $a$ $b$"), "a.sql, line 1: a quote is not closed");
        assert_eq!(told(" -- nothing\n;"), "a.sql holds no statement");
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end_or_refused(text in ".{0,60}") {
            let _ = assertions_of("a.sql", &text);
        }
    }
}
