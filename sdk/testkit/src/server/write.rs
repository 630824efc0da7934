//! Writes answers to a connection.

use std::io::{self, IoSlice, Write as _};
use std::net::TcpStream;

use crate::message::{Answer, Delivery};

/// Bytes of one chunk: small enough that a page takes several.
const CHUNK_BYTES: usize = 8 << 10;

/// Writes an answer; returns whether the connection can carry another one.
///
/// `released` waits where the answer stalls, and says whether to go on.
pub(super) fn answer(
    stream: &TcpStream,
    method: &str,
    answer: &Answer,
    released: impl Fn() -> bool,
) -> io::Result<bool> {
    let body: &[u8] = &answer.body;
    match answer.delivery {
        Delivery::Severed => {}
        _ if method == "HEAD" || matches!(answer.status, 204 | 304) => {
            all(stream, &[head(answer, None).as_bytes()])?;
            return Ok(true);
        }
        Delivery::Whole => {
            all(stream, &[head(answer, Some(body.len())).as_bytes(), body])?;
            // An answer that announces the end of the connection ends it.
            return Ok(!answer.headers.iter().any(|(name, _)| name == "connection"));
        }
        Delivery::Stalled => {
            if released() {
                all(stream, &[head(answer, Some(body.len())).as_bytes(), body])?;
            }
        }
        Delivery::StalledAfter(sent) => {
            let (sent, rest) = body.split_at_checked(sent).unwrap_or((body, &[]));
            all(stream, &[head(answer, Some(body.len())).as_bytes(), sent])?;
            if released() {
                all(stream, &[rest])?;
            }
        }
        Delivery::Truncated(sent) => {
            let sent = body.get(..sent).unwrap_or(body);
            // A body that is sent to its end would not be cut: promise one byte more.
            let promised = body.len().max(sent.len() + 1);
            all(stream, &[head(answer, Some(promised)).as_bytes(), sent])?;
        }
        Delivery::Chunked => {
            all(stream, &[chunked_head(answer).as_bytes()])?;
            chunks(stream, body)?;
            all(stream, &[b"0\r\n\r\n"])?;
            return Ok(true);
        }
        Delivery::ChunksCut(sent) => {
            all(stream, &[chunked_head(answer).as_bytes()])?;
            chunks(stream, body.get(..sent).unwrap_or(body))?;
        }
        Delivery::Endless => {
            all(stream, &[chunked_head(answer).as_bytes()])?;
            let endless = if body.is_empty() { b" ".as_slice() } else { body };
            loop {
                // Ends with the client: a write to a closed connection is an error.
                chunks(stream, endless)?;
            }
        }
    }
    Ok(false)
}

fn chunks(stream: &TcpStream, body: &[u8]) -> io::Result<()> {
    for chunk in body.chunks(CHUNK_BYTES) {
        all(stream, &[format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"])?;
    }
    Ok(())
}

fn head(answer: &Answer, length: Option<usize>) -> String {
    let mut head = start(answer);
    if let Some(length) = length {
        write_line(&mut head, "content-length", &length.to_string());
    }
    head.push_str("\r\n");
    head
}

fn chunked_head(answer: &Answer) -> String {
    let mut head = start(answer);
    head.push_str("transfer-encoding: chunked\r\n\r\n");
    head
}

fn start(answer: &Answer) -> String {
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, reason(answer.status));
    for (name, value) in &answer.headers {
        write_line(&mut head, name, value);
    }
    head
}

fn write_line(head: &mut String, name: &str, value: &str) {
    head.push_str(name);
    head.push_str(": ");
    head.push_str(value);
    head.push_str("\r\n");
}

/// Writes all parts, in as few packets as the system allows.
fn all(mut stream: &TcpStream, parts: &[&[u8]]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
    let mut rest = slices.as_mut_slice();
    // Empty slices at the front would look like a stream that takes nothing.
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match stream.write_vectored(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The reason phrase; clients ignore it, people who read a trace do not.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        207 => "Multi-Status",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
