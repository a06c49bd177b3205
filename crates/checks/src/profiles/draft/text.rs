//! YAML with comments, line by line.

/// Characters in a line of a comment.
const WIDTH: usize = 110;

/// A text that grows.
#[derive(Debug, Default)]
pub(super) struct Text(Vec<String>);

impl Text {
    /// A line, two spaces in for each level.
    pub(super) fn line(&mut self, level: usize, text: &str) {
        self.0.push(format!("{}{text}", "  ".repeat(level)));
    }

    /// A comment, broken at words. It holds words of the cluster, so that no line of it may end the comment.
    pub(super) fn comment(&mut self, level: usize, text: &str) {
        let plain = model::text::line(text);
        let mut line = String::new();
        for word in plain.split_whitespace() {
            if !line.is_empty() && line.chars().count() + word.chars().count() >= WIDTH {
                self.line(level, &format!("# {line}"));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.line(level, &format!("# {line}"));
    }

    /// Lines to take the comment sign from.
    pub(super) fn example(&mut self, level: usize, lines: &[&str]) {
        for line in lines {
            self.line(level, &format!("#{line}"));
        }
    }

    /// Writes the last line that is this one otherwise: a key that turned out to have nothing below it.
    pub(super) fn instead(&mut self, line: &str, other: &str) {
        if let Some(found) = self.0.iter_mut().rfind(|found| *found == line) {
            other.clone_into(found);
        }
    }

    /// The whole text.
    pub(super) fn finish(self) -> String {
        let mut text = self.0.join("\n");
        text.push('\n');
        text
    }
}

/// A value as YAML: plain where it can only be read as this text, else in double quotes as in JSON.
pub(super) fn scalar(text: &str) -> String {
    let begins_as_word = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/');
    let plain = text
        .chars()
        .all(|character| character.is_ascii_alphanumeric() || "-_./".contains(character));
    let means_more = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "null"
    );
    if begins_as_word && plain && !means_more {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_nothing_else_stands_without_quotes() {
        for plain in ["web", "DATABASE_URL", "app.kubernetes.io/name", "/readyz"] {
            assert_eq!(scalar(plain), plain);
        }
        for (text, quoted) in [
            ("1.0.0", r#""1.0.0""#),
            ("no", r#""no""#),
            ("", r#""""#),
            ("a: b", r#""a: b""#),
            ("it's\n\"x\"", r#""it's\n\"x\"""#),
        ] {
            assert_eq!(scalar(text), quoted);
        }
        for text in ["# x", "{a}", "- a", "ü"] {
            let read: String = model::read_strict(&scalar(text)).unwrap();
            assert_eq!(read, text);
        }
    }

    #[test]
    fn a_comment_stays_one_whatever_it_holds() {
        let mut text = Text::default();
        text.comment(1, &format!("first\nname: other {}", "word ".repeat(60)));
        let text = text.finish();
        assert!(text.lines().count() > 2);
        assert!(
            text.lines()
                .all(|line| line.starts_with("  # ") && line.len() < 130),
            "{text}"
        );
    }
}
