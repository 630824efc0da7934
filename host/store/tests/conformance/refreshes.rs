//! Refreshing: the lease, what its holder intends, and how it ends.

use std::collections::BTreeMap;
use std::time::Duration;

use model::credential::{
    Credential, Failure, Intent, Leased, REFRESH_LEASE_MAX, RefreshFailed, RefreshLease, Refreshed,
};
use model::store::{EventKind, StoreError, StoreErrorKind};
use model::vault::Sealed;
use model::{Clock, Connection, ConnectionState, Timestamp};

use super::Ports;
use super::credentials::{authorise, credential, events, state, tokens};
use super::samples::at;

const LEASE: Duration = Duration::from_mins(1);
/// A second before the lease runs out.
const JUST_BEFORE: Duration = Duration::from_secs(59);
const SECOND: Duration = Duration::from_secs(1);

fn behind(clock: &Clock, time: Duration) -> Timestamp {
    clock.now().saturating_add(time).unwrap()
}

async fn ask(store: &impl Ports, clock: &Clock, of: &Connection, holder: &str) -> Leased {
    let until = behind(clock, LEASE);
    store.lease_refresh(&of.tenant, &of.id, holder, until).await.unwrap()
}

/// A lease that was to be had, with what came with it.
#[track_caller]
pub(crate) fn taken(leased: Leased) -> (RefreshLease, Credential, Vec<Sealed>) {
    let Leased::Taken(lease, row, sealed) = leased else {
        unreachable!("the lease was not to be had: {leased:?}")
    };
    (lease, *row, sealed)
}

/// Says that a refresh is about to be sent.
pub(crate) async fn intend(
    store: &impl Ports,
    clock: &Clock,
    lease: &RefreshLease,
    generation: u64,
) -> Result<(), StoreError> {
    store.intend_refresh(lease, generation, behind(clock, LEASE)).await
}

pub(crate) async fn take(store: &impl Ports, clock: &Clock, of: &Connection) -> RefreshLease {
    taken(ask(store, clock, of, "one").await).0
}

fn refreshed(of: &Connection, replaces: u64, due: i64) -> Refreshed {
    Refreshed { secrets: tokens(of, replaces, due), variables: BTreeMap::new() }
}

fn failed(message: &str) -> RefreshFailed {
    let (code, message) = ("provider.down".to_owned(), message.to_owned());
    let failure = Failure { at: at(0), code, message };
    RefreshFailed { failure, retry_at: None, reauthorise: false, unsent: false }
}

async fn intent(store: &impl Ports, of: &Connection) -> Option<(Timestamp, u32)> {
    let intent = credential(store, of).await.0.intent;
    intent.map(|Intent { at, times, .. }| (at, times))
}

#[track_caller]
fn fenced<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Fenced, "{error}");
    assert!(error.to_string().contains("to refresh acme/hub is over"), "{error}");
}

pub(crate) async fn lease_is_held_by_one_until_it_runs_out(store: &impl Ports, clock: &Clock) {
    let hub = authorise(store, "acme/hub", 60).await;
    let (first, row, sealed) = taken(ask(store, clock, &hub, "one").await);
    assert_eq!((row, sealed), credential(store, &hub).await);
    let until = behind(clock, LEASE);
    clock.advance(JUST_BEFORE);
    for holder in ["two", "one"] {
        let answer = ask(store, clock, &hub, holder).await;
        assert!(matches!(answer, Leased::Held(held) if held == until), "{answer:?}");
    }
    clock.advance(SECOND);
    let (second, ..) = taken(ask(store, clock, &hub, "two").await);
    assert!(second.epoch > first.epoch);
    fenced(intend(store, clock, &first, 1).await);
    fenced(store.finish_refresh(&first, refreshed(&hub, 1, 90)).await);
    fenced(store.fail_refresh(&first, failed("no")).await);
    fenced(store.release_refresh(&first).await);
    assert_eq!(store.finish_refresh(&second, refreshed(&hub, 1, 90)).await.unwrap().generation, 2);
}

pub(crate) async fn lease_that_ran_out_is_good_until_somebody_takes_it(
    store: &impl Ports,
    clock: &Clock,
) {
    let hub = authorise(store, "acme/hub", 60).await;
    let lease = take(store, clock, &hub).await;
    intend(store, clock, &lease, 1).await.unwrap();
    clock.advance(10 * LEASE);
    assert_eq!(store.finish_refresh(&lease, refreshed(&hub, 1, 90)).await.unwrap().generation, 2);
}

pub(crate) async fn lease_is_held_for_longer_by_who_is_about_to_send(
    store: &impl Ports,
    clock: &Clock,
) {
    let hub = authorise(store, "acme/hub", 60).await;
    let lease = take(store, clock, &hub).await;
    for _ in 0..3 {
        clock.advance(JUST_BEFORE);
        assert!(matches!(ask(store, clock, &hub, "two").await, Leased::Held(_)));
        intend(store, clock, &lease, 1).await.unwrap();
    }
    for until in [clock.now(), behind(clock, REFRESH_LEASE_MAX + SECOND)] {
        let error = store.intend_refresh(&lease, 1, until).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
    }
    clock.advance(LEASE);
    taken(ask(store, clock, &hub, "two").await);
    fenced(intend(store, clock, &lease, 1).await);
}

pub(crate) async fn lease_is_over_once_it_was_given_back(store: &impl Ports, clock: &Clock) {
    let hub = authorise(store, "acme/hub", 60).await;
    for end in 0..4 {
        let lease = take(store, clock, &hub).await;
        let generation = credential(store, &hub).await.0.generation;
        match end {
            0 => drop(store.finish_refresh(&lease, refreshed(&hub, generation, 90)).await.unwrap()),
            1 => store.fail_refresh(&lease, failed("no")).await.unwrap(),
            2 => store.release_refresh(&lease).await.unwrap(),
            _ => drop(store.authorise(hub.clone(), tokens(&hub, generation, 90)).await.unwrap()),
        }
        let before = credential(store, &hub).await;
        assert_eq!(before.0.lease, None);
        let generation = before.0.generation;
        fenced(intend(store, clock, &lease, generation).await);
        fenced(store.finish_refresh(&lease, refreshed(&hub, generation, 99)).await);
        fenced(store.fail_refresh(&lease, failed("late")).await);
        fenced(store.release_refresh(&lease).await);
        assert_eq!(credential(store, &hub).await, before);
    }
}

pub(crate) async fn lease_for_no_time_or_too_long_is_refused(store: &impl Ports, clock: &Clock) {
    let hub = authorise(store, "acme/hub", 60).await;
    let lease =
        async |holder: &str, until| store.lease_refresh(&hub.tenant, &hub.id, holder, until).await;
    let long = behind(clock, REFRESH_LEASE_MAX);
    let (longer, name) = (behind(clock, REFRESH_LEASE_MAX + SECOND), "x".repeat(129));
    for (holder, until) in [("one", at(0)), ("one", longer), ("", long), (name.as_str(), long)] {
        assert_eq!(lease(holder, until).await.unwrap_err().kind(), StoreErrorKind::Invalid);
    }
    assert!(matches!(lease("one", long).await.unwrap(), Leased::Taken(..)));
    let nobody = super::catalogue::connection("acme/nobody");
    assert!(matches!(ask(store, clock, &nobody, "one").await, Leased::Absent));
}

pub(crate) async fn lease_from_a_clock_that_ran_ahead_locks_nobody_out(
    store: &impl Ports,
    clock: &Clock,
) {
    let hub = authorise(store, "acme/hub", 60).await;
    clock.set(at(1_000_000));
    take(store, clock, &hub).await;
    clock.set(at(0));
    take(store, clock, &hub).await;
}

pub(crate) async fn intent_stays_until_its_answer_comes(store: &impl Ports, clock: &Clock) {
    let hub = authorise(store, "acme/hub", 60).await;
    let first = take(store, clock, &hub).await;
    assert_eq!(intent(store, &hub).await, None);
    let error = intend(store, clock, &first, 2).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    for _ in 0..2 {
        intend(store, clock, &first, 1).await.unwrap();
        assert_eq!(intent(store, &hub).await, Some((at(0), 1)), "a lease counts once");
        clock.advance(SECOND);
    }
    store.fail_refresh(&first, failed("lost")).await.unwrap();
    assert_eq!(intent(store, &hub).await, Some((at(0), 1)));

    let unsent = || RefreshFailed { unsent: true, ..failed("no room") };
    for intended in [true, false] {
        for released in [true, false] {
            let lease = take(store, clock, &hub).await;
            if intended {
                intend(store, clock, &lease, 1).await.unwrap();
                assert_eq!(intent(store, &hub).await, Some((at(0), 2)));
            }
            if released {
                store.release_refresh(&lease).await.unwrap();
            } else {
                store.fail_refresh(&lease, unsent()).await.unwrap();
            }
            assert_eq!(intent(store, &hub).await, Some((at(0), 1)), "what was lost before stays");
        }
    }
    let last = take(store, clock, &hub).await;
    intend(store, clock, &last, 1).await.unwrap();
    let done = store.finish_refresh(&last, refreshed(&hub, 1, 90)).await.unwrap();
    assert_eq!((done.intent, intent(store, &hub).await), (None, None));
    let unsent_only = take(store, clock, &hub).await;
    intend(store, clock, &unsent_only, 2).await.unwrap();
    store.release_refresh(&unsent_only).await.unwrap();
    assert_eq!(intent(store, &hub).await, None);
}

pub(crate) async fn refresh_replaces_secrets_and_what_the_answer_told(
    store: &impl Ports,
    clock: &Clock,
) {
    let hub = authorise(store, "acme/hub", 60).await;
    let lease = take(store, clock, &hub).await;
    store.fail_refresh(&lease, failed("once")).await.unwrap();
    let lease = take(store, clock, &hub).await;
    for replaces in [0, 2] {
        let error = store.finish_refresh(&lease, refreshed(&hub, replaces, 90)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Conflict);
    }
    let foreign = super::catalogue::connection("acme/hub2");
    let mut moved = refreshed(&hub, 1, 90);
    moved.secrets.sealed = tokens(&foreign, 1, 90).sealed;
    let error = store.finish_refresh(&lease, moved).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    let before = credential(store, &hub).await.0;

    let told = BTreeMap::from([("instance".to_owned(), "https://eu.example".to_owned())]);
    let answer = Refreshed { variables: told.clone(), ..refreshed(&hub, 1, 90) };
    let new = store.finish_refresh(&lease, answer.clone()).await.unwrap();
    let expected = Credential {
        generation: 2,
        grant: answer.secrets.grant,
        refreshes: 1,
        failures: 0,
        failure: None,
        lease: None,
        ..before
    };
    assert_eq!(new, expected);
    assert_eq!(credential(store, &hub).await, (new, answer.secrets.sealed));
    let mut variables = hub.variables.clone();
    variables.extend(told);
    let stored = store.connection(&hub.tenant, &hub.id).await.unwrap().unwrap();
    assert_eq!(stored, Connection { variables, ..hub });
}

pub(crate) async fn refreshed_connection_works_unless_it_was_switched_off(
    store: &impl Ports,
    clock: &Clock,
) {
    use ConnectionState::{Active, Disabled, Expiring, NeedsReauthorisation, Revoked};
    let hub = authorise(store, "acme/hub", 60).await;
    let cases = [
        (Active, Active),
        (Expiring, Active),
        (NeedsReauthorisation, Active),
        (Disabled, Disabled),
        (Revoked, Revoked),
    ];
    for (generation, (before, after)) in (1..).zip(cases) {
        let lease = take(store, clock, &hub).await;
        store.set_connection_state(&hub.tenant, &hub.id, before, "meanwhile").await.unwrap();
        store.finish_refresh(&lease, refreshed(&hub, generation, 90)).await.unwrap();
        assert_eq!(state(store, &hub).await, after, "{before:?}");
    }
}

pub(crate) async fn refused_refresh_rests_the_connection_unless_it_was_switched_off(
    store: &impl Ports,
    clock: &Clock,
) {
    use ConnectionState::{Active, Disabled, Expiring, NeedsReauthorisation, Revoked};
    let hub = authorise(store, "acme/hub", 60).await;
    let cases = [
        (Active, NeedsReauthorisation),
        (Expiring, NeedsReauthorisation),
        (NeedsReauthorisation, NeedsReauthorisation),
        (Disabled, Disabled),
        (Revoked, Revoked),
    ];
    let sealed = credential(store, &hub).await.1;
    for (before, after) in cases {
        let lease = take(store, clock, &hub).await;
        store.set_connection_state(&hub.tenant, &hub.id, before, "meanwhile").await.unwrap();
        let told = events(store, &hub.tenant).await.len();
        let refused = RefreshFailed { reauthorise: true, ..failed("the grant is over") };
        store.fail_refresh(&lease, refused).await.unwrap();
        assert_eq!(state(store, &hub).await, after, "{before:?}");
        let reason = "the grant is over".to_owned();
        let expected = EventKind::ConnectionChanged { state: NeedsReauthorisation, reason };
        let new = events(store, &hub.tenant).await.split_off(told);
        assert_eq!(new, if before == after { Vec::new() } else { vec![expected] });
    }
    assert_eq!(credential(store, &hub).await.1, sealed, "the secrets are kept");
}

pub(crate) async fn failed_refresh_is_due_again_when_it_is_told(store: &impl Ports, clock: &Clock) {
    let hub = authorise(store, "acme/hub", 60).await;
    let due = async || {
        let due = Some(at(1_000));
        let query = model::credential::CredentialQuery { due, limit: 9, ..Default::default() };
        let found = store.credentials(query).await.unwrap();
        found.iter().map(|found| found.grant.refresh_at.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(due().await, [at(60)]);
    for (times, retry_at) in (1..).zip([Some(at(120)), None, Some(at(180))]) {
        let lease = take(store, clock, &hub).await;
        let why = failed(&"é".repeat(1_000));
        store.fail_refresh(&lease, RefreshFailed { retry_at, ..why }).await.unwrap();
        let (row, _) = credential(store, &hub).await;
        assert_eq!((row.failures, row.generation, row.refreshes), (times, 1, 0));
        assert_eq!(row.failure.map(|failure| failure.message), Some("é".repeat(512)));
        assert_eq!(due().await, Vec::from_iter(retry_at));
    }
    assert_eq!(state(store, &hub).await, ConnectionState::Active);
}
