//! A run as it happens: one line a step where nobody watches, a calm view in place on a terminal.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use model::{BlockedSession, Event, LogSource, MigrationSample, Session, StepState};

use crate::Style;
use crate::run::mark;
use crate::style::Tone;
use crate::words::seconds;

/// Longest text of the line in place; the rest would wrap on a common terminal.
const IN_PLACE_WIDTH: usize = 110;

/// Where the live view goes.
pub enum LiveOutput {
    /// A terminal: finished things stay as lines, the current one is drawn in place.
    Terminal,
    /// Anything else: lines only.
    Lines(Box<dyn Write + Send>),
}

/// Turns events into a view. Feed it every event in order.
pub struct Live {
    style: Style,
    sink: Sink,
    /// What the last migration line said, so that only changes are told.
    said: String,
}

enum Sink {
    Bar(ProgressBar),
    Lines(Box<dyn Write + Send>),
}

impl Live {
    /// A view that begins empty.
    pub fn new(style: Style, output: LiveOutput) -> Self {
        let sink = match output {
            LiveOutput::Terminal => {
                let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
                let template = ProgressStyle::with_template("  {spinner} {elapsed:>6}  {prefix} {wide_msg}");
                bar.set_style(template.unwrap_or_else(|_| ProgressStyle::default_spinner()));
                Sink::Bar(bar)
            }
            LiveOutput::Lines(writer) => Sink::Lines(writer),
        };
        Self {
            style,
            sink,
            said: String::new(),
        }
    }

    /// Shows one event.
    ///
    /// # Errors
    /// The writer's own; a terminal that went away is not told.
    pub fn show(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::RunStarted { run, steps, resumed } => {
                let verb = if *resumed { "carrying on" } else { "beginning" };
                self.line(&format!("{verb} run {run}, {} steps", steps.len()))
            }
            Event::Step {
                title,
                state,
                detail,
                seconds: took,
                ..
            } => self.step(title, *state, detail.as_deref(), *took),
            Event::Progress { message, share, .. } => self.progress(message, *share),
            Event::Log { source, line } => self.log(source.as_ref(), line),
            Event::Migration(sample) => self.migration(sample),
            Event::Notice { message } => {
                let word = self.style.paint(Tone::Care, "note:").into_owned();
                self.line(&format!("  {word} {message}"))
            }
            Event::TurningBack { reason } => {
                let word = self.style.paint(Tone::Bad, "turning back:").into_owned();
                self.line(&format!("{word} {reason}"))
            }
        }
    }

    /// Ends the view; what was drawn in place goes, lines stay.
    pub fn end(self) {
        match self.sink {
            Sink::Bar(bar) => bar.finish_and_clear(),
            Sink::Lines(_) => {}
        }
    }

    fn step(
        &mut self,
        title: &str,
        state: StepState,
        detail: Option<&str>,
        took: Option<f64>,
    ) -> io::Result<()> {
        self.said.clear();
        match state {
            StepState::Pending => Ok(()),
            StepState::Running | StepState::Restoring => {
                let prefix = if state == StepState::Restoring {
                    "undo: "
                } else {
                    ""
                };
                match &self.sink {
                    Sink::Bar(bar) => {
                        bar.reset_elapsed();
                        bar.enable_steady_tick(Duration::from_millis(120));
                        bar.set_prefix(format!("{prefix}{title}"));
                        bar.set_message("");
                        Ok(())
                    }
                    Sink::Lines(_) => {
                        let (mark, tone) = mark(self.style, state);
                        let mark = self.style.paint(tone, mark).into_owned();
                        self.line(&format!("  {mark} {:>10}  {prefix}{title}", ""))
                    }
                }
            }
            StepState::Done | StepState::Failed | StepState::Restored | StepState::Stuck => {
                let (mark, tone) = mark(self.style, state);
                let mark = self.style.paint(tone, mark).into_owned();
                let took = took.map_or_else(String::new, seconds);
                let detail = detail.map_or_else(String::new, |detail| format!(": {detail}"));
                self.line(&format!("  {mark} {took:>10}  {title}{detail}"))
            }
        }
    }

    fn progress(&mut self, message: &str, share: Option<f64>) -> io::Result<()> {
        let message = match share {
            Some(share) => format!("{message} ({:.0} %)", share * 100.0),
            None => message.to_owned(),
        };
        match &self.sink {
            Sink::Bar(bar) => {
                bar.set_message(format!("- {}", cut(&message)));
                Ok(())
            }
            Sink::Lines(_) => self.unless_said(&message),
        }
    }

    fn log(&mut self, source: Option<&LogSource>, line: &str) -> io::Result<()> {
        let from = match source {
            Some(LogSource { pod, container }) => format!("{pod}/{container}"),
            None => "helm".into(),
        };
        let from = self.style.paint(Tone::Faint, &from).into_owned();
        self.line(&format!("    {from} | {}", plain(line)))
    }

    fn migration(&mut self, sample: &MigrationSample) -> io::Result<()> {
        let text = sample_words(sample);
        match &self.sink {
            Sink::Bar(bar) => {
                bar.set_message(format!("- {}", cut(&text)));
                // Who stands in the way is worth a line that stays.
                if sample.blocked.is_empty() {
                    Ok(())
                } else {
                    self.unless_said(&text)
                }
            }
            Sink::Lines(_) => self.unless_said(&text),
        }
    }

    fn unless_said(&mut self, text: &str) -> io::Result<()> {
        if self.said == text {
            return Ok(());
        }
        text.clone_into(&mut self.said);
        self.line(&format!("    {text}"))
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        match &mut self.sink {
            Sink::Bar(bar) => {
                bar.println(text);
                Ok(())
            }
            Sink::Lines(writer) => {
                writeln!(writer, "{text}")?;
                writer.flush()
            }
        }
    }
}

/// A look at the migration in one line: blocked first, then working, then quiet.
fn sample_words(sample: &MigrationSample) -> String {
    let version = sample
        .version
        .as_deref()
        .map_or_else(String::new, |version| format!("schema {version}, "));
    if let Some(blocked) = sample.blocked.first() {
        return format!("{version}{}", blocked_words(blocked));
    }
    match sample.active.first() {
        Some(session) => format!("{version}pid {} runs: {}", session.pid, session.statement),
        None => format!("{version}no statement is running"),
    }
}

fn blocked_words(blocked: &BlockedSession) -> String {
    let what = blocked
        .blocked_by
        .first()
        .and_then(|edge| edge.relation.as_deref())
        .unwrap_or("a lock");
    let root = match &blocked.root {
        Some(root) => format!("pid {} ({})", root.pid, who(root)),
        None => blocked
            .blocked_by
            .first()
            .map_or_else(|| "somebody".into(), |edge| format!("pid {}", edge.holder)),
    };
    format!("pid {} is blocked on {what} by {root}", blocked.session.pid)
}

fn who(session: &Session) -> String {
    let mut words = vec![if session.application.is_empty() {
        "no application name"
    } else {
        &session.application
    }];
    words.extend(session.client.as_deref());
    words.extend(session.state.as_deref());
    words.join(", ")
}

fn cut(text: &str) -> String {
    plain(text).chars().take(IN_PLACE_WIDTH).collect()
}

/// Text of others without what would steer the terminal: escape sequences go, other control characters become blanks.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            plain.push(if c.is_control() { ' ' } else { c });
            continue;
        }
        match rest.peek() {
            // A control sequence: parameters, then one letter or sign from @ to ~.
            Some('[') => {
                rest.next();
                for c in rest.by_ref() {
                    if ('@'..='~').contains(&c) {
                        break;
                    }
                }
            }
            // A command to the terminal itself: up to a bell or the next escape.
            Some(']') => while rest.next_if(|c| !matches!(c, '\u{7}' | '\u{1b}')).is_some() {},
            Some(_) | None => {
                rest.next();
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_others_cannot_steer_the_terminal() {
        assert_eq!(plain("a\tb\u{1b}[34mINFO\u{1b}[0m c\r"), "a bINFO c ");
        assert_eq!(plain("\u{1b}]0;title\u{7}x\u{1b}[2Jy\u{1b}"), " xy");
        assert_eq!(plain("größer"), "größer");
    }
}
