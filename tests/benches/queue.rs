//! The queues against plain commits of redb, on one disk in alternating rounds.
//!
//! `cargo bench -p e2e --bench queue` — a plain commit puts, replaces or removes one row for each
//! job, under the same keys and with the same payload: what a queue cannot do without. The memory
//! is that of a process of its own (this binary again, with a role), which queues a million jobs.

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
use redb::{Database, TableDefinition};
use store::Store;

const JOBS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("jobs");
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
    let (mut raw, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let dir = tempfile::tempdir().unwrap();
        raw.push(plain(&dir.path().join("plain.redb"), batch, commits));
        ours.push(runtime.block_on(queue(&dir.path().join("store"), batch, commits)));
    }
    for (step, name) in ["enqueue", "claim", "ack"].into_iter().enumerate() {
        let of = |rates: &[Rates]| median(rates.iter().map(|rates| rates.0[step]));
        let pairs = ours.iter().zip(&raw).map(|(ours, raw)| ours.0[step] / raw.0[step]);
        println!(
            "{name}, {batch} jobs in a call: {:.0}/s, {:.2} x plain commits ({:.0}/s)",
            of(&ours),
            median(pairs),
            of(&raw)
        );
    }
}

fn session(number: usize) -> String {
    // Neighbours in time are no neighbours in the table, as with ids of records.
    format!("deal/{:08x}", number.wrapping_mul(2_654_435_761) % (1 << 32))
}

/// Measures one step in jobs per second.
fn rate(jobs: usize, step: impl FnOnce()) -> f64 {
    let start = Instant::now();
    step();
    f64::from(u32::try_from(jobs).unwrap()) / start.elapsed().as_secs_f64()
}

fn plain(path: &Path, batch: usize, commits: usize) -> Rates {
    let database = redb::Builder::new().set_cache_size(16 << 20).create(path).unwrap();
    let keys: Vec<_> = (0..batch * commits)
        .map(|number| format!("acme\0{}\0{:08}", session(number / JOBS_PER_SESSION), number))
        .collect();
    let all = |step: &dyn Fn(&mut redb::Table<'_, &[u8], &[u8]>, &[u8])| {
        rate(keys.len(), || keys.chunks(batch).for_each(|keys| commit(&database, keys, step)))
    };
    let put = |value: &'static [u8]| {
        move |table: &mut redb::Table<'_, &[u8], &[u8]>, key: &[u8]| {
            table.insert(key, value).unwrap();
        }
    };
    let enqueue = all(&put(&PAYLOAD));
    let claim = all(&put(&PAYLOAD[1..]));
    let ack = all(&|table, key| drop(table.remove(key).unwrap()));
    Rates([enqueue, claim, ack])
}

fn commit(
    database: &Database,
    keys: &[String],
    step: &dyn Fn(&mut redb::Table<'_, &[u8], &[u8]>, &[u8]),
) {
    let transaction = database.begin_write().unwrap();
    let mut table = transaction.open_table(JOBS).unwrap();
    keys.iter().for_each(|key| step(&mut table, key.as_bytes()));
    drop(table);
    transaction.commit().unwrap();
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
