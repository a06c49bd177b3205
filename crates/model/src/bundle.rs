//! What a support archive holds, what was hidden in it and what is missing.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{API_VERSION, ExitCode};

/// By which rule a text was hidden. In the order in which one explains a text that several rules hide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HidingRule {
    /// A value of a Secret, or of a field whose name tells that it is one, as it stands there.
    KnownValue,
    /// Such a value in base64, alone or inside of a longer text that was encoded.
    KnownValueBase64,
    /// Such a value with `%XX` in it.
    KnownValueUrlEncoded,
    /// Such a value in hexadecimal digits.
    KnownValueHex,
    /// Such a value that goes on in the next line.
    KnownValueOverLines,
    /// The password, or the token, in an address.
    UrlPassword,
    /// What stands behind a name such as `password` or `token`.
    NamedValue,
    /// What looks like a token of a known kind, or stands where one is sent.
    Token,
    /// A private key.
    PrivateKey,
    /// What looks like a generated password; only where a Secret could not be read.
    LooksGenerated,
}

impl fmt::Display for HidingRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KnownValue => "known value",
            Self::KnownValueBase64 => "known value in base64",
            Self::KnownValueUrlEncoded => "known value, URL-encoded",
            Self::KnownValueHex => "known value in hexadecimal",
            Self::KnownValueOverLines => "known value over two lines",
            Self::UrlPassword => "password in an address",
            Self::NamedValue => "value behind a telling name",
            Self::Token => "token by its shape",
            Self::PrivateKey => "private key",
            Self::LooksGenerated => "looks like a generated password",
        })
    }
}

/// How many texts a rule hid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HiddenCount {
    /// The rule.
    pub rule: HidingRule,
    /// How many.
    pub count: usize,
}

/// How much of what belongs into a file is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BundleState {
    /// All of it.
    Whole,
    /// The newest part, within the bounds.
    Cut,
    /// What could be seen; the rest could not.
    Partial,
    /// Nothing: it could not be read.
    Unread,
    /// Nothing: there is none to be had.
    Unavailable,
    /// Nothing: the archive would have become too large.
    LeftOut,
    /// Nothing: it could not be made safe.
    Withheld,
}

impl fmt::Display for BundleState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole => "whole",
            Self::Cut => "cut",
            Self::Partial => "partial",
            Self::Unread => "not read",
            Self::Unavailable => "not available",
            Self::LeftOut => "left out",
            Self::Withheld => "withheld",
        })
    }
}

impl BundleState {
    /// Whether something is missing that ought to have been seen.
    pub fn is_gap(self) -> bool {
        match self {
            Self::Partial | Self::Unread | Self::Withheld => true,
            Self::Whole | Self::Cut | Self::Unavailable | Self::LeftOut => false,
        }
    }
}

/// A file of a support archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleFile {
    /// Its path inside the archive.
    pub path: String,
    /// What it tells.
    pub about: String,
    /// Its size, not packed.
    pub bytes: u64,
    /// How much of it is there.
    pub state: BundleState,
    /// Why not all of it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What was hidden in it.
    pub hidden: Vec<HiddenCount>,
}

/// A Secret whose values are not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnreadSecret {
    /// Its namespace.
    pub namespace: String,
    /// Its name, or what was asked for in words where it has none.
    pub name: String,
    /// Why it could not be read.
    pub why: String,
}

/// What was looked for in every file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchedValues {
    /// Secrets that were read for it.
    pub secrets: usize,
    /// Values that were looked for.
    pub values: usize,
    /// Values of less than four characters: they are hidden only behind a telling name.
    pub too_short: usize,
    /// Secrets whose values could not be looked for.
    pub unread: Vec<UnreadSecret>,
}

/// An archive that was written and read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleArchive {
    /// Where it is.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// sha256 of it, lower-case hex.
    pub sha256: String,
}

/// The index of a support archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleReport {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `BundleReport`.
    pub kind: String,
    /// The release.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// When it was gathered (RFC 3339).
    pub taken_at: String,
    /// The version of this program.
    pub version: String,
    /// Whether nothing is missing that ought to have been seen.
    pub complete: bool,
    /// Every file but the index itself.
    pub files: Vec<BundleFile>,
    /// What was hidden in all of them.
    pub hidden: Vec<HiddenCount>,
    /// What was looked for.
    pub searched: SearchedValues,
    /// The archive; none in the index inside of it and with `--inspect`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<BundleArchive>,
}

impl BundleReport {
    /// Sums up files.
    pub fn new(
        release: &str,
        namespace: &str,
        taken_at: &str,
        version: &str,
        files: Vec<BundleFile>,
        searched: SearchedValues,
    ) -> Self {
        Self {
            api_version: API_VERSION.into(),
            kind: "BundleReport".into(),
            release: release.to_owned(),
            namespace: namespace.to_owned(),
            taken_at: taken_at.to_owned(),
            version: version.to_owned(),
            complete: searched.unread.is_empty() && !files.iter().any(|file| file.state.is_gap()),
            hidden: total(files.iter().flat_map(|file| &file.hidden)),
            files,
            searched,
            archive: None,
        }
    }

    /// How the program ends with it. What could not be seen, and Secrets that could not be looked for, are never green.
    pub fn exit_code(&self) -> ExitCode {
        if self.complete {
            ExitCode::Done
        } else {
            ExitCode::CannotTell
        }
    }

    /// How many texts were hidden.
    pub fn hidden_count(&self) -> usize {
        self.hidden.iter().map(|hidden| hidden.count).sum()
    }
}

/// Counts by rule, in the order of the rules.
fn total<'a>(counts: impl Iterator<Item = &'a HiddenCount>) -> Vec<HiddenCount> {
    let mut by_rule = std::collections::BTreeMap::new();
    for hidden in counts {
        *by_rule.entry(hidden.rule).or_insert(0) += hidden.count;
    }
    by_rule
        .into_iter()
        .map(|(rule, count)| HiddenCount { rule, count })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(state: BundleState, hidden: &[(HidingRule, usize)]) -> BundleFile {
        BundleFile {
            path: "a.txt".into(),
            about: "a".into(),
            bytes: 1,
            state,
            note: None,
            hidden: hidden
                .iter()
                .map(|&(rule, count)| HiddenCount { rule, count })
                .collect(),
        }
    }

    fn report(files: Vec<BundleFile>, searched: SearchedValues) -> BundleReport {
        BundleReport::new("books", "shop", "2026-01-01T00:00:00Z", "0.1.0", files, searched)
    }

    #[test]
    fn what_could_not_be_seen_is_never_green_and_bounds_are() {
        let code = |state| report(vec![file(state, &[])], SearchedValues::default()).exit_code();
        for state in [
            BundleState::Whole,
            BundleState::Cut,
            BundleState::Unavailable,
            BundleState::LeftOut,
        ] {
            assert_eq!(code(state), ExitCode::Done, "{state}");
        }
        for state in [BundleState::Partial, BundleState::Unread, BundleState::Withheld] {
            assert_eq!(code(state), ExitCode::CannotTell, "{state}");
        }
        let unread = SearchedValues {
            unread: vec![UnreadSecret {
                namespace: "shop".into(),
                name: "db".into(),
                why: "forbidden".into(),
            }],
            ..SearchedValues::default()
        };
        assert_eq!(report(Vec::new(), unread).exit_code(), ExitCode::CannotTell);
    }

    #[test]
    fn counts_are_summed_by_rule() {
        let files = vec![
            file(
                BundleState::Whole,
                &[(HidingRule::Token, 1), (HidingRule::KnownValue, 2)],
            ),
            file(BundleState::Whole, &[(HidingRule::KnownValue, 3)]),
        ];
        let report = report(files, SearchedValues::default());
        let told: Vec<(HidingRule, usize)> = report.hidden.iter().map(|one| (one.rule, one.count)).collect();
        assert_eq!(told, [(HidingRule::KnownValue, 5), (HidingRule::Token, 1)]);
        assert_eq!(report.hidden_count(), 6);
    }
}
