//! `kubectl pgbackup list`: everybody's backups in one table.

use clap::Args;
use cli::{Environment, Output};
use model::{API_VERSION, BackupListReport, ExitCode, causes};
use render::TableForm;

use super::look::{LookFlags, look};

/// Flags of `list`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ListFlags {
    #[command(flatten)]
    look: LookFlags,
    /// Print the table as Markdown
    #[arg(long)]
    markdown: bool,
}

/// The form of tables that a flag means.
pub(crate) fn form(markdown: bool) -> TableForm {
    if markdown {
        TableForm::Markdown
    } else {
        TableForm::Plain
    }
}

/// Lists.
pub(crate) async fn run(flags: &ListFlags, environment: &Environment) -> ExitCode {
    let output = Output::new(&flags.look.common.output, environment);
    let looked = match look(&flags.look, &output, environment).await {
        Ok(looked) => looked,
        Err(code) => return code,
    };
    if let Some(trouble) = &looked.trouble {
        let words = format!(
            "{}; only backups of ours that were made for it are shown",
            causes(trouble)
        );
        // A list is worth having without this line; it is lost only with standard error itself.
        drop(output.talk(|err, _| writeln!(err, "{words}")));
    }
    let inventory = looked.inventory;
    let report = BackupListReport {
        api_version: API_VERSION.into(),
        kind: "BackupList".into(),
        items: inventory.backups,
        uncertain: inventory.uncertain,
        findings: inventory.findings,
        unread: inventory.unread,
    };
    let form = form(flags.markdown);
    let written = output.result(&report, |out, style| {
        render::backup_list(out, style, form, &report)
    });
    cli::end_with(&output, written, ExitCode::Done)
}
