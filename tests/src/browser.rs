//! As much of a browser as an authorisation needs: addresses, redirects, cookies.

use std::collections::BTreeMap;

use crate::http::{self, Answered, Streamed};

/// Redirects until a page is shown; a provider that asks a person to sign in needs four.
const REDIRECTS_MAX: usize = 8;

/// A browser; as in real ones all ports of a host share its cookies.
#[derive(Debug, Default)]
pub struct Browser {
    cookies: BTreeMap<String, String>,
    /// Everything that it was told and should keep to itself: cookies, and addresses with them.
    pub seen: Vec<String>,
}

/// What an address has shown.
#[derive(Debug)]
pub struct Page {
    /// The address.
    pub address: String,
    /// The status.
    pub status: u16,
    /// What is read.
    pub text: String,
    next: Option<String>,
}

#[expect(clippy::expect_used, reason = "a test that cannot run must fail")]
impl Browser {
    /// One that has been nowhere.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens an address and follows where it leads, to the end.
    pub fn visit(&mut self, address: &str) -> Page {
        self.visit_until(address, |_| false)
    }

    /// The same, but does not open an address that is to be stopped at; the page is the one before.
    ///
    /// # Panics
    ///
    /// When it leads in circles, or nobody is there.
    pub fn visit_until(&mut self, address: &str, stop: impl Fn(&str) -> bool) -> Page {
        let mut page = self.open(address);
        for _ in 0..REDIRECTS_MAX {
            match page.next.take() {
                Some(next) if stop(&next) => return Page { address: next, ..page },
                Some(next) => page = self.open(&next),
                None => break,
            }
        }
        assert!(page.next.is_none(), "redirects without end: {page:?}");
        page
    }

    /// Opens one address.
    fn open(&mut self, address: &str) -> Page {
        let Answered { status, text, headers } = self.send("GET", address, &[], &[]);
        let next = headers.iter().find(|(name, _)| name == "location");
        let next = next.map(|(_, next)| absolute(address, next));
        self.seen.extend(next.clone());
        Page { address: address.to_owned(), status, text, next }
    }

    /// Asks as a script of a page does: with the browser's cookies, and what is set stays in it.
    ///
    /// # Panics
    ///
    /// When nobody is there, or what they say is no HTTP.
    pub fn send(
        &mut self,
        method: &str,
        address: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answered {
        let rest = address.strip_prefix("http://").expect("an address");
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies = pairs.collect::<Vec<_>>().join("; ");
        let mut all = headers.to_vec();
        if !cookies.is_empty() {
            all.push(("cookie", &cookies));
        }
        let stream = http::open(host, (method, &format!("/{path}")), &all, body);
        let answer = Streamed::read(stream).and_then(Streamed::whole).expect("an answer");
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let pair = cookie.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a cookie");
            self.seen.push(value.to_owned());
            match value {
                "" => self.cookies.remove(name),
                _ => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }
}

impl Page {
    /// Says this, with that status.
    ///
    /// # Panics
    ///
    /// When it does not.
    #[track_caller]
    pub fn shows(&self, status: u16, said: &str) {
        assert!(self.status == status && self.text.contains(said), "{self:?}");
    }
}

/// An address that may begin with its path.
fn absolute(from: &str, address: &str) -> String {
    if !address.starts_with('/') {
        return address.to_owned();
    }
    let origin: Vec<_> = from.splitn(4, '/').take(3).collect();
    format!("{}{address}", origin.join("/"))
}
