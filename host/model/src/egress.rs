//! The port to the one door out.
//!
//! What crosses it is plain data without an origin and without a secret, so that the other side
//! may live in another process.

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::Error;

/// A request without origin and without credential: the manifest binds both to the endpoint.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Request {
    /// An endpoint of the manifest, or `name@host` for one with several hosts.
    pub endpoint: String,
    /// Upper-case method.
    pub method: String,
    /// Begins with `/`, is sent byte for byte, may hold an encoded query.
    pub path: String,
    /// Encoded by the host and appended.
    pub query: Vec<(String, String)>,
    /// Headers that the guest may set; egress refuses those that are the host's.
    pub headers: Vec<(String, String)>,
    /// The body, if there is one.
    pub body: Option<Bytes>,
}

/// What came back, after decompression, header stripping and the echo scan.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Response {
    /// The status; any status is a success of the call.
    pub status: u16,
    /// Lower-case names, in the order of arrival; repeated names stand repeated.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Bytes,
}

/// Where a provider's absolute link leads, in the words of the manifest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// The endpoint, or `name@host`.
    pub endpoint: String,
    /// The raw path with its query.
    pub path: String,
}

/// Which routes of the manifest a call may use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Routes marked `read` only: `pull`, `discover`, `check` and `push(recover)`.
    Read,
    /// Routes marked `read` or `write`: `push(apply)`.
    Write,
}

/// Who waits for the answers: what a provider's manifest keeps in reserve is for people.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Priority {
    /// Work of a schedule.
    Background,
    /// A person.
    Interactive,
}

/// What one adapter call may spend on HTTP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HttpBudget {
    /// Requests, redirects included.
    pub calls: u32,
    /// Bytes of a request body.
    pub request_bytes: u64,
    /// Bytes of all response bodies together, each compressed or decompressed: whichever is more.
    pub response_bytes: u64,
    /// When the whole call ends.
    pub deadline: std::time::Instant,
}

/// What one adapter call has spent on HTTP.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct HttpUsage {
    /// Requests sent, redirects included.
    pub calls: u32,
    /// Bytes that the guest wrote: paths, queries, headers and bodies.
    pub bytes_out: u64,
    /// Bytes of response bodies, compressed or decompressed: whichever is more.
    pub bytes_in: u64,
    /// Time spent waiting for a rate limit.
    pub throttled: std::time::Duration,
}

/// The door of one connection: its policy, credential and limits.
pub trait Egress: Send + Sync {
    /// Opens the door for one adapter call.
    fn open(&self, access: Access, budget: HttpBudget) -> Box<dyn EgressCall>;
}

/// The door for the length of one adapter call. It remembers the host names that stood in the
/// call's answers, because endpoints with host patterns accept no others.
#[async_trait]
pub trait EgressCall: Send + Sync {
    /// Sends one request and reads the whole answer. Calls may run at the same time.
    async fn send(&self, request: Request) -> Result<Response, Error>;

    /// Turns a provider's absolute link into endpoint and raw path, or refuses it.
    fn locate(&self, url: &str) -> Result<Target, Error>;

    /// Takes every secret of the connection out of a text that the guest wrote.
    fn scrub(&self, text: &str) -> String;

    /// What was spent so far.
    fn usage(&self) -> HttpUsage;
}
