//! Other people's text as words: bounded, on one line, without markup and without what steers a terminal.

/// The longest piece that is shown on one line, in characters.
const LONGEST: usize = 400;

/// One line of Markdown as plain words.
pub(super) fn plain(markdown: &str) -> String {
    let text = without_tags(&without_links(markdown));
    let text = text.replace("**", "").replace("__", "").replace('`', "");
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    shortened(without_author(&line))
}

/// `by @ann in https://…`, as generated notes end their lines.
fn without_author(line: &str) -> &str {
    match line.rsplit_once(" by @") {
        Some((before, rest)) if rest.contains(" in http") || rest.contains(" in #") => before,
        Some(_) | None => line,
    }
}

fn shortened(line: &str) -> String {
    if line.chars().count() <= LONGEST {
        return line.to_owned();
    }
    let cut: String = line.chars().take(LONGEST).collect();
    format!("{}…", cut.trim_end())
}

/// `[text](address)` and `[text][name]` as their text; a picture as nothing.
pub(super) fn without_links(markdown: &str) -> String {
    let mut plain = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some(open) = rest.find('[') {
        let (before, inside) = rest.split_at(open);
        match link(inside) {
            Some((label, end)) => {
                match before.strip_suffix('!') {
                    Some(before) => plain.push_str(before),
                    None => {
                        plain.push_str(before);
                        plain.push_str(label);
                    }
                }
                rest = &inside[end..];
            }
            None => {
                plain.push_str(before);
                plain.push('[');
                rest = &inside[1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// The label of the link that a text begins with, and where the link ends. A bracket in the label belongs to another text.
fn link(text: &str) -> Option<(&str, usize)> {
    let close = 1 + text.get(1..)?.find(['[', ']'])?;
    let label = text[..close]
        .strip_prefix('[')
        .filter(|_| text[close..].starts_with(']'))?;
    let target = &text[close + 1..];
    let closing = match target.chars().next()? {
        '(' => ')',
        '[' => ']',
        _ => return None,
    };
    Some((label, close + 1 + target.find(closing)? + 1))
}

/// Without HTML tags. A `<` that begins none stays: `<1.2.0` is a version's bound.
fn without_tags(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let (before, inside) = rest.split_at(open);
        plain.push_str(before);
        let is_tag = inside[1..].starts_with(|next: char| next.is_ascii_alphabetic() || "/!".contains(next));
        match inside.find('>').filter(|_| is_tag) {
            // `<https://…>` is an address in brackets.
            Some(end) if inside[..end].contains("://") && !inside[..end].contains(' ') => {
                plain.push_str(&inside[1..end]);
                rest = &inside[end + 1..];
            }
            Some(end) => rest = &inside[end + 1..],
            None => {
                plain.push('<');
                rest = &inside[1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_goes_and_words_stay() {
        for (markdown, words) in [
            (
                "**Drop** `foo` in [the API](https://x.example/a)",
                "Drop foo in the API",
            ),
            ("see ![shot](https://x/y.png) [#12](https://x/12)", "see #12"),
            ("arrays [0] and [1](x)", "arrays [0] and 1"),
            ("[keys][12] and [x]", "keys and [x]"),
            (
                "<details><b>bold</b></details> <https://x.example>",
                "bold https://x.example",
            ),
            ("needs Postgres <15 or > 13", "needs Postgres <15 or > 13"),
            ("feat: keys by @ann in https://x.example/pull/3", "feat: keys"),
        ] {
            assert_eq!(plain(markdown), words);
        }
    }

    #[test]
    fn a_long_line_is_cut_and_says_so() {
        let cut = plain(&"wörd ".repeat(200));
        assert!(cut.ends_with('…') && cut.chars().count() <= LONGEST + 1, "{cut}");
    }
}
