//! Which hosts the answers of this adapter call have named.
//!
//! A pattern such as `*.sharepoint.com` covers hosts that anybody can rent. A guest may reach only
//! those that the provider itself has pointed to, or it could carry a tenant's data out.
//!
//! Many providers repeat what they are sent (a filter, a name, a search), so what a guest wrote
//! before the provider named it proves nothing for the rest of the call. This does not see through
//! every disguise: a provider that repeats a text which it has decoded from base64 still proves it.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use memchr::memmem;
use model::egress::Request;

use crate::escape;

/// Hosts kept of one call, the provider's and the guest's each; pages name a handful. When one of
/// the sets is full, no further host can be proven.
const HOSTS_MAX: usize = 4096;
/// The longest name of the DNS, in bytes (RFC 1035).
const NAME_BYTES_MAX: usize = 253;

/// The hosts of one adapter call, found once in each text, so that asking is cheap.
#[derive(Debug, Default)]
pub(crate) struct Provenance {
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    proven: HashSet<String>,
    /// What the guest wrote before an answer named it.
    written: HashSet<String>,
}

impl Provenance {
    /// Remembers the hosts that the guest writes, before its request goes out.
    pub(crate) fn write(&self, request: &Request, wanted: impl Fn(&str) -> bool) {
        let Request { endpoint: _, method: _, path, query, headers, body } = request;
        let pairs = query.iter().chain(headers).flat_map(|(name, value)| [name, value]);
        let texts = std::iter::once(path).chain(pairs).map(String::as_bytes);
        let mut seen = self.lock();
        for text in texts.chain(body.as_deref()) {
            for host in names(&escape::plain(text)).filter(|host| wanted(host)) {
                if !seen.proven.contains(&host) && seen.written.len() < HOSTS_MAX {
                    seen.written.insert(host);
                }
            }
        }
    }

    /// Remembers the hosts of the links in a body or a `Location` of an endpoint with a fixed
    /// origin.
    pub(crate) fn remember(&self, answer: &[u8], wanted: impl Fn(&str) -> bool) {
        let mut seen = self.lock();
        for host in linked(answer).filter(|host| wanted(host)) {
            if seen.written.len() < HOSTS_MAX
                && seen.proven.len() < HOSTS_MAX
                && !seen.written.contains(&host)
            {
                seen.proven.insert(host);
            }
        }
    }

    /// True when an answer has linked to the host, which is lower-case, before the guest wrote it.
    pub(crate) fn names(&self, host: &str) -> bool {
        self.lock().proven.contains(host)
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything in a text that could be a host, wherever it stands, in lower case.
fn names(text: &[u8]) -> impl Iterator<Item = String> {
    text.split(|byte| !is_letter(*byte)).filter_map(|name| {
        let name = str::from_utf8(name).ok()?.trim_matches('.');
        (name.len() <= NAME_BYTES_MAX && name.contains('.')).then(|| name.to_ascii_lowercase())
    })
}

/// The hosts of the links in a text, in lower case: what follows `//`, also where JSON has escaped
/// it, and is neither a piece of a longer name nor the user information before another host.
fn linked(text: &[u8]) -> impl Iterator<Item = String> {
    let plain = memmem::find_iter(text, b"//").map(|at| at + 2);
    let escaped = memmem::find_iter(text, br"\/\/").map(|at| at + 4);
    plain.chain(escaped).filter_map(|start| {
        let rest = text.get(start..)?;
        let end = rest.iter().position(|byte| !is_letter(*byte)).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        let sane = name.len() <= NAME_BYTES_MAX && name.contains(&b'.') && ends_host(rest);
        sane.then(|| str::from_utf8(name).ok().map(str::to_ascii_lowercase))?
    })
}

/// The letters of host names.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

/// True when the text after a name does not go on with it, after a port or without one.
fn ends_host(rest: &[u8]) -> bool {
    let digits = |rest: &[u8]| rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = match rest.strip_prefix(b":") {
        Some(port) => port.get(digits(port)..).unwrap_or_default(),
        None => rest,
    };
    // `%` may stand for a letter, and `user:password@` for something else than a host.
    !rest.first().is_some_and(|byte| is_letter(*byte) || b"@%:".contains(byte) || *byte >= 0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "us02.zoom.us";

    #[track_caller]
    fn check(text: &str, named: bool) {
        let provenance = Provenance::default();
        provenance.remember(text.as_bytes(), |host| host == HOST);
        assert_eq!(provenance.names(HOST), named, "{text}");
    }

    #[test]
    fn host_in_an_answer_is_named() {
        check(r#"{"download_url":"https://us02.zoom.us/rec/download/x"}"#, true);
        check(r#"{"download_url":"https:\/\/us02.zoom.us\/rec"}"#, true);
        check("HTTPS://US02.Zoom.US:443/", true);
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
        check("https://us02.zoom.us:443@evil.example/", false);
        check("https://us02.zoom.us:x@evil.example/", false);
        check("", false);
    }

    #[test]
    fn host_outside_of_a_link_is_not_named() {
        for text in
            ["us02.zoom.us", r#"{"filter":"us02.zoom.us"}"#, "a/us02.zoom.us/b", r"\/us02.zoom.us"]
        {
            check(text, false);
        }
    }

    fn echoed(request: &Request) -> Provenance {
        let provenance = Provenance::default();
        provenance.write(request, |host| host.ends_with(".zoom.us"));
        provenance.remember(b"https://us02.zoom.us/ https://us03.zoom.us/", |_| true);
        provenance
    }

    #[test]
    fn host_that_the_guest_wrote_first_is_not_named() {
        let pair = |text: &str| vec![("q".to_owned(), text.to_owned())];
        let body = |text: &'static str| Some(bytes::Bytes::from_static(text.as_bytes()));
        for request in [
            Request { path: "/x?q=https%3A%2F%2FUS02.Zoom.us%2f".to_owned(), ..Request::default() },
            Request { path: "/x/us02%2ezoom.us".to_owned(), ..Request::default() },
            Request { query: pair("https://us02.zoom.us."), ..Request::default() },
            Request { headers: pair("a us02.zoom.us"), ..Request::default() },
            Request { body: body(r#"{"a":"https:\/\/us02.zoom.us"}"#), ..Request::default() },
            Request { body: body(r#"{"a":"us02\u002Ezoom\u002eus"}"#), ..Request::default() },
            Request { body: body("redirect=https%3A%2F%2Fus02.zoom.us"), ..Request::default() },
        ] {
            let provenance = echoed(&request);
            assert!(!provenance.names(HOST), "{request:?}");
            assert!(provenance.names("us03.zoom.us"), "{request:?}");
        }
    }

    #[test]
    fn host_that_an_answer_named_first_stays_proven() {
        let provenance = echoed(&Request::default());
        let path = format!("/x/{HOST}");
        provenance.write(&Request { path, ..Request::default() }, |_| true);
        provenance.remember(b"https://us02.zoom.us/", |_| true);
        assert!(provenance.names(HOST));
    }

    #[test]
    fn guest_cannot_fill_the_memory_and_nothing_is_proven_beyond_it() {
        let provenance = Provenance::default();
        let many: Vec<_> = (0..2 * HOSTS_MAX).map(|it| format!("a{it}.zoom.us")).collect();
        let request = Request { body: Some(many.join(" ").into()), ..Request::default() };
        provenance.write(&request, |_| true);
        assert_eq!(provenance.lock().written.len(), HOSTS_MAX);
        provenance.remember(b"https://us02.zoom.us/", |_| true);
        assert!(!provenance.names(HOST));
    }

    #[test]
    fn whole_name_is_found_after_a_piece_of_another() {
        check("https://evil-us02.zoom.us/ https://us02.zoom.us/", true);
    }
}
