//! The server's own list of its files, and whether a copy is what it says. What is compared is what `pg_verifybackup`
//! compares: <https://www.postgresql.org/docs/current/backup-manifest-format.html>.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::inspect::{Found, Inspected};
use crate::transfer::hash;

/// How many differences are told; a broken copy may have as many as files.
const TOLD: usize = 10;

/// Files of the WAL are not in the list: the server says which part of the WAL is needed instead.
const WAL: &str = "pg_wal/";

/// How the name of a file begins that holds only what has changed since an earlier copy.
const INCREMENTAL: &str = "INCREMENTAL.";

/// The line that holds the hash of all lines before it.
const OWN_HASH: &[u8] = b"\"Manifest-Checksum\"";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List {
    files: Vec<Listed>,
    #[serde(rename = "WAL-Ranges")]
    wal_ranges: Vec<WalRange>,
    #[serde(rename = "Manifest-Checksum")]
    manifest_checksum: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    path: Option<String>,
    /// The path in hex, where it is no UTF-8.
    #[serde(rename = "Encoded-Path")]
    encoded_path: Option<String>,
    size: u64,
    #[serde(rename = "Checksum-Algorithm")]
    algorithm: Option<String>,
    checksum: Option<String>,
}

/// A part of the WAL without which the copy cannot become consistent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WalRange {
    /// The timeline.
    pub(super) timeline: u32,
    /// Where it begins.
    #[serde(rename = "Start-LSN")]
    pub(super) start: String,
    /// Where it ends.
    #[serde(rename = "End-LSN")]
    pub(super) end: String,
}

/// What the list says, and where the copy is something else.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) wal: Vec<WalRange>,
    /// Empty means that the copy is whole.
    pub(super) differences: Vec<String>,
}

/// Compares every file with the list, the list with its own hash, and looks for the WAL that is needed.
pub(super) fn judge(copy: &Inspected) -> Judged {
    let list: List = match serde_json::from_slice(&copy.manifest) {
        Ok(list) => list,
        Err(error) => {
            return Judged {
                wal: Vec::new(),
                differences: vec![format!("backup_manifest is none: {error}")],
            };
        }
    };
    let mut differences = Vec::new();
    match own_hash(&copy.manifest) {
        Some(found) if found == list.manifest_checksum => {}
        _ => differences.push("backup_manifest does not have the hash that it says".to_owned()),
    }
    let mut listed = BTreeSet::new();
    for file in &list.files {
        let Some(path) = file.name() else {
            differences.push("backup_manifest lists a file without a name".to_owned());
            continue;
        };
        differences.extend(file.differs(&path, copy.files.get(&path)));
        listed.insert(path);
    }
    if copy.files.keys().any(|path| is_incremental(path)) {
        differences
            .push("it is an incremental copy, of no use without the copies that it builds on".to_owned());
    }
    let unlisted = copy
        .files
        .keys()
        .filter(|path| !path.starts_with(WAL) && !listed.contains(*path));
    differences.extend(unlisted.map(|path| format!("{path} is not in backup_manifest")));
    if list.wal_ranges.is_empty() {
        differences.push("backup_manifest says of no WAL".to_owned());
    }
    for range in &list.wal_ranges {
        differences.extend(missing_wal(range, copy));
    }
    let more = differences.len().saturating_sub(TOLD);
    if more > 0 {
        differences.truncate(TOLD);
        differences.push(format!("and {more} more"));
    }
    Judged {
        wal: list.wal_ranges,
        differences,
    }
}

fn is_incremental(path: &str) -> bool {
    path.rsplit('/')
        .next()
        .is_some_and(|name| name.starts_with(INCREMENTAL))
}

impl Listed {
    fn name(&self) -> Option<String> {
        match (&self.path, &self.encoded_path) {
            (Some(path), _) => Some(path.clone()),
            (None, Some(hex)) => {
                let bytes: Option<Vec<u8>> = (0..hex.len())
                    .step_by(2)
                    .map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok())
                    .collect();
                // As the archive's own names are read.
                Some(String::from_utf8_lossy(&bytes?).into_owned())
            }
            (None, None) => None,
        }
    }

    fn differs(&self, path: &str, found: Option<&Found>) -> Option<String> {
        let Some(found) = found else {
            return Some(format!("{path} is missing"));
        };
        if found.bytes != self.size {
            return Some(format!(
                "{path} has {} bytes instead of {}",
                found.bytes, self.size
            ));
        }
        match (self.algorithm.as_deref(), &self.checksum) {
            (Some("SHA256"), Some(hash)) if *hash == found.sha256 => None,
            (Some("SHA256"), Some(_)) => Some(format!("{path} has another SHA256")),
            _ => Some(format!("{path} has no SHA256 in backup_manifest")),
        }
    }
}

/// The hash of everything before the line that says it.
fn own_hash(manifest: &[u8]) -> Option<String> {
    let at = manifest
        .windows(OWN_HASH.len())
        .rposition(|window| window == OWN_HASH)?;
    Some(hash(&manifest[..at]))
}

/// The segments of a range that the copy does not have.
fn missing_wal(range: &WalRange, copy: &Inspected) -> Vec<String> {
    let (Some(start), Some(end)) = (position(&range.start), position(&range.end)) else {
        return vec![format!(
            "backup_manifest says of WAL from {} to {}",
            range.start, range.end
        )];
    };
    let is_segment = |name: &str| name.len() == 24 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let segments = || {
        copy.files
            .iter()
            .filter_map(|(path, found)| Some((path.strip_prefix(WAL)?, found.bytes)))
            .filter(|(name, _)| is_segment(name))
    };
    let Some(size) = segments().map(|(_, bytes)| bytes).max().filter(|size| *size > 0) else {
        return vec!["the WAL that is needed is missing".to_owned()];
    };
    (start / size..=end.saturating_sub(1).max(start) / size)
        .filter_map(|number| {
            let of_one = (1_u64 << 32) / size;
            let name = format!(
                "{:08X}{:08X}{:08X}",
                range.timeline,
                number / of_one,
                number % of_one
            );
            match segments().find(|(found, _)| *found == name) {
                Some((_, bytes)) if bytes == size => None,
                Some(_) => Some(format!("WAL segment {name} is cut")),
                None => Some(format!("WAL segment {name} is missing")),
            }
        })
        .collect()
}

/// A position in the WAL as bytes: two hex numbers, the high half first.
fn position(text: &str) -> Option<u64> {
    let (high, low) = text.split_once('/')?;
    let high = u64::from(u32::from_str_radix(high, 16).ok()?);
    let low = u64::from(u32::from_str_radix(low, 16).ok()?);
    Some(high << 32 | low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::inspect::inspect;
    use crate::base::inspect::tests::archive;
    use crate::server::Codec;

    const SEGMENT: usize = 1 << 20;
    const ROWS: &[u8] = b"rows";
    const NAME: &str = "pg_wal/000000010000000000000003";

    fn manifest(rows: &[u8]) -> Vec<u8> {
        manifest_of("base/1/2", rows)
    }

    fn manifest_of(path: &str, rows: &[u8]) -> Vec<u8> {
        let lines = format!(
            "{{ \"PostgreSQL-Backup-Manifest-Version\": 1,\n\"Files\": [\n{{ \"Path\": \"{path}\", \"Size\": {}, \
             \"Last-Modified\": \"x\", \"Checksum-Algorithm\": \"SHA256\", \"Checksum\": \"{}\" }}\n],\n\
             \"WAL-Ranges\": [\n{{ \"Timeline\": 1, \"Start-LSN\": \"0/300028\", \"End-LSN\": \"0/300100\" }}\n],\n",
            rows.len(),
            hash(rows)
        );
        let own = hash(lines.as_bytes());
        format!("{lines}\"Manifest-Checksum\": \"{own}\"}}\n").into_bytes()
    }

    fn differences(files: &[(&str, &[u8])]) -> String {
        judge(&inspect(archive(files).as_slice(), Codec::None).unwrap())
            .differences
            .join("; ")
    }

    #[test]
    fn a_whole_copy_has_no_difference() {
        let (wal, manifest) = (vec![0; SEGMENT], manifest(ROWS));
        let copy: [(&str, &[u8]); 3] = [("base/1/2", ROWS), (NAME, &wal), ("backup_manifest", &manifest)];
        let judged = judge(&inspect(archive(&copy).as_slice(), Codec::None).unwrap());
        assert_eq!(judged.differences, Vec::<String>::new());
        assert_eq!(
            (judged.wal[0].timeline, judged.wal[0].start.as_str()),
            (1, "0/300028")
        );
    }

    #[test]
    fn every_kind_of_harm_is_told() {
        let (wal, list) = (vec![0; SEGMENT], manifest(ROWS));
        let list = list.as_slice();
        let told = |rows: &[u8], list: &[u8]| {
            differences(&[("base/1/2", rows), (NAME, &wal), ("backup_manifest", list)])
        };
        assert_eq!(told(b"rowz", list), "base/1/2 has another SHA256");
        assert_eq!(told(b"row", list), "base/1/2 has 3 bytes instead of 4");
        let text = String::from_utf8(list.to_vec()).unwrap();
        assert!(
            told(ROWS, text.replace("0/300100", "0/300101").as_bytes()).contains("does not have the hash"),
        );
        assert!(told(ROWS, b"{}").contains("backup_manifest is none"));
        assert_eq!(
            differences(&[(NAME, &wal), ("backup_manifest", list)]),
            "base/1/2 is missing"
        );
        assert_eq!(
            differences(&[("base/1/2", ROWS), ("backup_manifest", list)]),
            "the WAL that is needed is missing"
        );
        let other = "pg_wal/000000010000000000000004";
        assert_eq!(
            differences(&[("base/1/2", ROWS), (other, &wal), ("backup_manifest", list)]),
            "WAL segment 000000010000000000000003 is missing"
        );
        assert_eq!(
            differences(&[
                ("base/1/2", ROWS),
                (NAME, &wal),
                ("evil", b""),
                ("backup_manifest", list)
            ]),
            "evil is not in backup_manifest"
        );
    }

    #[test]
    fn an_incremental_copy_is_told_for_what_it_is() {
        let path = "base/1/INCREMENTAL.2";
        let (wal, list) = (vec![0; SEGMENT], manifest_of(path, ROWS));
        let told = differences(&[(path, ROWS), (NAME, &wal), ("backup_manifest", &list)]);
        assert_eq!(
            told,
            "it is an incremental copy, of no use without the copies that it builds on"
        );
        let (name, list) = ("base/1/INCREMENTAL", manifest_of("base/1/INCREMENTAL", ROWS));
        assert_eq!(
            differences(&[(name, ROWS), (NAME, &wal), ("backup_manifest", &list)]),
            ""
        );
    }

    #[test]
    fn a_file_without_a_hash_is_not_proven() {
        let text = String::from_utf8(manifest(ROWS))
            .unwrap()
            .replace("SHA256", "CRC32C");
        let wal = vec![0; SEGMENT];
        let told = differences(&[
            ("base/1/2", ROWS),
            (NAME, &wal),
            ("backup_manifest", text.as_bytes()),
        ]);
        assert!(told.contains("base/1/2 has no SHA256"), "{told}");
    }
}
