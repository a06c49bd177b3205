//! Parsing with our exit codes: a mistake in the arguments ends with 1, help and version with 0.

use std::io::{self, Write};

use clap::error::ErrorKind;
use clap::{Command, CommandFactory, FromArgMatches};
use model::ExitCode;

/// Parses words (the program's name first), or prints help or the mistake and gives the code to end with.
///
/// # Errors
/// The code.
pub fn parse<T: CommandFactory + FromArgMatches>(words: &[String]) -> Result<T, ExitCode> {
    let parsed = T::command()
        .try_get_matches_from(words)
        .and_then(|matches| T::from_arg_matches(&matches));
    parsed.map_err(|error| {
        let program = deepest(&T::command(), words);
        // Nobody can be told when neither output takes it.
        drop(match error.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => error.print(),
            _ => io::stderr().write_all(mistake(&error.to_string(), &program).as_bytes()),
        });
        if error.use_stderr() {
            ExitCode::CouldNotBegin
        } else {
            ExitCode::Done
        }
    })
}

/// The command that the first words name, as it is typed: the program, and the commands below it.
fn deepest(command: &Command, words: &[String]) -> String {
    let mut name = command
        .get_bin_name()
        .unwrap_or_else(|| command.get_name())
        .to_owned();
    let mut at = command;
    for word in words.iter().skip(1) {
        let Some(below) = at.find_subcommand(word) else {
            break;
        };
        name = format!("{name} {word}");
        at = below;
    }
    name
}

/// A mistake in few lines: what it is, a similar word if there is one, and where to look further.
fn mistake(told: &str, program: &str) -> String {
    let what = told.lines().take_while(|line| !line.trim().is_empty());
    let similar = told.lines().filter(|line| line.contains("similar"));
    let lines: Vec<&str> = what.chain(similar).collect();
    format!("{}\nnext: {program} --help\n", lines.join("\n"))
}

/// The name that a mistyped one is most like, where one is like it at all.
pub fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// Jaro-Winkler similarity below which two words have little to do with each other.
    const ALIKE: f64 = 0.8;
    names
        .map(|name| (strsim::jaro_winkler(typed, name), name))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_without_the_whole_usage() {
        let told = "error: unexpected argument '--too' found\n\n  tip: a similar argument exists: '--to'\n\nUsage: x\n";
        assert_eq!(
            mistake(told, "kubectl pgbackup"),
            "error: unexpected argument '--too' found\n  tip: a similar argument exists: '--to'\nnext: kubectl pgbackup --help\n"
        );
    }

    #[test]
    fn a_mistake_leads_to_the_help_of_the_command_that_was_typed() {
        let command = Command::new("kubectl-pgbackup")
            .bin_name("kubectl pgbackup")
            .subcommand(Command::new("base").subcommand(Command::new("restore")));
        let named = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            deepest(&command, &words)
        };
        assert_eq!(
            named("x base restore books --too"),
            "kubectl pgbackup base restore"
        );
        assert_eq!(named("x base --too restore"), "kubectl pgbackup base");
        assert_eq!(named("x bsae"), "kubectl pgbackup");
    }

    #[test]
    fn a_mistyped_name_has_a_neighbour_and_nonsense_has_none() {
        let names = ["lock-waits", "profile", "database-found"];
        assert_eq!(nearest("lock-wait", names.into_iter()), Some("lock-waits"));
        assert_eq!(nearest("zzz", names.into_iter()), None);
    }
}
