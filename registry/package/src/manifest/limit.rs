//! `[[limit]]`: what the provider allows.

use std::time::Duration;

use crate::route::Route;
use crate::words::words;

/// A limit of the provider; the host throttles before it sends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limit {
    /// Who shares it.
    pub scope: Scope,
    /// Requests in `per`.
    pub requests: Option<u32>,
    /// The span in which `requests` may be sent.
    pub per: Option<Duration>,
    /// Requests at the same time.
    pub concurrent: Option<u32>,
    /// Endpoints that it counts at; empty means all.
    pub endpoints: Vec<String>,
    /// Routes that it counts at; empty means all.
    pub routes: Vec<Route>,
    /// Percent kept back for people and writes.
    pub reserve: u8,
    /// Headers in which the provider reports what is left.
    pub report: Option<Report>,
}

/// Headers in which a provider reports what is left.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// The header with what is left.
    pub remaining: Option<String>,
    /// The header with the limit.
    pub limit: Option<String>,
    /// The header with the time of the next window.
    pub reset: Option<String>,
    /// The header that holds used and limit in one text.
    pub usage: Option<String>,
    /// How `usage` is written, with the holes `{used}` and `{limit}`.
    pub pattern: Option<String>,
}

words! {
    /// Who shares a limit.
    Scope {
        /// All connections with the same `check().id`.
        Account = "account",
        /// The connection alone.
        Connection = "connection",
        /// Everything that leaves from this host's address.
        Egress = "egress",
    }
}
