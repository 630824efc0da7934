//! A gzip member that is small on the wire and large in memory.

use flate2::{Compress, Compression, Crc, FlushCompress};

const MIB: usize = 1 << 20;

/// The header of a gzip member: deflate, no name, no time.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// The last block of a deflate stream, empty.
const LAST_BLOCK: [u8; 2] = [3, 0];

/// Builds a valid gzip body of about 1 KiB per MiB of zeros.
///
/// One MiB is compressed once and its block repeated, because compressing a GiB for a test takes
/// longer than the test.
pub(super) fn gzip(mib: usize) -> Vec<u8> {
    let zeros = vec![0; MIB];
    let mut block = Vec::with_capacity(4 << 10);
    // A full flush ends at a byte border and refers to nothing before it: blocks can be repeated.
    let packed = Compress::new(Compression::best(), false).compress_vec(
        &zeros,
        &mut block,
        FlushCompress::Full,
    );
    debug_assert!(packed.is_ok(), "zeros compress");
    let mut one = Crc::new();
    one.update(&zeros);
    let mut all = Crc::new();
    let mut body = HEADER.to_vec();
    for _ in 0..mib {
        body.extend_from_slice(&block);
        all.combine(&one);
    }
    body.extend_from_slice(&LAST_BLOCK);
    body.extend_from_slice(&all.sum().to_le_bytes());
    body.extend_from_slice(&all.amount().to_le_bytes());
    body
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_bomb_is_valid_and_small() {
        let bomb = gzip(3);
        assert!(bomb.len() < 8 << 10, "{} bytes", bomb.len());
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(bomb.as_slice()).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked.len(), 3 * MIB);
    }
}
