//! What an archive holds, one file for each kind of it.

pub(crate) mod diff;
pub(crate) mod events;
pub(crate) mod journal;
pub(crate) mod locks;
pub(crate) mod logs;
pub(crate) mod report;
pub(crate) mod versions;
pub(crate) mod workloads;

use std::io::{self, Write};

use model::BundleState;
use serde::Serialize;

use crate::redact::Language;

/// A file for the archive, with secrets in it yet.
pub(crate) struct Part {
    pub(crate) path: String,
    pub(crate) about: String,
    pub(crate) content: Content,
}

/// What stands in a file, or why nothing does.
pub(crate) enum Content {
    Read {
        text: String,
        language: Language,
        state: BundleState,
        note: Option<String>,
    },
    /// It could not be read, for this reason.
    Unread(String),
    /// There is none to be had, for this reason.
    Unavailable(String),
}

impl Part {
    fn new(path: &str, about: &str, content: Content) -> Self {
        Self {
            path: path.to_owned(),
            about: about.to_owned(),
            content,
        }
    }

    fn unread(path: &str, about: &str, why: String) -> Self {
        Self::new(path, about, Content::Unread(why))
    }

    fn unavailable(path: &str, about: &str, why: &str) -> Self {
        Self::new(path, about, Content::Unavailable(why.to_owned()))
    }

    /// All of a text.
    pub(crate) fn text(path: &str, about: &str, text: String) -> Self {
        Self::new(path, about, whole(text, Language::Text))
    }

    /// A text of which some could not be seen.
    fn partial(path: &str, about: &str, text: String, missing: &[String]) -> Self {
        let mut content = whole(text, Language::Text);
        if let Content::Read { state, note, .. } = &mut content
            && !missing.is_empty()
        {
            *state = BundleState::Partial;
            *note = Some(format!("not all could be seen: {}", missing.join("; ")));
        }
        Self::new(path, about, content)
    }

    /// Data for programs.
    fn json(path: &str, about: &str, data: &impl Serialize) -> Self {
        Self::written(path, about, Language::Json, |out| render::json(out, data))
    }

    /// What somebody else writes.
    fn written(
        path: &str,
        about: &str,
        language: Language,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Self {
        let mut bytes = Vec::new();
        let content = match write(&mut bytes) {
            Ok(()) => whole(String::from_utf8_lossy(&bytes).into_owned(), language),
            Err(error) => Content::Unread(format!("it could not be written down: {error}")),
        };
        Self::new(path, about, content)
    }
}

fn whole(text: String, language: Language) -> Content {
    Content::Read {
        text,
        language,
        state: BundleState::Whole,
        note: None,
    }
}
