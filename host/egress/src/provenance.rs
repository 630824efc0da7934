//! Which hosts the answers of this adapter call have named.
//!
//! A pattern such as `*.sharepoint.com` covers hosts that anybody can rent. A guest may reach only
//! those that the provider itself has pointed to, or it could carry a tenant's data out.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use memchr::memmem::Finder;

/// The answers of one adapter call, searched when a host is used.
///
/// Bodies are shared, not copied; what they hold is bounded by the call's response budget.
#[derive(Debug, Default)]
pub(crate) struct Provenance {
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    answers: Vec<Bytes>,
    proven: HashSet<String>,
}

impl Provenance {
    /// Remembers a body or a `Location` of an endpoint with a fixed origin.
    pub(crate) fn remember(&self, answer: Bytes) {
        if !answer.is_empty() {
            self.lock().answers.push(answer);
        }
    }

    /// True when an answer holds the host, which is lower-case, as a whole name in any case.
    pub(crate) fn names(&self, host: &str) -> bool {
        let mut seen = self.lock();
        if seen.proven.contains(host) {
            return true;
        }
        let search = Finder::new(host);
        let found = seen.answers.iter().any(|answer| {
            let answer = answer.to_ascii_lowercase();
            search.find_iter(&answer).any(|at| is_whole(&answer, at, at + host.len()))
        });
        if found {
            seen.proven.insert(host.to_owned());
        }
        found
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// True when the name is not a piece of a longer one, nor an e-mail address's.
fn is_whole(text: &[u8], start: usize, end: usize) -> bool {
    let before = text.get(..start).and_then(<[u8]>::last);
    let after = text.get(end);
    !before.is_some_and(|byte| continues(*byte) || *byte == b'@')
        && !after.is_some_and(|byte| continues(*byte) || *byte == b'@')
}

/// The letters of host names, and those of escapes, which may stand for one.
fn continues(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'%') || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "us02.zoom.us";

    #[track_caller]
    fn check(text: &str, named: bool) {
        let provenance = Provenance::default();
        provenance.remember(Bytes::from(text.to_owned()));
        assert_eq!(provenance.names(HOST), named, "{text}");
        assert_eq!(provenance.names(HOST), named, "{text}, asked again");
    }

    #[test]
    fn host_in_an_answer_is_named() {
        check(r#"{"download_url":"https://us02.zoom.us/rec/download/x"}"#, true);
        check(r#"{"download_url":"https:\/\/us02.zoom.us\/rec"}"#, true);
        check("HTTPS://US02.Zoom.US:443/", true);
        check("us02.zoom.us", true);
        check("<a href='//us02.zoom.us'>", true);
    }

    #[test]
    fn piece_of_a_longer_name_is_not_that_name() {
        check("https://evil-us02.zoom.us/", false);
        check("https://x.us02.zoom.us/", false);
        check("https://us02.zoom.us.evil.example/", false);
        check("https://us02.zoom.us-evil.example/", false);
        check("https://us02.zoom.used/", false);
        check("https://evil_us02.zoom.us/", false);
        check("https://eviléus02.zoom.us", false);
        check("somebody@us02.zoom.us", false);
        check("https://us02.zoom.us@evil.example/", false);
        check("https%3A%2F%2Fus02.zoom.us%2F", false);
        check("", false);
    }

    #[test]
    fn whole_name_is_found_after_a_piece_of_another() {
        check("https://evil-us02.zoom.us/ https://us02.zoom.us/", true);
    }
}
