//! Connections that stay open and ask without a pause.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// What is asked of whom, with which keys in turn.
pub(crate) struct Asking<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) paths: Vec<String>,
    pub(crate) keys: &'a [String],
}

/// How much at the same time, and for how long.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) lasts: Duration,
}

/// How long each request took.
pub(crate) struct Measured {
    took: Vec<Duration>,
    lasts: Duration,
}

impl Measured {
    /// Requests in a second.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(u32::try_from(self.took.len()).unwrap()) / self.lasts.as_secs_f64()
    }

    /// How long this share of the requests took at most, in milliseconds.
    pub(crate) fn quantile_ms(&self, share: f64) -> f64 {
        let shares = (1_000.0 * share).round();
        // Shares are a few thousandths, so this is exact.
        let passed = self.took.iter().enumerate().find(|(at, _)| {
            let (at, all) =
                (u32::try_from(*at + 1).unwrap(), u32::try_from(self.took.len()).unwrap());
            1_000.0 * f64::from(at) >= shares * f64::from(all)
        });
        passed.map_or(0.0, |(_, took)| 1_000.0 * took.as_secs_f64())
    }
}

impl Asking<'_> {
    /// Asks from all connections at the same time.
    pub(crate) fn under(&self, load: Load) -> Measured {
        let ask = |number| self.over_one(number, load);
        let took = thread::scope(|scope| {
            let threads: Vec<_> =
                (0..load.connections).map(|number| scope.spawn(move || ask(number))).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let mut measured = Measured { took, lasts: load.lasts };
        measured.took.sort_unstable();
        measured
    }

    fn over_one(&self, number: usize, load: Load) -> Vec<Duration> {
        let mut connection = Connection::open(self.address);
        let (begun, mut took) = (Instant::now(), Vec::new());
        // Each connection goes its own way through keys and paths.
        let mut turn = number * 7_919;
        while begun.elapsed() < load.lasts {
            let start = Instant::now();
            let path = &self.paths[turn % self.paths.len()];
            connection.get(path, &self.keys[turn % self.keys.len()]);
            took.push(start.elapsed());
            turn += load.connections;
        }
        took
    }
}

/// A connection that stays open.
struct Connection {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
    line: String,
    content: Vec<u8>,
}

impl Connection {
    fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { address, stream: BufReader::new(stream), line: String::new(), content: Vec::new() }
    }

    /// Asks, and reads what is answered to its end.
    fn get(&mut self, path: &str, key: &str) {
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {key}\r\n\r\n",
            self.address
        );
        self.stream.get_mut().write_all(head.as_bytes()).unwrap();
        let mut length = 0;
        self.next_line();
        assert!(self.line.starts_with("HTTP/1.1 200"), "{path}: {}", self.line);
        while !self.next_line().is_empty() {
            if let Some((name, value)) = self.line.trim_end().split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
        }
        self.content.resize(length, 0);
        self.stream.read_exact(&mut self.content).unwrap();
    }

    fn next_line(&mut self) -> &str {
        self.line.clear();
        self.stream.read_line(&mut self.line).unwrap();
        self.line.trim_end()
    }
}
