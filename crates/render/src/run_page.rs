//! The report of a run as a page of its own (HTML) and as Markdown, for whoever was not there.

use std::io::{self, Write};

use model::{StepReport, StepState, UpgradeReport};

use crate::run::outcome_words;
use crate::words::seconds;

/// The page's own style: no font, script or picture is fetched from anywhere.
const STYLE: &str = "
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:62rem;padding:0 1rem;color:#1c2024}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
.sub{color:#60646c;margin:.2rem 0 1.2rem}.outcome{padding:.8rem 1rem;border-radius:.5rem;background:#eef1f4}
.good{background:#e3f4e8}.care{background:#fdf3dc}.bad{background:#fce6e4}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.35rem .6rem;vertical-align:top;border-bottom:1px solid #e4e7eb}
th{color:#60646c;font-weight:500}td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.d{color:#60646c;font-size:.9em;overflow-wrap:anywhere}.bar{height:.75rem;background:#f0f2f5;border-radius:.3rem;position:relative;min-width:14rem}
.bar i{position:absolute;top:0;bottom:0;min-width:2px;border-radius:.3rem;background:#7a8aa0}
.bar i.good{background:#3a9d5d}.bar i.bad{background:#cf3f35}.bar i.care{background:#d39b22}code{background:#f0f2f5;padding:.1rem .3rem;border-radius:.2rem}
@media(prefers-color-scheme:dark){body{background:#14171a;color:#e6e8eb}.outcome,.bar,code{background:#22272c}td,th{border-color:#2c3238}
.good{background:#173322}.care{background:#3a2f14}.bad{background:#3b1c1a}.sub,.d,th{color:#9aa2ab}}";

/// Writes the report of a run as one HTML page that needs nothing else.
///
/// # Errors
/// The writer's own.
pub fn run_page(out: &mut dyn Write, report: &UpgradeReport) -> io::Result<()> {
    let (sentence, tone) = outcome_words(report.outcome);
    let title = format!(
        "{} in {}: {} to {}-{}",
        report.from.name, report.from.namespace, report.from.chart, report.to.name, report.to.version
    );
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{0}</title><style>{STYLE}</style></head><body>\n\
         <h1>{0}</h1>\n<p class=\"sub\">run {1}</p>",
        escaped(&title),
        escaped(&report.run)
    )?;
    writeln!(
        out,
        "<div class=\"outcome {}\"><strong>{}</strong>{}{}</div>",
        tone.class(),
        escaped(sentence),
        report
            .reason
            .as_deref()
            .map(|reason| format!("<br>because: {}", escaped(reason)))
            .unwrap_or_default(),
        report
            .downtime_seconds
            .map(|downtime| format!("<br>downtime: {}", seconds(downtime)))
            .unwrap_or_default()
    )?;
    writeln!(
        out,
        "<h2>Steps</h2>\n<table><tr><th>step</th><th>state</th><th></th><th>took</th></tr>"
    )?;
    let span = span(&report.steps);
    for step in &report.steps {
        writeln!(
            out,
            "<tr><td>{}{}</td><td>{}</td><td><div class=\"bar\">{}</div></td><td class=\"n\">{}</td></tr>",
            escaped(&step.title),
            step.detail
                .as_deref()
                .map(|detail| format!("<div class=\"d\">{}</div>", escaped(detail)))
                .unwrap_or_default(),
            state_word(step.state),
            span.and_then(|span| bar(step, span)).unwrap_or_default(),
            step.seconds.map(seconds).unwrap_or_default()
        )?;
    }
    writeln!(out, "</table>")?;
    if !report.next.is_empty() {
        writeln!(out, "<h2>Next</h2>\n<ul>")?;
        for next in &report.next {
            let command = next.command.as_deref().unwrap_or_default();
            writeln!(
                out,
                "<li>{}: <code>{}</code></li>",
                escaped(&next.text),
                escaped(command)
            )?;
        }
        writeln!(out, "</ul>")?;
    }
    writeln!(out, "</body></html>")
}

/// Writes the report of a run as Markdown, for a ticket.
///
/// # Errors
/// The writer's own.
pub fn run_markdown(out: &mut dyn Write, report: &UpgradeReport) -> io::Result<()> {
    writeln!(
        out,
        "# {} in {}: {} to {}-{}\n\nRun {}: **{}**",
        plain(&report.from.name),
        plain(&report.from.namespace),
        plain(&report.from.chart),
        plain(&report.to.name),
        plain(&report.to.version),
        plain(&report.run),
        outcome_words(report.outcome).0
    )?;
    if let Some(reason) = &report.reason {
        writeln!(out, "\nBecause: {}", plain(reason))?;
    }
    if let Some(downtime) = report.downtime_seconds {
        writeln!(out, "\nDowntime: {}", seconds(downtime))?;
    }
    writeln!(out, "\n| step | state | took | detail |\n|---|---|---|---|")?;
    for step in &report.steps {
        writeln!(
            out,
            "| {} | {} | {} | {} |",
            plain(&step.title),
            state_word(step.state),
            step.seconds.map(seconds).unwrap_or_default(),
            plain(step.detail.as_deref().unwrap_or_default())
        )?;
    }
    Ok(())
}

/// Seconds from the begin of the first step to the end of the last; `None` where no time is known.
fn span(steps: &[StepReport]) -> Option<f64> {
    let ends = steps
        .iter()
        .filter_map(|step| Some(step.after_seconds? + step.seconds.unwrap_or(0.0)));
    Some(ends.fold(0.0, f64::max)).filter(|span| *span > 0.0)
}

/// The mark of a step on a line of time that is `span` seconds long.
fn bar(step: &StepReport, span: f64) -> Option<String> {
    let left = 100.0 * step.after_seconds? / span;
    let width = 100.0 * step.seconds.unwrap_or(0.0) / span;
    let class = match step.state {
        StepState::Done | StepState::Restored => "good",
        StepState::Failed | StepState::Stuck => "bad",
        StepState::Running | StepState::Restoring => "care",
        StepState::Pending => "",
    };
    Some(format!(
        "<i class=\"{class}\" style=\"left:{left:.2}%;width:{width:.2}%\"></i>"
    ))
}

fn state_word(state: StepState) -> &'static str {
    match state {
        StepState::Pending => "not begun",
        StepState::Running => "begun",
        StepState::Done => "done",
        StepState::Failed => "failed",
        StepState::Restoring => "being put back",
        StepState::Restored => "put back",
        StepState::Stuck => "could not be put back",
    }
}

/// Text that a page shows as it is: what a release, a chart or a server says must not become markup.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Text that stays in its cell of a Markdown table and is no markup there.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' => plain.push(' '),
            '|' | '\\' | '`' | '*' | '_' | '<' | '[' | ']' => {
                plain.push('\\');
                plain.push(character);
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use model::{ChartIdentity, ReleaseIdentity, UpgradeOutcome};

    use super::*;

    fn step(title: &str, at: u8, seconds: f64) -> StepReport {
        StepReport {
            id: title.into(),
            title: title.into(),
            state: StepState::Done,
            started_at: Some(format!("2026-01-01T00:00:{at:02}Z")),
            after_seconds: Some(f64::from(at)),
            seconds: Some(seconds),
            detail: Some("a | b <script>".into()),
        }
    }

    fn report() -> UpgradeReport {
        UpgradeReport {
            api_version: model::API_VERSION.into(),
            kind: "UpgradeReport".into(),
            run: "20260101-000000-0badcafe".into(),
            outcome: UpgradeOutcome::Restored,
            reason: Some("a hook & its <job>".into()),
            from: ReleaseIdentity {
                name: "shop".into(),
                namespace: "prod".into(),
                revision: 1,
                chart: "shop-1.0.0".into(),
                app_version: None,
            },
            to: ChartIdentity {
                name: "shop".into(),
                version: "2.0.0".into(),
                app_version: None,
            },
            downtime_seconds: Some(9.0),
            steps: vec![step("stop", 0, 4.0), step("back up", 4, 16.0)],
            next: Vec::new(),
        }
    }

    fn written(write: impl Fn(&mut dyn Write, &UpgradeReport) -> io::Result<()>) -> String {
        let mut paper = Vec::new();
        write(&mut paper, &report()).unwrap();
        String::from_utf8(paper).unwrap()
    }

    #[test]
    fn the_page_holds_no_markup_of_others_and_fetches_nothing() {
        let page = written(run_page);
        assert!(page.contains("a hook &amp; its &lt;job&gt;"), "{page}");
        assert!(!page.contains("<script") && !page.contains("http"), "{page}");
    }

    #[test]
    fn a_step_stands_on_the_line_of_time_where_it_happened() {
        let page = written(run_page);
        assert!(page.contains("left:0.00%;width:20.00%"), "{page}");
        assert!(page.contains("left:20.00%;width:80.00%"), "{page}");
    }

    #[test]
    fn a_cell_of_the_markdown_table_stays_one_cell() {
        let text = written(run_markdown);
        assert!(text.contains("a \\| b \\<script>"), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("| ")).count(), 3);
    }
}
