//! What an instance costs, and what a runaway costs its neighbours.
//!
//! `cargo bench -p e2e --bench instance`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and fails by panicking"
)]

use std::fs;
use std::time::{Duration, Instant};

use e2e::stage::{Setting, Stage, pull};
use sandbox::{Limits, Reuse};

const CALLS: usize = 20_000;
const LIVE: u64 = 1_000;
/// A package has three quarters of all.
const INSTANCES: u32 = 1_400;
const BUDGET: &str = "cpu_ms = 100";
const BUDGET_CPU: Duration = Duration::from_millis(100);

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let fresh = stage(Reuse::PerCall).await;
        println!("fresh instance and an empty call: {:?} median", median(&fresh, CALLS).await);
        let reused = stage(Reuse::default()).await;
        println!("call of a reused instance: {:?} median", median(&reused, CALLS).await);
        live(&reused).await;
        runaway(&reused, "reused instance").await;
        runaway(&fresh, "fresh instance").await;
    });
}

async fn stage(reuse: Reuse) -> Stage {
    let limits = Limits { instances: INSTANCES, ..Limits::default() };
    Setting { limits, reuse, budget: BUDGET }.hostile().await
}

/// The median latency of a call that touches nothing.
async fn median(stage: &Stage, calls: usize) -> Duration {
    let mut session = stage.session("one");
    let mut spent = Vec::with_capacity(calls);
    for _ in 0..calls {
        let start = Instant::now();
        pull(&mut session, "plain", "").await.outcome.unwrap();
        spent.push(start.elapsed());
    }
    spent.sort();
    spent[calls / 2]
}

async fn live(stage: &Stage) {
    let before = resident();
    let mut sessions = Vec::new();
    for n in 0..LIVE {
        let mut session = stage.session(&format!("c{n}"));
        pull(&mut session, "plain", "").await.outcome.unwrap();
        sessions.push(session);
    }
    let each = (resident() - before) / LIVE;
    println!("{LIVE} live instances: {each} KiB resident each");
}

/// The resident memory of this process, in KiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A neighbour's calls, with and without a guest that never ends beside it, by turns.
///
/// The neighbour that counts is the one with reused instances, because that is how hosts run
/// adapters by default. The one with fresh instances shows what making them adds: it maps and
/// clears memory, for which it contends with the runaway in the kernel.
async fn runaway(stage: &Stage, what: &str) {
    const ROUNDS: usize = 9;
    let (mut alone, mut beside, mut cpu) = (Vec::new(), Vec::new(), Duration::ZERO);
    for _ in 0..ROUNDS {
        alone.push(median(stage, CALLS / 10).await);
        let mut session = stage.session("runaway");
        let spin = tokio::spawn(async move {
            let called = pull(&mut session, "spin", "").await;
            assert_eq!(called.outcome.unwrap_err().code, "sandbox.cpu");
            called.receipt.cpu
        });
        beside.push(median(stage, CALLS / 10).await);
        cpu = cpu.max(spin.await.unwrap());
    }
    alone.sort();
    beside.sort();
    println!("a runaway is stopped after {cpu:?} of CPU at most, its budget is {BUDGET_CPU:?}");
    println!(
        "a neighbour's call, {what}: {:?} median alone, {:?} beside a runaway",
        alone[ROUNDS / 2],
        beside[ROUNDS / 2]
    );
}
