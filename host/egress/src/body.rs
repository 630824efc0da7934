//! Reads an answer's body: bounded before and after decompression, in time and in ratio.

mod unpack;

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap};
use http_body_util::BodyExt as _;
use model::{Error, ErrorKind};
use tokio::time::{Instant, timeout_at};

use crate::budget::{Budget, too_late};
use crate::transport::Body;
use unpack::{Coding, unpack};

/// The longest silence within a body; providers that compute do it before the first byte.
pub(crate) const BODY_STALL_MAX: Duration = Duration::from_secs(15);

/// Reads the whole body of an answer with these headers.
pub(crate) async fn read(headers: &HeaderMap, body: Body, budget: &Budget) -> Result<Bytes, Error> {
    let coding = coding(headers)?;
    let mut reader = Reader { body, budget };
    let wire = reader.wire().await?;
    match coding {
        // An answer to HEAD or a 304 names the coding that a body would have.
        Some(coding) if !wire.is_empty() => unpack(coding, &wire, budget).await,
        _ => Ok(wire),
    }
}

fn coding(headers: &HeaderMap) -> Result<Option<Coding>, Error> {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let Some(first) = codings.next() else { return Ok(None) };
    let name = first.to_str().unwrap_or_default().trim().to_ascii_lowercase();
    match (name.as_str(), codings.next()) {
        ("identity" | "", None) => Ok(None),
        ("gzip" | "x-gzip", None) => Ok(Some(Coding::Gzip)),
        ("deflate", None) => Ok(Some(Coding::Deflate)),
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
    /// Reads a body as it came over the wire; every byte counts at once, so that bodies which
    /// arrive at the same time share the budget.
    async fn wire(&mut self) -> Result<Bytes, Error> {
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

    use super::unpack::GZIP_MEMBERS_MAX;
    use super::*;

    const PAGE: &[u8] = br#"{"results":[{"id":"1"},{"id":"2"}]}"#;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn budget(response_bytes: u64) -> Budget {
        Budget::new(HttpBudget {
            calls: 1,
            request_bytes: 0,
            response_bytes,
            deadline: std::time::Instant::now() + Duration::from_mins(1),
        })
    }

    fn whole(body: Vec<u8>) -> Body {
        Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync()
    }

    async fn read_with(codings: &[&str], body: Vec<u8>, budget_bytes: u64) -> Result<Bytes, Error> {
        let mut headers = HeaderMap::new();
        for coding in codings {
            headers.append(header::CONTENT_ENCODING, coding.parse().unwrap());
        }
        read(&headers, whole(body), &budget(budget_bytes)).await
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

    #[tokio::test]
    async fn larger_of_packed_and_plain_counts() {
        let gzip_headers =
            HeaderMap::from_iter([(header::CONTENT_ENCODING, "gzip".parse().unwrap())]);
        let zeros = gzip(&[0; 10_000]);
        let empty: Vec<u8> = (0..100).flat_map(|_| gzip(b"")).collect();
        let packed = empty.len();
        for (body, counted) in [(zeros, 10_000), (empty, packed)] {
            let budget = budget(1 << 20);
            read(&gzip_headers, whole(body), &budget).await.unwrap();
            assert_eq!(budget.usage().bytes_in, u64::try_from(counted).unwrap());
        }
    }

    #[tokio::test]
    async fn packed_bodies_that_arrive_together_share_the_budget() {
        let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, "gzip".parse().unwrap())]);
        let budget = budget(1000);
        budget.receive(900).unwrap();
        let first = Bytes::from_static(&[0x1f; 101]);
        let error = read(&headers, whole(first.to_vec()), &budget).await.unwrap_err();
        assert_eq!(error.code, "egress.response-bytes");
    }

    #[tokio::test]
    async fn members_without_end_are_refused() {
        let members = |count| -> Vec<u8> { (0..count).flat_map(|_| gzip(b"a")).collect() };
        let most = read_with(&["gzip"], members(GZIP_MEMBERS_MAX), 1 << 20).await.unwrap();
        assert_eq!(most.len(), GZIP_MEMBERS_MAX);
        let error = code(&["gzip"], members(GZIP_MEMBERS_MAX + 1), 1 << 20).await;
        assert_eq!(error, "egress.encoding");
    }

    /// Counts how often others get their turn while a body is read.
    async fn turns(body: Vec<u8>) -> usize {
        let reading = read_with(&["deflate"], body, 1 << 30);
        let mut reading = std::pin::pin!(reading);
        let mut turns = 0;
        while std::future::poll_fn(|context| Poll::Ready(reading.as_mut().poll(context)))
            .await
            .is_pending()
        {
            turns += 1;
        }
        turns
    }

    #[tokio::test]
    async fn blocks_that_hold_nothing_do_not_keep_others_waiting() {
        // Stored blocks of no bytes, and the last one.
        let mut body = [0, 0, 0, 0xff, 0xff].repeat(64 << 10);
        body.extend([1, 0, 0, 0xff, 0xff]);
        assert!(turns(body).await >= 5);
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
