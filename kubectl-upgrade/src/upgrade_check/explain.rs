//! `kubectl upgrade-check explain`: the user's page on a check, without a browser.

use std::io::{self, Write};

use cli::Output;
use model::ExitCode;
use thiserror::Error;

use crate::session::could_not_begin;

/// The page itself; every check is a heading of the third level.
const PAGE: &str = include_str!("../../../docs/checks.md");

/// There is no such check.
#[derive(Debug, Error)]
#[error("no check is called {id}{}", nearest.map(|near| format!(": did you mean {near}?")).unwrap_or_default())]
struct UnknownCheck {
    id: String,
    nearest: Option<&'static str>,
}

/// Tells about one check, or lists them all.
pub(crate) fn run(id: Option<&str>, output: &Output) -> ExitCode {
    let Some(id) = id else {
        let written = output.text(list);
        return cli::end_with(output, written, ExitCode::Done);
    };
    match section(id) {
        Some(text) => cli::end_with(
            output,
            output.text(|out| writeln!(out, "{id}\n\n{text}")),
            ExitCode::Done,
        ),
        None => {
            let nearest = cli::nearest(id, checks::registry().map(|check| check.id));
            could_not_begin(
                output,
                &UnknownCheck {
                    id: id.to_owned(),
                    nearest,
                },
            )
        }
    }
}

fn list(out: &mut dyn Write) -> io::Result<()> {
    for check in checks::registry() {
        writeln!(out, "{:<26} {}", check.id, check.title)?;
    }
    Ok(())
}

/// What the page says under the check's heading.
fn section(id: &str) -> Option<&'static str> {
    let heading = format!("### {id}\n");
    let begin = PAGE.find(&heading)? + heading.len();
    let rest = &PAGE[begin..];
    let end = ["\n### ", "\n## "]
        .iter()
        .filter_map(|next| rest.find(next))
        .min()
        .unwrap_or(rest.len());
    Some(rest[..end].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_its_section_and_no_other_s() {
        for check in checks::registry() {
            let text = section(check.id).unwrap_or_else(|| panic!("no section {}", check.id));
            assert!(!text.is_empty() && !text.contains("##"), "{}: {text}", check.id);
        }
        assert_eq!(section("lock-wait"), None);
    }
}
