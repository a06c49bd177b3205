//! The single layer of an image: a sorted set of files, folders and links that is written as a tar stream.
//!
//! The same contents give the same bytes: entries are sorted, times are zero and names of users are left out.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use tar::{Builder, EntryType, Header};

/// What an image contains. Later additions replace earlier ones of the same path.
#[derive(Debug, Clone, Default)]
pub struct Layer {
    entries: BTreeMap<PathBuf, Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    mode: u32,
    owner: (u64, u64),
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Folder,
    Text(Vec<u8>),
    File(PathBuf),
    /// A file that lies in a tree under several names: the pair of device and inode that they share.
    Shared(PathBuf, (u64, u64)),
    Symlink(PathBuf),
}

impl Layer {
    /// An empty layer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds everything below `root` with its modes, numeric owners and hard links. Device nodes, sockets and pipes
    /// are left out: a container runtime makes its own.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn tree(mut self, root: &Path) -> Result<Self> {
        self.add_tree(root, Path::new(""))?;
        Ok(self)
    }

    /// Adds a file of this machine at the absolute path `place`, owned by root.
    #[must_use]
    pub fn file(self, place: &str, source: impl Into<PathBuf>, mode: u32) -> Self {
        self.with(place, mode, Content::File(source.into()))
    }

    /// Adds a file with the given contents at the absolute path `place`, owned by root.
    #[must_use]
    pub fn text(self, place: &str, content: impl Into<Vec<u8>>, mode: u32) -> Self {
        self.with(place, mode, Content::Text(content.into()))
    }

    /// Adds an empty folder at the absolute path `place`, owned by root.
    #[must_use]
    pub fn folder(self, place: &str, mode: u32) -> Self {
        self.with(place, mode, Content::Folder)
    }

    fn with(mut self, place: &str, mode: u32, content: Content) -> Self {
        let place = relative(Path::new(place));
        for parent in place
            .ancestors()
            .skip(1)
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            self.entries.entry(parent.to_owned()).or_insert(Entry {
                mode: 0o755,
                owner: (0, 0),
                content: Content::Folder,
            });
        }
        self.entries.insert(
            place,
            Entry {
                mode,
                owner: (0, 0),
                content,
            },
        );
        self
    }

    fn add_tree(&mut self, root: &Path, below: &Path) -> Result<()> {
        let folder = root.join(below);
        let children =
            fs::read_dir(&folder).with_context(|| format!("read the folder {}", folder.display()))?;
        for child in children {
            let child = child.with_context(|| format!("read the folder {}", folder.display()))?;
            let place = below.join(child.file_name());
            let about = child
                .metadata()
                .with_context(|| format!("look at {}", child.path().display()))?;
            let kind = about.file_type();
            let content = if kind.is_dir() {
                Content::Folder
            } else if kind.is_symlink() {
                Content::Symlink(
                    fs::read_link(child.path())
                        .with_context(|| format!("read {}", child.path().display()))?,
                )
            } else if !kind.is_file() {
                continue;
            } else if about.nlink() > 1 {
                Content::Shared(child.path(), (about.dev(), about.ino()))
            } else {
                Content::File(child.path())
            };
            let owner = (u64::from(about.uid()), u64::from(about.gid()));
            self.entries.insert(
                place.clone(),
                Entry {
                    mode: about.mode() & 0o7777,
                    owner,
                    content,
                },
            );
            if kind.is_dir() {
                self.add_tree(root, &place)?;
            }
        }
        Ok(())
    }

    /// Writes the layer as an uncompressed tar stream.
    ///
    /// # Errors
    /// When a file cannot be read or `out` cannot be written.
    pub(super) fn write(&self, out: impl Write) -> Result<()> {
        let mut tar = Builder::new(out);
        let mut first_names: HashMap<(u64, u64), &Path> = HashMap::new();
        for (place, entry) in &self.entries {
            entry
                .append(&mut tar, place, &mut first_names)
                .with_context(|| format!("pack {}", place.display()))?;
        }
        tar.into_inner()
            .and_then(|mut out| out.flush())
            .context("finish the layer")
    }
}

impl Entry {
    fn append<'a>(
        &self,
        tar: &mut Builder<impl Write>,
        place: &'a Path,
        first_names: &mut HashMap<(u64, u64), &'a Path>,
    ) -> Result<()> {
        match &self.content {
            Content::Folder => {
                tar.append_data(&mut self.header(EntryType::Directory, 0), place, io::empty())?;
            }
            Content::Text(text) => {
                tar.append_data(
                    &mut self.header(EntryType::Regular, text.len() as u64),
                    place,
                    text.as_slice(),
                )?;
            }
            Content::File(source) => self.append_file(tar, place, source)?,
            Content::Shared(source, identity) => match first_names.get(identity) {
                Some(first) => tar.append_link(&mut self.header(EntryType::Link, 0), place, first)?,
                None => {
                    self.append_file(tar, place, source)?;
                    first_names.insert(*identity, place);
                }
            },
            Content::Symlink(target) => {
                tar.append_link(&mut self.header(EntryType::Symlink, 0), place, target)?;
            }
        }
        Ok(())
    }

    fn append_file(&self, tar: &mut Builder<impl Write>, place: &Path, source: &Path) -> Result<()> {
        let file = File::open(source).with_context(|| format!("open {}", source.display()))?;
        let about = file
            .metadata()
            .with_context(|| format!("look at {}", source.display()))?;
        if !about.is_file() {
            bail!("{} is not a file", source.display());
        }
        tar.append_data(&mut self.header(EntryType::Regular, about.len()), place, file)?;
        Ok(())
    }

    fn header(&self, kind: EntryType, size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(self.mode);
        header.set_uid(self.owner.0);
        header.set_gid(self.owner.1);
        header.set_mtime(0);
        header.set_size(size);
        header
    }
}

fn relative(path: &Path) -> PathBuf {
    path.components()
        .filter(|part| matches!(part, Component::Normal(_)))
        .collect()
}
