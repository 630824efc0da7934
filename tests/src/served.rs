//! A server of a data directory: `plughouse serve` in a process of its own.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Api, Host};

/// What does not come to be within this time never will, on however slow a machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// The time between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// Looks again and again until something is there.
///
/// # Panics
///
/// When it does not come to be.
pub fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(LOOK);
    }
}

/// A server; dropping it kills it.
#[derive(Debug)]
pub struct Served {
    process: Child,
    log: PathBuf,
    /// What its predecessors have said, in bytes.
    before: usize,
    out: PathBuf,
}

impl Served {
    /// Starts a server and waits until it takes commands.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn start(host: &Host) -> Self {
        Self::start_with(host, &[])
    }

    /// The same with more arguments.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[expect(clippy::expect_used, reason = "a test that cannot run must fail")]
    pub fn start_with(host: &Host, more: &[&str]) -> Self {
        let [log, out] = ["serve.log", "serve.out"].map(|name| host.data().join(name));
        fs::create_dir_all(host.data()).expect("a data directory");
        let open = |path| File::options().create(true).append(true).open(path).expect("a log");
        let mut command = host.command(&[&["serve", "--listen", "127.0.0.1:0"], more].concat());
        command.stdin(Stdio::null()).stdout(open(&out)).stderr(open(&log));
        let before = fs::read_to_string(&log).unwrap_or_default().len();
        let process = command.spawn().expect("the program starts");
        let mut served = Self { process, log, before, out };
        let socket = host.data().join("plughouse.sock");
        let start = Instant::now();
        while UnixStream::connect(&socket).is_err() {
            let ended = served.process.try_wait().expect("a child");
            let late = start.elapsed() > PATIENCE;
            assert!(ended.is_none() && !late, "the server takes no commands: {}", served.said());
            std::thread::sleep(LOOK);
        }
        served
    }

    /// Its API, with the key that was shown when the first server began.
    ///
    /// # Panics
    ///
    /// When there is no API, or no key was ever shown.
    #[expect(clippy::expect_used, reason = "a test that cannot run must fail")]
    pub fn api(&self) -> Api {
        // The key is shown before.
        let address = self.address();
        let shown = fs::read_to_string(&self.out).expect("what it has shown");
        let key = shown.split_whitespace().find(|word| word.starts_with("ph_")).expect("a key");
        Api::new(address, key)
    }

    /// Where its API is.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn address(&self) -> SocketAddr {
        // It takes commands a moment before it says so.
        until("the API is there", || {
            let said = self.said();
            let (_, at) = said.get(self.before..)?.rsplit_once("the API is at http://")?;
            at.split_once('/')?.0.parse().ok()
        })
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it has said so far, its predecessors included.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends a signal.
    ///
    /// # Panics
    ///
    /// When there is no process any more.
    #[expect(clippy::expect_used, reason = "a test that cannot run must fail")]
    pub fn signal(&self, signal: Signal) {
        let id = self.process.id().try_into().ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(id, signal).expect("a process");
    }

    /// Asks it to stop, and waits until it has; the exit code.
    ///
    /// # Panics
    ///
    /// When it does not stop.
    pub fn stop(self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.ended()
    }

    /// Waits until it has stopped; the exit code.
    ///
    /// # Panics
    ///
    /// When it does not stop.
    pub fn ended(mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Ok(Some(status)) = self.process.try_wait() {
                return status.code();
            }
            assert!(start.elapsed() < PATIENCE, "the server does not stop: {}", self.said());
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.process.kill().unwrap_or_default();
        drop(self.process.wait());
    }
}
