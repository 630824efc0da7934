//! The API of a server, asked over TCP as any program would.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// The longest that a test waits for bytes of an answer.
const PATIENCE: Duration = Duration::from_mins(2);

/// Somebody with a key.
#[derive(Clone, Debug)]
pub struct Api {
    address: SocketAddr,
    key: String,
    tenant: Option<String>,
}

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
}

#[expect(clippy::expect_used, reason = "a test that cannot run must fail")]
impl Api {
    /// Who holds this key.
    pub fn new(address: SocketAddr, key: impl Into<String>) -> Self {
        Self { address, key: key.into(), tenant: None }
    }

    /// The same, who means this tenant.
    #[must_use]
    pub fn of(&self, tenant: &str) -> Self {
        Self { tenant: Some(tenant.to_owned()), ..self.clone() }
    }

    /// The same server, asked with another key.
    #[must_use]
    pub fn with(&self, key: &str) -> Self {
        Self::new(self.address, key)
    }

    /// Where it is asked.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins a request; what is answered is to be read from the stream.
    ///
    /// # Panics
    ///
    /// When nobody is there.
    pub fn open(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> TcpStream {
        let Self { address, key, tenant } = self;
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
        let length = body.len().to_string();
        let bearer = format!("Bearer {key}");
        let mut all = vec![("authorization", bearer.as_str()), ("content-length", &length)];
        all.extend(tenant.as_deref().map(|tenant| ("plughouse-tenant", tenant)));
        all.extend(headers);
        for (name, value) in all {
            write!(head, "{name}: {value}\r\n").expect("text");
        }
        let mut stream = TcpStream::connect(address).expect("a server");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        stream.write_all((head + "\r\n").as_bytes()).expect("a reader");
        // Who is refused by the head need not read the rest.
        drop(stream.write_all(body));
        stream
    }

    /// Asks.
    ///
    /// # Panics
    ///
    /// When nobody is there, or what they say is no HTTP.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answered {
        let mut reader = BufReader::new(self.open(method, path, headers, body));
        let mut line = String::new();
        reader.read_line(&mut line).expect("a status line");
        let status = line.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status");
        let mut known = Vec::new();
        loop {
            line.clear();
            reader.read_line(&mut line).expect("a header");
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            known.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answered = Answered { status, headers: known, text: String::new() };
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).expect("a content");
        let chunked = answered.header("transfer-encoding") == "chunked";
        let content = if chunked { joined(&bytes) } else { bytes };
        answered.text = String::from_utf8(content).expect("text");
        answered
    }

    /// Asks with JSON, or without content where it is null.
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> Answered {
        if body.is_null() {
            return self.send(method, path, &[], &[]);
        }
        let headers = [("content-type", "application/json")];
        self.send(method, path, &headers, body.to_string().as_bytes())
    }

    /// Looks at what must be there.
    ///
    /// # Panics
    ///
    /// When it is not.
    pub fn get(&self, path: &str) -> Value {
        let answered = self.send("GET", path, &[], &[]);
        assert_eq!(answered.status, 200, "GET {path}: {}", answered.text);
        answered.json()
    }

    /// Posts what must be answered with this status.
    ///
    /// # Panics
    ///
    /// When it is not.
    pub fn post(&self, path: &str, body: &Value, status: u16) -> Value {
        let answered = self.ask("POST", path, body);
        assert_eq!(answered.status, status, "POST {path} {body}: {}", answered.text);
        answered.json()
    }
}

/// The chunks of a content, joined.
fn joined(mut bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    while let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") {
        let (size, rest) = bytes.split_at(end);
        let size = std::str::from_utf8(size).ok().and_then(|it| usize::from_str_radix(it, 16).ok());
        let Some(size) = size.filter(|size| *size > 0) else { break };
        let Some(chunk) = rest.get(2..size + 2) else { break };
        content.extend_from_slice(chunk);
        bytes = rest.get(size + 4..).unwrap_or_default();
    }
    content
}
