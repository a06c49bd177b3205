//! Findings that a person answers for: which, who, why and until when.

use serde::{Deserialize, Serialize};

/// A file of waivers, as `--waivers` reads it. Unknown keys are errors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WaiverFile {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `Waivers`.
    pub kind: String,
    /// One entry for each finding that is answered for.
    pub waivers: Vec<Waiver>,
}

/// One finding that somebody answers for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Waiver {
    /// The check's id.
    pub check: String,
    /// Words that the finding must hold, such as the name of an object. Without them any finding of the check is meant.
    #[serde(default)]
    pub subject: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// Why it may stand.
    pub reason: String,
    /// The last day (`2026-12-31`, UTC) on which it holds.
    pub expires: String,
}

/// What a report says of a finding that is waived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waived {
    /// Who answers for it.
    pub owner: String,
    /// Why it may stand.
    pub reason: String,
    /// The last day on which it holds.
    pub expires: String,
}

impl Waiver {
    /// Whether it still holds on a day, both as `2026-12-31`.
    pub fn holds_on(&self, day: &str) -> bool {
        day <= self.expires.as_str()
    }

    /// Whether it means a finding of this check with this message.
    pub fn means(&self, check: &str, message: &str) -> bool {
        self.check == check
            && self
                .subject
                .as_deref()
                .is_none_or(|subject| message.contains(subject))
    }
}
