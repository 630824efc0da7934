//! Recorded exchanges: what a real provider said, without anybody's secret.
//!
//! A cassette is a file of JSON lines. The first names the format, `{"plughouse-cassette":1}`;
//! every other is one [`Exchange`].

mod content;
mod diff;
mod record;
mod redact;
mod replay;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use content::Content;
pub use record::{Recorder, Tape};
pub use redact::Redaction;
pub use replay::{Replay, Unmatched};

use crate::message::{Answer, Request};

/// The format that this crate writes and reads.
pub const FORMAT: u32 = 1;

/// Bytes of a recorded body; a cassette is read by people.
const BODY_BYTES_MAX: usize = 32 << 20;

/// The first line of a cassette.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Header {
    #[serde(rename = "plughouse-cassette")]
    format: u32,
}

/// What was asked: without origin, without credential, the query decoded.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The endpoint, where it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The method.
    pub method: String,
    /// The raw path.
    pub path: String,
    /// The query; its order does not matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// Headers, for the reader; they are not compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body; compared as JSON where both are.
    #[serde(default, skip_serializing_if = "Content::is_empty")]
    pub body: Content,
}

/// What was answered.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The headers that are safe to keep.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(default, skip_serializing_if = "Content::is_empty")]
    pub body: Content,
}

/// A request and its answer.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// What was asked.
    pub request: Asked,
    /// What was answered.
    pub response: Answered,
}

impl Exchange {
    /// Writes down an exchange, without what the redaction takes away.
    pub fn of(request: &Request, answer: &Answer, redaction: &Redaction) -> Self {
        let headers = answer.headers.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        // A secret inside a packed body would not be seen; a body that cannot be unpacked is left out.
        let body = answer.unpacked(BODY_BYTES_MAX).unwrap_or_default();
        Self {
            request: redaction.asked(request),
            response: Answered {
                status: answer.status,
                headers: redaction.headers(headers),
                body: redaction.body(&body),
            },
        }
    }
}

impl From<&Answered> for Answer {
    fn from(answered: &Answered) -> Self {
        let mut answer = Self::empty(answered.status);
        answer.body = answered.body.bytes().into();
        answer.headers = answered
            .headers
            .iter()
            .map(|(name, value)| (name.clone().into(), value.clone().into()))
            .collect();
        answer
    }
}

/// A file of exchanges, in the order in which they happened.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Cassette {
    /// The exchanges; the first stands on line 2 of the file.
    pub exchanges: Vec<Exchange>,
}

impl Cassette {
    /// Reads a cassette.
    pub fn parse(text: &str) -> Result<Self, CassetteError> {
        let mut lines = (1..).zip(text.lines());
        let header = lines.next().map_or("", |(_, line)| line);
        let header: Header = serde_json::from_str(header).map_err(|cause| {
            let expected = r#"the first line must be {"plughouse-cassette":1}"#;
            CassetteError::new(1, format!("not a cassette: {expected} ({cause})"))
        })?;
        if header.format != FORMAT {
            let found = header.format;
            return Err(CassetteError::new(
                1,
                format!(
                    "format {found} is unknown, this version reads {FORMAT}: record it again, or use the \
                version that wrote it"
                ),
            ));
        }
        let exchanges = lines.filter(|(_, line)| !line.trim().is_empty()).map(|(number, line)| {
            let exchange: Exchange = serde_json::from_str(line)
                .map_err(|cause| CassetteError::new(number, format!("not an exchange: {cause}")))?;
            exchange.request.body.check().and(exchange.response.body.check()).map_err(|cause| {
                CassetteError::new(number, format!("a body is not base64: {cause}"))
            })?;
            Ok(exchange)
        });
        Ok(Self { exchanges: exchanges.collect::<Result<_, _>>()? })
    }

    /// Reads a cassette from its file.
    pub fn load(path: &Path) -> Result<Self, CassetteError> {
        let in_file = |error: CassetteError| error.in_file(path);
        let text = std::fs::read_to_string(path)
            .map_err(|cause| CassetteError::new(0, format!("it cannot be read: {cause}")))
            .map_err(in_file)?;
        Self::parse(&text).map_err(in_file)
    }

    /// Writes the cassette to its file.
    pub fn save(&self, path: &Path) -> Result<(), CassetteError> {
        std::fs::write(path, self.to_string()).map_err(|cause| {
            CassetteError::new(0, format!("it cannot be written: {cause}")).in_file(path)
        })
    }
}

/// The text of the file.
impl fmt::Display for Cassette {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |value: serde_json::Result<String>| value.or(Err(fmt::Error));
        writeln!(f, "{}", line(serde_json::to_string(&Header { format: FORMAT }))?)?;
        for exchange in &self.exchanges {
            writeln!(f, "{}", line(serde_json::to_string(exchange))?)?;
        }
        Ok(())
    }
}

/// A cassette that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CassetteError {
    /// The file, if it came from one.
    pub path: Option<PathBuf>,
    /// The line, counted from one; zero for the file as a whole.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl CassetteError {
    fn new(line: usize, message: String) -> Self {
        Self { path: None, line, message }
    }

    fn in_file(self, path: &Path) -> Self {
        Self { path: Some(path.to_owned()), ..self }
    }
}

impl fmt::Display for CassetteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}:", path.display())?,
            None => f.write_str("cassette:")?,
        }
        match self.line {
            0 => write!(f, " {}", self.message),
            line => write!(f, "{line}: {}", self.message),
        }
    }
}

impl std::error::Error for CassetteError {}

#[cfg(test)]
mod tests;
