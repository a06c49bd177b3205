//! Helm's encoding of a record: JSON, compressed with gzip, in base64.

use std::io::{BufRead, BufReader, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::read::DecoderReader;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// The first bytes of gzip. Records of very old Helms are not compressed.
const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];

/// The most JSON that is unpacked. An object holds 1 MiB, and a record that packs better than 1:64 is no chart.
const LARGEST: u64 = 64 << 20;

/// Reads a record as its object holds it: for a Secret after the API's own base64.
///
/// # Errors
/// What is wrong with it, without its content.
pub(crate) fn decode(stored: &[u8]) -> Result<Vec<u8>, String> {
    let packed = STANDARD
        .decode(stored.trim_ascii())
        .map_err(|_| "it is not base64".to_owned())?;
    if !packed.starts_with(&GZIP) {
        return Ok(packed);
    }
    let mut json = Vec::new();
    GzDecoder::new(packed.as_slice())
        .take(LARGEST + 1)
        .read_to_end(&mut json)
        .map_err(|error| format!("it cannot be unpacked: {error}"))?;
    if json.len() as u64 > LARGEST {
        return Err(format!("it unpacks to more than {LARGEST} bytes"));
    }
    Ok(json)
}

/// Reads a record from its beginning, no further than is asked for.
///
/// # Errors
/// What is wrong with its very beginning, without its content.
pub(crate) fn reader(stored: &[u8]) -> Result<Box<dyn BufRead + '_>, String> {
    /// Characters of base64 that hold the first bytes.
    const BEGINNING: usize = 4;
    let stored = stored.trim_ascii();
    let beginning = STANDARD
        .decode(stored.get(..BEGINNING).unwrap_or(stored))
        .map_err(|_| "it is not base64".to_owned())?;
    let packed = DecoderReader::new(stored, &STANDARD);
    Ok(if beginning.starts_with(&GZIP) {
        Box::new(BufReader::new(GzDecoder::new(packed).take(LARGEST)))
    } else {
        Box::new(BufReader::new(packed))
    })
}

/// Writes a record as Helm does.
///
/// # Errors
/// Memory ran out.
pub(crate) fn encode(json: &[u8]) -> std::io::Result<String> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(json)?;
    Ok(STANDARD.encode(packer.finish()?))
}
