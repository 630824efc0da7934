//! The API against a bare axum handler that reads the same of the same store, in alternating rounds
//! over TCP.
//!
//! `cargo bench -p e2e --bench api [-- RECORDS]` — both servers are processes of their own (this
//! binary again, with a role), each with its copy of the data, and asked over the same number of
//! connections that stay open. The bare one has no keys, no scopes, no log and no bounds, and
//! answers documents alone; ours shows the records around them. Exported are as many records as the
//! store holds, a million unless it is told otherwise.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and fails by panicking"
)]

#[path = "api/bare.rs"]
mod bare;
#[path = "api/client.rs"]
mod client;
#[path = "api/fill.rs"]
mod fill;
#[path = "api/mixed.rs"]
mod mixed;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::time::Duration;

use e2e::{Api, Host, Served, Streamed};
use serde_json::{Value, json};

use client::{Asking, Load, Measured};

/// Whose records they are.
const TENANT: &str = "bench";

const RECORDS: usize = 1_000_000;
/// Connections at the same time: those of a busy browser and some programs.
const CONNECTIONS: usize = 8;
/// Records in a list.
const LISTED: usize = 1_000;
/// A key may ask 500 times a second, so many of them ask in turn.
const KEYS: usize = 128;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "bare", dir] => bare::serve(Path::new(dir)),
        [_, "plughouse", ..] => {
            return ExitCode::from(plughouse::run(args.iter().skip(1).map(Into::into)));
        }
        [_, "compile-worker"] => {
            return ExitCode::from(plughouse::run(args.iter().map(Into::into)));
        }
        _ => compare(args.iter().find_map(|arg| arg.parse().ok()).unwrap_or(RECORDS)),
    }
    ExitCode::SUCCESS
}

fn this(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(args);
    command
}

/// The bare server; it ends with its standard input.
struct Bare {
    process: Child,
    address: SocketAddr,
    _stdin: ChildStdin,
}

impl Bare {
    fn start(dir: &Path) -> Self {
        let mut command = this(&["bare", dir.to_str().unwrap()]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let stdin = process.stdin.take().unwrap();
        Self { process, address: said.trim().parse().unwrap(), _stdin: stdin }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Keys of the tenant, that look.
fn keys(operator: &Api) -> Vec<String> {
    let key = |number: usize| {
        let new = json!({"name": format!("bench-{number}"), "role": "viewer"});
        let made = operator.of(TENANT).ask("POST", "/api/api-keys", &new);
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["api_key"].as_str().unwrap().to_owned()
    };
    (0..KEYS).map(key).collect()
}

/// Ids of records, of ten lists at most.
fn ids(api: &Api) -> Vec<String> {
    let (mut ids, mut path) = (Vec::new(), format!("/api/records?limit={LISTED}"));
    for _ in 0..10 {
        let list: Value = api.ask("GET", &path, &Value::Null).json();
        let items = list["items"].as_array().unwrap().iter();
        ids.extend(items.map(|record| record["id"].as_str().unwrap().to_owned()));
        let Some(next) = list["next"].as_str() else { break };
        path = format!("/api/records?limit={LISTED}&cursor={next}");
    }
    ids
}

fn compare(records: usize) {
    let dir = tempfile::tempdir().unwrap();
    let [ours, theirs] = ["ours", "bare"].map(|name| dir.path().join(name));
    fill::fill(&ours, records);
    fs::create_dir(&theirs).unwrap();
    for entry in fs::read_dir(&ours).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), theirs.join(entry.file_name())).unwrap();
    }
    let host = Host::of(std::env::current_exe().unwrap(), &["plughouse"], &ours);
    let provider = mixed::connect(&host);
    let served = Served::start(&host);
    let operator = served.api();
    let bare = Bare::start(&theirs);
    let (keys, ids) = (keys(&operator), ids(&operator.of(TENANT)));
    let asking = |address, paths| Asking { address, paths, keys: &keys };
    let one = |root: &str| ids.iter().map(|id| format!("{root}/records/{id}")).collect();
    let list = |root: &str| vec![format!("{root}/records?limit={LISTED}")];
    let both = |paths: &dyn Fn(&str) -> Vec<String>| {
        (asking(operator.address(), paths("/api")), asking(bare.address, paths("")))
    };
    ratio("a record by id", 0.8, both(&one));
    ratio("1,000 records", 0.7, both(&list));
    drop(bare);
    export(&served, &operator, records);
    let mut paths: Vec<String> = one("/api");
    paths.truncate(900);
    paths.extend((0..50).map(|_| "/api/records?limit=100".to_owned()));
    paths.extend((0..50).map(|_| "/api/runs?limit=20".to_owned()));
    mixed::mixed(&operator, &asking(operator.address(), paths));
    drop((served, provider));
}

/// Both in turn, so that the ratio is of one machine in one state.
fn ratio(what: &str, at_least: f64, (ours, theirs): (Asking<'_>, Asking<'_>)) {
    let load = Load { connections: CONNECTIONS, lasts: ROUND };
    let (mut ratios, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (bare, ours) = (theirs.under(load), ours.under(load));
        ratios.push(ours.rate() / bare.rate());
        rates.push((bare, ours));
    }
    let rate = |of: &dyn Fn(&(Measured, Measured)) -> f64| median(rates.iter().map(of));
    println!(
        "{what}: {:.0}/s, bare {:.0}/s, {:.2} x of it (at least {at_least} is asked for); p99 {:.2} \
         ms, bare {:.2} ms",
        rate(&|(_, ours)| ours.rate()),
        rate(&|(bare, _)| bare.rate()),
        median(ratios.into_iter()),
        rate(&|(_, ours)| ours.quantile_ms(0.99)),
        rate(&|(bare, _)| bare.quantile_ms(0.99)),
    );
}

/// What an export of everything does to the memory of the server. The second one finds the cache of
/// the store filled by the first.
fn export(served: &Served, operator: &Api, records: usize) {
    let before = memory(served);
    for turn in ["first", "second"] {
        let (start, mut most) = (std::time::Instant::now(), 0);
        let path = format!("/api/records/export?type={}", fill::TYPE);
        let asked = operator.of(TENANT).open("GET", &path, &[], &[]);
        let mut lines = Streamed::read(asked).unwrap();
        assert_eq!(lines.head.status, 200);
        let mut count = 0;
        while lines.line().unwrap().is_some() {
            count += 1;
            if count % LISTED == 0 {
                most = memory(served).max(most);
            }
        }
        assert_eq!(count, records);
        println!(
            "export of {records} records, the {turn}: {:.1} s; {before} MiB before all, {most} MiB \
             at most, {} MiB after",
            start.elapsed().as_secs_f64(),
            memory(served)
        );
    }
}

/// What a server holds in memory, in MiB.
fn memory(served: &Served) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", served.id())).unwrap();
    let held = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    held.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
