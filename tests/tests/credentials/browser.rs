//! As much of a browser as an authorisation needs: addresses, redirects, cookies.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use tokio::runtime::Runtime;

/// Redirects until a page is shown; a provider that asks a person to sign in needs four.
const REDIRECTS_MAX: usize = 8;

/// A browser; as in real ones all ports of a host share its cookies.
pub(crate) struct Browser {
    client: reqwest::Client,
    runtime: Runtime,
    cookies: BTreeMap<String, String>,
    /// Everything that it was told and should keep to itself: cookies, and addresses with them.
    pub(crate) seen: Vec<String>,
}

/// What an address has shown.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) address: String,
    pub(crate) status: u16,
    pub(crate) text: String,
    next: Option<String>,
}

impl Browser {
    pub(crate) fn new() -> Self {
        let client = reqwest::Client::builder();
        let client = client.no_proxy().redirect(reqwest::redirect::Policy::none());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self {
            client: client.build().unwrap(),
            runtime,
            cookies: BTreeMap::new(),
            seen: Vec::new(),
        }
    }

    /// Opens an address and follows where it leads, to the end.
    pub(crate) fn visit(&mut self, address: &str) -> Page {
        self.visit_until(address, |_| false)
    }

    /// The same, but does not open an address that is to be stopped at; the page is the one before.
    pub(crate) fn visit_until(&mut self, address: &str, stop: impl Fn(&str) -> bool) -> Page {
        let mut page = self.open(address);
        for _ in 0..REDIRECTS_MAX {
            match page.next.take() {
                Some(next) if stop(&next) => return Page { address: next, ..page },
                Some(next) => page = self.open(&next),
                None => return page,
            }
        }
        panic!("redirects without end: {page:?}")
    }

    /// Opens one address.
    fn open(&mut self, address: &str) -> Page {
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies = pairs.collect::<Vec<_>>().join("; ");
        let request = self.client.get(address).header(COOKIE, cookies);
        let (answer, text) = self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            ((status, headers), answer.text().await.unwrap())
        });
        let (status, headers) = answer;
        for cookie in headers.get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.seen.push(value.to_owned());
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let next = headers.get(LOCATION).map(|next| absolute(address, next.to_str().unwrap()));
        self.seen.extend(next.clone());
        Page { address: address.to_owned(), status, text, next }
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
