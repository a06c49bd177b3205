//! What backups are called.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use thiserror::Error;

/// A backup's id: `YYYYMMDDTHHMMSSZ-` and 8 hex digits, so that names sort by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BackupId(String);

/// A text that is no backup's id.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0:?} is no backup id: expected something like 20250131T235959Z-0a1b2c3d")]
pub struct IdError(String);

impl BackupId {
    /// A new id for a backup that begins now.
    pub fn new(now: Timestamp) -> Self {
        let time = now.strftime("%Y%m%dT%H%M%SZ");
        Self(format!("{time}-{:08x}", rand::random::<u32>()))
    }

    /// When it was begun, to the second; the epoch where the digits are no time.
    pub fn time(&self) -> Timestamp {
        let parsed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", &self.0[..16]);
        let zoned = parsed.ok().and_then(|time| time.to_zoned(TimeZone::UTC).ok());
        zoned.map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BackupId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let shape = b"00000000T000000Z-xxxxxxxx";
        let fits = text.len() == shape.len()
            && text.bytes().zip(shape).all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                b'x' => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
                _ => byte == *form,
            });
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError(text.to_owned()))
        }
    }
}

impl fmt::Display for BackupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_id_is_an_id() {
        let id = BackupId::new("2025-01-31T23:59:59Z".parse().unwrap());
        assert!(id.as_str().starts_with("20250131T235959Z-"));
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert_eq!(id.time().to_string(), "2025-01-31T23:59:59Z");
    }

    #[test]
    fn other_names_are_no_ids() {
        for text in [
            "",
            "..",
            "20250131T235959Z-",
            "20250131T235959Z-0A1B2C3D",
            "20250131T235959Z-0a1b2c3d.tmp",
        ] {
            assert!(text.parse::<BackupId>().is_err(), "{text}");
        }
    }
}
