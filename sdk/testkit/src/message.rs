//! Requests and answers as a provider sees them.

use std::borrow::Cow;
use std::io::{self, Read as _};
use std::sync::Arc;
use std::time::Duration;

use crate::text;

/// A request that reached a provider.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Request {
    /// The endpoint's name where the caller knows it (a native host, a cassette); sockets do not tell.
    pub endpoint: Option<String>,
    /// The method, as sent.
    pub method: String,
    /// The request target as it stood on the wire: raw path and query.
    pub target: String,
    /// Lower-case names with their values, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// The body, decoded from its transfer coding.
    pub body: Vec<u8>,
    /// The raw bytes of the request line and the headers; empty where there was no wire.
    pub head: Vec<u8>,
}

impl Request {
    /// A request without headers and body, for driving a provider by hand.
    pub fn new(method: impl Into<String>, target: impl Into<String>) -> Self {
        Self { method: method.into(), target: target.into(), ..Self::default() }
    }

    /// A request to an endpoint: the query is encoded and appended to the raw path.
    pub fn to_endpoint<'a>(
        endpoint: &str,
        method: &str,
        path: &str,
        query: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut target = path.to_owned();
        for (name, value) in query {
            target.push(if target.contains('?') { '&' } else { '?' });
            target.extend([&text::encoded(name), "=", &text::encoded(value)]);
        }
        Self { endpoint: Some(endpoint.to_owned()), ..Self::new(method, target) }
    }

    /// The same request with one more header.
    #[must_use]
    pub fn header_added(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// The same request with this body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The raw path, without the query.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The decoded pairs of the query, in order.
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        self.target.split_once('?').map_or_else(Vec::new, |(_, query)| text::query_pairs(query))
    }

    /// The first value of a query parameter, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        self.query_pairs().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The first value of a header; `name` is lower-case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// How the bytes of an answer reach the client.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Delivery {
    /// With a content length.
    #[default]
    Whole,
    /// In chunks.
    Chunked,
    /// The content length promises the whole body; the connection ends after this many bytes.
    Truncated(usize),
    /// In chunks; the connection ends after this many bytes, before the last chunk.
    ChunksCut(usize),
    /// The connection ends and nothing was sent.
    Severed,
    /// Nothing is sent until the server is told to release it or the client goes away.
    Stalled,
    /// The head and so many bytes are sent, the rest as with [`Self::Stalled`].
    StalledAfter(usize),
    /// In chunks; the body is repeated until the client goes away.
    Endless,
}

/// What a provider answers.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers; those of the framing are the server's.
    pub headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    /// The body, shared so that a page served a thousand times is held once.
    pub body: Arc<[u8]>,
    /// How it is delivered.
    pub delivery: Delivery,
    /// A real delay before the first byte, for benchmarks; a native host ignores it.
    pub delay: Duration,
}

impl Answer {
    /// The status by which a replay says that it has no answer; no provider uses it.
    pub const UNMATCHED: u16 = 599;

    /// An answer of that media type.
    pub fn new(status: u16, media_type: &'static str, body: impl Into<Arc<[u8]>>) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), media_type.into())],
            body: body.into(),
            delivery: Delivery::Whole,
            delay: Duration::ZERO,
        }
    }

    /// A JSON answer.
    pub fn json(status: u16, body: impl Into<Arc<[u8]>>) -> Self {
        Self::new(status, "application/json;charset=utf-8", body)
    }

    /// A JSON answer from a value; for answers that are not served often.
    pub fn value(status: u16, body: &serde_json::Value) -> Self {
        Self::json(status, body.to_string().into_bytes())
    }

    /// An answer of plain text.
    pub fn plain(status: u16, body: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body.as_bytes())
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        let mut answer = Self::new(status, "text/plain", Vec::new());
        answer.headers.clear();
        answer
    }

    /// The body without its content coding, cut after so many bytes.
    ///
    /// # Errors
    ///
    /// The body is not what the header says, or in another coding than gzip.
    pub fn unpacked(&self, bytes_max: usize) -> io::Result<Cow<'_, [u8]>> {
        let mut headers = self.headers.iter();
        let coding = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-encoding"));
        match coding.map(|(_, value)| value.as_ref()) {
            None | Some("identity") => Ok(self.body.get(..bytes_max).unwrap_or(&self.body).into()),
            Some("gzip") => {
                let mut body = Vec::new();
                let bytes_max = u64::try_from(bytes_max).unwrap_or(u64::MAX);
                let decoder = flate2::read::GzDecoder::new(&*self.body);
                decoder.take(bytes_max).read_to_end(&mut body)?;
                Ok(body.into())
            }
            Some(other) => {
                Err(io::Error::new(io::ErrorKind::Unsupported, format!("content coding {other}")))
            }
        }
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn header(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same answer, delivered that way.
    #[must_use]
    pub fn delivered(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// The same answer after a real delay.
    #[must_use]
    pub fn delayed(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}
