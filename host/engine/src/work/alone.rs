//! When jobs that may be what kills the workers get to work alone.
//!
//! A death of the process counts for every job that was in hand, so deaths that jobs share prove
//! nothing: one that kills everything three times would take its neighbours with it. What counts
//! is the death that decides, the last of [`DEATHS_MAX`](model::retry::DEATHS_MAX). A job that it
//! could be is a suspect, and a suspect works alone in its process: either it ends well and is
//! cleared, or it dies and nothing else can have been the reason. Which job it was is known after
//! as many deaths as without that. A suspect that is claimed beside others, since it is known for
//! one by the claim only, takes no death of theirs meanwhile: the store counts the one that decides
//! under a claim that says that nothing else is at work, and under no other. One death makes no
//! suspect yet: processes are killed and machines lose power, and then everything that was in hand
//! would have to go through here.
//!
//! Whoever works alone keeps all others waiting, so suspects get no more than half of the time.
//! In a turn, what is at work is first asked to stop at the next border of a page, which costs it
//! nothing; then suspects work one after another until [`TURN`] is over, and the one at work then
//! stops at its next border of a page as well. Afterwards the others have as long as that took,
//! and [`REST_MIN`] at least.

use std::time::Duration;

use tokio::time::Instant;

/// How long suspects may work in one turn: longer than most jobs, short for those who wait.
pub(super) const TURN: Duration = Duration::from_mins(1);

/// The least time between two turns: each stops everything else.
const REST_MIN: Duration = Duration::from_secs(10);

/// Whose turn it is.
#[derive(Default)]
pub(super) struct Alone {
    /// Before that, others work.
    not_before: Option<Instant>,
}

impl Alone {
    /// How long suspects still have to wait; nothing if their turn may begin.
    pub(super) fn wait(&self) -> Option<Duration> {
        let wait = self.not_before?.saturating_duration_since(Instant::now());
        (!wait.is_zero()).then_some(wait)
    }

    /// Ends a turn of suspects.
    pub(super) fn end(&mut self, begun: Instant) {
        self.not_before = Some(Instant::now() + begun.elapsed().max(REST_MIN));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn others_work_as_long_as_a_turn_took() {
        let mut alone = Alone::default();
        assert_eq!(alone.wait(), None);
        for (took, rest) in [(1, 10), (60, 60)] {
            let begun = Instant::now();
            tokio::time::advance(Duration::from_secs(took)).await;
            alone.end(begun);
            assert_eq!(alone.wait(), Some(Duration::from_secs(rest)));
            tokio::time::advance(Duration::from_secs(rest)).await;
            assert_eq!(alone.wait(), None);
        }
    }
}
