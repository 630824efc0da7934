//! HTTP/1.1 over TCP, one request a connection: as much of it as the tests need.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// The longest that a test waits for bytes of an answer.
const PATIENCE: Duration = Duration::from_mins(2);

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The headers, by lower-case name.
    pub headers: Vec<(String, String)>,
    /// The content.
    pub text: String,
}

impl Answered {
    /// A header; empty where it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The content as JSON; nothing where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    fn is_chunked(&self) -> bool {
        self.header("transfer-encoding") == "chunked"
    }
}

/// An answer whose content still comes.
#[derive(Debug)]
pub struct Streamed {
    /// What has come of it: all but the content.
    pub head: Answered,
    content: BufReader<Content>,
}

/// The content of an answer, out of its chunks.
#[derive(Debug)]
struct Content {
    reader: BufReader<TcpStream>,
    is_chunked: bool,
    /// What is left of the chunk; all the rest of the connection where there are none.
    left: u64,
}

/// Sends the head of a request; the rest is to be written to the stream, and what is answered to be
/// read from it.
///
/// # Panics
///
/// When nobody is there.
#[expect(clippy::expect_used, reason = "a test that cannot run must fail")]
pub(crate) fn begin(
    address: &str,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
) -> TcpStream {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").expect("text");
    }
    let mut stream = TcpStream::connect(address).expect("a server");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time");
    stream.write_all((head + "\r\n").as_bytes()).expect("a reader");
    stream
}

/// Sends a request; what is answered is to be read from the stream.
pub(crate) fn open(
    address: &str,
    what: (&str, &str),
    headers: &[(&str, &str)],
    body: &[u8],
) -> TcpStream {
    let length = body.len().to_string();
    let headers = [headers, &[("content-length", length.as_str())]].concat();
    let mut stream = begin(address, what, &headers);
    // Who is refused by the head need not read the rest.
    drop(stream.write_all(body));
    stream
}

impl Streamed {
    /// Reads the head of an answer.
    ///
    /// # Errors
    ///
    /// When what comes is none, or the connection ends before.
    pub fn read(stream: TcpStream) -> io::Result<Self> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|text| text.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status line: {line:?}")))?;
        let mut headers = Vec::new();
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let head = Answered { status, headers, text: String::new() };
        let is_chunked = head.is_chunked();
        let left = if is_chunked { 0 } else { u64::MAX };
        let content = BufReader::new(Content { reader, is_chunked, left });
        Ok(Self { head, content })
    }

    /// The next line of the content, without its end; nothing after the last one.
    ///
    /// # Errors
    ///
    /// When the content is cut.
    pub fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let read = self.content.read_line(&mut line)?;
        Ok((read > 0).then(|| line.trim_end_matches('\n').to_owned()))
    }

    /// The answer with all of its content.
    ///
    /// # Errors
    ///
    /// When the content is cut, or is no text.
    pub fn whole(mut self) -> io::Result<Answered> {
        self.content.read_to_string(&mut self.head.text)?;
        Ok(self.head)
    }
}

impl Read for Content {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.is_chunked && self.left == 0 {
            let mut size = String::new();
            self.reader.read_line(&mut size)?;
            let size = u64::from_str_radix(size.trim_end(), 16);
            self.left = size.map_err(|_no_size| io::Error::other("the content is cut"))?;
            if self.left == 0 {
                self.is_chunked = false;
            }
        }
        let read = (&mut self.reader).take(self.left).read(bytes)?;
        self.left -= u64::try_from(read).unwrap_or_default();
        if self.is_chunked && self.left == 0 {
            // The end of the chunk is a line of its own.
            self.reader.read_line(&mut String::new())?;
        }
        Ok(read)
    }
}
