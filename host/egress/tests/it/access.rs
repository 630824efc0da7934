//! The access log: no use of a credential that is not written down first.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use model::credential::{Access as Entry, AccessLog, AccessQuery, Actor};
use model::egress::Access;
use model::store::{StoreError, StoreErrorKind};
use model::{Clock, Timestamp};

use crate::support::{Memory, Setup, budget, get};

/// Keeps what is noted and what is closed, or says no so many times.
#[derive(Default)]
struct Log {
    noted: Mutex<Vec<Entry>>,
    closed: Mutex<Vec<Entry>>,
    refusals: Mutex<usize>,
}

#[async_trait]
impl AccessLog for Log {
    async fn note_access(&self, access: Entry) -> Result<u64, StoreError> {
        // Whoever asks at the same time does so before the first is answered.
        tokio::task::yield_now().await;
        let mut refusals = self.refusals.lock().unwrap();
        if *refusals > 0 {
            *refusals -= 1;
            return Err(StoreError::new(StoreErrorKind::Unavailable, "the disk is full"));
        }
        let mut noted = self.noted.lock().unwrap();
        noted.push(access);
        Ok(u64::try_from(noted.len()).unwrap())
    }

    async fn close_access(&self, entries: Vec<Entry>) -> Result<(), StoreError> {
        tokio::task::yield_now().await;
        self.closed.lock().unwrap().extend(entries);
        Ok(())
    }

    async fn accesses(&self, _query: AccessQuery) -> Result<Vec<Entry>, StoreError> {
        Ok(self.noted.lock().unwrap().clone())
    }
}

fn start() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

fn setup(log: &Arc<Log>) -> Setup {
    let mut setup = Setup::new();
    setup.access = Some((Arc::<Log>::clone(log), Actor::Job("7".to_owned())));
    setup
}

/// Who, where and how often.
fn told(entries: &Mutex<Vec<Entry>>) -> Vec<(u64, String, Timestamp, u64)> {
    let entries = entries.lock().unwrap();
    entries.iter().map(|it| (it.id, it.endpoint.clone(), it.last, it.uses)).collect()
}

#[tokio::test]
async fn first_use_at_each_endpoint_is_written_down_before_it_happens() {
    let log = Arc::new(Log::default());
    let seen = Arc::clone(&log);
    let memory = Memory::new(move |request| {
        let noted = seen.noted.lock().unwrap();
        let host = request.uri().host().unwrap();
        let endpoint = host.split('.').next().unwrap();
        assert!(noted.iter().any(|entry| entry.endpoint == endpoint), "{host}");
        (200, Vec::new(), Bytes::new())
    });
    let door = setup(&log).door(&memory.gateway(Clock::manual(start()))).unwrap();
    for (endpoint, path) in [("api", "/v1/items"), ("media", "/x"), ("api", "/v1/items")] {
        door.open(Access::Read, budget()).send(get(endpoint, path)).await.unwrap();
    }
    let noted = log.noted.lock().unwrap();
    assert_eq!(noted.len(), 2);
    let Entry { id, tenant, connection, actor, slot, endpoint, first, last, uses } = &noted[0];
    assert_eq!((*id, tenant.as_str(), connection.as_str()), (0, "acme", "main"));
    assert_eq!((actor, slot.as_str()), (&Actor::Job("7".to_owned()), "account"));
    assert_eq!((endpoint.as_str(), *first, *last, *uses), ("api", start(), start(), 1));
}

#[tokio::test]
async fn number_of_uses_is_added_when_the_door_is_closed() {
    let (log, memory, clock) =
        (Arc::new(Log::default()), Memory::saying("{}"), Clock::manual(start()));
    let gateway = memory.gateway(clock.clone());
    let door = setup(&log).door(&gateway).unwrap();
    let call = door.open(Access::Read, budget());
    for path in ["/v1/items", "/v1/items/7", "/v1/items"] {
        call.send(get("api", path)).await.unwrap();
        clock.advance(Duration::from_secs(1));
    }
    // What was used once is told already.
    call.send(get("media", "/x")).await.unwrap();
    call.send(get("api", "/v9")).await.unwrap_err();
    drop(door);
    gateway.settled().await;
    assert_eq!(told(&log.closed), [], "the call is not over");
    drop(call);
    gateway.settled().await;
    let last = start() + Duration::from_secs(2);
    assert_eq!(told(&log.closed), [(1, "api".to_owned(), last, 3)]);
}

#[test]
fn nobody_waits_for_a_log_whose_runtime_has_ended() {
    let (log, memory) = (Arc::new(Log::default()), Memory::saying("{}"));
    let gateway = memory.gateway(Clock::manual(start()));
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let first = runtime();
    let call = setup(&log).door(&gateway).unwrap().open(Access::Read, budget());
    for _ in 0..2 {
        first.block_on(call.send(get("api", "/v1/items"))).unwrap();
    }
    drop(call);
    drop(first);
    let settled = async { tokio::time::timeout(Duration::from_secs(5), gateway.settled()).await };
    runtime().block_on(settled).unwrap();
    assert_eq!(told(&log.closed), [], "nobody was left to write it");
}

#[tokio::test]
async fn first_uses_at_the_same_time_are_one_entry() {
    let (log, memory) = (Arc::new(Log::default()), Memory::saying("{}"));
    let gateway = memory.gateway(Clock::manual(start()));
    let call = setup(&log).door(&gateway).unwrap().open(Access::Read, budget());
    let send = || call.send(get("api", "/v1/items"));
    let (one, two, three) = tokio::join!(send(), send(), send());
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    drop(call);
    gateway.settled().await;
    assert_eq!(told(&log.noted), [(0, "api".to_owned(), start(), 1)]);
    assert_eq!(told(&log.closed), [(1, "api".to_owned(), start(), 3)]);
}

#[tokio::test]
async fn use_that_cannot_be_written_down_does_not_happen() {
    let (log, memory) = (Arc::new(Log::default()), Memory::saying("{}"));
    *log.refusals.lock().unwrap() = 1;
    let gateway = memory.gateway(Clock::manual(start()));
    let call = setup(&log).door(&gateway).unwrap().open(Access::Read, budget());
    let error = call.send(get("api", "/v1/items")).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.request_sent), ("egress.access-log", false));
    assert!(error.message.contains("the disk is full") && memory.uris().is_empty());
    assert_eq!(call.usage().calls, 0);
    call.send(get("api", "/v1/items")).await.unwrap();
    assert_eq!(log.noted.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn request_without_a_secret_is_no_use_of_one() {
    let (log, memory) = (Arc::new(Log::default()), Memory::saying("{}"));
    let gateway = memory.gateway(Clock::manual(start()));
    let mut setup = setup(&log);
    setup
        .door(&gateway)
        .unwrap()
        .open(Access::Read, budget())
        .send(get("open", "/public/x"))
        .await
        .unwrap();
    setup.connection.auth = "none".to_owned();
    setup
        .door(&gateway)
        .unwrap()
        .open(Access::Read, budget())
        .send(get("api", "/v1/items"))
        .await
        .unwrap();
    assert_eq!((memory.uris().len(), told(&log.noted)), (2, vec![]));
}
