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

    /// Writes a result: as JSON, or by `people`. A reader that has gone away is no failure.
    ///
    /// # Errors
    /// Standard output cannot be written for another reason.
    pub fn result<T: Serialize>(
        &self,
        report: &T,
        people: impl FnOnce(&mut dyn Write, Style) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let written = match self.format {
            Format::Json => render::json(&mut out, report),
            Format::Table => people(&mut out, self.results),
        };
        polite(written.and_then(|()| out.flush()))
    }

    /// Writes a result that is text and nothing else, such as an explanation. A reader that has gone away is no failure.
    ///
    /// # Errors
    /// Standard output cannot be written for another reason.
    pub fn text(&self, people: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        polite(people(&mut out).and_then(|()| out.flush()))
    }

    /// Writes talk. A reader that has gone away is no failure.
    ///
    /// # Errors
    /// Standard error cannot be written for another reason.
    pub fn talk(&self, people: impl FnOnce(&mut dyn Write, Style) -> io::Result<()>) -> io::Result<()> {
        let mut err = io::stderr().lock();
        polite(people(&mut err, self.talk).and_then(|()| err.flush()))
    }
}

/// A reader that has gone away is no failure.
pub(crate) fn polite(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
