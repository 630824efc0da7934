//! What one adapter call may spend on HTTP, and what it has spent.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use model::egress::{HttpBudget, HttpUsage, Request};
use model::{Error, ErrorKind};
use tokio::time::Instant;

/// Refused requests that a call may make if its budget allows fewer requests: an adapter tries a
/// few things that it was not granted, and each refusal costs a scan and a line of the audit.
const REFUSALS_MIN: u32 = 64;

/// The meter of one adapter call; its requests may run at the same time.
#[derive(Debug)]
pub(crate) struct Budget {
    most: HttpBudget,
    deadline: Instant,
    calls: AtomicU32,
    refusals: AtomicU32,
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
            refusals: AtomicU32::new(0),
            bytes_out: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            throttled_ns: AtomicU64::new(0),
        }
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Refuses everything once too many requests were refused; nothing else is to be done for a
    /// guest that goes on, not even an audit.
    pub(crate) fn patience(&self) -> Result<(), Error> {
        let most = self.most.calls.max(REFUSALS_MIN);
        if self.refusals.load(Ordering::Acquire) < most {
            return Ok(());
        }
        Err(exhausted("egress.refusals", format!("{most} requests of the call were refused")))
    }

    /// Reserves one request; the reservation lapses as a refusal unless it is spent.
    pub(crate) fn reserve(&self, size: Size) -> Result<Slot<'_>, Error> {
        self.checked(size).inspect_err(|_refused| self.refused())
    }

    fn checked(&self, size: Size) -> Result<Slot<'_>, Error> {
        let body_bytes = u64::try_from(size.body).unwrap_or(u64::MAX);
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
            Ok(_before) => Ok(Slot { budget: self, size, spent: false }),
            Err(calls) => Err(exhausted(
                "egress.calls",
                format!("the call has sent its {calls} requests; return the page and go on"),
            )),
        }
    }

    fn refused(&self) {
        self.refusals.fetch_add(1, Ordering::AcqRel);
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

/// How much a guest wants to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Of the body alone.
    pub(crate) body: usize,
    /// Of path, query, headers and body: all of them carry data out.
    pub(crate) whole: usize,
}

impl Size {
    pub(crate) fn of(request: &Request) -> Self {
        let pairs = request.query.iter().chain(&request.headers);
        let pairs: usize = pairs.map(|(name, value)| name.len() + value.len()).sum();
        let body = request.body.as_ref().map_or(0, Bytes::len);
        Self { body, whole: request.path.len() + pairs + body }
    }
}

/// One request of the budget.
#[derive(Debug)]
pub(crate) struct Slot<'a> {
    budget: &'a Budget,
    size: Size,
    spent: bool,
}

impl Slot<'_> {
    /// Counts the request as sent.
    pub(crate) fn spend(mut self) {
        self.spent = true;
        let bytes = u64::try_from(self.size.whole).unwrap_or(u64::MAX);
        self.budget.bytes_out.fetch_add(bytes, Ordering::AcqRel);
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if !self.spent {
            self.budget.calls.fetch_sub(1, Ordering::AcqRel);
            self.budget.refused();
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

    fn body(bytes: usize) -> Size {
        Size { body: bytes, whole: bytes + 5 }
    }

    #[test]
    fn request_that_was_not_sent_costs_nothing() {
        let budget = budget(1, 60);
        drop(budget.reserve(body(10)).unwrap());
        assert_eq!(budget.usage().calls, 0);
        budget.reserve(body(10)).unwrap().spend();
        assert_eq!((budget.usage().calls, budget.usage().bytes_out), (1, 15));
        assert_eq!(budget.reserve(body(0)).unwrap_err().code, "egress.calls");
    }

    #[test]
    fn refusals_end_at_their_own_number() {
        for (calls, most) in [(1, REFUSALS_MIN), (500, 500)] {
            let budget = budget(calls, 60);
            for turn in 0..most {
                budget.patience().unwrap();
                match turn % 2 {
                    0 => drop(budget.reserve(body(0)).unwrap()),
                    _ => drop(budget.reserve(body(11)).unwrap_err()),
                }
            }
            let error = budget.patience().unwrap_err();
            assert_eq!(
                (error.kind, error.code.as_str()),
                (ErrorKind::BudgetExhausted, "egress.refusals")
            );
        }
    }

    #[test]
    fn everything_that_a_guest_writes_is_counted() {
        let pair = |name: &str| vec![(name.to_owned(), "123".to_owned())];
        let size = Size::of(&Request {
            path: "/x".to_owned(),
            query: pair("q"),
            headers: pair("he"),
            body: Some(Bytes::from_static(b"body")),
            ..Request::default()
        });
        assert_eq!((size.body, size.whole), (4, 2 + 4 + 5 + 4));
    }

    #[test]
    fn each_limit_has_its_own_error() {
        assert_eq!(budget(1, 60).reserve(body(11)).unwrap_err().code, "egress.request-bytes");
        assert_eq!(budget(1, 0).reserve(body(0)).unwrap_err().code, "egress.deadline");
        let budget = budget(1, 60);
        budget.receive(100).unwrap();
        assert_eq!(budget.receive(1).unwrap_err().code, "egress.response-bytes");
        assert_eq!(budget.reserve(body(0)).unwrap_err().code, "egress.response-bytes");
    }
}
