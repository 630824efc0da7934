//! How figures went: samples in memory, as fine as charts need them and no longer.
//!
//! A chart of the last hours shows every sample, a chart of days every fifth minute. Whoever wants
//! more asks a server that scrapes. What was before the start of the process is not known.

mod answer;
mod cells;
mod quantile;
mod ring;

use std::time::Duration;

use model::Timestamp;

pub use answer::{Answer, Line, Point, Query, QueryError};

use super::family::Sample;
use cells::Cells;
use ring::Ring;
pub(super) use ring::between;

/// The time between fine samples: half a minute would hide what passes while somebody looks, and a
/// shorter time would show how a scrape of a provider goes rather than how the host does.
pub(super) const FINE_EVERY: Duration = Duration::from_secs(15);

/// Fine samples: two hours, as long as somebody who was woken looks back.
const FINE_MAX: usize = 480;

/// The time between coarse samples.
const COARSE_EVERY: Duration = Duration::from_mins(5);

/// Coarse samples: a week, so that a day can be held against the same day before.
const COARSE_MAX: usize = 2_016;

/// The samples of all figures.
#[derive(Debug)]
pub struct Series {
    cells: Cells,
    fine: Ring,
    coarse: Ring,
}

impl Default for Series {
    fn default() -> Self {
        Self {
            cells: Cells::default(),
            fine: Ring::new(FINE_EVERY, FINE_MAX),
            coarse: Ring::new(COARSE_EVERY, COARSE_MAX),
        }
    }
}

impl Series {
    /// Keeps how figures stand. After the clock was set back, what is ahead of it is forgotten.
    pub fn push(&mut self, at: Timestamp, samples: &[Sample]) {
        let row = self.cells.row(samples);
        self.coarse.push(at, &row);
        self.fine.push(at, &row);
    }

    /// Says how a metric went.
    ///
    /// Counters answer with their growth per second, gauges with where they stood, histograms with
    /// the quantiles of what they were told in each step, where they were told anything. What was
    /// not sampled has no point.
    pub fn answer(&self, query: &Query<'_>) -> Result<Answer, QueryError> {
        let metric = query.check()?;
        let ring = self.ring(query.from, query.step);
        let step = query.step.max(ring.every());
        let groups = self.cells.groups(metric, query.by);
        Ok(answer::answer(ring, (metric, &groups), &Query { step, ..*query }))
    }

    /// The finest samples that reach back so far, unless such steps need none so fine.
    fn ring(&self, from: Timestamp, step: Duration) -> &Ring {
        let reaches = self.fine.oldest().is_none_or(|oldest| {
            oldest <= from || self.coarse.oldest().is_none_or(|coarse| coarse >= oldest)
        });
        if reaches && step < COARSE_EVERY { &self.fine } else { &self.coarse }
    }
}

#[cfg(test)]
mod tests;
