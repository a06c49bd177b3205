//! Who may open what is sealed: public keys, which are no secrets.

use std::fmt;
use std::io;

use thiserror::Error;

use crate::transfer::hash;

/// How many hex digits of a hash name a recipient.
const FINGERPRINT: usize = 16;

/// One public key.
#[derive(Clone)]
enum Recipient {
    Age(age::x25519::Recipient),
    Ssh(age::ssh::Recipient),
}

/// At least one public key.
#[derive(Clone)]
pub struct Recipients(Vec<Recipient>);

/// Why nobody can be sealed to.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecipientError {
    /// There is none.
    #[error("{0} names no recipient")]
    Nobody(String),
    /// A text is no public key.
    #[error("{place} is no recipient: expected age1…, ssh-ed25519 … or ssh-rsa …")]
    Unknown {
        /// The text, or its line in a file; the text of a secret key is never shown.
        place: String,
    },
    /// The file cannot be read.
    #[error("failed to read the recipients in {path}")]
    Read {
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl Recipients {
    /// From words that are each a public key (`age1…`, `ssh-ed25519 …`, `ssh-rsa …`) or a file with one in each line.
    ///
    /// # Errors
    /// When a word is neither, or there is none.
    pub fn parse(words: &[String]) -> Result<Self, RecipientError> {
        let mut all = Vec::new();
        for word in words {
            let word = word.trim();
            if looks_like_a_key(word) {
                let place = if is_secret(word) {
                    "a secret key".to_owned()
                } else {
                    format!("{word:?}")
                };
                all.push(recipient(word).ok_or(RecipientError::Unknown { place })?);
                continue;
            }
            let text = std::fs::read_to_string(word).map_err(|source| RecipientError::Read {
                path: word.to_owned(),
                source,
            })?;
            let before = all.len();
            for (number, line) in text.lines().enumerate() {
                let line = line.trim();
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                let place = || format!("line {} of {word}", number + 1);
                all.push(recipient(line).ok_or_else(|| RecipientError::Unknown { place: place() })?);
            }
            if all.len() == before {
                return Err(RecipientError::Nobody(word.to_owned()));
            }
        }
        if all.is_empty() {
            return Err(RecipientError::Nobody("nothing".into()));
        }
        Ok(Self(all))
    }

    /// A short name for each, by which a person can tell which key is needed; no secret.
    pub fn fingerprints(&self) -> Vec<String> {
        let fingerprint = |recipient: &Recipient| {
            let (kind, text) = match recipient {
                Recipient::Age(key) => ("age", key.to_string()),
                Recipient::Ssh(key) => ("ssh", key.to_string()),
            };
            format!("{kind}:{}", &hash(text.as_bytes())[..FINGERPRINT])
        };
        self.0.iter().map(fingerprint).collect()
    }

    /// What begins a sealed file. Every call makes a new file key.
    pub(super) fn encryptor(&self) -> io::Result<age::Encryptor> {
        let all = self.0.iter().map(|recipient| match recipient {
            Recipient::Age(key) => key as &dyn age::Recipient,
            Recipient::Ssh(key) => key as &dyn age::Recipient,
        });
        age::Encryptor::with_recipients(all).map_err(|error| io::Error::other(error.to_string()))
    }
}

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.fingerprints()).finish()
    }
}

fn looks_like_a_key(word: &str) -> bool {
    word.starts_with("age1") || word.starts_with("ssh-") || is_secret(word)
}

fn is_secret(word: &str) -> bool {
    word.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-")
}

fn recipient(text: &str) -> Option<Recipient> {
    if text.starts_with("ssh-") {
        text.parse().ok().map(Recipient::Ssh)
    } else {
        text.parse().ok().map(Recipient::Age)
    }
}
