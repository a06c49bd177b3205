//! What sources told earlier, on this machine: for the time when they do not answer.
//!
//! A file holds notes and nothing of who asked for them: no token is ever in it.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use model::API_VERSION;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::keep::{private_folder, read_at_most, write_whole};
use crate::source::SourceNotes;

/// The kind of a kept answer.
const KIND: &str = "KeptNotes";

/// The largest kept answer, in bytes.
const LARGEST: u64 = 256 << 20;

/// The folder of kept answers.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

/// A kept answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kept {
    api_version: String,
    kind: String,
    /// What was asked, so that another source whose file has the same name is not taken for it.
    asked: String,
    /// When it was asked.
    pub(crate) at: Timestamp,
    pub(crate) notes: SourceNotes,
}

impl Cache {
    /// A cache in a folder, which is made when something is kept.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// What was kept of a source. What cannot be read was not kept: it is only asked for again.
    pub(crate) fn read(&self, identity: &str) -> Option<Kept> {
        let asked = fingerprint(identity);
        let bytes = read_at_most(&self.file(&asked), LARGEST).ok()?;
        let kept: Kept = serde_json::from_slice(&bytes).ok()?;
        (kept.api_version == API_VERSION && kept.kind == KIND && kept.asked == asked).then_some(kept)
    }

    /// Keeps what a source told. Where it cannot be kept, it is asked for again: nothing else is lost.
    pub(crate) fn write(&self, identity: &str, at: Timestamp, notes: &SourceNotes) -> std::io::Result<()> {
        let asked = fingerprint(identity);
        let path = self.file(&asked);
        let kept = Kept {
            api_version: API_VERSION.into(),
            kind: KIND.into(),
            asked,
            at,
            notes: notes.clone(),
        };
        private_folder(&self.folder)?;
        write_whole(&path, &serde_json::to_vec(&kept)?)
    }

    fn file(&self, asked: &str) -> PathBuf {
        self.folder.join(format!("{asked}.json"))
    }
}

/// A source's name for files. An address may hold a key behind its question mark, which is not to be read here.
fn fingerprint(identity: &str) -> String {
    Sha256::digest(identity.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Reach;

    fn notes() -> SourceNotes {
        SourceNotes {
            reach: Reach::Above("1.0.0".into()),
            entries: Vec::new(),
        }
    }

    #[test]
    fn what_is_kept_is_read_again_and_only_for_its_own_source() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(&folder.path().join("notes"));
        let at = Timestamp::from_second(1_777_629_600).unwrap();
        assert!(cache.read("a").is_none());
        cache.write("a", at, &notes()).unwrap();
        let kept = cache.read("a").unwrap();
        assert_eq!((kept.at, kept.notes), (at, notes()));
        let (a, b) = (cache.file(&fingerprint("a")), cache.file(&fingerprint("b")));
        std::fs::rename(&a, &b).unwrap();
        assert!(cache.read("b").is_none());
        std::fs::write(&a, "{\"apiVersion\":").unwrap();
        assert!(cache.read("a").is_none());
    }

    #[cfg(unix)]
    #[test]
    fn it_is_for_its_owner_alone_and_tells_no_address() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(&folder.path().join("notes"));
        cache
            .write(
                "https://x.example/a.md?token=hunter2",
                Timestamp::UNIX_EPOCH,
                &notes(),
            )
            .unwrap();
        let file = std::fs::read_dir(folder.path().join("notes"))
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains("hunter2") && !text.contains("x.example"), "{text}");
    }
}
