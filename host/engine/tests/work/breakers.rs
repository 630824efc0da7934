//! Circuit breakers in front of the workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use engine::work::About;
use model::breaker::{BreakerStore as _, Hosts as _, Key, Outcome, REQUESTS_MIN};

use crate::inbound::plan;
use crate::world::{Scripted, World, done, job, tenant};

const HOST: &str = "api.provider.example";

#[tokio::test(start_paused = true)]
async fn session_of_an_open_breaker_waits_and_burns_no_attempt() {
    let world = World::new(plan()).await;
    let about = About { host: Some(HOST.to_owned()), digest: "sha256:00".to_owned() };
    *world.desk.about.lock().unwrap() = Some(about);
    let (package, host) = ("test/provider".to_owned(), HOST.to_owned());
    let key = Key { tenant: tenant(), package, host };
    for _ in 0..REQUESTS_MIN {
        let pass = world.breakers.admit(&key).unwrap();
        world.breakers.report(&key, pass, Outcome::Failed(None));
    }
    let attempts = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&attempts);
    let crew = world.crew(Scripted::new(move |leased, _| {
        seen.fetch_add(1, Ordering::SeqCst);
        let attempt = leased.jobs.first().map(|job| job.attempt);
        assert_eq!(attempt, Some(1), "the claims before did not count");
        async move { done(&leased) }
    }));
    world.enqueue(job("crm")).await;
    for _ in 0..3 {
        world.pass(Duration::from_secs(9)).await;
        world.until(|stats| stats.leased == 0).await;
    }
    assert_eq!(attempts.load(Ordering::SeqCst), 0);
    world.pass(Duration::from_secs(9)).await;
    world.until(|stats| stats.done == 1).await;
    assert_eq!(attempts.load(Ordering::SeqCst), 1);
    crew.stop.cancel();
    crew.ended.await.unwrap();
    let kept = world.store.breakers().await.unwrap();
    assert_eq!(kept.len(), 1, "workers that stop tell the store of the breakers");
}
