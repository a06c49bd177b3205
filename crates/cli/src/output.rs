//! Where results and talk go, and how they are dressed.

use std::io::{self, IsTerminal, Write};

use clap::{Args, ValueEnum};
use render::Style;
use serde::Serialize;

use crate::Environment;

/// The form of the result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// For scripts; alone on standard output
    Json,
}

/// Flags about output.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputFlags {
    /// Form of the result
    #[arg(short = 'o', long, value_enum, default_value_t = Format::Table, value_name = "FORM")]
    pub output: Format,
    /// No colours; NO_COLOR in the environment says the same
    #[arg(long)]
    no_color: bool,
}

impl OutputFlags {
    /// As a command says that has forms of its own.
    pub fn of(output: Format, no_color: bool) -> Self {
        Self { output, no_color }
    }
}

/// Results on standard output, talk on standard error.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// The form of results.
    pub format: Format,
    /// How results are dressed.
    pub results: Style,
    /// How talk is dressed.
    pub talk: Style,
    /// Whether a person watches the talk.
    pub watched: bool,
}

impl Output {
    /// Decides once.
    pub fn new(flags: &OutputFlags, environment: &Environment) -> Self {
        let no_color = if flags.no_color {
            Some("1")
        } else {
            environment.get("NO_COLOR")
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .find_map(|name| environment.get(name));
        let watched = io::stderr().is_terminal() && environment.get("TERM") != Some("dumb");
        Self {
            format: flags.output,
            results: Style::decide(io::stdout().is_terminal(), no_color, locale),
            talk: Style::decide(watched, no_color, locale),
            watched,
        }
    }

    /// Writes a result: as JSON, or by `people`, [guarded](Style::guarded). A reader that has gone away is no failure.
    ///
    /// # Errors
    /// Standard output cannot be written for another reason.
    pub fn result<T: Serialize>(
        &self,
        report: &T,
        people: impl FnOnce(&mut dyn Write, Style) -> io::Result<()>,
    ) -> io::Result<()> {
        match self.format {
            Format::Json => self.data(|out| render::json(out, report)),
            Format::Table => self.text(|out| people(out, self.results)),
        }
    }

    /// Writes a result that is text for people, [guarded](Style::guarded). A reader that has gone away is no failure.
    ///
    /// # Errors
    /// Standard output cannot be written for another reason.
    pub fn text(&self, people: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        guarded(&mut io::stdout().lock(), self.results, people)
    }

    /// Writes a result that programs read, to the letter. A reader that has gone away is no failure.
    ///
    /// # Errors
    /// Standard output cannot be written for another reason.
    pub fn data(&self, programs: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        polite(programs(&mut out).and_then(|()| out.flush()))
    }

    /// Writes talk, [guarded](Style::guarded). A reader that has gone away is no failure.
    ///
    /// # Errors
    /// Standard error cannot be written for another reason.
    pub fn talk(&self, people: impl FnOnce(&mut dyn Write, Style) -> io::Result<()>) -> io::Result<()> {
        guarded(&mut io::stderr().lock(), self.talk, |err| people(err, self.talk))
    }

    /// Draws on the line that stands there, in words of our own alone. A reader that has gone away is no failure.
    ///
    /// # Errors
    /// Standard error cannot be written for another reason.
    pub fn draw(&self, line: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut err = io::stderr().lock();
        polite(line(&mut err).and_then(|()| err.flush()))
    }
}

/// Every text for people goes through here: what releases, servers and charts are called steers no terminal.
fn guarded(
    out: &mut dyn Write,
    style: Style,
    people: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut text = Vec::new();
    people(&mut text)?;
    let text = style.guarded(&String::from_utf8_lossy(&text));
    polite(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// A reader that has gone away is no failure.
pub(crate) fn polite(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(colour: bool, text: &str) -> String {
        let style = Style {
            colour,
            ..Style::plain()
        };
        let mut out = Vec::new();
        guarded(&mut out, style, |out| write!(out, "{text}")).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn nothing_but_our_own_colours_reaches_the_terminal() {
        let text =
            "a\u{1b}[31mred\u{1b}[0m\tb\n\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}c\u{202e}\r\u{1b}[38;5;1m\u{1b}[";
        assert_eq!(
            shown(true, text),
            "a\u{1b}[31mred\u{1b}[0m\tb\n [2J ]0;t  c   [38;5;1m ["
        );
        assert_eq!(shown(false, text), "a [31mred [0m\tb\n [2J ]0;t  c   [38;5;1m [");
    }
}
