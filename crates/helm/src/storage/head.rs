//! The beginning of a record. Helm writes what a list shows first, and the chart's files and the manifest, which are most
//! of a record, after it.

use std::fmt;

use model::{ChartDocuments, ReleaseStatus};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserializer, de};
use serde_json::error::Category;

use super::codec;
use super::record::status;
use crate::record::{Info, Metadata};

/// Ends the reading once all is found; nobody is shown it.
const ENOUGH: &str = "enough is read";

/// What a list shows of a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordHead {
    /// The revision's state.
    pub status: ReleaseStatus,
    /// When it was last written, as Helm recorded it (RFC 3339).
    pub updated: Option<String>,
    /// What the chart says about itself; its change log is not read.
    pub documents: ChartDocuments,
}

impl RecordHead {
    /// Reads the head of a record as its object holds it. What follows may be damaged without being noticed.
    ///
    /// # Errors
    /// What is wrong, without the record's content.
    pub(crate) fn read(stored: &[u8]) -> Result<Self, String> {
        let mut found = Found::default();
        let mut json = serde_json::Deserializer::from_reader(codec::reader(stored)?);
        let read = json.deserialize_map(InRecord(&mut found));
        match read {
            Err(error) if !found.is_whole() => Err(match error.classify() {
                Category::Io => "it cannot be unpacked".to_owned(),
                Category::Syntax | Category::Data | Category::Eof => "it holds no release".to_owned(),
            }),
            Ok(()) if found.info.is_none() => Err("it holds no release".to_owned()),
            Ok(()) | Err(_) => {
                let info = found.info.unwrap_or_default();
                Ok(Self {
                    status: status(info.status.as_deref().unwrap_or_default()),
                    updated: info.last_deployed.filter(|time| !time.is_empty()),
                    documents: found.metadata.unwrap_or_default().documents(),
                })
            }
        }
    }
}

/// What was found so far.
#[derive(Default)]
struct Found {
    info: Option<Info>,
    metadata: Option<Metadata>,
}

impl Found {
    fn is_whole(&self) -> bool {
        self.info.is_some() && self.metadata.is_some()
    }

    /// Ends the reading where nothing more is wanted.
    fn go_on<E: de::Error>(&self) -> Result<(), E> {
        if self.is_whole() {
            Err(E::custom(ENOUGH))
        } else {
            Ok(())
        }
    }
}

/// The record's own keys.
struct InRecord<'a>(&'a mut Found);

impl<'de> Visitor<'de> for InRecord<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a release")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "info" => self.0.info = Some(map.next_value()?),
                "chart" => map.next_value_seed(InChart(&mut *self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            self.0.go_on()?;
        }
        Ok(())
    }
}

/// The chart's keys.
struct InChart<'a>(&'a mut Found);

impl<'de> DeserializeSeed<'de> for InChart<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for InChart<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a chart")
    }

    /// Helm writes `null` for a chart that it has not.
    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "metadata" {
                self.0.metadata = map.next_value()?;
                self.0.go_on()?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"name":"shop","info":{"first_deployed":"2026-01-02T03:04:05Z","last_deployed":"2026-02-03T04:05:06Z",
        "deleted":"","description":"Upgrade complete","status":"deployed","notes":"hello"},
        "chart":{"metadata":{"name":"web","version":"1.2.3","appVersion":"4.5","sources":["https://github.com/shop/web"]},"#;

    const TAIL: &str = r#""lock":null,"templates":[{"name":"a","data":"aGk="}],"values":{"password":"hunter2"}},
        "config":{},"manifest":"---\n","version":7,"namespace":"prod"}"#;

    fn head(json: &str) -> Result<RecordHead, String> {
        RecordHead::read(codec::encode(json.as_bytes()).unwrap().as_bytes())
    }

    #[test]
    fn a_list_needs_no_more_than_the_beginning() {
        let whole = head(&format!("{HEAD}{TAIL}")).unwrap();
        assert_eq!(whole.status, ReleaseStatus::Deployed);
        assert_eq!(whole.updated.as_deref(), Some("2026-02-03T04:05:06Z"));
        assert_eq!(whole.documents.identity.version, "1.2.3");
        assert_eq!(whole.documents.identity.app_version.as_deref(), Some("4.5"));
        assert_eq!(whole.documents.sources, ["https://github.com/shop/web"]);
        assert_eq!(head(HEAD), Ok(whole), "nothing after it is read");
    }

    #[test]
    fn the_order_of_the_keys_does_not_matter() {
        let sorted: serde_json::Value = serde_json::from_str(&format!("{HEAD}{TAIL}")).unwrap();
        let mut turned = serde_json::Map::new();
        turned.insert("chart".into(), sorted["chart"].clone());
        turned.insert("info".into(), sorted["info"].clone());
        let turned = serde_json::Value::Object(turned).to_string();
        assert_eq!(head(&turned), head(&format!("{HEAD}{TAIL}")));
    }

    #[test]
    fn a_record_without_compression_is_read() {
        use base64::Engine;
        let plain = base64::engine::general_purpose::STANDARD.encode(format!("{HEAD}{TAIL}"));
        assert!(RecordHead::read(plain.as_bytes()).is_ok());
    }

    #[test]
    fn a_broken_head_is_refused_without_its_content() {
        for stored in ["hunter2!", "H4sIAAAAAAAA", "", "aHVudGVyMg=="] {
            let told = RecordHead::read(stored.as_bytes()).unwrap_err();
            assert!(!told.contains("hunter2"), "{told}");
        }
        for json in [
            "{}",
            r#"{"info":"hunter2"}"#,
            &HEAD[..200],
            r#"{"chart":{"metadata":{}}}"#,
        ] {
            let told = head(json).unwrap_err();
            assert_eq!(told, "it holds no release", "{json}");
        }
    }

    #[test]
    fn a_release_without_a_chart_is_one() {
        let told = head(r#"{"info":{"status":"failed"},"chart":null}"#).unwrap();
        assert_eq!(
            (told.status, told.documents.identity.name),
            (ReleaseStatus::Failed, String::new())
        );
    }
}
