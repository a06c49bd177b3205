//! What a support archive holds, on a terminal and as the first page of the archive itself.

use std::io::{self, Write};

use model::text::minutes;
use model::{BundleFile, BundleReport, BundleState, HiddenCount, NextStep};

use crate::Style;
use crate::markup::{STYLE, escaped};
use crate::run::next_steps;
use crate::style::Tone;
use crate::words::bytes;

/// What a reader must know of every archive.
const PROMISE: &str = "Values of the release's Secrets, passwords in addresses, values behind telling names and tokens of known kinds are \
                       hidden (***). What a program makes of a secret (a hash, a part of it) cannot be known: look before you send.";

/// Writes what an archive holds, or would hold.
///
/// # Errors
/// The writer's own.
pub fn bundle_report(out: &mut dyn Write, style: Style, report: &BundleReport) -> io::Result<()> {
    writeln!(
        out,
        "{} in {}: {} files, {}, {} values hidden",
        style.paint(Tone::Strong, &report.release),
        report.namespace,
        report.files.len(),
        bytes(report.files.iter().map(|file| file.bytes).sum()),
        report.hidden_count()
    )?;
    for file in &report.files {
        let state = match file.state {
            BundleState::Whole => String::new(),
            state => format!("  {}", style.paint(tone(state), &state.to_string())),
        };
        writeln!(out, "  {:>7}  {}{state}", bytes(file.bytes), file.path)?;
        if let Some(note) = &file.note {
            writeln!(out, "           {}", style.paint(Tone::Faint, note))?;
        }
        for hidden in &file.hidden {
            writeln!(out, "           {}", style.paint(Tone::Faint, &counted(hidden)))?;
        }
    }
    for warning in warnings(report) {
        writeln!(out, "{} {warning}", style.paint(Tone::Bad, "careful:"))?;
    }
    match &report.archive {
        Some(archive) => {
            writeln!(
                out,
                "{} {} ({}, sha256 {})",
                style.paint(Tone::Good, "written:"),
                archive.file,
                bytes(archive.bytes),
                archive.sha256
            )?;
            let look = NextStep {
                text: "then open its index.html: look before you send it".to_owned(),
                command: Some(format!("tar -xzf {}", archive.file)),
            };
            next_steps(out, style, &[look])
        }
        None => writeln!(out, "nothing was written"),
    }
}

/// Writes the first page of an archive, which needs nothing but the files beside it.
///
/// # Errors
/// The writer's own.
pub fn bundle_page(out: &mut dyn Write, report: &BundleReport) -> io::Result<()> {
    let title = escaped(&format!(
        "Support archive of {} in {}",
        report.release, report.namespace
    ));
    let (words, tone) = if report.complete {
        ("Everything that was looked for is here", Tone::Good)
    } else {
        (
            "Not everything could be seen, or not every secret is known",
            Tone::Bad,
        )
    };
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head><body>\n\
         <h1>{title}</h1>\n<p class=\"sub\">gathered at {} by version {}</p>\n\
         <div class=\"outcome {}\"><strong>{words}</strong><br>{}</div>",
        escaped(&minutes(&report.taken_at)),
        escaped(&report.version),
        tone.class(),
        escaped(PROMISE)
    )?;
    for warning in warnings(report) {
        writeln!(
            out,
            "<p class=\"outcome bad\"><strong>Careful</strong>: {}</p>",
            escaped(&warning)
        )?;
    }
    writeln!(
        out,
        "<h2>Files</h2>\n<table><tr><th>file</th><th>what it tells</th><th>size</th><th>hidden in it</th></tr>"
    )?;
    for file in &report.files {
        row(out, file)?;
    }
    writeln!(out, "</table>\n<h2>Hidden in all files</h2>\n<table>")?;
    for hidden in &report.hidden {
        writeln!(
            out,
            "<tr><td>{}</td><td class=\"n\">{}</td></tr>",
            escaped(&hidden.rule.to_string()),
            hidden.count
        )?;
    }
    writeln!(
        out,
        "</table>\n<p class=\"d\">{} values of {} Secrets and of what helm was given were looked for in every file.</p>\n\
         </body></html>",
        report.searched.values, report.searched.secrets
    )
}

fn row(out: &mut dyn Write, file: &BundleFile) -> io::Result<()> {
    let state = match file.state {
        BundleState::Whole => String::new(),
        state => format!(" <span class=\"tag {}\">{state}</span>", tone(state).class()),
    };
    let note = file.note.as_deref();
    let note = note
        .map(|note| format!("<div class=\"d\">{}</div>", escaped(note)))
        .unwrap_or_default();
    let hidden: Vec<String> = file
        .hidden
        .iter()
        .map(|hidden| escaped(&counted(hidden)))
        .collect();
    writeln!(
        out,
        "<tr><td><a href=\"{}\">{}</a>{state}</td><td>{}{note}</td><td class=\"n\">{}</td><td class=\"d\">{}</td></tr>",
        address(&file.path),
        escaped(&file.path),
        escaped(&file.about),
        bytes(file.bytes),
        hidden.join("<br>")
    )
}

/// A path as an address beside the page. Names of objects need no escape but that of markup; anything else is written out.
fn address(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

fn counted(hidden: &HiddenCount) -> String {
    format!("{} × {}", hidden.count, hidden.rule)
}

/// What must be known before an archive is handed on.
fn warnings(report: &BundleReport) -> Vec<String> {
    let searched = &report.searched;
    let mut warnings: Vec<String> = searched
        .unread
        .iter()
        .map(|unread| {
            format!(
                "the values of {} in namespace {} are not known and were hidden by their looks alone: {}",
                unread.name, unread.namespace, unread.why
            )
        })
        .collect();
    match searched.too_short {
        0 => {}
        1 => warnings.push(
            "1 value is shorter than four characters: it is hidden only behind a telling name".to_owned(),
        ),
        many => warnings.push(format!(
            "{many} values are shorter than four characters: they are hidden only behind a telling name"
        )),
    }
    warnings
}

fn tone(state: BundleState) -> Tone {
    match state {
        BundleState::Whole => Tone::Good,
        BundleState::Cut | BundleState::LeftOut | BundleState::Unavailable => Tone::Care,
        BundleState::Partial | BundleState::Unread | BundleState::Withheld => Tone::Bad,
    }
}

#[cfg(test)]
mod tests {
    use model::{BundleArchive, HidingRule, SearchedValues, UnreadSecret};

    use super::*;

    fn report() -> BundleReport {
        let file = |path: &str, state, note: Option<&str>, hidden: Vec<HiddenCount>| BundleFile {
            path: path.into(),
            about: "a <log>".into(),
            bytes: 1234,
            state,
            note: note.map(str::to_owned),
            hidden,
        };
        let hidden = vec![HiddenCount {
            rule: HidingRule::KnownValue,
            count: 3,
        }];
        let files = vec![
            file("check.html", BundleState::Whole, None, Vec::new()),
            file(
                "logs/web 0/web.log",
                BundleState::Cut,
                Some("7 older lines"),
                hidden,
            ),
            file(
                "events.txt.not-read.txt",
                BundleState::Unread,
                Some("you may not list events"),
                Vec::new(),
            ),
        ];
        let searched = SearchedValues {
            secrets: 2,
            values: 5,
            too_short: 1,
            unread: vec![UnreadSecret {
                namespace: "shop".into(),
                name: "db".into(),
                why: "you may not get secrets".into(),
            }],
        };
        BundleReport::new("books", "shop", "2026-01-01T00:00:00Z", "0.1.0", files, searched)
    }

    #[test]
    fn what_would_be_written_is_listed_with_what_was_hidden() {
        let mut report = report();
        let mut out = Vec::new();
        bundle_report(&mut out, Style::plain(), &report).unwrap();
        let text = String::from_utf8(out).unwrap();
        for line in [
            "books in shop: 3 files, 3.7 kB, 3 values hidden",
            "   1.2 kB  logs/web 0/web.log  cut",
            "           7 older lines",
            "           3 × known value",
            "careful: the values of db in namespace shop are not known",
            "careful: 1 value is shorter",
            "nothing was written",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        report.archive = Some(BundleArchive {
            file: "books.tar.gz".into(),
            bytes: 999,
            sha256: "ab".into(),
        });
        let mut out = Vec::new();
        bundle_report(&mut out, Style::plain(), &report).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("written: books.tar.gz (999 B, sha256 ab)\n"),
            "{text}"
        );
        assert!(text.contains("tar -xzf books.tar.gz"), "{text}");
    }

    #[test]
    fn the_page_leads_to_every_file_and_keeps_words_of_others_words() {
        let mut out = Vec::new();
        bundle_page(&mut out, &report()).unwrap();
        let page = String::from_utf8(out).unwrap();
        for part in [
            "<a href=\"logs/web%200/web.log\">logs/web 0/web.log</a>",
            "a &lt;log&gt;",
            "<span class=\"tag bad\">not read</span>",
            "you may not get secrets",
            "3 × known value",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("<script") && !page.contains("http"), "{page}");
    }
}
