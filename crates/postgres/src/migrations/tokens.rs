//! The words of a SQL text, without its comments and the texts in it.

/// A word of SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A key word, a name without quotes, or a number, in small letters.
    Word(String),
    /// A name in quotes, without them.
    Name(String),
    /// A text, in whatever quotes; what stands in it is not known.
    Text,
    /// Any other character.
    Mark(char),
}

impl Token {
    /// Whether it is this key word.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if own == word)
    }
}

/// How migration tools mark where the way back begins, in the same file.
const WAY_BACK: [&str; 3] = ["+goose down", "+migrate down", "migrate:down"];

/// The statements of a migration's text up to the way back, each as its words.
pub(super) fn statements(sql: &str) -> Vec<Vec<Token>> {
    let tokens = tokens(sql);
    tokens
        .split(|token| *token == Token::Mark(';'))
        .filter(|statement| !statement.is_empty())
        .map(<[Token]>::to_vec)
        .collect()
}

fn tokens(sql: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("--") {
            let (line, after) = comment.split_once('\n').unwrap_or((comment, ""));
            if begins_the_way_back(line) {
                break;
            }
            rest = after;
        } else if rest.starts_with("/*") {
            rest = after_comment(rest);
        } else if first == '\'' {
            let is_escaped = tokens.last().is_some_and(|token: &Token| token.is("e"));
            rest = after_text(&rest[1..], is_escaped);
            tokens.push(Token::Text);
        } else if first == '"' {
            let (name, after) = quoted(&rest[1..]);
            tokens.push(Token::Name(name));
            rest = after;
        } else if let Some(after) = after_dollars(rest) {
            tokens.push(Token::Text);
            rest = after;
        } else if is_in_word(first) {
            let end = rest.find(|c| !is_in_word(c)).unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_lowercase()));
            rest = &rest[end..];
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Mark(first));
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    tokens
}

/// Options may follow a mark: `-- migrate:down transaction:false`.
fn begins_the_way_back(comment: &str) -> bool {
    let comment = comment.trim().to_ascii_lowercase();
    WAY_BACK.iter().any(|mark| {
        let after = comment.strip_prefix(mark);
        after.is_some_and(|after| after.is_empty() || after.starts_with(char::is_whitespace))
    })
}

fn is_in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// What follows a comment in slashes; such comments stand within each other.
fn after_comment(text: &str) -> &str {
    let (mut depth, mut rest) = (0_usize, text);
    loop {
        if let Some(after) = rest.strip_prefix("/*") {
            (depth, rest) = (depth + 1, after);
        } else if let Some(after) = rest.strip_prefix("*/") {
            (depth, rest) = (depth - 1, after);
            if depth == 0 {
                return rest;
            }
        } else {
            let Some(c) = rest.chars().next() else {
                return "";
            };
            rest = &rest[c.len_utf8()..];
        }
    }
}

/// What follows a text in single quotes, whose opening quote is gone.
fn after_text(text: &str, is_escaped: bool) -> &str {
    let mut rest = text;
    loop {
        let Some(at) = rest.find(['\'', '\\']) else {
            return "";
        };
        let (found, after) = (&rest[at..], &rest[at + 1..]);
        if found.starts_with('\\') {
            let skipped = after.chars().next().filter(|_| is_escaped);
            rest = &after[skipped.map_or(0, char::len_utf8)..];
        } else if let Some(more) = after.strip_prefix('\'') {
            rest = more;
        } else {
            return after;
        }
    }
}

/// A name in double quotes, whose opening quote is gone, and what follows it.
fn quoted(text: &str) -> (String, &str) {
    let (mut name, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('"') {
        name.push_str(before);
        let Some(more) = after.strip_prefix('"') else {
            return (name, after);
        };
        name.push('"');
        rest = more;
    }
    (name + rest, "")
}

/// What follows a text in dollar quotes (`$$`, `$body$`), where one begins here.
fn after_dollars(text: &str) -> Option<&str> {
    let (tag, after) = text.strip_prefix('$')?.split_once('$')?;
    let is_tag = tag.chars().all(is_in_word) && !tag.starts_with(|c: char| c.is_ascii_digit());
    let quote = &text[..tag.len() + 2];
    is_tag.then(|| after.split_once(quote).map_or("", |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(sql: &str) -> Vec<String> {
        let text = |token: &Token| match token {
            Token::Word(word) => word.clone(),
            Token::Name(name) => format!("<{name}>"),
            Token::Text => "'".into(),
            Token::Mark(mark) => mark.to_string(),
        };
        statements(sql)
            .iter()
            .map(|statement| statement.iter().map(text).collect::<Vec<_>>().join(" "))
            .collect()
    }

    #[test]
    fn comments_and_texts_hide_what_stands_in_them() {
        assert_eq!(
            words("-- a; b\nSELECT 'it''s; x', E'\\'; y' /* ; /* ; */ ; */, \"A \"\"b\"; drop x"),
            ["select ' , e ' , <A \"b>", "drop x"]
        );
        assert_eq!(words("do $x$ begin; $$; end $x$; a $1"), ["do '", "a $ 1"]);
        assert_eq!(words("select 'open; b"), ["select '"]);
        assert_eq!(words("select '\\'; b"), ["select '", "b"]);
    }

    #[test]
    fn the_way_back_is_not_read() {
        for mark in [
            "-- +goose Down",
            "--+goose down",
            "-- migrate:down\r",
            "-- migrate:down transaction:false",
            "-- +migrate Down notransaction",
        ] {
            assert_eq!(words(&format!("-- +goose Up\na;\n{mark}\nb;")), ["a"], "{mark}");
        }
        assert_eq!(words("a;\n-- migrate:downtown\nb;"), ["a", "b"]);
    }
}
