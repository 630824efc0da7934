//! Forgetting history that need not be kept.

use std::sync::Arc;
use std::time::Duration;

use model::retention::{Retention, Swept};
use model::store::StoreError;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Rows in one step; between two steps others write.
const ROWS: usize = 500;

/// Steps of one sweep, so that it ends whatever there is to look at: a second or two of the store.
/// The next sweep goes on where it ended.
const STEPS_MAX: usize = 200;

/// The time from the begin of one round to that of the next: history is kept for days, and a round
/// looks at all that is old and kept as well.
const ROUND: Duration = Duration::from_hours(1);

/// Goes round all history, some of it with each sweep.
pub struct Sweeper {
    store: Arc<dyn Retention>,
    round: Mutex<Round>,
}

/// How far a round has come.
struct Round {
    begun: Instant,
    left: &'static [History],
    /// Where the first of those left goes on.
    after: Option<String>,
}

#[derive(Clone, Copy)]
enum History {
    Runs,
    Events,
    Accesses,
}

impl Round {
    fn begin() -> Self {
        let left = &[History::Runs, History::Events, History::Accesses];
        Self { begun: Instant::now(), left, after: None }
    }
}

impl Sweeper {
    /// A sweeper that has yet to begin.
    pub fn new(store: Arc<dyn Retention>) -> Self {
        Self { store, round: Mutex::new(Round::begin()) }
    }

    /// Sweeps on; how many rows it has removed. Does nothing once a round has ended, until it is
    /// time for the next one.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        let mut round = self.round.lock().await;
        if round.left.is_empty() && round.begun.elapsed() >= ROUND {
            *round = Round::begin();
        }
        let mut removed = 0;
        for _ in 0..STEPS_MAX {
            let Some((history, others)) = round.left.split_first() else { break };
            let swept = self.step(*history, round.after.clone()).await?;
            removed += swept.removed;
            if swept.next.is_none() {
                round.left = others;
            }
            round.after = swept.next;
        }
        Ok(removed)
    }

    async fn step(&self, history: History, after: Option<String>) -> Result<Swept, StoreError> {
        match history {
            History::Runs => self.store.sweep_runs(after, ROWS).await,
            History::Events => self.store.sweep_events(after, ROWS).await,
            History::Accesses => self.store.sweep_accesses(after, ROWS).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;

    use super::*;

    /// History that takes so many steps, each of which removes a row.
    struct Long {
        runs: usize,
        seen: AtomicUsize,
    }

    impl Long {
        fn step(&self, after: Option<String>, steps: usize) -> Swept {
            self.seen.fetch_add(1, Ordering::Relaxed);
            let step = after.map_or(0, |after| after.parse::<usize>().unwrap()) + 1;
            let next = (step < steps).then(|| step.to_string());
            Swept { removed: 1, next }
        }
    }

    #[async_trait]
    impl Retention for Long {
        async fn sweep_runs(&self, after: Option<String>, _: usize) -> Result<Swept, StoreError> {
            Ok(self.step(after, self.runs))
        }

        async fn sweep_events(&self, after: Option<String>, _: usize) -> Result<Swept, StoreError> {
            Ok(self.step(after, 3))
        }

        async fn sweep_accesses(
            &self,
            after: Option<String>,
            _: usize,
        ) -> Result<Swept, StoreError> {
            Ok(self.step(after, 1))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn round_of_any_length_comes_to_its_end_and_begins_anew_after_an_hour() {
        let runs = 2 * STEPS_MAX + 50;
        let store = Arc::new(Long { runs, seen: AtomicUsize::new(0) });
        let sweeper = Sweeper::new(Arc::<Long>::clone(&store));
        let mut removed = Vec::new();
        for _ in 0..59 {
            removed.push(sweeper.sweep().await.unwrap());
            tokio::time::advance(Duration::from_mins(1)).await;
        }
        assert_eq!(removed[..4], [200, 200, 54, 0]);
        assert_eq!(store.seen.load(Ordering::Relaxed), runs + 3 + 1, "nothing is looked at twice");
        assert_eq!(removed[4..].iter().sum::<u64>(), 0);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(sweeper.sweep().await.unwrap(), 200);
    }
}
