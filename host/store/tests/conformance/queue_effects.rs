//! What goes with the end of a claim.

use model::Clock;
use model::queue::{Dedupe, DedupeUntil, Effect, Finish, Held, LeaseRef, NewJob, Queue};
use model::run::RunStatus;
use model::store::{EventKind, Lane, LaneKind, PageCommit, RunRef, RunStart, StoreErrorKind};

use super::Ports;
use super::queue::{LEASE, check_due, done, end, finish, job, only, put, skipped, stats};
use super::samples;

async fn begin(store: &impl Ports, path: &str, lease: Option<LeaseRef>) -> RunRef {
    let start = RunStart { lease, ..samples::start(path, 0) };
    store.begin_run(start).await.unwrap().reference()
}

pub(crate) async fn follow_up_work_is_queued_with_the_end(store: &impl Ports, clock: &Clock) {
    let dedupe = vec![Dedupe { key: "k".to_owned(), until: DedupeUntil::Finished }];
    let one = NewJob { dedupe, ..job("a", "1") };
    put(store, [one.clone()]).await;
    let leased = only(store).await;
    clock.advance(LEASE);
    let second = only(store).await;
    // To its own session, and under the key that its end lets go of.
    let effects = vec![Effect::Enqueue(one), Effect::Enqueue(job("b", "2"))];
    let of = |finish: Finish| Finish { effects: effects.clone(), ..finish };
    let answers = store.finish(vec![of(finish(&leased, done(1)))]).await.unwrap();
    assert_eq!((answers, stats(store, Queue::Outbound).await.enqueued), (vec![Held::Stale], 1));
    let answers = store.finish(vec![of(finish(&second, done(1)))]).await.unwrap();
    assert_eq!((answers, stats(store, Queue::Outbound).await.enqueued), (vec![Held::Held], 3));
    check_due(store, &["a: 1", "b: 2"]).await;
}

pub(crate) async fn run_ends_with_its_job(store: &impl Ports, _: &Clock) {
    put(store, [skipped("sync/hub", "1")]).await;
    let leased = only(store).await;
    let run = begin(store, "acme/hub", Some(leased.lease.clone())).await;
    let ended = Effect::EndRun(samples::end(&run, RunStatus::Succeeded));
    let finish = Finish { effects: vec![ended], ..finish(&leased, done(1)) };
    assert_eq!(store.finish(vec![finish]).await.unwrap(), [Held::Held]);
    let runs = store.runs(&run.tenant, None, 9).await.unwrap();
    assert_eq!(
        (runs[0].status, runs[0].lease.as_ref()),
        (RunStatus::Succeeded, Some(&leased.lease))
    );
}

pub(crate) async fn runs_and_deaths_of_one_call_have_events_of_their_own(
    store: &impl Ports,
    _: &Clock,
) {
    put(store, [job("a", "1"), job("b", "1")]).await;
    let leased = super::queue::claim(store).await;
    let mut finishes = Vec::new();
    for (leased, path) in leased.iter().zip(["acme/hub", "acme/news"]) {
        let run = begin(store, path, Some(leased.lease.clone())).await;
        let effects = vec![Effect::EndRun(samples::end(&run, RunStatus::Failed))];
        let dead = super::queue::dead(model::queue::Death::Permanent);
        finishes.push(Finish { effects, ..finish(leased, [dead]) });
    }
    assert_eq!(store.finish(finishes).await.unwrap(), [Held::Held; 2]);
    let events = store.events(&super::queue::acme(), 0, 9).await.unwrap();
    assert!(events.iter().map(|event| event.seq).eq(1..=4));
    let deaths = events.iter().filter(|event| matches!(event.kind, EventKind::JobDied { .. }));
    assert_eq!(deaths.count(), 2);
}

pub(crate) async fn lanes_are_forgotten_by_the_claim_that_holds_alone(
    store: &impl Ports,
    clock: &Clock,
) {
    let run = begin(store, "acme/hub", None).await;
    let deletions = Lane { kind: LaneKind::Deletions, ..samples::lane("contacts") };
    for lane in [samples::lane("contacts"), deletions.clone()] {
        let page = PageCommit { lane, ..samples::page(&run, Vec::new()) };
        store.commit_page(page).await.unwrap();
    }
    put(store, [job("a", "1")]).await;
    let lost = only(store).await;
    clock.advance(LEASE);
    let held = only(store).await;
    let mut kept = Vec::new();
    for leased in [lost, held] {
        let effects = vec![Effect::ForgetLanes { connection: run.connection.clone() }];
        store.finish(vec![Finish { effects, ..finish(&leased, done(1)) }]).await.unwrap();
        let lanes = store.lanes(&run.tenant, &run.connection).await.unwrap();
        kept.push(lanes.into_iter().map(|(lane, _)| lane.kind).collect::<Vec<_>>());
    }
    assert_eq!(kept, [vec![LaneKind::Records, LaneKind::Deletions], vec![LaneKind::Deletions]]);
}

pub(crate) async fn effect_that_is_refused_undoes_the_end(store: &impl Ports, _: &Clock) {
    put(store, [job("a", "1")]).await;
    let leased = only(store).await;
    let run = begin(store, "acme/hub", None).await;
    begin(store, "acme/hub", None).await;
    let fenced = Effect::EndRun(samples::end(&run, RunStatus::Succeeded));
    let refused = [
        (fenced, StoreErrorKind::Fenced),
        (Effect::Enqueue(job("", "1")), StoreErrorKind::Invalid),
    ];
    for (effect, kind) in refused {
        let effects = vec![Effect::Enqueue(job("b", "1")), effect];
        let finish = Finish { effects, ..finish(&leased, done(1)) };
        assert_eq!(store.finish(vec![finish]).await.unwrap_err().kind(), kind);
    }
    assert_eq!(stats(store, Queue::Outbound).await.done, 0);
    assert_eq!(end(store, &leased, done(1)).await, Held::Held);
    check_due(store, &[]).await;
}
