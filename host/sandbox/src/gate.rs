//! Places for instances, and a queue of those who wait for one.

use std::sync::Arc;

use model::{Error, ErrorKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::limits::WAITERS_PER_PLACE;

/// A place, until it is dropped.
pub(crate) type Place = OwnedSemaphorePermit;

/// A number of places. Whoever waits for one is served in the order of arrival; whoever finds the
/// queue full is sent away at once.
#[derive(Clone)]
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl Gate {
    pub(crate) fn new(places: u32) -> Self {
        let semaphore = |permits: u32| {
            let permits = usize::try_from(permits).unwrap_or(usize::MAX);
            Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)))
        };
        Self {
            places: semaphore(places),
            queue: semaphore(places.saturating_mul(WAITERS_PER_PLACE)),
        }
    }

    /// A place, now or before the deadline.
    pub(crate) async fn enter(&self, deadline: Instant) -> Result<Place, Error> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        let _turn = self.queue.try_acquire().map_err(|_full| busy("and so is the queue"))?;
        let waiting = Arc::clone(&self.places).acquire_owned();
        match timeout_at(deadline, waiting).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(busy("until the end of the call's wall time")),
        }
    }
}

fn busy(how: &str) -> Error {
    let message = format!(
        "every instance is busy, {how}: raise the limit of instances, or sync less at the same time"
    );
    Error::new(ErrorKind::Unavailable, "sandbox.busy", message)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn queue_is_bounded_and_moves_on() {
        let gate = Gate::new(1);
        let deadline = Instant::now() + Duration::from_mins(1);
        let held = gate.enter(deadline).await.unwrap();
        let waiters: Vec<_> = (0..WAITERS_PER_PLACE)
            .map(|_| {
                let gate = gate.clone();
                tokio::spawn(async move { gate.enter(deadline).await.map(drop) })
            })
            .collect();
        tokio::task::yield_now().await;
        let error = gate.enter(deadline).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.kind), ("sandbox.busy", ErrorKind::Unavailable));
        assert!(error.message.contains("queue"), "{error}");
        drop(held);
        for waiter in waiters {
            assert_eq!(waiter.await.unwrap(), Ok(()));
        }
        assert!(gate.enter(deadline).await.is_ok());
    }
}
