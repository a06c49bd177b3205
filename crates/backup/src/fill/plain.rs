//! Whether SQL as text is a whole dump that may be given to psql.
//!
//! psql takes everything outside of quotes that begins with a backslash for a command of its own, and some of those run a
//! shell. A server that was taken over can write such lines into a dump of itself (CVE-2025-8714). So the text is read as
//! psql reads it before any of it is sent, and psql is put into its restricted mode besides, which holds where a text
//! should deceive this reader.

use thiserror::Error;

/// How pg_dump begins and ends what it writes.
const HEADER: &str = " PostgreSQL database dump";
const TRAILER: &str = " PostgreSQL database dump complete";

/// How pg_dumpall does.
const WHOLE_SERVER: &str = " PostgreSQL database cluster dump";

/// The command that ends psql's restricted mode. psql runs what stands in backquotes behind it, so it must not stand
/// anywhere but at the end.
const UNRESTRICT: &[u8] = b"\\unrestrict";

/// The longest comment or command that is looked at; a longer one is none of those that matter.
const LONGEST: usize = 512;

/// The longest COPY statement: 1600 columns with the longest names.
const LONGEST_STATEMENT: usize = 1 << 20;

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlainFault {
    /// It does not begin as pg_dump begins.
    #[error("it does not begin like a dump of pg_dump")]
    NoDump,
    /// It is of a whole server.
    #[error(
        "it is a dump of a whole server (pg_dumpall), which would leave the new database: dump the database itself"
    )]
    WholeServer,
    /// It ends too early.
    #[error("it is cut off: {0}")]
    Cut(&'static str),
    /// It holds a command for psql.
    #[error(
        "line {line} holds a command for psql ({command}), which could do anything on the machine that runs it"
    )]
    Command {
        /// Where.
        line: u64,
        /// The command's first word.
        command: String,
    },
    /// It runs a program on the server.
    #[error("line {0} lets the server run a program (COPY … PROGRAM)")]
    Program(u64),
    /// Something that pg_dump does not write.
    #[error("line {0} is not as pg_dump writes it: something follows a COPY on its line")]
    Unusual(u64),
    /// The end of psql's restricted mode is named where it does not belong.
    #[error("\\unrestrict stands in it {0} times, where pg_dump writes it once, at the end")]
    Unrestricts(u64),
}

/// What is known of a whole text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlainFacts {
    /// Whether it puts psql into its restricted mode itself, before anything else.
    pub(crate) restricts: bool,
}

enum State {
    Sql,
    LineComment(Vec<u8>),
    /// How deep, and the byte before.
    BlockComment(usize, u8),
    /// Whether a backslash escapes, and whether one just did.
    Text(bool, bool),
    /// After a quote that ends a text, or is the first of two: whether a backslash escapes.
    TextQuote(bool),
    Name,
    /// What may become the tag of a dollar quote.
    DollarOpens(Vec<u8>),
    /// The tag, and what may become its end.
    Dollar(Vec<u8>, Option<Vec<u8>>),
    Command(Vec<u8>),
    CopyBegins,
    /// The first bytes of the line.
    CopyData(Vec<u8>),
}

/// Reads a text as psql does. It holds a few words of it at a time.
pub(crate) struct PlainScan {
    state: State,
    line: u64,
    /// The last two bytes of SQL.
    before: [u8; 2],
    /// The statement so far, as long as it can be a COPY; whatever is quoted is one `"`.
    statement: Vec<u8>,
    can_be_copy: bool,
    statement_bytes: usize,
    seen_sql: bool,
    at_line_start: bool,
    header: bool,
    trailer: bool,
    /// The comment line that follows the trailer.
    closed: bool,
    key: Option<Vec<u8>>,
    unrestricted: bool,
    /// How much of `\unrestrict` the last bytes are, and the byte before them.
    matched: usize,
    before_match: u8,
    last: u8,
    unrestricts: u64,
}

impl PlainScan {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Sql,
            line: 1,
            before: [b'\n'; 2],
            statement: Vec::new(),
            can_be_copy: true,
            statement_bytes: 0,
            seen_sql: false,
            at_line_start: true,
            header: false,
            trailer: false,
            closed: false,
            key: None,
            unrestricted: false,
            matched: 0,
            before_match: 0,
            last: b'\n',
            unrestricts: 0,
        }
    }

    /// Reads on.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<(), PlainFault> {
        for byte in bytes {
            self.count_unrestricts(*byte);
            self.step(*byte)?;
            self.at_line_start = *byte == b'\n';
            self.last = *byte;
            if *byte == b'\n' {
                self.line += 1;
            }
        }
        Ok(())
    }

    /// Judges what was read as the whole.
    pub(crate) fn finish(self) -> Result<PlainFacts, PlainFault> {
        if !self.header {
            return Err(PlainFault::NoDump);
        }
        match self.state {
            State::Sql if self.statement_bytes > 0 => {
                return Err(PlainFault::Cut("it ends within a statement"));
            }
            State::Sql => {}
            State::CopyData(_) | State::CopyBegins => {
                return Err(PlainFault::Cut("it ends within the rows of a table"));
            }
            State::Command(_) => return Err(PlainFault::Cut("its last line is not whole")),
            State::LineComment(_)
            | State::BlockComment(..)
            | State::Text(..)
            | State::TextQuote(_)
            | State::Name
            | State::DollarOpens(_)
            | State::Dollar(..) => return Err(PlainFault::Cut("it ends within a statement or a comment")),
        }
        if !(self.trailer && self.closed) {
            return Err(PlainFault::Cut("its last words are not those of a complete dump"));
        }
        if self.key.is_some() && !self.unrestricted {
            return Err(PlainFault::Cut(
                "the \\unrestrict that goes with its \\restrict is missing",
            ));
        }
        if self.unrestricts != u64::from(self.key.is_some()) {
            return Err(PlainFault::Unrestricts(self.unrestricts));
        }
        Ok(PlainFacts {
            restricts: self.key.is_some(),
        })
    }

    fn count_unrestricts(&mut self, byte: u8) {
        if byte == UNRESTRICT[self.matched] {
            if self.matched == 0 {
                self.before_match = self.last;
            }
            self.matched += 1;
            if self.matched == UNRESTRICT.len() {
                self.matched = 0;
                // In the rows of a table a backslash is written twice.
                if self.before_match != b'\\' {
                    self.unrestricts += 1;
                }
            }
        } else if byte == UNRESTRICT[0] {
            self.before_match = self.last;
            self.matched = 1;
        } else {
            self.matched = 0;
        }
    }

    fn step(&mut self, byte: u8) -> Result<(), PlainFault> {
        match &mut self.state {
            State::Sql => return self.sql(byte),
            State::LineComment(text) if byte == b'\n' => {
                let text = std::mem::take(text);
                self.state = State::Sql;
                self.comment(&text)?;
            }
            State::LineComment(text) | State::Command(text) if byte != b'\n' => {
                if text.len() < LONGEST {
                    text.push(byte);
                }
            }
            State::Command(text) => {
                let text = std::mem::take(text);
                self.state = State::Sql;
                self.command(&text)?;
            }
            State::LineComment(_) => {}
            State::BlockComment(depth, before) => {
                match (*before, byte) {
                    (b'/', b'*') => (*depth, *before) = (*depth + 1, 0),
                    (b'*', b'/') => (*depth, *before) = (*depth - 1, 0),
                    _ => *before = byte,
                }
                if *depth == 0 {
                    self.state = State::Sql;
                }
            }
            State::Text(escapes, escaped) => match (byte, *escaped) {
                (_, true) => *escaped = false,
                (b'\\', false) if *escapes => *escaped = true,
                (b'\'', false) => self.state = State::TextQuote(*escapes),
                _ => {}
            },
            State::TextQuote(escapes) if byte == b'\'' => self.state = State::Text(*escapes, false),
            State::TextQuote(_) => {
                self.leave(b'\'');
                return self.sql(byte);
            }
            State::Name => {
                if byte == b'"' {
                    self.leave(byte);
                }
            }
            State::DollarOpens(tag) => {
                if byte == b'$' {
                    let tag = std::mem::take(tag);
                    self.state = State::Dollar(tag, None);
                } else if is_name(byte) && !(tag.is_empty() && byte.is_ascii_digit()) {
                    tag.push(byte);
                } else {
                    self.leave(b'$');
                    return self.sql(byte);
                }
            }
            State::Dollar(tag, end) => match (byte, end.as_mut()) {
                (b'$', Some(found)) if found == tag => self.leave(b'$'),
                (b'$', _) => *end = Some(Vec::new()),
                (_, Some(found)) if found.len() < tag.len() => found.push(byte),
                _ => *end = None,
            },
            State::CopyBegins => match byte {
                b'\n' => self.state = State::CopyData(Vec::new()),
                b' ' | b'\t' | b'\r' => {}
                _ => return Err(PlainFault::Unusual(self.line)),
            },
            State::CopyData(begin) => {
                if byte == b'\n' {
                    let ends = begin.strip_suffix(b"\r").unwrap_or(begin) == b"\\.";
                    self.state = if ends {
                        State::Sql
                    } else {
                        State::CopyData(Vec::new())
                    };
                } else if begin.len() < 4 {
                    begin.push(byte);
                }
            }
        }
        Ok(())
    }

    /// Back to SQL after something quoted.
    fn leave(&mut self, last: u8) {
        self.state = State::Sql;
        self.before = [0, last];
    }

    fn sql(&mut self, byte: u8) -> Result<(), PlainFault> {
        let [earlier, before] = self.before;
        match byte {
            b'-' if before == b'-' => {
                self.state = State::LineComment(Vec::new());
                // The first dash was taken for SQL.
                self.forget_byte();
                self.before = [b'\n'; 2];
                return Ok(());
            }
            b'*' if before == b'/' => {
                self.state = State::BlockComment(1, 0);
                self.forget_byte();
                self.before = [b' '; 2];
                return Ok(());
            }
            b'\\' if self.at_line_start && self.statement_bytes == 0 => {
                self.state = State::Command(Vec::new());
                return Ok(());
            }
            b'\\' => {
                return Err(PlainFault::Command {
                    line: self.line,
                    command: "\\ in the middle of a line".into(),
                });
            }
            b'\'' => {
                let escapes = matches!(before, b'E' | b'e') && !is_name(earlier);
                self.add(b'"');
                self.state = State::Text(escapes, false);
            }
            b'"' => {
                self.add(b'"');
                self.state = State::Name;
            }
            b'$' if !is_name(before) => {
                self.add(b'"');
                self.state = State::DollarOpens(Vec::new());
            }
            b';' => self.end_statement()?,
            byte if byte.is_ascii_whitespace() => {
                if self.statement_bytes > 0 {
                    self.add(b' ');
                }
            }
            byte => self.add(byte.to_ascii_uppercase()),
        }
        self.before = [before, byte];
        Ok(())
    }

    /// A byte of a statement, perhaps its first.
    fn add(&mut self, byte: u8) {
        const WORD: &[u8] = b"COPY ";
        self.statement_bytes += 1;
        if !self.can_be_copy || self.statement.len() >= LONGEST_STATEMENT {
            return;
        }
        self.statement.push(byte);
        let begin = self.statement.len().min(WORD.len());
        if self.statement[..begin] != WORD[..begin] {
            self.can_be_copy = false;
            self.statement.clear();
        }
    }

    /// Takes back the dash or slash that turned out to begin a comment.
    fn forget_byte(&mut self) {
        self.statement.pop();
        self.statement_bytes = self.statement_bytes.saturating_sub(1);
        if self.statement_bytes == 0 {
            self.can_be_copy = true;
        }
    }

    fn end_statement(&mut self) -> Result<(), PlainFault> {
        let text = std::mem::take(&mut self.statement);
        self.statement_bytes = 0;
        self.can_be_copy = true;
        self.seen_sql = true;
        (self.trailer, self.closed) = (false, false);
        if !text.starts_with(b"COPY ") {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&text);
        let words: Vec<&str> = text
            .split([' ', '(', ')', ','])
            .filter(|word| !word.is_empty())
            .collect();
        if words.contains(&"PROGRAM") {
            return Err(PlainFault::Program(self.line));
        }
        if words.windows(2).any(|pair| pair == ["FROM", "STDIN"]) {
            self.state = State::CopyBegins;
        }
        Ok(())
    }

    fn comment(&mut self, text: &[u8]) -> Result<(), PlainFault> {
        let text = String::from_utf8_lossy(text);
        let text = text.trim_end_matches('\r');
        if text.starts_with(WHOLE_SERVER) {
            return Err(PlainFault::WholeServer);
        }
        match text {
            HEADER => self.header |= !self.seen_sql,
            TRAILER => (self.trailer, self.closed) = (true, false),
            "" => self.closed = self.trailer,
            _ => {}
        }
        Ok(())
    }

    fn command(&mut self, text: &[u8]) -> Result<(), PlainFault> {
        let words: Vec<&[u8]> = text
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty())
            .collect();
        let plain = |key: &[u8]| key.iter().all(u8::is_ascii_alphanumeric);
        match words.as_slice() {
            [b"restrict", key] if plain(key) && self.key.is_none() && !self.seen_sql => {
                self.key = Some(key.to_vec());
                Ok(())
            }
            [b"unrestrict", key]
                if self.key.as_deref() == Some(*key) && self.trailer && !self.unrestricted =>
            {
                self.unrestricted = true;
                Ok(())
            }
            words => {
                let word = words.first().copied().unwrap_or_default();
                Err(PlainFault::Command {
                    line: self.line,
                    command: format!("\\{}", String::from_utf8_lossy(word).escape_debug()),
                })
            }
        }
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scan(text: &str) -> Result<PlainFacts, PlainFault> {
        let mut scan = PlainScan::new();
        scan.feed(text.as_bytes())?;
        scan.finish()
    }

    fn dump(body: &str) -> String {
        format!(
            "--\n-- PostgreSQL database dump\n--\n\n{body}\n--\n-- PostgreSQL database dump complete\n--\n\n"
        )
    }

    fn restricted(body: &str) -> String {
        let body = format!("\\restrict Abc1\n\n{body}");
        format!("{}\\unrestrict Abc1\n\n", dump(&body))
    }

    /// Everything that may hold a backslash, a quote or a semicolon and is no command.
    const HARMLESS: &str = r#"SET standard_conforming_strings = on;
CREATE TABLE public."odd \! ; name" (x text DEFAULT 'C:\');
CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $fn$ begin return '\! $$ ;'; end $fn$;
CREATE FUNCTION g() RETURNS text LANGUAGE sql AS $_$ select $1 -- \! in a comment
$_$;
-- Name: a \! b; Type: TABLE
/* a comment /* inside \! */ another */
COMMENT ON TABLE t IS E'it''s \'quoted\' \\ and \n';
COPY public.t (a, "copy; (b)") FROM stdin;
1\t\\! not a command
\N
'\.
\.

INSERT INTO t VALUES ('a', E'b\\', 'it''s');
"#;

    #[test]
    fn what_pg_dump_writes_is_whole_and_harmless() {
        assert_eq!(scan(&dump(HARMLESS)), Ok(PlainFacts { restricts: false }));
        assert_eq!(scan(&restricted(HARMLESS)), Ok(PlainFacts { restricts: true }));
        assert_eq!(
            scan(&restricted(HARMLESS).replace('\n', "\r\n")),
            Ok(PlainFacts { restricts: true })
        );
    }

    #[test]
    fn a_dump_that_is_cut_anywhere_is_refused() {
        for whole in [dump(HARMLESS), restricted(HARMLESS)] {
            let needed = whole.trim_end().len() + 1;
            for end in 0..needed {
                let cut = &whole[..end];
                assert!(
                    scan(cut).is_err(),
                    "cut after {end} of {needed}: {:?}",
                    &cut[end.saturating_sub(40)..]
                );
            }
            assert!(scan(&whole[..needed]).is_ok());
        }
    }

    #[test]
    fn commands_for_psql_are_refused_wherever_they_stand() {
        for command in [
            "\\! touch /tmp/x\n",
            "\\connect other\n",
            "select 1 \\! touch x\n;\n",
            "-- Name: a\n\\! touch x\n",
            "\\restrict Abc2\n",
            "\\restrict `touch x`\n",
            "\\unrestrict Abc1\n\\! touch x\n\\restrict Abc1\n",
            "create function h() returns int as 'select 1\\'; \\! touch x\n",
            "COPY t FROM stdin;\n1\n\\.\n\\! touch x\n",
            "select $x$ $y$ $x$; \\! touch x\n",
        ] {
            let text = restricted(&format!("{HARMLESS}{command}"));
            assert!(
                matches!(scan(&text), Err(PlainFault::Command { .. })),
                "{command:?}: {:?}",
                scan(&text)
            );
        }
    }

    #[test]
    fn the_end_of_the_restricted_mode_stands_nowhere_but_at_the_end() {
        let hidden = restricted("select '\\unrestrict `touch x`';\n");
        assert_eq!(scan(&hidden), Err(PlainFault::Unrestricts(2)));
        let copied = restricted("COPY t FROM stdin;\n\\\\unrestrict x\n\\.\n");
        assert!(scan(&copied).is_ok());
    }

    #[test]
    fn programs_of_the_server_whole_servers_and_other_texts_are_refused() {
        let program = dump("copy t from program 'sh -c id';\n");
        assert!(
            matches!(scan(&program), Err(PlainFault::Program(5))),
            "{:?}",
            scan(&program)
        );
        let cluster = dump("").replace("database dump", "database cluster dump");
        assert_eq!(scan(&cluster), Err(PlainFault::WholeServer));
        assert_eq!(scan("-- MySQL dump 10.13\nselect 1;\n"), Err(PlainFault::NoDump));
        assert_eq!(scan(""), Err(PlainFault::NoDump));
        let more = format!("{}select 1;\n", dump(""));
        assert!(matches!(scan(&more), Err(PlainFault::Cut(_))));
    }

    proptest! {
        /// Whatever a name holds, quoted as pg_dump quotes it, it is never taken for a command, and pieces change nothing.
        #[test]
        fn quoted_names_and_texts_are_never_commands(name in "[^\0\r\n]{0,40}", at in 0usize..400) {
            let quoted = name.replace('"', "\"\"");
            let text = name.replace('\'', "''");
            let whole = restricted(&format!("CREATE TABLE \"{quoted}\" (x text DEFAULT '{text}');\n"));
            let mut pieces = PlainScan::new();
            let (one, other) = whole.as_bytes().split_at(at.min(whole.len()));
            pieces.feed(one).unwrap();
            pieces.feed(other).unwrap();
            prop_assert!(pieces.finish().is_ok());
        }
    }
}
