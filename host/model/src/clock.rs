//! The time, as a value that tests can set.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// Tells the time.
///
/// A concrete type rather than a trait: there are two clocks and there will not be a third, and a
/// trait would put a type parameter on everything that needs to know the time.
#[derive(Clone, Debug)]
pub struct Clock(Inner);

#[derive(Clone, Debug)]
enum Inner {
    System,
    Manual(Arc<Mutex<Timestamp>>),
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Self {
        Self(Inner::System)
    }

    /// A clock that stands still until it is moved; its clones move with it.
    pub fn manual(start: Timestamp) -> Self {
        Self(Inner::Manual(Arc::new(Mutex::new(start))))
    }

    /// The present instant.
    #[expect(clippy::disallowed_methods, reason = "this is the place that the rule points to")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Inner::System => Timestamp::now(),
            Inner::Manual(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves a manual clock forward. The system clock does not care.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().saturating_add(by).unwrap_or(Timestamp::MAX));
    }

    /// Sets a manual clock, back as well: clocks of machines do that. The system clock does not care.
    pub fn set(&self, to: Timestamp) {
        if let Inner::Manual(at) = &self.0 {
            *at.lock().unwrap_or_else(PoisonError::into_inner) = to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_clock_stands_still_and_its_clones_move_with_it() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let other = clock.clone();
        clock.advance(Duration::from_secs(3));
        assert_eq!(other.now().as_second(), 3);
        other.set(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
    }
}
