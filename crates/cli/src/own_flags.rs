//! A program's own flags, for telling them from helm's on one line.

use clap::{ArgAction, Command};
use helm::{Arity, OwnFlag};

/// Every flag of a command, aliases included.
pub fn own_flags(command: &Command) -> Vec<OwnFlag> {
    let mut flags = vec![OwnFlag {
        name: "help".into(),
        short: Some('h'),
        arity: Arity::Bool,
    }];
    for argument in command
        .get_arguments()
        .filter(|argument| !argument.is_positional())
    {
        let arity = match argument.get_action() {
            ArgAction::Set | ArgAction::Append if argument.is_require_equals_set() => Arity::Optional(""),
            ArgAction::Set | ArgAction::Append => Arity::Value,
            _ => Arity::Bool,
        };
        let names = argument
            .get_long()
            .into_iter()
            .chain(argument.get_all_aliases().into_iter().flatten());
        for (index, name) in names.enumerate() {
            let short = if index == 0 { argument.get_short() } else { None };
            flags.push(OwnFlag {
                name: name.to_owned(),
                short,
                arity,
            });
        }
    }
    flags
}
