//! Secret keys that open what was sealed. They are read from files, never taken from arguments.

use std::fmt;
use std::io;
use std::path::PathBuf;

use model::Secret;
use thiserror::Error;

/// How the text of an SSH key begins.
const SSH: &str = "-----BEGIN";

/// At least one secret key.
pub struct Identities {
    all: Vec<Box<dyn age::Identity + Send + Sync>>,
    files: Vec<String>,
}

/// Why a secret key cannot be used. Never tells what is in the file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The file cannot be read.
    #[error("failed to read the identity in {path}")]
    Read {
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It is no identity.
    #[error("{0} holds no identity: expected the output of age-keygen, or a private SSH key")]
    Unknown(String),
    /// It is protected by a passphrase, which nobody is there to be asked for in a script.
    #[error("the SSH key {0} is protected by a passphrase: use a copy without one, or an age identity")]
    Passphrase(String),
}

impl Identities {
    /// Reads files, each an age identity file or a private SSH key.
    ///
    /// # Errors
    /// When a file cannot be read or holds no identity.
    pub fn read(files: &[PathBuf]) -> Result<Self, IdentityError> {
        let mut all: Vec<Box<dyn age::Identity + Send + Sync>> = Vec::new();
        for file in files {
            let path = file.display().to_string();
            let text = match std::fs::read_to_string(file) {
                Ok(text) => Secret::new(text),
                Err(source) => return Err(IdentityError::Read { path, source }),
            };
            if text.expose().trim_start().starts_with(SSH) {
                all.push(Box::new(ssh(&text, &path)?));
                continue;
            }
            let found = age::IdentityFile::from_buffer(text.expose().as_bytes());
            let found = found.ok().and_then(|file| file.into_identities().ok());
            match found.filter(|found| !found.is_empty()) {
                Some(found) => all.extend(found),
                None => return Err(IdentityError::Unknown(path)),
            }
        }
        Ok(Self {
            all,
            files: files.iter().map(|file| file.display().to_string()).collect(),
        })
    }

    /// The files that they came from, for messages.
    pub(super) fn files(&self) -> String {
        self.files.join(", ")
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.all.iter().map(|identity| &**identity as &dyn age::Identity)
    }
}

fn ssh(text: &Secret, path: &str) -> Result<age::ssh::Identity, IdentityError> {
    let unknown = |_| IdentityError::Unknown(path.to_owned());
    let identity = age::ssh::Identity::from_buffer(text.expose().as_bytes(), None).map_err(unknown)?;
    match identity {
        age::ssh::Identity::Unencrypted(_) => Ok(identity),
        age::ssh::Identity::Encrypted(_) => Err(IdentityError::Passphrase(path.to_owned())),
        age::ssh::Identity::Unsupported(_) => Err(IdentityError::Unknown(path.to_owned())),
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identities").field(&self.files).finish()
    }
}
