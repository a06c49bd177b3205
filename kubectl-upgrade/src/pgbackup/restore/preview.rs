//! What will be done, for the person who has to agree.

use backup::{Outlook, RestoreFrom, Server};
use cli::{Consent, Output};
use jiff::Timestamp;
use model::{ExitCode, Plan, RestoreOptions, RestorePreview, Seen, SessionRole};
use postgres_room::{Connector, SessionOptions};

use super::super::ground::Ground;
use super::super::stored::Words;
use super::super::target::Target;
use crate::session::UNCHANGED;

/// What a restore would do.
pub(super) struct Proposed<'a> {
    pub(super) target: &'a Target,
    pub(super) server: &'a Server,
    pub(super) id: &'a str,
    pub(super) from: RestoreFrom<'a>,
    pub(super) options: &'a RestoreOptions,
    pub(super) notes: Vec<String>,
}

pub(super) async fn of_restore(ground: &Ground, proposed: Proposed<'_>) -> (RestorePreview, Outlook) {
    let Proposed {
        target,
        server,
        id,
        from,
        options,
        notes,
    } = proposed;
    let outlook = backup::outlook(server, from).await;
    let mut preview = bare(ground, target, server, id).await;
    preview.keep_as = backup::kept_name(&target.location.database, id);
    preview.ownership = backup::ownership_words(server, from, options).ok();
    preview.schema = Some(outlook.words());
    preview.notes = notes;
    match from {
        RestoreFrom::Backup(backup) => {
            preview.backup = Some(backup.summary(Timestamp::now()));
            preview.made_for.clone_from(&backup.manifest.release);
        }
        RestoreFrom::File(dump) => {
            preview.file = Some(format!(
                "file {}, {}, {} bytes",
                dump.name(),
                dump.words(),
                dump.bytes()
            ));
        }
    }
    (preview, outlook)
}

/// What taking a restore back would do.
pub(super) async fn of_undo(ground: &Ground, target: &Target, server: &Server, id: &str) -> RestorePreview {
    let mut preview = bare(ground, target, server, id).await;
    preview.keep_as = backup::undone_name(&target.location.database, id);
    preview
}

/// The database and who is connected to it.
async fn bare(ground: &Ground, target: &Target, server: &Server, id: &str) -> RestorePreview {
    let connector = match ground.cluster() {
        Some(cluster) => Connector::new(cluster, &target.location, &target.credentials, id),
        None => Connector::direct(&target.location, &target.credentials, id),
    };
    // Who cannot be counted is still told of: their sessions are ended all the same.
    let sessions = match connector.connect(&SessionOptions::default()).await {
        Ok(database) => match postgres_room::sessions(&database).await {
            Seen::Present(sessions) => Some(sessions),
            Seen::Absent | Seen::Unreadable(_) => None,
        },
        Err(_) => None,
    };
    let is_theirs = |role: SessionRole| !matches!(role, SessionRole::Ours | SessionRole::Server);
    let mut users: Vec<String> = Vec::new();
    for session in sessions.iter().flatten() {
        if is_theirs(session.role) && !users.contains(&session.application) {
            users.push(session.application.clone());
        }
    }
    RestorePreview {
        database: target.location.database.clone(),
        server: server.identity(),
        backup: None,
        file: None,
        made_for: None,
        ownership: None,
        schema: None,
        notes: Vec::new(),
        keep_as: String::new(),
        sessions: sessions.map(|sessions| sessions.iter().filter(|session| is_theirs(session.role)).count()),
        users,
    }
}

/// Shows what will be done.
pub(super) fn show(output: &Output, preview: &RestorePreview, plan: Option<&Plan>) -> Result<(), ExitCode> {
    let shown = output.talk(|err, style| {
        render::restore_preview(err, style, preview)?;
        match plan {
            Some(plan) => render::plan_steps(err, style, plan),
            None => Ok(()),
        }
    });
    shown.map_err(|_| refused(output, "failed to show what would be done"))
}

/// Asks a person.
pub(super) fn agree(output: &Output, question: &str, yes: bool) -> Result<(), ExitCode> {
    match cli::ask(question, yes) {
        Ok(Consent::Yes) => Ok(()),
        Ok(Consent::No) => Err(refused(output, "not agreed to")),
        Ok(Consent::NobodyThere) => Err(refused(
            output,
            "nobody is there to agree; add --yes to agree beforehand",
        )),
        Err(_) => Err(refused(output, "failed to ask")),
    }
}

fn refused(output: &Output, words: &str) -> ExitCode {
    let error = Words(words.to_owned());
    cli::fail(output, &error, UNCHANGED, None, ExitCode::CouldNotBegin)
}
