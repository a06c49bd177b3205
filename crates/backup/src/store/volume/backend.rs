//! A volume as a store.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::io::AsyncWriteExt as _;

use super::reading::reading;
use super::writing::Writing;
use super::{Volume, VolumeFault, refused};
use crate::background::afterwards;
use crate::script::{self, Trailer, last_words, nonce};
use crate::store::StoreError;
use crate::store::backend::{Backend, Incoming, StoredFile, Writer};

/// How a script says that there is something already.
const TAKEN: i32 = 44;

#[async_trait]
impl Backend for Volume {
    fn folder(&self) -> Option<&Path> {
        None
    }

    fn uri(&self, path: &str) -> String {
        self.address().place(path)
    }

    async fn files(&self, folder: &str, depth: usize) -> Result<Vec<StoredFile>, StoreError> {
        let above = folder.split('/').filter(|step| !step.is_empty()).count();
        let steps = depth.saturating_sub(above).max(1).to_string();
        let said = self.told(script::VOLUME_LIST, &[&self.at(folder), &steps]).await;
        let said = said.map_err(self.fault("list", folder))?;
        listed(&String::from_utf8_lossy(&said), &self.root)
            .ok_or(VolumeFault::NoWord("the list has no end".into()))
            .map_err(self.fault("list", folder))
    }

    async fn read_small(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let nonce = nonce();
        let asked = self.ask(script::VOLUME_SMALL, &[&nonce, &self.at(path)]).await;
        let (end, said) = asked.map_err(self.fault("read", path))?;
        let trailer = Trailer::find(&end.stderr_tail, &nonce);
        match trailer.as_ref().map(|trailer| trailer.text("state")) {
            Some("0") => Ok(Some(said)),
            Some("absent") => Ok(None),
            Some(_) => Err(self.fault("read", path)(refused(&end))),
            None => {
                let words = VolumeFault::NoWord(last_words(&end.stderr_tail));
                Err(self.fault("read", path)(words))
            }
        }
    }

    async fn read(&self, path: &str, range: Range<u64>) -> Result<Incoming, StoreError> {
        let hand = self.hand().await.map_err(self.fault("read", path))?;
        Ok(Box::pin(reading(hand, &self.background, self.at(path), range)))
    }

    async fn begin(&self, folder: &str) -> Result<(), StoreError> {
        let asked = self.ask(script::VOLUME_BEGIN, &[&self.at(folder)]).await;
        let (end, _) = asked.map_err(self.fault("create", folder))?;
        match end.exit_code {
            0 => Ok(()),
            TAKEN => Err(StoreError::Taken(self.uri(folder))),
            _ => Err(self.fault("create", folder)(refused(&end))),
        }
    }

    async fn writer(self: Arc<Self>, path: &str, _expected: u64) -> Result<Box<dyn Writer>, StoreError> {
        let hand = self.hand().await.map_err(self.fault("write", path))?;
        let writing = Writing::begin(hand, &self.background, self.at(path), self.uri(path));
        Ok(Box::new(writing))
    }

    async fn put_new(&self, path: &str, text: Vec<u8>) -> Result<(), StoreError> {
        let hand = self.hand().await.map_err(self.fault("write", path))?;
        let writing = Writing::begin(hand, &self.background, self.at(path), self.uri(path));
        let mut writing = Box::new(writing);
        let written = writing.write_all(&text).await;
        written.map_err(StoreError::io_at("write", self.uri(path)))?;
        writing.finish().await.map(drop)
    }

    async fn remove(&self, path: &str) -> Result<(), StoreError> {
        let removed = self.told(script::VOLUME_REMOVE, &[&self.at(path)]).await;
        removed.map(drop).map_err(self.fault("remove", path))
    }

    async fn discard(&self, folder: &str) -> Result<(), StoreError> {
        let removed = self.told(script::VOLUME_DISCARD, &[&self.root, folder]).await;
        removed.map(drop).map_err(self.fault("remove", folder))
    }

    fn abandon(self: Arc<Self>, folder: &str) {
        let (volume, folder) = (Arc::clone(&self), folder.to_owned());
        afterwards(self.background.track_future(async move {
            // What cannot be removed is still no backup: it has no manifest.
            let _ = volume.discard(&folder).await;
        }));
    }

    async fn settle(&self) {
        self.background.close();
        self.background.wait().await;
        self.background.reopen();
    }
}

/// What `volume_list.sh` said; `None` where it broke off.
fn listed(text: &str, root: &str) -> Option<Vec<StoredFile>> {
    let lines = text.strip_suffix("end\n")?;
    let file = |line: &str| {
        let (bytes, path) = line.split_once(' ')?;
        let path = path.strip_prefix(root)?.strip_prefix('/')?;
        Some(StoredFile {
            path: path.to_owned(),
            bytes: bytes.parse().ok()?,
        })
    };
    // A name with a line end in it is none of ours.
    Some(lines.lines().filter_map(file).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_its_end_is_none() {
        let text = "12 /volume/a/b c\nx\n7 /elsewhere/d\n";
        assert_eq!(listed(text, "/volume"), None);
        let found = listed(&format!("{text}end\n"), "/volume").unwrap();
        let wanted = StoredFile {
            path: "a/b c".into(),
            bytes: 12,
        };
        assert_eq!(found, [wanted]);
    }
}
