//! The host functions outside of WebAssembly: tests bring their own [`Host`].

use std::cell::RefCell;
use std::rc::Rc;

use crate::{Error, ErrorKind, Level, Pair, Piece, Request, Response, Target};

/// What the host offers to an adapter, for tests.
///
/// One host serves one thread; keep a clone of the `Rc` to look at it afterwards.
pub trait Host {
    /// Sends a request.
    fn send(&self, request: &Request) -> Result<Response, Error>;

    /// Sends requests; here one after the other.
    fn send_many(&self, requests: &[Request]) -> Vec<Result<Response, Error>> {
        requests.iter().map(|request| self.send(request)).collect()
    }

    /// Sends a request whose body is the concatenation of the pieces.
    fn upload(&self, request: &Request, body: &[Piece]) -> Result<Response, Error>;

    /// Turns an absolute link into endpoint and raw path.
    fn locate(&self, url: &str) -> Result<Target, Error>;

    /// Takes a line of the log.
    fn log(&self, level: Level, message: &str, fields: &[Pair]);

    /// Milliseconds since 1970 (UTC).
    fn now_ms(&self) -> u64;

    /// Random bytes.
    fn random(&self, length: u32) -> Vec<u8>;

    /// A connection variable.
    fn variable(&self, name: &str) -> Option<String>;

    /// Reads the cache of the connection.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error>;

    /// Writes to the cache of the connection.
    fn put(&self, key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<(), Error>;
}

thread_local! {
    static CURRENT: RefCell<Vec<Rc<dyn Host>>> = const { RefCell::new(Vec::new()) };
}

const NO_HOST: &str = "no host: run the adapter inside plughouse_sdk::native::with, \
                       or with a simulator or cassette of plughouse_testkit";

/// Runs `body` with `host` behind the host functions of this thread; calls may be nested.
pub fn with<T>(host: Rc<dyn Host>, body: impl FnOnce() -> T) -> T {
    struct Restore;
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.with_borrow_mut(Vec::pop);
        }
    }
    CURRENT.with_borrow_mut(|hosts| hosts.push(host));
    let _restore = Restore;
    body()
}

fn current() -> Option<Rc<dyn Host>> {
    CURRENT.with_borrow(|hosts| hosts.last().cloned())
}

fn host() -> Result<Rc<dyn Host>, Error> {
    current().ok_or_else(|| Error::new(ErrorKind::Other, "sdk.no-host", NO_HOST).unsent())
}

#[expect(clippy::expect_used, reason = "the contract gives these functions no error to return")]
fn infallible_host() -> Rc<dyn Host> {
    current().expect(NO_HOST)
}

pub(crate) fn send(request: &Request) -> Result<Response, Error> {
    host()?.send(request)
}

pub(crate) fn send_many(requests: &[Request]) -> Vec<Result<Response, Error>> {
    match host() {
        Ok(host) => host.send_many(requests),
        Err(error) => requests.iter().map(|_| Err(error.clone())).collect(),
    }
}

pub(crate) fn upload(request: &Request, body: &[Piece]) -> Result<Response, Error> {
    host()?.upload(request, body)
}

pub(crate) fn locate(url: &str) -> Result<Target, Error> {
    host()?.locate(url)
}

/// Nobody listens outside of [`with`], and a log line is no reason to fail.
pub(crate) fn log(level: Level, message: &str, fields: &[Pair]) {
    if let Some(host) = current() {
        host.log(level, message, fields);
    }
}

pub(crate) fn now_ms() -> u64 {
    infallible_host().now_ms()
}

pub(crate) fn random(length: u32) -> Vec<u8> {
    infallible_host().random(length)
}

pub(crate) fn variable(name: &str) -> Option<String> {
    infallible_host().variable(name)
}

pub(crate) fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
    host()?.get(key)
}

pub(crate) fn put(key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<(), Error> {
    host()?.put(key, value, ttl_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{host, http, state};

    /// Answers everything with one number.
    struct Constant(u64);

    impl Host for Constant {
        fn send(&self, _: &Request) -> Result<Response, Error> {
            Ok(Response { id: self.0, status: 200, headers: Vec::new(), body: Vec::new() })
        }
        fn upload(&self, request: &Request, _: &[Piece]) -> Result<Response, Error> {
            self.send(request)
        }
        fn locate(&self, url: &str) -> Result<Target, Error> {
            Ok(Target { endpoint: self.0.to_string(), path: url.to_owned() })
        }
        fn log(&self, _: Level, _: &str, _: &[Pair]) {}
        fn now_ms(&self) -> u64 {
            self.0
        }
        fn random(&self, _: u32) -> Vec<u8> {
            Vec::new()
        }
        fn variable(&self, _: &str) -> Option<String> {
            None
        }
        fn get(&self, _: &str) -> Result<Option<Vec<u8>>, Error> {
            Ok(None)
        }
        fn put(&self, _: &str, _: &[u8], _: Option<u64>) -> Result<(), Error> {
            Ok(())
        }
    }

    #[test]
    fn the_innermost_host_answers_and_the_outer_one_comes_back() {
        let inner = || with(Rc::new(Constant(2)), host::now_ms);
        let seen = with(Rc::new(Constant(1)), || [host::now_ms(), inner(), host::now_ms()]);
        assert_eq!(seen, [1, 2, 1]);
    }

    #[test]
    fn a_panic_takes_its_host_away() {
        let failed = std::panic::catch_unwind(|| {
            with(Rc::new(Constant(1)), || std::panic::resume_unwind(Box::new(())));
        });
        assert!(failed.is_err());
        assert!(current().is_none());
    }

    #[test]
    fn without_a_host_the_error_says_what_to_do() {
        let request = Request::get("api", "/");
        let error = http::send(&request).unwrap_err();
        assert!(error.message.contains("native::with") && !error.request_sent);
        let answers = http::send_many(&[request.clone(), request]);
        assert_eq!(answers, [Err(error.clone()), Err(error.clone())]);
        assert_eq!(state::get("key"), Err(error));
        host::log(Level::Info, "nobody listens", &[]);
    }
}
