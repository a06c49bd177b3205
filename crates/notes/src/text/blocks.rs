//! Markdown as a list of headings, items and paragraphs: as much of it as notes are written in.

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block<'a> {
    pub(super) kind: BlockKind,
    /// Its source, with its lines joined.
    pub(super) text: String,
    /// The word of the notice it stands in, such as `warning`.
    pub(super) notice: Option<&'a str>,
    /// By how much it is indented: an item stands under the one before it that is less so.
    pub(super) indent: usize,
}

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockKind {
    /// A heading; lower levels enclose higher ones.
    Heading(usize),
    /// An item of a list, or a row of a table.
    Item,
    /// Anything else.
    Paragraph,
}

/// Lines that are wholly bold, or a summary that opens on a click, head what follows like the deepest heading.
const PSEUDO_LEVEL: usize = 7;

/// The longest line that heads something.
const LONGEST_HEADING: usize = 120;

/// Takes a text apart. Code and comments are left out: what matters is not said in them.
pub(super) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut reader = Reader::default();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let underline = lines.peek().and_then(|next| underline(next));
        match underline.filter(|_| reader.may_be_underlined(line)) {
            Some(level) => {
                reader.heading(level, line.trim());
                lines.next();
            }
            None => reader.line(line),
        }
    }
    reader.close();
    reader.blocks
}

/// The level of the heading that a line of `===` or `---` makes of the line before it.
pub(super) fn underline(line: &str) -> Option<usize> {
    let line = line.trim();
    let all = |sign: char| line.len() >= 3 && line.chars().all(|character| character == sign);
    if all('=') {
        Some(1)
    } else if all('-') {
        Some(2)
    } else {
        None
    }
}

/// The level and words of a `#` heading, without the name for links (`{#removed}`) that may end it.
pub(super) fn hash_heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let text = line[level..].strip_prefix([' ', '\t'])?.trim();
    let text = match text.split_once("{#") {
        Some((words, name)) if name.ends_with('}') => words.trim_end(),
        Some(_) | None => text,
    };
    (1..=6)
        .contains(&level)
        .then(|| (level, text.trim_end_matches('#').trim_end()))
}

/// A line that begins or ends a block of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fence {
    sign: char,
    length: usize,
    /// Whether nothing else stands on the line.
    alone: bool,
}

impl Fence {
    /// Reads a line. One with a further backtick is a line with code in it, and no fence.
    pub(super) fn of(line: &str) -> Option<Self> {
        let line = line.trim_start();
        let sign = ['`', '~'].into_iter().find(|sign| line.starts_with(*sign))?;
        let rest = line.trim_start_matches(sign);
        let length = line.len() - rest.len();
        let holds_code = sign == '`' && rest.contains('`');
        (length >= 3 && !holds_code).then(|| Self {
            sign,
            length,
            alone: rest.trim().is_empty(),
        })
    }

    /// Whether it ends the block that another one began.
    pub(super) fn ends(self, begun: Self) -> bool {
        self.alone && self.sign == begun.sign && self.length >= begun.length
    }
}

#[derive(Default)]
struct Reader<'a> {
    blocks: Vec<Block<'a>>,
    open: Option<(BlockKind, String, usize)>,
    fence: Option<Fence>,
    comment: bool,
    notice: Option<Notice<'a>>,
}

/// A part that is set apart: `:::warning` until `:::`, or `> [!WARNING]` until the quotation ends.
#[derive(Clone, Copy)]
struct Notice<'a> {
    word: &'a str,
    quoted: bool,
}

impl<'a> Reader<'a> {
    fn may_be_underlined(&self, line: &str) -> bool {
        let line = line.trim();
        self.fence.is_none()
            && !self.comment
            && self.open.is_none()
            && !line.is_empty()
            && line.len() <= LONGEST_HEADING
            && !line.starts_with(['#', '-', '*', '>', '|', ':'])
    }

    fn line(&mut self, line: &'a str) {
        if let Some(begun) = self.fence {
            if Fence::of(line).is_some_and(|fence| fence.ends(begun)) {
                self.fence = None;
            }
            return;
        }
        if self.comment {
            self.comment = !line.contains("-->");
            return;
        }
        let indent = line.len() - line.trim_start().len();
        let (quoted, line) = match line.trim_start().strip_prefix('>') {
            Some(inside) => (true, inside.trim_start()),
            None => (false, line),
        };
        if self.notice.is_some_and(|notice| notice.quoted) && !quoted {
            self.close();
            self.notice = None;
        }
        let trimmed = line.trim();
        if let Some(fence) = Fence::of(line) {
            self.close();
            self.fence = Some(fence);
        } else if trimmed.starts_with("<!--") {
            self.close();
            self.comment = !trimmed.contains("-->");
        } else if trimmed.is_empty() {
            self.close();
        } else if let Some(inside) = trimmed.strip_prefix(":::") {
            self.colons(inside);
        } else if let Some(word) = trimmed
            .strip_prefix("[!")
            .and_then(|rest| rest.strip_suffix(']'))
            .filter(|_| quoted)
        {
            self.close();
            self.notice = Some(Notice { word, quoted: true });
        } else if let Some((level, text)) = hash_heading(trimmed) {
            self.heading(level, text);
        } else if let Some(text) = pseudo_heading(trimmed) {
            self.heading(PSEUDO_LEVEL, text);
        } else if let Some(text) = item(trimmed) {
            self.close();
            self.open = Some((BlockKind::Item, text.to_owned(), indent));
        } else if !is_rule(trimmed) {
            self.text(trimmed);
        }
    }

    /// `:::warning[Title]`, `:::warning Title` or the end of such a part.
    fn colons(&mut self, inside: &'a str) {
        self.close();
        let end = inside
            .find(|character: char| !character.is_ascii_alphabetic())
            .unwrap_or(inside.len());
        let (word, title) = inside.split_at(end);
        if word.is_empty() {
            self.notice = None;
            return;
        }
        self.notice = Some(Notice { word, quoted: false });
        let title = title.trim().trim_start_matches('[').trim_end_matches(']');
        if !title.is_empty() {
            self.text(title);
            self.close();
        }
    }

    fn heading(&mut self, level: usize, text: &str) {
        self.close();
        self.push(BlockKind::Heading(level), text.to_owned(), 0);
    }

    fn text(&mut self, line: &str) {
        match &mut self.open {
            Some((_, text, _)) => {
                text.push(' ');
                text.push_str(line);
            }
            None => self.open = Some((BlockKind::Paragraph, line.to_owned(), 0)),
        }
    }

    fn close(&mut self) {
        if let Some((kind, text, indent)) = self.open.take() {
            self.push(kind, text, indent);
        }
    }

    fn push(&mut self, kind: BlockKind, text: String, indent: usize) {
        self.blocks.push(Block {
            kind,
            text,
            notice: self.notice.map(|notice| notice.word),
            indent,
        });
    }
}

/// The text of a list's item or a table's row.
fn item(line: &str) -> Option<&str> {
    if let Some(row) = line.strip_prefix('|') {
        let is_separator = row.chars().all(|character| " |:-".contains(character));
        return (!is_separator).then(|| row.trim_end_matches('|').trim());
    }
    let rest = line.strip_prefix(['-', '*', '+', '•']).or_else(|| {
        let rest = line.trim_start_matches(|character: char| character.is_ascii_digit());
        (rest.len() < line.len())
            .then(|| rest.strip_prefix(['.', ')']))
            .flatten()
    })?;
    rest.starts_with([' ', '\t']).then(|| rest.trim())
}

/// A line that is wholly bold, or what stands on a fold.
fn pseudo_heading(line: &str) -> Option<&str> {
    if line.contains("<summary>") {
        let rest = line.split("<summary>").nth(1)?;
        return Some(rest.split("</summary>").next().unwrap_or(rest).trim());
    }
    let inside = ["**", "__"].into_iter().find_map(|sign| {
        let line = line.trim_end_matches(':');
        line.strip_prefix(sign)?.strip_suffix(sign)
    })?;
    (!inside.is_empty() && !inside.contains("**") && inside.len() <= LONGEST_HEADING).then_some(inside)
}

/// A line drawn across, or what separates a table's head.
fn is_rule(line: &str) -> bool {
    line.chars().all(|character| "-*_=| :".contains(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(text: &str) -> Vec<(BlockKind, String, Option<&str>)> {
        blocks(text)
            .into_iter()
            .map(|block| (block.kind, block.text, block.notice))
            .collect()
    }

    fn piece(kind: BlockKind, text: &str) -> (BlockKind, String, Option<&'static str>) {
        (kind, text.to_owned(), None)
    }

    #[test]
    fn headings_items_and_paragraphs_are_told_apart() {
        let text = "## Fixed {#a-fixed}\n- one\n  goes on\n* two\n1. three\n\nSome\nwords.\n\n**Known issues**\n\nTitle\n-----\n";
        assert_eq!(
            shapes(text),
            [
                piece(BlockKind::Heading(2), "Fixed"),
                piece(BlockKind::Item, "one goes on"),
                piece(BlockKind::Item, "two"),
                piece(BlockKind::Item, "three"),
                piece(BlockKind::Paragraph, "Some words."),
                piece(BlockKind::Heading(7), "Known issues"),
                piece(BlockKind::Heading(2), "Title"),
            ]
        );
    }

    #[test]
    fn code_and_comments_say_nothing() {
        assert_eq!(
            shapes("```sh\n# BREAKING\n```\n<!-- BREAKING\nmore -->\n~~~\n```\n~~~\nend"),
            [piece(BlockKind::Paragraph, "end")]
        );
    }

    #[test]
    fn code_ends_where_its_own_fence_does() {
        for (text, told) in [
            ("```helm get values```\nend", &["```helm get values``` end"][..]),
            ("````md\n```\ninside\n```\n````\nend", &["end"]),
            ("```\ninside\n`````\nend", &["end"]),
            ("```\n```sh\ninside\n```\nend", &["end"]),
            ("~~~ a `word`\ninside\n~~~\nend", &["end"]),
        ] {
            let found: Vec<String> = blocks(text).into_iter().map(|block| block.text).collect();
            assert_eq!(found, told, "{text}");
        }
    }

    #[test]
    fn what_is_set_apart_is_known_by_its_word() {
        let text = ":::warning[Read me]\nStop it first.\n:::\nplain\n\n> [!CAUTION]\n> No way back.\n\nafter\n> quoted";
        let expected = [
            ("Read me", Some("warning")),
            ("Stop it first.", Some("warning")),
            ("plain", None),
            ("No way back.", Some("CAUTION")),
            ("after quoted", None),
        ];
        let found: Vec<(String, Option<&str>)> = blocks(text)
            .into_iter()
            .map(|block| (block.text, block.notice))
            .collect();
        let found: Vec<(&str, Option<&str>)> = found
            .iter()
            .map(|(text, notice)| (text.as_str(), *notice))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn rows_of_a_table_are_items_and_its_lines_are_not() {
        assert_eq!(
            shapes("| key | new |\n|---|:--|\n| a | b |\n\n---\n"),
            [
                piece(BlockKind::Item, "key | new"),
                piece(BlockKind::Item, "a | b"),
            ]
        );
    }
}
