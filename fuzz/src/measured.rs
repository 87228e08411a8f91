//! Rows of the history of measurements.

use sluice_store::read_measured;

/// The version of chunks.
const VERSION: u8 = 1;

/// What can be read of a row, and is written anew, stays as it is: of the bytes as they are, and of the bytes as the body
/// of a chunk with the right checksum.
pub fn hold(bytes: &[u8]) {
    for row in [bytes.to_vec(), chunk(bytes)] {
        let written = read_measured(&row);
        assert_eq!(read_measured(&written), written, "a row that is written anew changes");
    }
}

/// A chunk around a body: its length in LEB128 before it, and FNV-1a of 32 bits behind it.
pub fn chunk(body: &[u8]) -> Vec<u8> {
    let mut chunk = vec![VERSION];
    let mut length = body.len();
    while length >= 0x80 {
        chunk.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    chunk.push(length as u8);
    chunk.extend_from_slice(body);
    let checksum =
        body.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    chunk.extend_from_slice(&checksum.to_le_bytes());
    chunk
}
