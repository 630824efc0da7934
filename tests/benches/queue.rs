//! The queues against plain commits of redb, on one disk in alternating rounds.
//!
//! `cargo bench -p e2e --bench queue` — there are two kinds of plain commits. Those of the same
//! size put and remove the rows that the queues put and remove: the jobs, their sessions, and when
//! those are due. The least ones put, replace or remove one row for each job, and nothing can be
//! claimed from that. The memory is that of a process of its own (this binary again, with a role),
//! which queues a million jobs.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and fails by panicking"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use model::Clock;
use model::queue::{Claim, Finish, Held, JobQueue as _, Leased, NewJob, Outcome, Queue};
use store::Store;

#[path = "queue/plain.rs"]
mod plain;

const PAYLOAD: [u8; 256] = [b'x'; 256];
const JOBS_PER_SESSION: usize = 4;
const ROUNDS: usize = 7;
const MILLION: usize = 1_000_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match std::env::args().collect::<Vec<_>>().as_slice() {
        [_, role, dir] if role == "fill" => runtime.block_on(fill(Path::new(dir))),
        _ => {
            for (batch, commits) in [(1, 200), (16, 100), (128, 40), (1_024, 20)] {
                compare(&runtime, batch, commits);
            }
            runtime.block_on(callers());
            memory();
        }
    }
}

/// Jobs per second of the three steps of a job's life.
#[derive(Clone, Copy, Default)]
struct Rates([f64; 3]);

fn compare(runtime: &tokio::runtime::Runtime, batch: usize, commits: usize) {
    let (mut same, mut least, mut ours) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let dir = tempfile::tempdir().unwrap();
        same.push(plain::same(&dir.path().join("same.redb"), batch, commits));
        least.push(plain::least(&dir.path().join("least.redb"), batch, commits));
        ours.push(runtime.block_on(queue(&dir.path().join("store"), batch, commits)));
    }
    for (step, name) in ["enqueue", "claim", "ack"].into_iter().enumerate() {
        let rate = median(ours.iter().map(|rates| rates.0[step]));
        let times = |plain: &[Rates]| {
            median(ours.iter().zip(plain).map(|(ours, plain)| ours.0[step] / plain.0[step]))
        };
        println!(
            "{name}, {batch} jobs in a call: {rate:.0}/s, {:.2} x plain commits of the same size, \
             {:.2} x the least ones",
            times(&same),
            times(&least)
        );
    }
}

fn session(number: usize) -> String {
    // Neighbours in time are no neighbours in the table, as with ids of records.
    format!("deal/{:08x}", number.wrapping_mul(2_654_435_761) % (1 << 32))
}

async fn queue(dir: &Path, batch: usize, commits: usize) -> Rates {
    let store = Store::open(dir, Clock::system()).unwrap();
    let total = batch * commits;
    let start = Instant::now();
    for first in (0..total).step_by(batch) {
        store.enqueue((first..first + batch).map(job).collect()).await.unwrap();
    }
    let enqueue = start.elapsed();
    let (mut claiming, mut acking) = (Duration::ZERO, Duration::ZERO);
    let mut done = 0;
    while done < total {
        let start = Instant::now();
        let leased = store.claim(claim(batch)).await.unwrap();
        claiming += start.elapsed();
        done += leased.iter().map(|leased| leased.jobs.len()).sum::<usize>();
        let finishes: Vec<_> = leased.into_iter().map(finish).collect();
        let start = Instant::now();
        let held = store.finish(finishes).await.unwrap();
        acking += start.elapsed();
        assert!(held.into_iter().all(|held| held == Held::Held));
    }
    let jobs = f64::from(u32::try_from(total).unwrap());
    Rates([enqueue, claiming, acking].map(|time| jobs / time.as_secs_f64()))
}

fn job(number: usize) -> NewJob {
    NewJob {
        tenant: "acme".parse().unwrap(),
        queue: Queue::Outbound,
        session: session(number / JOBS_PER_SESSION),
        connection: Some("hub".parse().unwrap()),
        package: Some("acme/hub".to_owned()),
        payload: PAYLOAD.as_slice().into(),
        run_at: None,
        dedupe: Vec::new(),
    }
}

fn claim(jobs: usize) -> Claim {
    Claim {
        worker: "bench".to_owned(),
        queue: Queue::Outbound,
        tenant: "acme".parse().unwrap(),
        skip: std::collections::BTreeSet::new(),
        sessions_max: jobs.div_ceil(JOBS_PER_SESSION),
        jobs_max: jobs.min(JOBS_PER_SESSION),
        lease: Duration::from_mins(10),
        alone: false,
    }
}

fn finish(leased: Leased) -> Finish {
    let outcomes = leased.jobs.iter().map(|job| (job.id, Outcome::Done)).collect();
    Finish { lease: leased.lease, outcomes, effects: Vec::new() }
}

/// Callers with one job each, who share commits without knowing of each other.
async fn callers() {
    const CALLERS: usize = 128;
    const EACH: usize = 40;
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Clock::system()).unwrap();
    let start = Instant::now();
    join_all((0..CALLERS).map(async |caller| {
        for number in 0..EACH {
            store.enqueue(vec![job(caller * EACH + number)]).await.unwrap();
        }
    }))
    .await;
    let rate = f64::from(u32::try_from(CALLERS * EACH).unwrap()) / start.elapsed().as_secs_f64();
    println!("enqueue, {CALLERS} callers with one job at a time: {rate:.0}/s");
}

fn memory() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["fill".as_ref(), dir.path().as_os_str()])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success());
    print!("{}", String::from_utf8(output.stdout).unwrap());
}

/// Queues a million jobs, and works some of them off.
async fn fill(dir: &Path) {
    let store = Store::open(dir, Clock::system()).unwrap();
    let empty = resident_mib();
    let start = Instant::now();
    for first in (0..MILLION).step_by(1_000) {
        store.enqueue((first..first + 1_000).map(job).collect()).await.unwrap();
    }
    let filled = start.elapsed();
    let start = Instant::now();
    for _ in 0..20 {
        let leased = store.claim(claim(1_000)).await.unwrap();
        let finishes = leased.into_iter().map(finish).collect();
        store.finish(finishes).await.unwrap();
    }
    println!(
        "{MILLION} jobs queued: {} MiB resident, {empty} MiB without them; filled at {:.0}/s, \
         claimed and acknowledged at {:.0}/s",
        resident_mib(),
        f64::from(u32::try_from(MILLION).unwrap()) / filled.as_secs_f64(),
        20_000.0 / start.elapsed().as_secs_f64(),
    );
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
