//! `--save-plan` and `--plan`: a command line as it is written into a plan, and taken out of one again.

use std::io;
use std::path::Path;

use cli::{Environment, Output};
use helm::{UpgradeLine, WrittenLine};
use model::text::minutes;
use model::{ExitCode, GateMode, Plan, SavedPlan};
use upgrade::flow::{self, Judged, Proposal, UpgradeRequest};

use crate::arguments::{COMMANDS, PlanForm, UpgradeFlags};
use crate::upgrade::Refusal;

/// Reads the plan in a file. A namespace named beside it has to be the plan's own.
pub(crate) fn load(file: &Path, typed: &UpgradeFlags) -> Result<SavedPlan, Refusal> {
    let saved = flow::load_plan(file)?;
    let own = &saved.plan.from.namespace;
    match typed.connection.namespace().filter(|named| named != own) {
        Some(other) => Err(Refusal::Words(format!(
            "the plan is for namespace {own}, and not for {other}"
        ))),
        None => Ok(saved),
    }
}

/// The line that a saved plan was made with, and what was typed beside `--plan`. `words` begin with the program's name.
pub(crate) fn words(saved: &SavedPlan, words: &[String]) -> Vec<String> {
    let (program, typed) = words.split_at(words.len().min(1));
    [program, saved.command.as_slice(), typed].concat()
}

/// Refuses a line that is not the one the plan was made with: a flag more, a secret not given again, or words in the
/// file that no plan holds.
pub(crate) fn same_line(saved: &SavedPlan, flags: &UpgradeFlags, line: &UpgradeLine) -> Result<(), Refusal> {
    let now = written(flags, line)?;
    let missing = beside(&saved.given_again, &now.left_out);
    if !missing.is_empty() {
        return Err(Refusal::Words(format!(
            "the plan was made with {missing}, whose text is in no file: give it again beside --plan"
        )));
    }
    let [secrets, words] = [
        beside(&now.left_out, &saved.given_again),
        beside(&now.words, &saved.command),
    ];
    let others = [secrets, words].into_iter().filter(|words| !words.is_empty());
    let others = others.collect::<Vec<_>>().join(", ");
    if !others.is_empty() {
        return Err(Refusal::Words(format!(
            "the plan was made without {others}; make it anew with --save-plan"
        )));
    }
    if now.words != saved.command || now.left_out != saved.given_again {
        let words = "the command line in the plan is none that --save-plan writes; make it anew";
        return Err(Refusal::Words(words.into()));
    }
    Ok(())
}

/// The words that stand in one list and not in the other.
fn beside(words: &[String], others: &[String]) -> String {
    let found: Vec<&str> = words
        .iter()
        .filter(|word| !others.contains(word))
        .map(String::as_str)
        .collect();
    found.join(", ")
}

/// The line as a plan holds it. A flag that shapes the plan has to stand here: without it the plan made anew is another
/// one, and every saved one is refused. What agrees to something, how the cluster is reached and who is told is said when it
/// is run.
fn written(flags: &UpgradeFlags, line: &UpgradeLine) -> Result<WrittenLine, Refusal> {
    // Each flag by name, so that a new one has to be put on one side or the other.
    let UpgradeFlags {
        gate,
        path_file,
        backup_to,
        profile,
        deployer,
        database,
        terms,
        smoke,
        helm_test,
        allow_profile_commands,
        release: _, // stands in the line
        dry_run: _,
        save_plan: _,
        plan: _,
        plan_lifetime: _,
        yes: _,
        accept_no_way_back: _,
        notify: _,
        fault: _,
        helm_bin: _,
        connection: _,
        output: _,
        no_color: _,
        burst_limit: _,
        qps: _,
    } = flags;
    if line.chart_holds_a_login() {
        let words = "the chart's address may hold a login, which a plan must not: give it by --username and --password, or \
                     pull the chart first";
        return Err(Refusal::Words(words.into()));
    }
    let mut written = line.written();
    if COMMANDS.contains(&line.release.as_str()) {
        written.words.insert(0, "--release".to_owned());
    }
    let own = [
        ("--gate", gate.map(|gate| GateMode::from(gate).word().to_owned())),
        ("--path-file", path_file.clone()),
        ("--backup-to", backup_to.clone()),
    ];
    let own = own
        .into_iter()
        .filter_map(|(flag, value)| Some([flag.to_owned(), value?]))
        .flatten();
    written.words.extend(own);
    written.words.extend(profile.words());
    written.words.extend(deployer.words());
    written.words.extend(database.words());
    written.words.extend(terms.typed());
    written
        .words
        .extend(smoke.iter().map(|command| format!("--smoke={command}")));
    let asked = [
        ("--helm-test", *helm_test),
        ("--allow-profile-commands", *allow_profile_commands),
    ];
    written.words.extend(
        asked
            .iter()
            .filter(|(_, asked)| *asked)
            .map(|(flag, _)| (*flag).to_owned()),
    );
    Ok(written)
}

/// Ends a command that only plans: the plan as a result, and in a file where one is named.
pub(crate) async fn planned(
    output: &Output,
    flags: &UpgradeFlags,
    request: &UpgradeRequest,
    judged: &Judged,
    plan: &Plan,
    environment: &Environment,
) -> Result<ExitCode, Refusal> {
    if flags.save_plan.is_none() && flags.output != PlanForm::Markdown {
        let written = output.result(plan, |_, _| Ok(()));
        return Ok(cli::end_with(output, written, ExitCode::Done));
    }
    let line = written(flags, &request.line)?;
    let proposal = Proposal {
        made_by: environment.person(),
        lifetime: flags.plan_lifetime,
        command: line.words,
        given_again: line.left_out,
    };
    let saved = flow::propose(request, judged, plan, proposal).await?;
    if let Some(file) = &flags.save_plan {
        flow::save_plan(file, &saved)?;
    }
    let file = flags.save_plan.as_deref();
    let told =
        told(output, "saved in", &saved, file).and_then(|()| shown(output, flags.output, &saved, file));
    Ok(cli::end_with(output, told, ExitCode::Done))
}

/// Ends `--plan FILE --dry-run`: the plan can be run.
pub(crate) fn holds(output: &Output, flags: &UpgradeFlags, saved: &SavedPlan) -> ExitCode {
    let file = flags.plan.as_deref();
    let told = told(output, "nothing has moved for", saved, file)
        .and_then(|()| shown(output, flags.output, saved, file));
    cli::end_with(output, told, ExitCode::Done)
}

/// What is so of the plan in a file, and the command that runs it.
fn told(output: &Output, what: &str, saved: &SavedPlan, file: Option<&Path>) -> io::Result<()> {
    let Some(file) = file.map(|file| file.display().to_string()) else {
        return Ok(());
    };
    output.talk(|err, _| {
        writeln!(err, "{what} {file}, good until {}", minutes(&saved.valid_until))?;
        writeln!(err, "next: {}", render::running_plan(saved, &file))
    })
}

/// The plan as a result; people have seen it already.
fn shown(output: &Output, form: PlanForm, saved: &SavedPlan, file: Option<&Path>) -> io::Result<()> {
    let file = file.map(|file| file.display().to_string());
    match form {
        PlanForm::Markdown => output.text(|out| render::plan_markdown(out, saved, file.as_deref())),
        PlanForm::Json => output.result(saved, |_, _| Ok(())),
        PlanForm::Table => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use helm::HelmMajor;

    use super::*;
    use crate::arguments::UpgradeCommand;

    fn typed(text: &str) -> (UpgradeFlags, UpgradeLine) {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        let Ok(mixed) = cli::mixed_line::<UpgradeCommand>(&words) else {
            panic!("{text} is no line");
        };
        let mut line = mixed.helm;
        let mut flags = mixed.own.flags;
        if let Some(release) = flags.release.take() {
            line.insert(0, release);
        }
        let Ok(line) = UpgradeLine::parse(&line, HelmMajor::Four) else {
            panic!("{text} is no line of helm");
        };
        (flags, line)
    }

    fn written(text: &str) -> WrittenLine {
        let (flags, line) = typed(text);
        super::written(&flags, &line).unwrap()
    }

    #[test]
    fn a_line_holds_what_shapes_the_plan_and_no_secret() {
        let line = written(
            "safe-upgrade shop ./shop --gate schema --set db.password=hunter2 -f a.yaml --yes --backup-to /b \
             --accept-no-way-back --secret db/url --save-plan x -n prod --token hunter2 --plan-lifetime 2h -o json",
        );
        assert_eq!(
            line.words,
            [
                "shop",
                "./shop",
                "--values=a.yaml",
                "--gate",
                "schema",
                "--backup-to",
                "/b",
                "--secret",
                "db/url"
            ]
        );
        assert_eq!(line.left_out, ["--set db.password"]);
    }

    #[test]
    fn a_written_line_reads_as_itself() {
        for text in [
            "safe-upgrade shop ./shop --gate after --profile x.yaml --database-env URL --timeout 5m --reuse-values",
            "safe-upgrade --release status ./shop --path-file p.yaml",
            "safe-upgrade shop ./shop --window 22:00-04:00 --time-zone=-02:00 --not-before 22:30 --deadline 90m --on-slow abort \
             --max-active 5 --max-tps 100 --smoke ./look --smoke ./look-again --helm-test --allow-profile-commands",
        ] {
            let line = written(text);
            assert_eq!(written(&format!("safe-upgrade {}", line.words.join(" "))), line);
        }
    }

    #[test]
    fn terms_and_looks_shape_the_plan_and_who_is_told_does_not() {
        let line = written(
            "safe-upgrade shop ./shop --deadline 90m --on-slow continue --smoke ./look --helm-test \
             --notify-url-file url --notify-command mail",
        );
        assert_eq!(
            line.words,
            [
                "shop",
                "./shop",
                "--deadline=90m",
                "--smoke=./look",
                "--helm-test"
            ]
        );
    }

    #[test]
    fn a_chart_s_address_with_a_login_is_refused() {
        let (flags, line) = typed("safe-upgrade shop https://ann:hunter2@example.org/shop.tgz");
        let told = super::written(&flags, &line).unwrap_err().to_string();
        assert!(told.contains("--password") && !told.contains("hunter2"), "{told}");
    }

    /// What is said to a line beside `--plan`, for a plan made with a password.
    fn told(beside_plan: &str) -> Option<String> {
        let file = include_str!("saved/plan.json");
        let saved = SavedPlan::read(file).unwrap();
        let typed_words: Vec<String> = format!("safe-upgrade --plan x {beside_plan}")
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        let (flags, line) = typed(&words(&saved, &typed_words).join(" "));
        same_line(&saved, &flags, &line)
            .err()
            .map(|refusal| refusal.to_string())
    }

    #[test]
    fn only_what_a_file_must_not_hold_is_given_again() {
        assert_eq!(told("--yes --set db.password=hunter2"), None);
        let missing = told("--yes").unwrap();
        assert!(missing.contains("made with --set db.password"), "{missing}");
        let more = told("--set db.password=hunter2 --set replicas=3").unwrap();
        assert!(more.contains("made without --set replicas"), "{more}");
        let more = told("--set db.password=hunter2 --deadline 04:00").unwrap();
        assert!(more.contains("made without --deadline=04:00"), "{more}");
        assert_eq!(told("--set db.password=hunter2 --notify-command mail"), None);
        let more = told("--set db.password=hunter2 --no-hooks").unwrap();
        assert!(more.contains("made without --no-hooks"), "{more}");
    }
}
