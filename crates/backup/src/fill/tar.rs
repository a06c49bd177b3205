//! Whether a tar is whole. pg_restore reads one that is cut off round in circles, and tar takes one that is cut between
//! two files for complete.

/// The unit of a tar.
const BLOCK: usize = 512;

/// Where a header says how long its file is, in octal digits, or in bytes after a first one with its highest bit set.
const SIZE: std::ops::Range<usize> = 124..136;

/// Reads a tar, piece by piece.
pub(super) struct TarScan {
    header: Vec<u8>,
    /// What is left of the file, filled up to whole blocks.
    skip: u64,
    zero_blocks: usize,
    readable: bool,
}

impl TarScan {
    pub(super) fn new() -> Self {
        Self {
            header: Vec::with_capacity(BLOCK),
            skip: 0,
            zero_blocks: 0,
            readable: true,
        }
    }

    /// Reads on.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        // What stands behind the end means nothing.
        while !bytes.is_empty() && !self.has_ended() && self.readable {
            if self.skip > 0 {
                let now = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
                bytes = &bytes[now..];
                self.skip -= now as u64;
                continue;
            }
            let now = (BLOCK - self.header.len()).min(bytes.len());
            self.header.extend_from_slice(&bytes[..now]);
            bytes = &bytes[now..];
            if self.header.len() == BLOCK {
                self.block();
                self.header.clear();
            }
        }
    }

    /// Whether it came to its end: two blocks of zeros.
    pub(super) fn has_ended(&self) -> bool {
        self.zero_blocks == 2
    }

    fn block(&mut self) {
        if self.header.iter().all(|byte| *byte == 0) {
            self.zero_blocks += 1;
            return;
        }
        self.zero_blocks = 0;
        match size(&self.header[SIZE]) {
            Some(size) => self.skip = size.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64),
            None => self.readable = false,
        }
    }
}

fn size(field: &[u8]) -> Option<u64> {
    if field.first()? & 0x80 != 0 {
        let number = field.iter().skip(field.len() - 8);
        return Some(number.fold(0, |size, byte| size << 8 | u64::from(*byte)));
    }
    let digits: String = field
        .iter()
        .take_while(|byte| **byte != 0)
        .map(|byte| char::from(*byte))
        .collect();
    u64::from_str_radix(digits.trim(), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in [("toc.dat", 700), ("1.dat", 0), ("2.dat", 512)] {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes);
            header.set_cksum();
            let content = vec![1; bytes as usize];
            builder
                .append_data(&mut header, name, content.as_slice())
                .unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn a_tar_is_whole_once_its_end_was_read_and_not_before() {
        let whole = tar();
        for end in 0..=whole.len() {
            for piece in [7, 4096] {
                let mut scan = TarScan::new();
                whole[..end].chunks(piece).for_each(|piece| scan.feed(piece));
                assert_eq!(
                    scan.has_ended(),
                    end == whole.len(),
                    "after {end} of {}",
                    whole.len()
                );
            }
        }
        let mut garbage = TarScan::new();
        garbage.feed(&[b'x'; 2048]);
        assert!(!garbage.has_ended());
    }
}
