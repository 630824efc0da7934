//! A real HTTP/1.1 server on loopback in front of a provider.

mod read;
mod write;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::message::{Answer, Request};
use crate::provider::Provider;

/// Requests that the log keeps; a benchmark of a million records sends as many.
pub const REQUESTS_KEPT_MAX: usize = 10_000;

/// A server that runs until it is dropped; its threads have ended when the drop returns.
///
/// Every connection has a thread and is kept alive; requests are answered one after the other,
/// because the provider has state.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    state: Arc<State>,
    acceptor: Option<JoinHandle<Vec<JoinHandle<()>>>>,
}

impl Server {
    /// Serves the provider on a free port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// When loopback has no port to give, which no test survives.
    pub fn start(provider: impl Provider + 'static) -> Self {
        match Self::bind((Ipv4Addr::LOCALHOST, 0), provider) {
            Ok(server) => server,
            #[expect(clippy::panic, reason = "a test without its provider has nothing to report")]
            Err(error) => panic!("no port on 127.0.0.1: {error}"),
        }
    }

    /// Serves the provider at that address.
    pub fn bind(
        address: impl ToSocketAddrs,
        provider: impl Provider + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::new(Box::new(provider)));
        let accepting = Arc::clone(&state);
        let acceptor = std::thread::Builder::new()
            .name("simulator".into())
            .spawn(move || accept(&listener, &accepting))?;
        Ok(Self { address, state, acceptor: Some(acceptor) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The origin to point an endpoint at: `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The last [`REQUESTS_KEPT_MAX`] requests, in the order in which they were answered.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.state.log).iter().cloned().collect()
    }

    /// How many requests were received since the start.
    pub fn request_count(&self) -> u64 {
        self.state.received.load(Ordering::Acquire)
    }

    /// Lets every stalled answer go: those that wait now and those that would wait later.
    pub fn release(&self) {
        self.state.released.store(true, Ordering::Release);
        // A stalled thread waits for its client; the end of the reading half wakes it, and the
        // writing half stays open for the answer.
        let stalled = std::mem::take(&mut *lock(&self.state.stalled));
        for stream in stalled.values() {
            end(stream, Shutdown::Read);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.stopping.store(true, Ordering::Release);
        // `accept` has no other alarm clock than a connection.
        drop(TcpStream::connect(self.address));
        let threads = self.acceptor.take().map(JoinHandle::join).and_then(Result::ok);
        for stream in lock(&self.state.open).values() {
            end(stream, Shutdown::Both);
        }
        for thread in threads.unwrap_or_default() {
            // A panic in a provider was printed by its thread; the test sees the missing answer.
            drop(thread.join());
        }
    }
}

/// What all threads of a server share.
struct State {
    provider: Mutex<Box<dyn Provider>>,
    log: Mutex<VecDeque<Request>>,
    received: AtomicU64,
    stopping: AtomicBool,
    released: AtomicBool,
    open: Mutex<HashMap<u64, TcpStream>>,
    stalled: Mutex<HashMap<u64, TcpStream>>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("received", &self.received).finish_non_exhaustive()
    }
}

impl State {
    fn new(provider: Box<dyn Provider>) -> Self {
        Self {
            provider: Mutex::new(provider),
            log: Mutex::default(),
            received: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            released: AtomicBool::new(false),
            open: Mutex::default(),
            stalled: Mutex::default(),
        }
    }

    /// Answers a request and writes it into the log.
    fn answer(&self, request: Request) -> Answer {
        let answer = lock(&self.provider).answer(&request);
        let mut log = lock(&self.log);
        if log.len() == REQUESTS_KEPT_MAX {
            log.pop_front();
        }
        log.push_back(request);
        self.received.fetch_add(1, Ordering::AcqRel);
        answer
    }

    /// Waits until the client goes away (false) or the server releases the answer (true).
    fn stall(&self, id: u64, stream: &TcpStream) -> bool {
        {
            let mut stalled = lock(&self.stalled);
            if self.released.load(Ordering::Acquire) {
                return true;
            }
            let Ok(handle) = stream.try_clone() else { return false };
            stalled.insert(id, handle);
        }
        read::until_end(stream);
        lock(&self.stalled).remove(&id);
        self.released.load(Ordering::Acquire) && !self.stopping.load(Ordering::Acquire)
    }
}

/// Accepts connections until the server stops; returns the threads that still run.
fn accept(listener: &TcpListener, state: &Arc<State>) -> Vec<JoinHandle<()>> {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for (id, stream) in (0_u64..).zip(listener.incoming()) {
        if state.stopping.load(Ordering::Acquire) {
            break;
        }
        let Ok(stream) = stream else { continue };
        let Ok(handle) = stream.try_clone() else { continue };
        lock(&state.open).insert(id, handle);
        threads.retain(|thread| !thread.is_finished());
        let serving = Arc::clone(state);
        let thread = std::thread::Builder::new().name("simulator".into()).spawn(move || {
            // A client that goes away or talks nonsense ends its connection and nothing else.
            drop(serve(id, &stream, &serving));
            lock(&serving.open).remove(&id);
            end(&stream, Shutdown::Both);
        });
        threads.extend(thread);
    }
    threads
}

/// Answers the requests of one connection until either side ends it.
fn serve(id: u64, stream: &TcpStream, state: &State) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = read::Reader::new(stream);
    loop {
        let request = match reader.request() {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let refusal = Answer::plain(400, &error.to_string()).header("connection", "close");
                write::answer(stream, "GET", &refusal, || true)?;
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let close = request.header("connection").is_some_and(|it| it.eq_ignore_ascii_case("close"));
        let method = request.method.clone();
        let answer = state.answer(request);
        if !answer.delay.is_zero() {
            std::thread::sleep(answer.delay);
        }
        let reusable = write::answer(stream, &method, &answer, || state.stall(id, stream))?;
        if close || !reusable {
            return Ok(());
        }
    }
}

/// Ends a half or both of a connection; one that has ended already is no news.
fn end(stream: &TcpStream, how: Shutdown) {
    drop(stream.shutdown(how));
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
