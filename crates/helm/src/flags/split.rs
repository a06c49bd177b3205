//! Takes a program's own flags out of a line that mixes them with those of helm.

use super::{Arity, FlagError, table};

/// A flag of the program itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFlag {
    /// Its long name without dashes.
    pub name: String,
    /// Its short form.
    pub short: Option<char>,
    /// What follows it.
    pub arity: Arity,
}

/// A line taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Split {
    /// The program's own flags with their values, in order: for its own parser.
    pub own: Vec<String>,
    /// helm's flags and the words that are no flags, in order: for [`crate::UpgradeLine::parse`].
    pub helm: Vec<String>,
}

/// Takes the flags of `own` out of `args`. A flag in both tables is the program's. Flags in neither stay with helm's,
/// whose parser names them. Everything after `--` stays with helm's.
///
/// # Errors
/// An own flag without its value.
pub fn split(args: &[String], own: &[OwnFlag]) -> Result<Split, FlagError> {
    let mut split = Split::default();
    let mut words = args.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            split.helm.push(word.clone());
            split.helm.extend(words.cloned());
            break;
        }
        let (is_own, needs_next) = judge(word, own);
        let side = if is_own { &mut split.own } else { &mut split.helm };
        side.push(word.clone());
        if needs_next {
            match words.next() {
                Some(value) => side.push(value.clone()),
                // helm's own parser says so for its flags.
                None if is_own => return Err(FlagError::MissingValue { flag: word.clone() }),
                None => {}
            }
        }
    }
    Ok(split)
}

/// Whose a word is, and whether its value is the next word.
fn judge(word: &str, own: &[OwnFlag]) -> (bool, bool) {
    if let Some(long) = word.strip_prefix("--") {
        let (name, has_value) = match long.split_once('=') {
            Some((name, _)) => (name, true),
            None => (long, false),
        };
        if let Some(flag) = own.iter().find(|flag| flag.name == name) {
            return (true, flag.arity == Arity::Value && !has_value);
        }
        let helms = table().iter().find(|flag| flag.name == name);
        return (
            false,
            helms.is_some_and(|flag| flag.arity == Arity::Value) && !has_value,
        );
    }
    let Some(cluster) = word.strip_prefix('-').filter(|cluster| !cluster.is_empty()) else {
        return (false, false);
    };
    // In `-vn shop` the first letter says whose the word is, the first that takes a value ends it.
    let mut whose = None;
    for (index, letter) in cluster.char_indices() {
        let ours = own
            .iter()
            .find(|flag| flag.short == Some(letter))
            .map(|flag| flag.arity);
        let helms = table()
            .iter()
            .find(|flag| flag.short == Some(letter))
            .map(|flag| flag.arity);
        let is_own = *whose.get_or_insert(ours.is_some());
        if ours.or(helms) == Some(Arity::Value) {
            return (is_own, index + letter.len_utf8() == cluster.len());
        }
    }
    (whose.unwrap_or(false), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn own_flags_leave_and_everything_else_stays_in_order() {
        let own = [
            OwnFlag {
                name: "gate".into(),
                short: None,
                arity: Arity::Value,
            },
            OwnFlag {
                name: "yes".into(),
                short: Some('y'),
                arity: Arity::Bool,
            },
            OwnFlag {
                name: "output".into(),
                short: Some('o'),
                arity: Arity::Value,
            },
        ];
        let line = "r --set gate=1 --gate traffic -f --yes --yes ./chart -o json -ojson --gate=after -y --unknown x -- --yes";
        let split = split(&words(line), &own).unwrap();
        assert_eq!(
            split.own,
            words("--gate traffic --yes -o json -ojson --gate=after -y")
        );
        assert_eq!(
            split.helm,
            words("r --set gate=1 -f --yes ./chart --unknown x -- --yes")
        );
    }

    #[test]
    fn an_own_flag_without_its_value_is_an_error() {
        let own = [OwnFlag {
            name: "gate".into(),
            short: None,
            arity: Arity::Value,
        }];
        assert_eq!(
            split(&words("r --gate"), &own),
            Err(FlagError::MissingValue {
                flag: "--gate".into()
            })
        );
    }
}
