use async_trait::async_trait;
use model::breaker::REQUESTS_MIN;
use model::event::EventKind;
use model::store::RecordStore as _;
use store::Store;
use tracing::Metadata;
use tracing::span::{Attributes, Id, Record};

use super::*;

struct World {
    _dir: tempfile::TempDir,
    store: Arc<Store>,
    clock: Clock,
    breakers: Breakers,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::manual("2026-01-01T12:00:00Z".parse().unwrap());
        let store = Arc::new(Store::open(dir.path(), clock.clone()).unwrap());
        let breakers = Breakers::load(Arc::<Store>::clone(&store), clock.clone()).await.unwrap();
        Self { _dir: dir, store, clock, breakers }
    }

    fn send(&self, key: &Key, outcome: Outcome) -> Result<(), Timestamp> {
        let pass = self.breakers.admit(key)?;
        self.breakers.report(key, pass, outcome);
        Ok(())
    }

    fn break_it(&self, key: &Key) {
        for _ in 0..REQUESTS_MIN {
            self.send(key, Outcome::Failed(None)).unwrap();
        }
    }
}

fn key(tenant: &str, host: &str) -> Key {
    let package = "plughouse/sample".to_owned();
    Key { tenant: tenant.parse().unwrap(), package, host: host.to_owned() }
}

#[tokio::test]
async fn failures_of_one_tenant_and_host_hold_no_other() {
    let world = World::new().await;
    let acme = key("acme", "api.example");
    world.break_it(&acme);
    let until = world.breakers.begin(&acme, 1, 0).unwrap_err();
    assert_eq!(until, world.clock.now() + Duration::from_secs(30));
    assert_eq!(world.send(&acme, Outcome::Answered), Err(until));
    for other in [key("bolt", "api.example"), key("acme", "files.example")] {
        assert_eq!(world.breakers.begin(&other, 1, 0), Ok(()));
        assert_eq!(world.send(&other, Outcome::Answered), Ok(()));
    }
}

#[tokio::test]
async fn open_breaker_is_listed_and_open_after_a_restart_too() {
    let world = World::new().await;
    let acme = key("acme", "api.example");
    world.break_it(&acme);
    world.breakers.flush().await.unwrap();
    let store: Arc<dyn BreakerStore> = Arc::<Store>::clone(&world.store);
    let after = Breakers::load(store, world.clock.clone()).await.unwrap();
    assert_eq!(after.list(None), world.breakers.list(Some(&acme.tenant)));
    assert_eq!(after.list(Some(&"bolt".parse().unwrap())), []);
    assert!(after.begin(&acme, 1, 0).is_err());
    world.clock.advance(Duration::from_secs(30));
    let probe = after.admit(&acme).unwrap();
    assert!(after.admit(&acme).is_err());
    after.report(&acme, probe, Outcome::Answered);
    after.flush().await.unwrap();
    assert_eq!(world.store.breakers().await.unwrap(), []);
    assert_eq!(after.begin(&acme, 1, 0), Ok(()));
}

#[tokio::test]
async fn every_transition_is_an_event_in_its_order() {
    let world = World::new().await;
    let acme = key("acme", "api.example");
    world.break_it(&acme);
    let first = world.breakers.list(None).pop().unwrap().open.until;
    world.clock.advance(Duration::from_secs(30));
    world.send(&acme, Outcome::Failed(None)).unwrap();
    let second = world.breakers.list(None).pop().unwrap().open.until;
    assert!(world.breakers.reset(&acme));
    assert!(!world.breakers.reset(&acme));
    world.breakers.flush().await.unwrap();
    let events = world.store.events(&acme.tenant, 0, 10).await.unwrap();
    let told: Vec<_> = events
        .into_iter()
        .map(|event| match event.kind {
            EventKind::BreakerChanged { open_until, .. } => open_until,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, [Some(first), Some(second), None]);
}

/// What a store has heard last.
#[derive(Default)]
struct Heard(Mutex<HashMap<Key, Option<Open>>>);

#[async_trait]
impl BreakerStore for Heard {
    async fn breakers(&self) -> Result<Vec<Opened>, StoreError> {
        Ok(Vec::new())
    }

    async fn put_breaker(&self, key: &Key, open: Option<Open>) -> Result<(), StoreError> {
        self.0.lock().unwrap().insert(key.clone(), open);
        Ok(())
    }
}

/// Lets other threads go first whenever something is told, as a slow log does.
struct Slow;

impl tracing::Subscriber for Slow {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        (0..10).for_each(|_| std::thread::yield_now());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn store_hears_of_transitions_in_the_order_in_which_they_happen() {
    let (heard, clock) = (Arc::new(Heard::default()), Clock::manual(Timestamp::UNIX_EPOCH));
    let store: Arc<dyn BreakerStore> = Arc::<Heard>::clone(&heard);
    let breakers = Breakers::load(store, clock).await.unwrap();
    let acme = key("acme", "api.example");
    let work = || {
        for _ in 0..REQUESTS_MIN {
            if let Ok(pass) = breakers.admit(&acme) {
                breakers.report(&acme, pass, Outcome::Failed(None));
            }
        }
        breakers.reset(&acme);
    };
    let slowly = || tracing::subscriber::with_default(Slow, work);
    for _ in 0..200 {
        std::thread::scope(|threads| {
            (0..4).for_each(|_| drop(threads.spawn(slowly)));
        });
        breakers.flush().await.unwrap();
        let open = breakers.list(None).pop().map(|opened| opened.open);
        assert_eq!(heard.0.lock().unwrap().get(&acme).copied().flatten(), open);
    }
}

#[tokio::test]
async fn transitions_are_kept_while_they_happen() {
    let world = World::new().await;
    let acme = key("acme", "api.example");
    let keep = world.breakers.keep();
    let watch = async {
        world.break_it(&acme);
        while world.store.breakers().await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = keep => unreachable!("it goes on"),
        () = watch => {}
    }
}

#[tokio::test]
async fn retries_beyond_their_share_come_later() {
    let world = World::new().await;
    let acme = key("acme", "api.example");
    let begun = |attempt| {
        (0..1000).take_while(|_| world.breakers.begin(&acme, attempt, u64::MAX).is_ok()).count()
    };
    assert_eq!(begun(2), 60);
    assert_eq!(begun(1), 1000);
    let until = world.breakers.begin(&acme, 2, u64::MAX / 2).unwrap_err();
    let wait = until.duration_since(world.clock.now()).as_millis();
    assert!((29_000..=30_000).contains(&wait), "{wait}");
    (0..50).for_each(|_| world.send(&acme, Outcome::Answered).unwrap());
    assert_eq!(begun(2), 10);
}
