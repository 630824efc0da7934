//! Sessions as people see them.

use model::Clock;
use model::queue::{
    BATCH_MAX, Death, Finish, JobId, Pause, PauseScope, Queue, SESSION_JOBS_COUNTED_MAX,
    SessionView,
};
use model::store::StoreErrorKind;

use super::Ports;
use super::queue::{
    LEASE, SECOND, acme, claim, dead, done, end, finish, job, kill, only, put, retry, skipped,
};

async fn view(store: &impl Ports, session: &str) -> Option<SessionView> {
    let sessions = vec![session.to_owned()];
    store.sessions(&acme(), Queue::Outbound, sessions).await.unwrap().remove(0)
}

pub(crate) async fn session_is_seen_as_it_stands(store: &impl Ports, clock: &Clock) {
    assert_eq!(view(store, "a").await, None);
    let queued = clock.now();
    put(store, [job("a", "1"), job("a", "2")]).await;
    let jobs = store.session_jobs(&acme(), Queue::Outbound, "a").await.unwrap();
    let jobs: Vec<_> = jobs.iter().map(|it| (it.id, it.enqueued, it.payload.as_ref())).collect();
    assert_eq!(jobs, [(JobId(1), queued, &b"1"[..]), (JobId(2), queued, &b"2"[..])]);
    assert_eq!(store.session_jobs(&acme(), Queue::Outbound, "b").await.unwrap(), []);
    let waiting = SessionView {
        queued: 2,
        leased_until: None,
        due: Some(queued),
        head: JobId(1),
        attempts: 0,
        failure: None,
    };
    assert_eq!(view(store, "a").await, Some(waiting.clone()));

    let leased = only(store).await;
    let at_work =
        SessionView { leased_until: Some(queued + LEASE), due: None, attempts: 1, ..waiting };
    assert_eq!(view(store, "a").await, Some(at_work.clone()));

    clock.advance(SECOND);
    end(store, &leased, [retry(60)]).await;
    let failed = view(store, "a").await.unwrap();
    assert_eq!((failed.queued, failed.head, failed.attempts), (2, JobId(1), 1));
    assert_eq!((failed.leased_until, failed.due), (None, Some(clock.now() + 60 * SECOND)));
    let failure = failed.failure.unwrap();
    assert_eq!((&*failure.error.code, failure.attempt), ("acme.down", 1));

    clock.advance(60 * SECOND);
    let leased = only(store).await;
    let again = view(store, "a").await.unwrap();
    assert_eq!((again.attempts, again.failure), (2, Some(failure)));
    end(store, &leased, done(2)).await;
    assert_eq!(view(store, "a").await, None);
}

pub(crate) async fn session_of_a_lost_worker_tells_since_when(store: &impl Ports, clock: &Clock) {
    put(store, [job("a", "1")]).await;
    let until = only(store).await.until;
    clock.advance(LEASE + SECOND);
    let lost = view(store, "a").await.unwrap();
    assert_eq!((lost.leased_until, lost.due), (Some(until), None));
    assert!(until < clock.now());
}

pub(crate) async fn session_behind_a_dead_letter_is_not_due(store: &impl Ports, _: &Clock) {
    put(store, [job("a", "1"), job("a", "2"), job("b", "3")]).await;
    let leased = claim(store).await;
    let finishes: Vec<Finish> =
        leased.iter().map(|leased| finish(leased, [dead(Death::Permanent)])).collect();
    store.finish(finishes).await.unwrap();
    let blocked = view(store, "a").await.unwrap();
    assert_eq!((blocked.queued, blocked.head, blocked.due), (1, JobId(2), None));
    assert_eq!((blocked.attempts, blocked.leased_until), (0, None));
    assert_eq!(view(store, "b").await, None);

    put(store, [skipped("a", "4"), skipped("a", "5")]).await;
    kill(store, Death::Permanent).await;
    let names = vec!["a".to_owned()];
    let views = store.sessions(&acme(), Queue::InboundWebhook, names).await.unwrap();
    let goes_on = views[0].as_ref().unwrap();
    assert!(goes_on.queued == 1 && goes_on.due.is_some());
}

pub(crate) async fn sessions_are_seen_in_their_order_and_apart(store: &impl Ports, clock: &Clock) {
    let other = "acme.b".parse().unwrap();
    let elsewhere = model::queue::NewJob { tenant: other, ..job("a", "x") };
    put(store, [elsewhere.clone(), job("b", "1"), job("ab", "2"), skipped("c", "3")]).await;
    let scope = PauseScope::Session(Queue::Outbound, "b".to_owned());
    let pause = Pause { scope, reason: "wait".to_owned(), since: clock.now(), until: None };
    store.pause(&acme(), pause).await.unwrap();
    let names = ["b", "a", "c", "ab", "b"].map(str::to_owned).to_vec();
    let views = store.sessions(&acme(), Queue::Outbound, names).await.unwrap();
    let heads: Vec<_> = views.iter().map(|view| view.as_ref().map(|view| view.head)).collect();
    assert_eq!(heads, [Some(JobId(1)), None, None, Some(JobId(2)), Some(JobId(1))]);
    assert_eq!(views[0].as_ref().unwrap().due, Some(clock.now()));
    let names = vec!["a".to_owned()];
    let views = store.sessions(&elsewhere.tenant, Queue::Outbound, names).await.unwrap();
    assert_eq!(views[0].as_ref().unwrap().queued, 1);
}

pub(crate) async fn jobs_of_a_long_session_are_counted_to_a_limit(store: &impl Ports, _: &Clock) {
    for _ in 0..2 {
        put(store, (0..BATCH_MAX).map(|_| job("a", "x"))).await;
    }
    let max = u64::try_from(SESSION_JOBS_COUNTED_MAX).unwrap();
    assert_eq!(view(store, "a").await.unwrap().queued, max);
}

pub(crate) async fn sessions_without_a_name_are_refused(store: &impl Ports, _: &Clock) {
    let many = vec!["a".to_owned(); BATCH_MAX + 1];
    for (sessions, says) in [
        (vec![String::new()], "name of a session is empty"),
        (vec!["a".to_owned(), "b\0".to_owned()], "NUL"),
        (many, "1025 sessions"),
    ] {
        let error = store.sessions(&acme(), Queue::Outbound, sessions).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains(says), "{error}");
    }
    assert!(store.sessions(&acme(), Queue::Outbound, Vec::new()).await.unwrap().is_empty());
}
