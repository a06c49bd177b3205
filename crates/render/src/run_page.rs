//! The report of a run as a page of its own (HTML) and as Markdown, for whoever was not there.

use std::io::{self, Write};

use model::{StepReport, StepState, UpgradeReport};

use crate::markup::{STYLE, escaped, plain};
use crate::run::{outcome_words, way};
use crate::words::seconds;

/// Writes the report of a run as one HTML page that needs nothing else.
///
/// # Errors
/// The writer's own.
pub fn run_page(out: &mut dyn Write, report: &UpgradeReport) -> io::Result<()> {
    let (sentence, tone) = outcome_words(report);
    let title = format!(
        "{} in {}: {}",
        report.from.name,
        report.from.namespace,
        way(report, "to")
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
    for warning in &report.warnings {
        writeln!(out, "<p>note: {}</p>", escaped(warning))?;
    }
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
        "# {} in {}: {}\n\nRun {}: **{}**",
        plain(&report.from.name),
        plain(&report.from.namespace),
        plain(&way(report, "to")),
        plain(&report.run),
        outcome_words(report).0
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
    for warning in &report.warnings {
        writeln!(out, "\nNote: {}", plain(warning))?;
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
            purpose: model::RunPurpose::Change,
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
            warnings: Vec::new(),
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
