//! A full sync of 100,000 records against the same thing written plainly in native Rust.
//!
//! `cargo bench -p e2e --bench sync` — every measured sync is a process of its own (this binary
//! again, with a role), the simulator another, and rounds of both kinds alternate, so that the
//! ratio is of one machine in one state. CPU is the process's whole, start-up included. Once the
//! records are stored as they come, which is what the native one does, and once they go through
//! the schema of the adapter as well, which makes canonical records of them.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and fails by panicking"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use plughouse_testkit::{Fault, Faulty, HubSpot, Rule, Server};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[path = "sync/mapped.rs"]
mod mapped;
#[path = "sync/native.rs"]
mod native;

const RECORDS: u64 = 100_000;
const RECORDS_SLOW: u64 = 20_000;
const LATENCY: Duration = Duration::from_millis(50);
const ROUNDS: usize = 5;
const PAGE: u64 = 100;

/// All properties of a contact: a page of a hundred is 65 KB.
const PROPERTIES: &str = "address,city,company,country,createdate,email,firstname,hs_lead_status,\
hs_object_id,hubspot_owner_id,jobtitle,lastmodifieddate,lastname,lifecyclestage,mobilephone,phone,\
state,website,zip";

/// What one process spent.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Spent {
    cpu_s: f64,
    wall_s: f64,
    peak_kib: u64,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "simulator", records, latency_ms] => {
            simulator(records.parse().unwrap(), latency_ms.parse().unwrap());
            ExitCode::SUCCESS
        }
        [_, "native", origin, dir] => measured(|| native::sync(origin, Path::new(dir))),
        [_, "plughouse", ..] => measured(|| {
            let code = plughouse::run(args.iter().skip(1).map(Into::into));
            assert_eq!(code, 0);
        }),
        [_, "mapping", data] => {
            println!("{}", mapped::map(Path::new(data)).as_secs_f64());
            ExitCode::SUCCESS
        }
        [_, "compile-worker"] => ExitCode::from(plughouse::run(args.iter().map(Into::into))),
        _ => {
            compare();
            ExitCode::SUCCESS
        }
    }
}

/// Runs the work, then prints what this process spent.
fn measured(work: impl FnOnce()) -> ExitCode {
    let start = Instant::now();
    work();
    let cpu_s = cpu(rustix::time::ClockId::ProcessCPUTime).as_secs_f64();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
    let peak_kib = peak.trim().trim_end_matches(" kB").parse().unwrap();
    let spent = Spent { cpu_s, wall_s: start.elapsed().as_secs_f64(), peak_kib };
    println!("\n{}", serde_json::to_string(&spent).unwrap());
    ExitCode::SUCCESS
}

fn cpu(of: rustix::time::ClockId) -> Duration {
    Duration::try_from(rustix::time::clock_gettime(of)).unwrap()
}

/// Serves until its standard input closes.
fn simulator(records: u64, latency_ms: u64) {
    let provider = HubSpot::with_contacts(records, 7).token(e2e::TOKEN);
    let late = (latency_ms > 0).then(|| Rule::always(Fault::Latency(latency_ms)));
    let server = Server::start(Faulty::new(provider, late));
    println!("{}", server.origin());
    let mut end = Vec::new();
    std::io::stdin().read_to_end(&mut end).unwrap();
}

struct Simulator {
    child: Child,
    origin: String,
    _stdin: ChildStdin,
}

impl Simulator {
    fn start(records: u64, latency: Duration) -> Self {
        let mut child =
            this(&["simulator", &records.to_string(), &latency.as_millis().to_string()])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
        let mut origin = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut origin).unwrap();
        let stdin = child.stdin.take().unwrap();
        Self { child, origin: origin.trim().to_owned(), _stdin: stdin }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn this(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(args);
    command
}

/// The value in the last line that a process prints.
fn said<T: DeserializeOwned>(mut command: Command) -> T {
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stdout));
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(text.trim().lines().last().unwrap()).unwrap()
}

/// A host of this binary in its role as `plughouse`, connected to the simulator. With schemas its
/// adapter maps every record; without, records are stored as they come.
fn host(dir: &Path, simulator: &Simulator, schemas: bool) -> e2e::Host {
    let host = e2e::Host::of(std::env::current_exe().unwrap(), &["plughouse"], dir);
    if schemas {
        host.install_unlimited("hubspot");
    } else {
        host.install_unmapped("hubspot");
    }
    host.connect_hubspot(&simulator.origin);
    host
}

fn ours(host: &e2e::Host) -> Spent {
    let fields = format!("contact={PROPERTIES}");
    let sync = ["sync", e2e::CONNECTION, "--entity", "contact", "--fields", &fields, "--json"];
    said::<Spent>(host.command(&sync))
}

/// Syncs of one kind, and repeated ones that found nothing new.
#[derive(Default)]
struct Ours {
    full: Vec<Spent>,
    unchanged: Vec<Spent>,
}

impl Ours {
    fn round(&mut self, host: &e2e::Host) {
        self.full.push(ours(host));
        self.unchanged.push(ours(host));
    }

    fn report(&self, what: &str, native: &[Spent]) -> f64 {
        let cpu = report(what, native, &self.full);
        let unchanged = median(self.unchanged.iter().map(|s| s.cpu_s));
        println!("nothing changed since: {unchanged:.3} CPU s");
        cpu
    }
}

fn compare() {
    let dir = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(RECORDS, Duration::ZERO);
    // The simulator builds its pages at the first pass.
    let warm = dir.path().join("warm");
    said::<Spent>(this(&["native", &simulator.origin, warm.to_str().unwrap()]));
    let (mut native, mut stored, mut mapped) = (Vec::new(), Ours::default(), Ours::default());
    let mut mapping = Vec::new();
    for round in 0..ROUNDS {
        let data = |kind| dir.path().join(format!("{kind}-{round}"));
        native.push(said::<Spent>(this(&[
            "native",
            &simulator.origin,
            data("native").to_str().unwrap(),
        ])));
        stored.round(&host(&data("stored"), &simulator, false));
        let host = host(&data("mapped"), &simulator, true);
        mapped.round(&host);
        mapping.push(said::<f64>(this(&["mapping", host.data().to_str().unwrap()])));
    }
    stored.report("full sync", &native);
    let cpu = mapped.report("full sync through the schema", &native);
    let mapping = median(mapping.into_iter());
    println!("mapping alone: {mapping:.2} CPU s, {:.0} % of that sync", 100.0 * mapping / cpu);
    let few = Simulator::start(RECORDS / 10, Duration::ZERO);
    for (kind, schemas) in [("stored", false), ("mapped", true)] {
        let spent = ours(&host(&dir.path().join(format!("few-{kind}")), &few, schemas));
        println!("a tenth of the records, {kind}: {} MiB", spent.peak_kib / 1024);
    }
    drop(simulator);
    slow(dir.path());
}

fn slow(dir: &Path) {
    let simulator = Simulator::start(RECORDS_SLOW, LATENCY);
    let spent = ours(&host(&dir.join("slow"), &simulator, true));
    let floor = LATENCY.as_secs_f64() * f64::from(u32::try_from(RECORDS_SLOW / PAGE).unwrap());
    println!(
        "{RECORDS_SLOW} records at {} ms latency: {:.2} s, {:.2} x the floor of {floor:.2} s",
        LATENCY.as_millis(),
        spent.wall_s,
        spent.wall_s / floor
    );
}

fn report(what: &str, native: &[Spent], ours: &[Spent]) -> f64 {
    let line = |name: &str, spent: &[Spent]| {
        let (cpu, wall) =
            (median(spent.iter().map(|s| s.cpu_s)), median(spent.iter().map(|s| s.wall_s)));
        let peak = spent.iter().map(|s| s.peak_kib).max().unwrap() / 1024;
        let rate = f64::from(u32::try_from(RECORDS).unwrap()) / wall;
        println!("{what}, {name}: {cpu:.2} CPU s, {wall:.2} s, {rate:.0} records/s, {peak} MiB");
        (cpu, rate)
    };
    let (native_cpu, native_rate) = line("native", native);
    let (our_cpu, our_rate) = line("plughouse", ours);
    println!(
        "CPU {:.2} x native, rate {:.2} x native",
        our_cpu / native_cpu,
        our_rate / native_rate
    );
    our_cpu
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
