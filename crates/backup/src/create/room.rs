//! What the place where a dump runs has left, and how the dump is packed so that it does not take more.

use std::collections::BTreeMap;

use model::BackupFormat;

use crate::Packing;
use crate::server::Codec;

/// What pg_dump, pg_restore and the small programs between them may hold together for a schema of ordinary size,
/// unpacked: assumed, on the safe side.
const PIPELINE_MEMORY: u64 = 48 << 20;

/// What packing may add: assumed, on the safe side, for zstd at level 1; gzip needs less.
const PACKING_MEMORY: u64 = 16 << 20;

/// What pg_dump and pg_restore may hold for each table: assumed.
const TABLE_MEMORY: u64 = 16 << 10;

/// Cores that packing is worth: with less left, it would slow down the server more than it speeds up the way.
const PACKING_CORES: f64 = 0.25;

/// A limit that is none: version 1 of control groups writes the largest number of pages.
const UNLIMITED: u64 = 1 << 60;

/// What is left. `None` where there is no limit, or none that can be read.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Room {
    /// Bytes of memory, page cache counted as left.
    pub(crate) memory: Option<u64>,
    /// Cores.
    pub(crate) cores: Option<f64>,
    /// Whether pg_dump can pack with zstd by itself.
    pub(crate) own_zstd: bool,
}

/// How a dump is packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packed {
    /// What packs the stream behind pg_dump.
    pub(crate) codec: Codec,
    /// What pg_dump packs by itself: the value of its `--compress`.
    pub(crate) own: &'static str,
    /// Why not better, where it matters.
    pub(crate) reason: Option<String>,
}

/// The container has less memory left than a dump takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crowded {
    /// Bytes left.
    pub(crate) left: u64,
    /// Bytes needed.
    pub(crate) needed: u64,
}

impl Room {
    /// Reads what `examine.sh` said.
    pub(crate) fn read(text: &str) -> Self {
        let values: BTreeMap<&str, &str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("room ")?.split_once(' '))
            .map(|(key, value)| (key, value.trim()))
            .collect();
        let number = |key: &str| values.get(key)?.parse::<u64>().ok();
        let memory = number("memory-limit")
            .filter(|limit| *limit < UNLIMITED)
            .zip(number("memory-used"))
            .map(|(limit, used)| {
                let used = used.saturating_sub(number("memory-cache").unwrap_or(0));
                limit.saturating_sub(used)
            });
        let pair = |key: &str| {
            let (one, other) = values.get(key)?.split_once(' ')?;
            one.parse::<f64>().ok().zip(other.trim().parse::<f64>().ok())
        };
        let cores = pair("cpu-quota")
            .filter(|(quota, period)| *quota > 0.0 && *period > 0.0)
            .map(|(quota, period)| {
                let used = pair("cpu-used").map_or(0.0, |(used, of)| used / of.max(1.0));
                (quota / period - used).max(0.0)
            });
        Self {
            memory,
            cores,
            own_zstd: values.contains_key("own-zstd"),
        }
    }

    /// The best packing that is there and leaves the server what it has. `has` says which programs there are.
    pub(crate) fn pack(
        &self,
        wanted: Packing,
        format: BackupFormat,
        tables: usize,
        has: impl Fn(&str) -> bool,
    ) -> Result<Packed, Crowded> {
        let needed = PIPELINE_MEMORY + TABLE_MEMORY * tables as u64;
        if let Some(left) = self.memory.filter(|left| *left < needed) {
            return Err(Crowded { left, needed });
        }
        let plain = |reason: Option<String>| Packed {
            codec: Codec::None,
            own: "0",
            reason,
        };
        match wanted {
            Packing::None => return Ok(plain(None)),
            Packing::Best => {}
        }
        if let Some(left) = self.memory.filter(|left| *left < needed + PACKING_MEMORY) {
            let reason = format!("only {} MiB of the container's memory are left", left >> 20);
            return Ok(plain(Some(reason)));
        }
        if let Some(left) = self.cores.filter(|left| *left < PACKING_CORES) {
            return Ok(plain(Some(format!(
                "only {left:.2} of the container's cores are left"
            ))));
        }
        // A folder is packed file by file, by whoever writes the files.
        let inside = |own| Packed {
            codec: Codec::None,
            own,
            reason: None,
        };
        let outside = |codec| Packed {
            codec,
            own: "0",
            reason: None,
        };
        Ok(match format {
            BackupFormat::Directory if self.own_zstd => inside("zstd:1"),
            BackupFormat::Directory => inside("1"),
            BackupFormat::Custom | BackupFormat::Plain if has("zstd") => outside(Codec::Zstd),
            BackupFormat::Custom if self.own_zstd => inside("zstd:1"),
            BackupFormat::Custom | BackupFormat::Plain if has("gzip") => outside(Codec::Gzip),
            BackupFormat::Custom | BackupFormat::Plain => {
                plain(Some("neither zstd nor gzip is there".into()))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "room memory-limit 268435456\nroom memory-used 209715200\nroom memory-cache 104857600\n\
        room cpu-quota 50000 100000\nroom cpu-used 50000 250000\n{\"x\": 1}\n";

    fn packed(room: Room, format: BackupFormat, tools: &[&str]) -> Result<Packed, Crowded> {
        room.pack(Packing::Best, format, 10, |tool| tools.contains(&tool))
    }

    #[test]
    fn page_cache_counts_as_left_and_a_busy_core_does_not() {
        let room = Room::read(SAID);
        assert_eq!(room.memory, Some(156 << 20));
        assert!((room.cores.unwrap() - 0.3).abs() < 1e-9);
    }

    #[test]
    fn no_limit_is_no_limit() {
        let room = Room::read("room memory-limit max\nroom memory-used 5\nroom cpu-quota max 100000\n");
        assert_eq!((room.memory, room.cores), (None, None));
        let first = "room memory-limit 9223372036854771712\nroom memory-used 5\nroom cpu-quota -1 100000\n";
        assert_eq!(Room::read(first), Room::default());
        assert_eq!(
            Room::read("room cpu-quota  \nroom memory-limit \n"),
            Room::default()
        );
    }

    #[test]
    fn the_best_packer_that_is_there_is_taken() {
        let all = ["zstd", "gzip"];
        let codec = |own_zstd, tools: &[&str]| {
            let room = Room {
                own_zstd,
                ..Room::default()
            };
            let packed = packed(room, BackupFormat::Custom, tools).unwrap();
            (packed.codec, packed.own)
        };
        assert_eq!(codec(true, &all), (Codec::Zstd, "0"));
        assert_eq!(codec(true, &["gzip"]), (Codec::None, "zstd:1"));
        assert_eq!(codec(false, &["gzip"]), (Codec::Gzip, "0"));
        assert_eq!(codec(false, &[]), (Codec::None, "0"));
    }

    #[test]
    fn a_crowded_container_is_not_made_to_pack_and_a_full_one_not_to_dump() {
        let with = |memory: u64| Room {
            memory: Some(memory << 20),
            ..Room::default()
        };
        let tight = packed(with(60), BackupFormat::Custom, &["zstd"]).unwrap();
        assert_eq!(tight.codec, Codec::None);
        assert!(tight.reason.unwrap().contains("60 MiB"));
        assert_eq!(
            packed(with(20), BackupFormat::Custom, &["zstd"])
                .unwrap_err()
                .left,
            20 << 20
        );
        let slow = Room {
            cores: Some(0.1),
            ..Room::default()
        };
        assert_eq!(
            packed(slow, BackupFormat::Custom, &["zstd"]).unwrap().codec,
            Codec::None
        );
    }
}
