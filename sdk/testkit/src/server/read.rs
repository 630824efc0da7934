//! Reads requests from a connection.

use std::io::{self, Read as _};
use std::net::TcpStream;

use crate::message::Request;

/// Bytes of a request line and its headers; lists of property names alone reach 15,000.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// Headers of a request; twice what a careful client sends.
const HEADERS_MAX: usize = 128;

/// Bytes of a request body; the largest upload piece of a provider is 60 MiB.
const BODY_BYTES_MAX: usize = 64 << 20;

/// Bytes asked from the socket at once: one page of a typical answer the other way round.
const READ_BYTES: usize = 16 << 10;

/// The requests of one connection.
pub(super) struct Reader<'a> {
    stream: &'a TcpStream,
    /// What was read and not used yet; may begin with the next request.
    buffer: Vec<u8>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(stream: &'a TcpStream) -> Self {
        Self { stream, buffer: Vec::with_capacity(READ_BYTES) }
    }

    /// Reads the next request, or `None` when the client has ended the connection between two.
    ///
    /// `InvalidData` is a request that is not HTTP or too large.
    pub(super) fn request(&mut self) -> io::Result<Option<Request>> {
        let (mut request, framing) = loop {
            if let Some((length, request, framing)) = parse(&self.buffer)? {
                self.buffer.drain(..length);
                break (request, framing);
            }
            if self.buffer.len() > HEAD_BYTES_MAX {
                return Err(invalid("the head of the request is larger than 64 KiB"));
            }
            if !self.more()? {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        };
        request.body = match framing {
            Framing::Length(length) => self.take(length)?,
            Framing::Chunked => self.chunks()?,
        };
        Ok(Some(request))
    }

    /// Takes exactly that many bytes.
    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        if length > BODY_BYTES_MAX {
            return Err(invalid("the body of the request is larger than 64 MiB"));
        }
        while self.buffer.len() < length {
            if !self.more()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.buffer.drain(..length).collect())
    }

    /// Takes a chunked body; trailers are read and dropped.
    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = self.chunk_size()?;
            if size == 0 {
                while !self.line()?.is_empty() {}
                return Ok(body);
            }
            if size > BODY_BYTES_MAX - body.len() {
                return Err(invalid("the body of the request is larger than 64 MiB"));
            }
            body.append(&mut self.take(size)?);
            if !self.line()?.is_empty() {
                return Err(invalid("a chunk is longer than its size says"));
            }
        }
    }

    fn chunk_size(&mut self) -> io::Result<usize> {
        let line = self.line()?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 16).ok();
        size.ok_or_else(|| invalid("a chunk size is not hexadecimal"))
    }

    /// Takes one line without its end.
    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(at) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..at + 2).take(at).collect();
                return Ok(String::from_utf8_lossy(&line).into_owned());
            }
            if self.buffer.len() > HEAD_BYTES_MAX {
                return Err(invalid("a line of a chunked body is larger than 64 KiB"));
            }
            if !self.more()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Reads what is there; false at the end of the stream.
    fn more(&mut self) -> io::Result<bool> {
        let held = self.buffer.len();
        self.buffer.resize(held + READ_BYTES, 0);
        let read = self.stream.read(self.buffer.get_mut(held..).unwrap_or_default());
        self.buffer.truncate(held + read.as_ref().copied().unwrap_or(0));
        Ok(read? > 0)
    }
}

/// Reads and drops until the other side or the server ends the connection.
pub(super) fn until_end(mut stream: &TcpStream) {
    let mut scratch = [0; 1024];
    while stream.read(&mut scratch).is_ok_and(|read| read > 0) {}
}

enum Framing {
    Length(usize),
    Chunked,
}

/// Parses a head once it is complete: its length, the request without body, and the framing.
fn parse(bytes: &[u8]) -> io::Result<Option<(usize, Request, Framing)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(invalid(&format!("not an HTTP request: {error}"))),
    };
    let request = Request {
        endpoint: None,
        method: parsed.method.unwrap_or_default().to_owned(),
        target: parsed.path.unwrap_or_default().to_owned(),
        headers: parsed
            .headers
            .iter()
            .map(|it| {
                (it.name.to_ascii_lowercase(), String::from_utf8_lossy(it.value).into_owned())
            })
            .collect(),
        body: Vec::new(),
        head: bytes.get(..length).unwrap_or_default().to_vec(),
    };
    let framing = framing(&request)?;
    Ok(Some((length, request, framing)))
}

fn framing(request: &Request) -> io::Result<Framing> {
    if let Some(coding) = request.header("transfer-encoding") {
        return if coding.eq_ignore_ascii_case("chunked") {
            Ok(Framing::Chunked)
        } else {
            Err(invalid("the transfer coding is not chunked"))
        };
    }
    match request.header("content-length") {
        None => Ok(Framing::Length(0)),
        Some(length) => {
            let length = length.parse().ok().map(Framing::Length);
            length.ok_or_else(|| invalid("the content length is not a number"))
        }
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}
