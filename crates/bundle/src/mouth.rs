//! The only way into an archive. Every byte of it has passed the redactor here.

use std::collections::BTreeSet;

use jiff::Timestamp;
use model::{BundleFile, BundleReport, BundleState, HiddenCount, SearchedValues, UnreadSecret};

use crate::contents::{Content, Part};
use crate::redact::{Language, Redactor};
use crate::run::BundleError;

/// Takes parts in and gives them out without secrets.
pub(crate) struct Mouth {
    redactor: Redactor,
    room: u64,
    files: Vec<(String, String)>,
    listed: Vec<BundleFile>,
    paths: BTreeSet<String>,
}

/// What an archive will hold. It can be written and looked at, and nothing can be added to it.
pub struct Bundle {
    report: BundleReport,
    files: Vec<(String, String)>,
    taken_at: Timestamp,
}

impl Bundle {
    /// Its index.
    pub fn report(&self) -> &BundleReport {
        &self.report
    }

    /// Its files: paths inside of it, and what stands in them.
    pub(crate) fn files(&self) -> &[(String, String)] {
        &self.files
    }

    /// When it was gathered.
    pub(crate) fn taken_at(&self) -> Timestamp {
        self.taken_at
    }
}

impl Mouth {
    pub(crate) fn new(redactor: Redactor, room: u64) -> Self {
        Self {
            redactor,
            room,
            files: Vec::new(),
            listed: Vec::new(),
            paths: BTreeSet::new(),
        }
    }

    pub(crate) fn take_all(&mut self, parts: impl IntoIterator<Item = Part>) {
        for part in parts {
            self.take(part);
        }
    }

    /// Takes a part in: what is safe of it, or a line that tells why it is not there.
    pub(crate) fn take(&mut self, part: Part) {
        let Part { path, about, content } = part;
        let about = self.line(&about);
        match content {
            Content::Read {
                text,
                language,
                state,
                note,
            } => match self.safe(&text, language) {
                None => {
                    let why = "secrets were still found in it after they had been hidden";
                    self.instead(&path, about, BundleState::Withheld, why);
                }
                Some((text, _)) if text.len() as u64 > self.room => {
                    let why = format!("its {} bytes have no room left in the archive", text.len());
                    self.instead(&path, about, BundleState::LeftOut, &why);
                }
                Some((text, hidden)) => {
                    self.room -= text.len() as u64;
                    let note = note.map(|note| self.line(&note));
                    self.file(&path, about, text, state, note, hidden);
                }
            },
            Content::Unread(why) => self.instead(&path, about, BundleState::Unread, &why),
            Content::Unavailable(why) => self.instead(&path, about, BundleState::Unavailable, &why),
        }
    }

    /// A text without secrets, which in JSON still is JSON.
    fn safe(&self, text: &str, language: Language) -> Option<(String, Vec<HiddenCount>)> {
        let redacted = self.redactor.redact(text, language)?;
        let whole = language != Language::Json
            || serde_json::from_str::<serde::de::IgnoredAny>(&redacted.text).is_ok();
        whole.then_some((redacted.text, redacted.hidden))
    }

    /// A line of ours, without secrets in the words of others in it.
    fn line(&self, words: &str) -> String {
        let safe = self.redactor.redact(words, Language::Text);
        safe.map_or_else(|| "(hidden)".to_owned(), |safe| safe.text)
    }

    fn instead(&mut self, path: &str, about: String, state: BundleState, why: &str) {
        let why = self.line(why);
        let path = format!("{path}.{}.txt", state.to_string().replace(' ', "-"));
        self.file(
            &path,
            about,
            format!("{state}: {why}\n"),
            state,
            Some(why),
            Vec::new(),
        );
    }

    fn file(
        &mut self,
        path: &str,
        about: String,
        text: String,
        state: BundleState,
        note: Option<String>,
        hidden: Vec<HiddenCount>,
    ) {
        let path = self.free(path);
        self.listed.push(BundleFile {
            path: path.clone(),
            about,
            bytes: text.len() as u64,
            state,
            note,
            hidden,
        });
        self.files.push((path, text));
    }

    /// A path that holds no secret and that no other file has.
    fn free(&mut self, path: &str) -> String {
        let safe = self.line(path).replace('*', "_");
        let numbered = |number: usize| format!("{number}-{}", safe.replace('/', "-"));
        let free = std::iter::once(safe.clone())
            .chain((2..).map(numbered))
            .find(|path| !self.paths.contains(path))
            .unwrap_or_default();
        self.paths.insert(free.clone());
        free
    }

    /// Adds the index, and lets nothing more in.
    ///
    /// # Errors
    /// The index could not be made safe.
    pub(crate) fn close(
        self,
        release: &str,
        namespace: &str,
        taken_at: Timestamp,
        version: &str,
        searched: SearchedValues,
    ) -> Result<Bundle, BundleError> {
        let searched = self.searched(searched);
        let report = BundleReport::new(
            &self.line(release),
            &self.line(namespace),
            &taken_at.to_string(),
            version,
            self.listed.clone(),
            searched,
        );
        let mut page = Vec::new();
        render::bundle_page(&mut page, &report).map_err(BundleError::Index)?;
        let mut json = Vec::new();
        render::json(&mut json, &report).map_err(BundleError::Index)?;
        let mut files = Vec::new();
        for (path, bytes, language) in [
            ("index.html", page, Language::Html),
            ("index.json", json, Language::Json),
        ] {
            let text = String::from_utf8_lossy(&bytes);
            let (text, _) = self.safe(&text, language).ok_or(BundleError::UnsafeIndex)?;
            files.push((path.to_owned(), text));
        }
        files.extend(self.files);
        Ok(Bundle {
            report,
            files,
            taken_at,
        })
    }

    /// What was looked for, without secrets in the words of others in it.
    fn searched(&self, searched: SearchedValues) -> SearchedValues {
        let unread = searched.unread.into_iter().map(|unread| UnreadSecret {
            namespace: self.line(&unread.namespace),
            name: self.line(&unread.name),
            why: self.line(&unread.why),
        });
        SearchedValues {
            unread: unread.collect(),
            ..searched
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::KnownValues;

    const PLANTED: &str = "planted-value-4711";

    fn mouth(room: u64) -> Mouth {
        let mut known = KnownValues::default();
        known.add("key", PLANTED.as_bytes());
        Mouth::new(Redactor::new(&known, false).unwrap(), room)
    }

    fn text(path: &str, text: &str) -> Part {
        Part::text(path, "a text", text.to_owned())
    }

    fn closed(mouth: Mouth) -> Bundle {
        let searched = SearchedValues {
            unread: vec![UnreadSecret {
                namespace: "shop".into(),
                name: "db".into(),
                why: format!("{PLANTED} is forbidden"),
            }],
            ..SearchedValues::default()
        };
        mouth
            .close("books", "shop", Timestamp::UNIX_EPOCH, "0.1.0", searched)
            .unwrap()
    }

    #[test]
    fn no_secret_passes_by_content_path_words_or_reason() {
        let mut mouth = mouth(10_000);
        mouth.take(text(
            &format!("logs/{PLANTED}.log"),
            &format!("it says {PLANTED}"),
        ));
        mouth.take(text(&format!("logs/{PLANTED}.log"), "another one of that name"));
        mouth.take(Part {
            path: "events.txt".into(),
            about: format!("events of {PLANTED}"),
            content: Content::Unread(format!("forbidden: {PLANTED}")),
        });
        let bundle = closed(mouth);
        let paths: BTreeSet<&String> = bundle.files().iter().map(|(path, _)| path).collect();
        assert_eq!(paths.len(), 5, "{paths:?}");
        for (path, text) in bundle.files() {
            assert!(
                !path.contains(PLANTED) && !text.contains(PLANTED),
                "{path}: {text}"
            );
        }
        let report = bundle.report();
        assert_eq!(report.hidden_count(), 1);
        assert!(!report.complete);
        let listed = serde_json::to_string(report).unwrap();
        assert!(!listed.contains(PLANTED), "{listed}");
    }

    #[test]
    fn what_has_no_room_is_told_and_what_comes_behind_it_may_still_have() {
        let mut mouth = mouth(20);
        mouth.take(text("a.txt", &"x".repeat(15)));
        mouth.take(text("b.txt", &"x".repeat(15)));
        mouth.take(text("c.txt", "xxxxx"));
        let bundle = closed(mouth);
        let states: Vec<(&str, BundleState)> = bundle
            .report()
            .files
            .iter()
            .map(|file| (file.path.as_str(), file.state))
            .collect();
        assert_eq!(
            states,
            [
                ("a.txt", BundleState::Whole),
                ("b.txt.left-out.txt", BundleState::LeftOut),
                ("c.txt", BundleState::Whole)
            ]
        );
    }
}
