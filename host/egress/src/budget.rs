//! What one adapter call may spend on HTTP, and what it has spent.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use model::egress::{HttpBudget, HttpUsage};
use model::{Error, ErrorKind};
use tokio::time::Instant;

/// The meter of one adapter call; its requests may run at the same time.
#[derive(Debug)]
pub(crate) struct Budget {
    most: HttpBudget,
    deadline: Instant,
    calls: AtomicU32,
    bytes_out: AtomicU64,
    bytes_in: AtomicU64,
    throttled_ns: AtomicU64,
}

impl Budget {
    pub(crate) fn new(most: HttpBudget) -> Self {
        Self {
            most,
            deadline: Instant::from_std(most.deadline),
            calls: AtomicU32::new(0),
            bytes_out: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            throttled_ns: AtomicU64::new(0),
        }
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Reserves one request with a body of that size; the reservation lapses unless it is spent.
    pub(crate) fn reserve(&self, body_bytes: u64) -> Result<Slot<'_>, Error> {
        if Instant::now() >= self.deadline {
            return Err(too_late());
        }
        if body_bytes > self.most.request_bytes {
            return Err(exhausted(
                "egress.request-bytes",
                format!(
                    "a request body of {body_bytes} bytes is more than the {} allowed",
                    self.most.request_bytes
                ),
            ));
        }
        if self.bytes_left() == 0 {
            return Err(self.no_bytes_left());
        }
        let more = |calls: u32| (calls < self.most.calls).then_some(calls + 1);
        match self.calls.fetch_update(Ordering::AcqRel, Ordering::Acquire, more) {
            Ok(_before) => Ok(Slot { budget: self, body_bytes, spent: false }),
            Err(calls) => Err(exhausted(
                "egress.calls",
                format!("the call has sent its {calls} requests; return the page and go on"),
            )),
        }
    }

    /// Bytes that answers may still bring.
    pub(crate) fn bytes_left(&self) -> u64 {
        self.most.response_bytes.saturating_sub(self.bytes_in.load(Ordering::Acquire))
    }

    /// Counts bytes of an answer, or refuses them all.
    pub(crate) fn receive(&self, bytes: usize) -> Result<(), Error> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let before = self.bytes_in.fetch_add(bytes, Ordering::AcqRel);
        if before.saturating_add(bytes) > self.most.response_bytes {
            return Err(self.no_bytes_left());
        }
        Ok(())
    }

    pub(crate) fn no_bytes_left(&self) -> Error {
        exhausted(
            "egress.response-bytes",
            format!(
                "the answers are more than {} bytes; ask for smaller pages",
                self.most.response_bytes
            ),
        )
    }

    pub(crate) fn throttled(&self, waited: Duration) {
        let ns = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
        self.throttled_ns.fetch_add(ns, Ordering::AcqRel);
    }

    pub(crate) fn usage(&self) -> HttpUsage {
        HttpUsage {
            calls: self.calls.load(Ordering::Acquire),
            bytes_out: self.bytes_out.load(Ordering::Acquire),
            bytes_in: self.bytes_in.load(Ordering::Acquire),
            throttled: Duration::from_nanos(self.throttled_ns.load(Ordering::Acquire)),
        }
    }
}

/// One request of the budget.
#[derive(Debug)]
pub(crate) struct Slot<'a> {
    budget: &'a Budget,
    body_bytes: u64,
    spent: bool,
}

impl Slot<'_> {
    /// Counts the request as sent.
    pub(crate) fn spend(mut self) {
        self.spent = true;
        self.budget.bytes_out.fetch_add(self.body_bytes, Ordering::AcqRel);
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if !self.spent {
            self.budget.calls.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// The deadline of the whole adapter call has passed.
pub(crate) fn too_late() -> Error {
    Error::new(ErrorKind::Timeout, "egress.deadline", "the deadline of the call has passed")
}

fn exhausted(code: &'static str, message: String) -> Error {
    Error::new(ErrorKind::BudgetExhausted, code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(calls: u32, seconds: u64) -> Budget {
        Budget::new(HttpBudget {
            calls,
            request_bytes: 10,
            response_bytes: 100,
            deadline: std::time::Instant::now() + Duration::from_secs(seconds),
        })
    }

    #[test]
    fn request_that_was_not_sent_costs_nothing() {
        let budget = budget(1, 60);
        drop(budget.reserve(10).unwrap());
        assert_eq!(budget.usage().calls, 0);
        budget.reserve(10).unwrap().spend();
        assert_eq!((budget.usage().calls, budget.usage().bytes_out), (1, 10));
        assert_eq!(budget.reserve(0).unwrap_err().code, "egress.calls");
    }

    #[test]
    fn each_limit_has_its_own_error() {
        assert_eq!(budget(1, 60).reserve(11).unwrap_err().code, "egress.request-bytes");
        assert_eq!(budget(1, 0).reserve(0).unwrap_err().code, "egress.deadline");
        let budget = budget(1, 60);
        budget.receive(100).unwrap();
        assert_eq!(budget.receive(1).unwrap_err().code, "egress.response-bytes");
        assert_eq!(budget.reserve(0).unwrap_err().code, "egress.response-bytes");
    }
}
