//! A fact as the observer met it.

use serde::{Deserialize, Serialize};

/// A fact that was looked for.
///
/// `Unreadable` is not `Absent`: what could not be read must never be judged as if it were not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "seen", content = "value")]
pub enum Seen<T> {
    /// The fact was read.
    Present(T),
    /// The place was read and holds no such fact.
    Absent,
    /// The place could not be read; the reason is for the user and holds no secret.
    Unreadable(String),
}

impl<T> Seen<T> {
    /// The fact, if it was read.
    pub fn present(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Absent | Self::Unreadable(_) => None,
        }
    }

    /// What a look that was kept by an older version never asked for. It is unknown and not absent, which may be good.
    pub fn not_asked() -> Self {
        Self::Unreadable("the look was kept before this was asked".to_owned())
    }

    /// Turns the result of a look-up into a fact: an error becomes `Unreadable` with its whole chain as the reason.
    pub fn from_result<E: std::error::Error>(result: Result<Option<T>, E>) -> Self {
        match result {
            Ok(Some(value)) => Self::Present(value),
            Ok(None) => Self::Absent,
            Err(error) => Self::Unreadable(crate::causes(&error)),
        }
    }

    /// Applies `change` to a fact that is present.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Seen<U> {
        match self {
            Self::Present(value) => Seen::Present(change(value)),
            Self::Absent => Seen::Absent,
            Self::Unreadable(why) => Seen::Unreadable(why),
        }
    }
}
