//! Decompresses a body: bounded in size, in ratio, in pieces and in work at a time.

use std::io::{self, BufRead, Read};

use bytes::Bytes;
use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};
use model::Error;

use super::{malformed, truncated};
use crate::budget::Budget;

/// The most that a compressed body may grow. JSON pages reach 30; deflate itself ends at 1,032.
const DECOMPRESSION_RATIO_MAX: usize = 100;
/// Bodies up to this size may have any ratio: a page of equal records compresses very well.
const DECOMPRESSION_FREE_BYTES: usize = 1 << 20;
/// How much is decompressed, in or out, before other tasks get their turn.
const CHUNK_BYTES: usize = 64 << 10;
/// The most pieces of a gzip body. Servers that join files send one each, bgzip one for 64 KiB;
/// each costs a new decoder, and 20 bytes are enough for one.
pub(super) const GZIP_MEMBERS_MAX: usize = 1024;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Coding {
    Gzip,
    Deflate,
}

/// Decompresses a whole body.
pub(super) async fn unpack(coding: Coding, packed: &[u8], budget: &Budget) -> Result<Bytes, Error> {
    let mut plain = Plain { whole: Vec::new(), packed: packed.len(), budget };
    let mut feed = Feed { rest: packed, turn: CHUNK_BYTES };
    match coding {
        // RFC 9110 means zlib; some servers send the bare stream.
        Coding::Deflate if is_zlib(packed) => plain.drain(&mut ZlibDecoder::new(feed)).await?,
        Coding::Deflate => plain.drain(&mut DeflateDecoder::new(feed)).await?,
        Coding::Gzip => {
            for _member in 0..GZIP_MEMBERS_MAX {
                let mut member = GzDecoder::new(feed);
                plain.drain(&mut member).await?;
                feed = member.into_inner();
                if feed.rest.is_empty() {
                    return Ok(plain.whole.into());
                }
                tokio::task::yield_now().await;
            }
            return Err(pieces());
        }
    }
    Ok(plain.whole.into())
}

/// What has been decompressed.
struct Plain<'a> {
    whole: Vec<u8>,
    /// How much it was before; so much has been counted.
    packed: usize,
    budget: &'a Budget,
}

impl Plain<'_> {
    /// Reads a decoder to its end; others get their turn after every chunk in or out.
    async fn drain(&mut self, decoder: &mut (impl Read + Send)) -> Result<(), Error> {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            match decoder.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(read) => self.take(chunk.get(..read).unwrap_or_default())?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(undecodable(&error)),
            }
            tokio::task::yield_now().await;
        }
    }

    /// Counts what goes beyond the bytes that came over the wire, and keeps all of it.
    fn take(&mut self, piece: &[u8]) -> Result<(), Error> {
        let counted = self.packed.max(self.whole.len());
        let length = self.whole.len() + piece.len();
        self.budget.receive(length.saturating_sub(counted))?;
        let most = self.packed.saturating_mul(DECOMPRESSION_RATIO_MAX);
        if length > DECOMPRESSION_FREE_BYTES.max(most) {
            return Err(bomb(self.packed));
        }
        self.whole.extend_from_slice(piece);
        Ok(())
    }
}

/// A compressed body that pauses now and then: blocks that hold nothing would otherwise be worked
/// off all at once.
struct Feed<'a> {
    rest: &'a [u8],
    /// Bytes until the next pause.
    turn: usize,
}

impl BufRead for Feed<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.turn == 0 {
            self.turn = CHUNK_BYTES;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(self.rest.get(..self.turn).unwrap_or(self.rest))
    }

    fn consume(&mut self, amount: usize) {
        self.rest = self.rest.get(amount..).unwrap_or_default();
        self.turn = self.turn.saturating_sub(amount);
    }
}

impl Read for Feed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

/// RFC 1950: the method is deflate and the first two bytes are a multiple of 31.
fn is_zlib(bytes: &[u8]) -> bool {
    let [first, second, ..] = bytes else { return false };
    first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)).is_multiple_of(31)
}

fn undecodable(error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        truncated()
    } else {
        malformed("egress.encoding", "the body is not what its content encoding says")
    }
}

fn pieces() -> Error {
    let message = format!("the body consists of more than {GZIP_MEMBERS_MAX} gzip members");
    malformed("egress.encoding", message)
}

fn bomb(packed: usize) -> Error {
    malformed(
        "egress.bomb",
        format!("a body of {packed} bytes grows more than {DECOMPRESSION_RATIO_MAX} times"),
    )
}
