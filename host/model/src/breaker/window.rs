//! How the requests of the last minute ended, in slices.

use crate::Timestamp;

/// Slices of the window. The oldest leaves as a whole, so the window is a tenth shorter at times.
const SLICES: usize = 10;

/// The length of a slice in seconds. The window is a minute: successes of longer ago say nothing
/// about now, and would keep the breaker of a busy host closed for as long.
const SLICE_SECONDS: i64 = 6;

/// Requests by the slice in which they ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    /// The number of the newest slice since the epoch.
    newest: i64,
    /// Failures and requests, the newest slice first.
    slices: [(u32, u32); SLICES],
}

impl Window {
    /// Counts a request; the failures and requests of the whole window.
    pub(super) fn count(&mut self, now: Timestamp, failed: bool) -> (u32, u32) {
        self.turn(now);
        let [(failures, requests), ..] = &mut self.slices;
        *failures = failures.saturating_add(u32::from(failed));
        *requests = requests.saturating_add(1);
        self.slices.iter().fold((0, 0), |sum, slice| {
            (u32::saturating_add(sum.0, slice.0), u32::saturating_add(sum.1, slice.1))
        })
    }

    /// Whether everything in it is over.
    pub(super) fn is_empty(&self, now: Timestamp) -> bool {
        let mut at = self.clone();
        at.turn(now);
        at.slices.iter().all(|(_, requests)| *requests == 0)
    }

    /// Makes the slice of this instant the newest. A clock that was set back begins anew.
    fn turn(&mut self, now: Timestamp) {
        let slice = now.as_second().div_euclid(SLICE_SECONDS);
        match usize::try_from(slice - self.newest) {
            Ok(passed) if passed < SLICES => {
                self.slices.rotate_right(passed);
                self.slices.iter_mut().take(passed).for_each(|slice| *slice = (0, 0));
            }
            _ => self.slices = Default::default(),
        }
        self.newest = slice;
    }
}
