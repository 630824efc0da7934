//! The CPU time of one call.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Measures what polling one future costs its thread.
///
/// A guest runs only while the future of its call is polled, and so does everything that the host
/// computes on its behalf: scanning a link, checking a request, reading an answer. All of that is
/// the call's. Between two polls the call waits, for a provider or for its turn, and costs nothing.
/// The clock is the thread's own, so that time lost to a busy machine is not on the bill either.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// The thread's time up to which everything is charged, in nanoseconds.
    mark: AtomicU64,
    used: AtomicU64,
}

impl Meter {
    /// Runs a future and charges each poll of it.
    pub(crate) async fn watch<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| {
            // Each poll may be on another thread, whose clock is another one.
            self.mark.store(thread_nanos(), Ordering::Relaxed);
            let polled = future.as_mut().poll(context);
            self.charge();
            polled
        })
        .await
    }

    /// Charges what the running poll has taken so far and tells the sum. Only for code that the
    /// watched future runs.
    pub(crate) fn charge(&self) -> Duration {
        let now = thread_nanos();
        let spent = now.saturating_sub(self.mark.swap(now, Ordering::Relaxed));
        self.used.fetch_add(spent, Ordering::Relaxed);
        self.used()
    }

    /// What was charged so far.
    pub(crate) fn used(&self) -> Duration {
        Duration::from_nanos(self.used.load(Ordering::Relaxed))
    }
}

fn thread_nanos() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let duration = Duration::try_from(time).unwrap_or_default();
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPELL: Duration = Duration::from_millis(20);

    /// Computes for that long.
    fn compute() {
        let end = thread_nanos() + u64::try_from(SPELL.as_nanos()).unwrap();
        while thread_nanos() < end {}
    }

    #[tokio::test]
    async fn computing_is_charged_and_waiting_is_not() {
        let meter = Meter::default();
        let call = async {
            compute();
            assert!(meter.charge() >= SPELL, "it is charged while the call runs");
            tokio::task::yield_now().await;
            compute();
        };
        let neighbour = async {
            for _ in 0..8 {
                compute();
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(meter.watch(call), neighbour);
        assert!(meter.used() >= SPELL * 2, "{:?}", meter.used());
        assert!(meter.used() < SPELL * 4, "the neighbour's time was charged: {:?}", meter.used());
    }
}
