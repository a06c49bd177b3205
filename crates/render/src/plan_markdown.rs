//! A plan as a change request in Markdown: who, what, in which order, what takes each step back, for how long, and what
//! to type.

use std::io::{self, Write};

use model::text::{line, minutes, shell_word};
use model::{ExpectedDuration, KnownFrom, PlannedStep, Reversal, SavedPlan, StepSpec, WorkloadName};

use crate::markup::plain;
use crate::plan::terms_told;
use crate::words::seconds;

/// Writes the change request. `file` is where the plan was saved; without it the command that saves it is told.
///
/// # Errors
/// The writer's own.
pub fn plan_markdown(out: &mut dyn Write, saved: &SavedPlan, file: Option<&str>) -> io::Result<()> {
    let plan = &saved.plan;
    writeln!(
        out,
        "# Change: upgrade {} in {} from {} to {}-{}\n",
        plain(&plan.from.name),
        plain(&plan.from.namespace),
        plain(&plan.from.chart),
        plain(&plan.to.name),
        plain(&plan.to.version)
    )?;
    head(out, saved)?;
    steps(out, saved)?;
    price(out, saved)?;
    rests_on(out, saved)?;
    notes(out, saved)?;
    exit_codes(out)?;
    next(out, saved, file)
}

fn head(out: &mut dyn Write, saved: &SavedPlan) -> io::Result<()> {
    let plan = &saved.plan;
    let downtime = match (stops_writers(saved), saved.downtime) {
        (false, _) => "no writer is stopped".to_owned(),
        (true, Some(downtime)) => format!("writers are stopped for about {}", duration(downtime)),
        (true, None) => "writers are stopped; for how long is unknown".to_owned(),
    };
    let or_none = |words: String| {
        if words.is_empty() {
            "none".to_owned()
        } else {
            words
        }
    };
    let application = match (&plan.from.app_version, &plan.to.app_version) {
        (Some(from), Some(to)) => format!("{from} to {to}"),
        (_, _) => "not told by the charts".to_owned(),
    };
    writeln!(out, "| | |\n|---|---|")?;
    for (what, told) in [
        ("made by", saved.made_by.clone()),
        ("made at", minutes(&plan.created_at)),
        ("good until", minutes(&saved.valid_until)),
        ("application", application),
        ("running revision", plan.from.revision.to_string()),
        ("profile", plan.profile.clone()),
        ("gate", plan.gate.word().to_owned()),
        ("Helm line", saved.basis.helm.to_string()),
        ("helm flags of every pass", or_none(plan.helm_flags.join(" "))),
        ("downtime", downtime),
        (
            "writers that go on during the migration",
            or_none(going_on(saved)),
        ),
    ] {
        writeln!(out, "| {what} | {} |", plain(&told))?;
    }
    for (what, told) in plan.terms.iter().flat_map(terms_told) {
        writeln!(out, "| {what} | {} |", plain(&told))?;
    }
    writeln!(out)
}

fn stops_writers(saved: &SavedPlan) -> bool {
    let stops = |step: &PlannedStep| matches!(step.spec, StepSpec::Quiesce(_));
    saved.plan.steps.iter().any(stops)
}

/// The writers that go on while the schema changes, in one text.
fn going_on(saved: &SavedPlan) -> String {
    let serving = saved.plan.steps.iter().flat_map(|step| match &step.spec {
        StepSpec::HelmPass(pass) => pass.serving.as_slice(),
        _ => &[],
    });
    let names: Vec<String> = serving.map(WorkloadName::to_string).collect();
    names.join(", ")
}

fn steps(out: &mut dyn Write, saved: &SavedPlan) -> io::Result<()> {
    writeln!(
        out,
        "## Steps\n\n| | step | expected to take | taken back |\n|---|---|---|---|"
    )?;
    for (index, step) in saved.plan.steps.iter().enumerate() {
        if saved.plan.priced_from == Some(index) {
            writeln!(out, "| | **from here on turning back has a price** | | |")?;
        }
        let takes = saved.expected.get(&step.id);
        writeln!(
            out,
            "| {} | {} | {} | {} |",
            index + 1,
            plain(&step.title),
            takes.map_or_else(|| "unknown".to_owned(), |takes| duration(*takes)),
            taken_back(step)
        )?;
    }
    writeln!(out)
}

fn duration(expected: ExpectedDuration) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown in minutes and seconds")]
    let told = seconds(expected.seconds as f64);
    match expected.known_from {
        KnownFrom::Measured => format!("{told} (measured)"),
        KnownFrom::Rehearsed => format!("{told} (rehearsed)"),
        KnownFrom::Profile => format!("{told} (by the profile)"),
    }
}

/// What takes a step back, in the words of what that does.
fn taken_back(step: &PlannedStep) -> &'static str {
    match step.reversal {
        Reversal::NotNeeded => "changes nothing that needs it",
        Reversal::Automatic => undo(&step.spec),
        Reversal::OnConsent => "on consent: `abort --accept-loss`",
        Reversal::Impossible => "**cannot be taken back**",
    }
}

/// What is done by itself to take a step back.
fn undo(spec: &StepSpec) -> &'static str {
    match spec {
        StepSpec::Suspend(_) => "by itself: the holds end",
        StepSpec::Quiesce(_) => "by itself: the counts are given back",
        StepSpec::AnchorRelease(_) => "by itself: helm rollback to that revision, if another is in force",
        StepSpec::AnchorDatabase(_) => {
            "by itself: the backup is restored and swapped in, if the data may have changed"
        }
        StepSpec::HelmPass(_) => "by itself: what it started is stopped",
        StepSpec::RestoreDatabase(_) => "by itself: the database of before is swapped back",
        StepSpec::TimeLimit(_) => "by itself: it ends with the standstill",
        StepSpec::WaitIdle(_)
        | StepSpec::StandStill(_)
        | StepSpec::Drain(_)
        | StepSpec::SettleRevision(_)
        | StepSpec::EndSessions(_)
        | StepSpec::BackUp(_)
        | StepSpec::Gate(_)
        | StepSpec::OpenTraffic(_)
        | StepSpec::Resume(_)
        | StepSpec::RollOut(_)
        | StepSpec::HelmRollback(_)
        | StepSpec::Unsuspend(_)
        | StepSpec::PostCheck(_)
        | StepSpec::ForgetRevision(_) => "by itself",
    }
}

fn price(out: &mut dyn Write, saved: &SavedPlan) -> io::Result<()> {
    writeln!(out, "## Point of no return\n")?;
    let plan = &saved.plan;
    match plan
        .priced_from
        .and_then(|at| plan.steps.get(at).map(|step| (at, step)))
    {
        Some((at, step)) => writeln!(
            out,
            "Until step {} ({}) a failure is turned back by itself. From there on turning back is a decision: what was \
             written since then is lost from the live database, which is kept under another name.\n",
            at + 1,
            plain(&step.title)
        )?,
        None => writeln!(out, "None: turning back is free to the end.\n")?,
    }
    let going_on = going_on(saved);
    if !going_on.is_empty() {
        writeln!(
            out,
            "**{} goes on writing while the schema changes**: turning back from the migration on loses what it wrote since \
             the backup, and a person is asked first.\n",
            plain(&going_on)
        )?;
    }
    if let Some(why) = &plan.no_way_back {
        writeln!(
            out,
            "**The database cannot be put back at all**: {}\n",
            plain(why)
        )?;
    }
    Ok(())
}

fn rests_on(out: &mut dyn Write, saved: &SavedPlan) -> io::Result<()> {
    writeln!(
        out,
        "## What it rests on\n\nThe plan is refused where any of this has moved, or the chart, the values or what they \
         render have.\n"
    )?;
    for pinned in &saved.basis.workloads {
        let images: Vec<String> = pinned
            .images
            .iter()
            .map(|(container, image)| format!("{container} {image}"))
            .collect();
        let count = match (pinned.replicas, pinned.suspended) {
            (Some(1), _) => "1 pod, ".to_owned(),
            (Some(count), _) => format!("{count} pods, "),
            (None, Some(true)) => "suspended, ".to_owned(),
            (None, Some(false) | None) => String::new(),
        };
        writeln!(
            out,
            "- {}: {count}{}",
            plain(&pinned.workload.to_string()),
            plain(&images.join(", "))
        )?;
    }
    match &saved.basis.database {
        Some(database) => writeln!(
            out,
            "- database {} on {}:{}, schema {}",
            plain(&database.database),
            plain(&database.host),
            database.port,
            plain(
                database
                    .schema
                    .as_ref()
                    .and_then(|schema| schema.version.as_deref())
                    .unwrap_or("unknown")
            )
        )?,
        None => writeln!(out, "- no database that answers")?,
    }
    if !saved.basis.unpinned.is_empty() {
        writeln!(
            out,
            "- not compared, because every rendering differs: {}",
            plain(&saved.basis.unpinned.join(", "))
        )?;
    }
    writeln!(out)
}

fn notes(out: &mut dyn Write, saved: &SavedPlan) -> io::Result<()> {
    if saved.plan.notices.is_empty() {
        return Ok(());
    }
    writeln!(out, "## To know\n")?;
    for notice in &saved.plan.notices {
        writeln!(out, "- {}", plain(notice))?;
    }
    writeln!(out)
}

fn exit_codes(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "## How it ends\n\n| exit code | meaning |\n|---|---|\n| 0 | upgraded |\n| 1 | could not begin, nothing changed |\n\
         | 2 | blocked, or the plan no longer holds; nothing changed |\n| 3 | a check could not be judged, nothing changed |\n\
         | 10 | failed, and everything was put back |\n| 11 | stopped half-way: `resume` or `abort` carries on |\n\
         | 12 | upgraded, but a check afterwards failed |\n"
    )
}

fn next(out: &mut dyn Write, saved: &SavedPlan, file: Option<&str>) -> io::Result<()> {
    writeln!(out, "## What to type\n")?;
    match file {
        Some(file) => writeln!(out, "    {}", running_plan(saved, file))?,
        None => writeln!(out, "    {}", making_plan(saved, "plan.json"))?,
    }
    writeln!(
        out,
        "    helm safe-upgrade status {} -n {}",
        word(&saved.plan.from.name),
        word(&saved.plan.from.namespace)
    )
}

/// The command that runs a plan in a file.
pub fn running_plan(saved: &SavedPlan, file: &str) -> String {
    format!("helm safe-upgrade --plan {}{}", word(file), given_again(saved))
}

/// The command that makes such a plan anew, into a file.
pub fn making_plan(saved: &SavedPlan, file: &str) -> String {
    let words: Vec<String> = saved.command.iter().map(|text| word(text)).collect();
    format!(
        "helm safe-upgrade {}{} -n {} --save-plan {}",
        words.join(" "),
        given_again(saved),
        word(&saved.plan.from.namespace),
        word(file)
    )
}

/// Flags whose text is in no file, with a place for it.
fn given_again(saved: &SavedPlan) -> String {
    let flags = saved.given_again.iter().map(|flag| match flag.split_once(' ') {
        Some((flag, path)) => format!(" {} {}=…", word(flag), word(path)),
        None => format!(" {} …", word(flag)),
    });
    flags.collect()
}

/// A word as a shell takes it, on one line.
fn word(text: &str) -> String {
    shell_word(&line(text))
}
