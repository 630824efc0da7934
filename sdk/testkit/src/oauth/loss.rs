//! Answers that do not arrive, although what they tell has happened.

use crate::message::{Answer, Delivery};
use crate::random::Random;

/// Which answers are lost: before their first byte, within their body, or at a gateway that says
/// so. The seed of the server decides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Loss {
    percent: u64,
    answered: u64,
    happened: u64,
}

impl Loss {
    /// None.
    pub const NONE: Self = Self::percent(0);

    /// So many of a hundred.
    pub const fn percent(percent: u64) -> Self {
        Self { percent, answered: 0, happened: 0 }
    }

    pub(super) fn happened(&self) -> u64 {
        self.happened
    }

    /// The answer, or what is left of it.
    pub(super) fn pass(&mut self, seed: u64, answer: Answer) -> Answer {
        self.answered += 1;
        let mut random = Random::of(seed, self.answered);
        if random.below(100) >= self.percent {
            return answer;
        }
        self.happened += 1;
        let half = answer.body.len() / 2;
        match random.below(3) {
            0 => answer.delivered(Delivery::Severed),
            1 => answer.delivered(Delivery::Truncated(half)),
            _ => Answer::plain(502, "bad gateway"),
        }
    }
}
