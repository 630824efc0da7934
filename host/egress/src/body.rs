//! Reads an answer's body: bounded before and after decompression, in time and in ratio.

use std::io::{self, Read};
use std::time::Duration;

use bytes::Bytes;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::header::{self, HeaderMap};
use http_body_util::BodyExt as _;
use model::{Error, ErrorKind};
use tokio::time::{Instant, timeout_at};

use crate::budget::{Budget, too_late};
use crate::transport::Body;

/// The longest silence within a body; providers that compute do it before the first byte.
pub(crate) const BODY_STALL_MAX: Duration = Duration::from_secs(15);
/// The most that a compressed body may grow. JSON pages reach 30; deflate itself ends at 1,032.
pub(crate) const DECOMPRESSION_RATIO_MAX: usize = 100;
/// Bodies up to this size may have any ratio: a page of equal records compresses very well.
pub(crate) const DECOMPRESSION_FREE_BYTES: usize = 1 << 20;
/// How much is decompressed before other tasks get their turn.
const CHUNK_BYTES: usize = 64 << 10;

/// How the body is encoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Coding {
    Identity,
    Gzip,
    Deflate,
}

/// Reads the whole body of an answer with these headers.
pub(crate) async fn read(headers: &HeaderMap, body: Body, budget: &Budget) -> Result<Bytes, Error> {
    let coding = coding(headers)?;
    let mut reader = Reader { body, budget };
    if coding == Coding::Identity {
        return reader.plain().await;
    }
    let packed = reader.packed().await?;
    if packed.is_empty() {
        // An answer to HEAD or a 304 names the coding that a body would have.
        return Ok(packed);
    }
    unpack(coding, &packed, budget).await
}

fn coding(headers: &HeaderMap) -> Result<Coding, Error> {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let Some(first) = codings.next() else { return Ok(Coding::Identity) };
    let name = first.to_str().unwrap_or_default().trim().to_ascii_lowercase();
    match (name.as_str(), codings.next()) {
        ("identity" | "", None) => Ok(Coding::Identity),
        ("gzip" | "x-gzip", None) => Ok(Coding::Gzip),
        ("deflate", None) => Ok(Coding::Deflate),
        _ => Err(malformed(
            "egress.encoding",
            "the body has a content encoding that was not asked for",
        )),
    }
}

struct Reader<'a> {
    body: Body,
    budget: &'a Budget,
}

impl Reader<'_> {
    /// Reads a body as it is; every byte counts at once.
    async fn plain(&mut self) -> Result<Bytes, Error> {
        let Some(first) = self.chunk().await? else { return Ok(Bytes::new()) };
        self.budget.receive(first.len())?;
        let Some(second) = self.chunk().await? else { return Ok(first) };
        self.budget.receive(second.len())?;
        let mut whole = Vec::with_capacity(self.expected(first.len() + second.len()));
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&second);
        while let Some(chunk) = self.chunk().await? {
            self.budget.receive(chunk.len())?;
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.into())
    }

    /// Reads a compressed body, which may be as long as what it becomes may be.
    async fn packed(&mut self) -> Result<Bytes, Error> {
        let most = usize::try_from(self.budget.bytes_left()).unwrap_or(usize::MAX);
        let mut whole = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if chunk.len() > most - whole.len() {
                return Err(self.budget.no_bytes_left());
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.into())
    }

    /// Room for what was read and what the length promises, within the budget.
    fn expected(&self, read: usize) -> usize {
        let promised = hyper::body::Body::size_hint(&self.body).exact().unwrap_or(0);
        let promised = promised.min(self.budget.bytes_left());
        read + usize::try_from(promised).unwrap_or(0)
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let stall = Instant::now() + BODY_STALL_MAX;
            let until = stall.min(self.budget.deadline());
            let Ok(frame) = timeout_at(until, self.body.frame()).await else {
                return Err(if until == stall { stalled() } else { too_late() });
            };
            match frame {
                None => return Ok(None),
                Some(Err(_cut)) => return Err(truncated()),
                // Trailers are not passed on: nothing that was checked may be changed after.
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }
}

async fn unpack(coding: Coding, packed: &[u8], budget: &Budget) -> Result<Bytes, Error> {
    let mut decoder: Box<dyn Read + Send + '_> = match coding {
        Coding::Identity => Box::new(packed),
        Coding::Gzip => Box::new(MultiGzDecoder::new(packed)),
        // RFC 9110 means zlib; some servers send the bare stream.
        Coding::Deflate if is_zlib(packed) => Box::new(ZlibDecoder::new(packed)),
        Coding::Deflate => Box::new(DeflateDecoder::new(packed)),
    };
    let mut whole = Vec::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = decoder.read(&mut chunk).map_err(|error| undecodable(&error))?;
        let Some(piece) = chunk.get(..read).filter(|piece| !piece.is_empty()) else {
            return Ok(whole.into());
        };
        budget.receive(piece.len())?;
        whole.extend_from_slice(piece);
        let most = packed.len().saturating_mul(DECOMPRESSION_RATIO_MAX);
        if whole.len() > DECOMPRESSION_FREE_BYTES.max(most) {
            return Err(bomb(packed.len()));
        }
        tokio::task::yield_now().await;
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

fn bomb(packed: usize) -> Error {
    malformed(
        "egress.bomb",
        format!("a body of {packed} bytes grows more than {DECOMPRESSION_RATIO_MAX} times"),
    )
}

fn truncated() -> Error {
    Error::new(ErrorKind::Unavailable, "egress.truncated", "the body ended before its end")
}

fn stalled() -> Error {
    let seconds = BODY_STALL_MAX.as_secs();
    Error::new(
        ErrorKind::Timeout,
        "egress.stall",
        format!("no byte of the body came for {seconds} s"),
    )
}

fn malformed(code: &'static str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Malformed, code, message)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use http_body_util::Full;
    use hyper::body::Frame;
    use model::egress::HttpBudget;

    use super::*;

    const PAGE: &[u8] = br#"{"results":[{"id":"1"},{"id":"2"}]}"#;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    async fn read_with(codings: &[&str], body: Vec<u8>, budget_bytes: u64) -> Result<Bytes, Error> {
        let mut headers = HeaderMap::new();
        for coding in codings {
            headers.append(header::CONTENT_ENCODING, coding.parse().unwrap());
        }
        let budget = Budget::new(HttpBudget {
            calls: 1,
            request_bytes: 0,
            response_bytes: budget_bytes,
            deadline: std::time::Instant::now() + Duration::from_mins(1),
        });
        let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync();
        read(&headers, body, &budget).await
    }

    async fn code(codings: &[&str], body: Vec<u8>, budget_bytes: u64) -> String {
        read_with(codings, body, budget_bytes).await.unwrap_err().code
    }

    #[tokio::test]
    async fn body_is_decoded() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(PAGE).unwrap();
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
        bare.write_all(PAGE).unwrap();
        for (codings, body) in [
            (&[][..], PAGE.to_vec()),
            (&["identity"], PAGE.to_vec()),
            (&["gzip"], gzip(PAGE)),
            (&["X-GZIP"], gzip(PAGE)),
            (&["deflate"], zlib.finish().unwrap()),
            (&["deflate"], bare.finish().unwrap()),
        ] {
            assert_eq!(read_with(codings, body, 1000).await.unwrap(), PAGE, "{codings:?}");
        }
        assert_eq!(read_with(&["gzip"], Vec::new(), 1000).await.unwrap(), "");
    }

    #[tokio::test]
    async fn bomb_is_defused_before_the_budget_is_gone() {
        let bomb = gzip(&vec![0; 8 << 20]);
        assert_eq!(code(&["gzip"], bomb.clone(), 1 << 30).await, "egress.bomb");
        assert_eq!(code(&["gzip"], bomb, 1 << 19).await, "egress.response-bytes");
    }

    #[tokio::test]
    async fn bomb_in_a_second_member_is_defused() {
        let mut bomb = gzip(PAGE);
        bomb.extend(gzip(&vec![0; 8 << 20]));
        assert_eq!(code(&["gzip"], bomb, 1 << 30).await, "egress.bomb");
    }

    #[tokio::test]
    async fn body_that_is_not_what_it_says_is_refused() {
        assert_eq!(code(&["gzip"], PAGE.to_vec(), 1000).await, "egress.encoding");
        assert_eq!(code(&["br"], PAGE.to_vec(), 1000).await, "egress.encoding");
        assert_eq!(code(&["gzip, gzip"], gzip(PAGE), 1000).await, "egress.encoding");
        assert_eq!(code(&["gzip", "gzip"], gzip(PAGE), 1000).await, "egress.encoding");
        let mut cut = gzip(PAGE);
        cut.truncate(cut.len() - 9);
        assert_eq!(code(&["gzip"], cut, 1000).await, "egress.truncated");
    }

    #[tokio::test]
    async fn packed_and_plain_bodies_are_bounded() {
        assert_eq!(code(&[], PAGE.to_vec(), 10).await, "egress.response-bytes");
        assert_eq!(code(&["gzip"], gzip(PAGE), 10).await, "egress.response-bytes");
        assert!(read_with(&[], PAGE.to_vec(), u64::try_from(PAGE.len()).unwrap()).await.is_ok());
    }

    /// A body that never says anything.
    struct Silent;

    impl hyper::body::Body for Silent {
        type Data = Bytes;
        type Error = Box<dyn std::error::Error + Send + Sync>;

        fn poll_frame(
            self: Pin<&mut Self>,
            _context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_after_the_longest_stall_or_at_the_deadline() {
        for (seconds, code) in [(60, "egress.stall"), (5, "egress.deadline")] {
            let budget = Budget::new(HttpBudget {
                calls: 1,
                request_bytes: 0,
                response_bytes: 1,
                deadline: (Instant::now() + Duration::from_secs(seconds)).into_std(),
            });
            let body = Silent.boxed_unsync();
            let error = read(&HeaderMap::new(), body, &budget).await.unwrap_err();
            assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Timeout, code));
        }
    }
}
