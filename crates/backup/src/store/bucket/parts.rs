//! Into how large parts an upload is cut.

/// How many parts S3 takes in one upload; others take as many or more.
pub(super) const MOST_PARTS: u64 = 10_000;

/// Small enough that several may be on their way at once; S3 takes none below 5 MiB.
const SMALLEST: u64 = 8 * MIB;

/// S3 takes no part above 5 GiB.
const LARGEST: u64 = 5 * 1024 * MIB;

/// What all parts on their way, and the one that is being filled, may hold together.
const IN_FLIGHT: u64 = 32 * MIB;

/// More connections than this bring nothing.
const MOST_AT_ONCE: usize = 4;

const MIB: u64 = 1 << 20;

/// How an upload goes up. All parts but the last are of one size, as some servers demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts {
    /// Bytes of a part.
    pub(super) bytes: u64,
    /// How many may be in memory at once: on their way, or being filled.
    pub(super) at_once: usize,
}

impl Parts {
    /// Parts of a size that somebody chose.
    pub(super) fn of(bytes: u64) -> Self {
        let at_once = usize::try_from(IN_FLIGHT / bytes.max(1))
            .unwrap_or(1)
            .clamp(1, MOST_AT_ONCE);
        Self { bytes, at_once }
    }
}

/// The parts for an object of about this size. What is expected of a dump is the size of its database, and it may come
/// out a fifth larger before the parts run out; packed, it is a fraction of it. At most 32 MiB are in memory up to
/// 260 GiB expected, and one part above.
pub(super) fn parts_for(expected: u64) -> Parts {
    const MARGIN: u64 = 5;
    let with_margin = expected.saturating_add(expected / MARGIN);
    let needed = with_margin.div_ceil(MOST_PARTS).next_multiple_of(MIB);
    let bytes = needed.clamp(SMALLEST, LARGEST);
    Parts::of(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_as_small_as_their_number_allows() {
        const GIB: u64 = 1 << 30;
        let table = [
            // expected, MiB in a part, parts in memory
            (0, 8, 4),
            (GIB, 8, 4),
            (60 * GIB, 8, 4),
            (66 * GIB, 9, 3),
            (130 * GIB, 16, 2),
            (260 * GIB, 32, 1),
            (1024 * GIB, 126, 1),
            (5 * 1024 * GIB, 630, 1),
            (20 * 1024 * GIB, 2517, 1),
            (u64::MAX, 5120, 1),
        ];
        for (expected, mebibytes, at_once) in table {
            let parts = parts_for(expected);
            assert_eq!(
                (parts.bytes / MIB, parts.at_once),
                (mebibytes, at_once),
                "{expected}"
            );
        }
    }

    #[test]
    fn what_is_expected_fits_with_a_fifth_to_spare_into_bounded_memory() {
        for exponent in 0..46 {
            let expected = 1_u64 << exponent;
            let parts = parts_for(expected);
            assert!(parts.bytes * MOST_PARTS >= expected + expected / 5, "{expected}");
            assert!(
                parts.bytes * parts.at_once as u64 <= IN_FLIGHT || parts.at_once == 1,
                "{expected}"
            );
        }
    }
}
