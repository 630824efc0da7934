use std::collections::BTreeMap;

use model::adapter::Receipt;
use model::queue::{Failure, JobId, PauseScope, Queue};
use model::{ErrorKind, RunId};

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

const NOW: i64 = 1_000;

fn run(status: RunStatus) -> Run {
    let error = (status != RunStatus::Succeeded).then(|| Error::new(ErrorKind::Other, "x.y", "no"));
    let report = EntityReport { status, error, ..EntityReport::default() };
    Run {
        tenant: "acme".parse().unwrap(),
        connection: "crm".parse().unwrap(),
        id: RunId(1),
        package: "acme/crm".to_owned(),
        version: "1.0.0".to_owned(),
        digest: "sha256:00".to_owned(),
        kind: RunKind::Sync,
        task: None,
        lease: None,
        job: None,
        started: at(1),
        ended: (status != RunStatus::Running).then(|| at(2)),
        status,
        entities: BTreeMap::from([("contact".to_owned(), report)]),
        last_read: BTreeMap::new(),
        receipt: Receipt::default(),
        error: None,
    }
}

fn facts(runs: &[RunStatus], state: ConnectionState) -> Facts {
    let status = ConnectionStatus { state, reason: "so it is".to_owned(), since: at(3) };
    Facts {
        status: Some(status),
        runs: runs.iter().copied().map(run).collect(),
        ..Facts::default()
    }
}

#[track_caller]
fn check(runs: &[RunStatus], state: ConnectionState, health: Health, reason: Option<&str>) {
    let facts = facts(runs, state);
    let (verdict, _) = of_connection(&facts, at(NOW));
    assert_eq!((verdict.health, verdict.reason.as_deref()), (health, reason), "{runs:?}");
    let (verdict, _) = of_entity(&facts, "contact", at(NOW));
    if state != ConnectionState::Expiring {
        assert_eq!((verdict.health, verdict.reason.as_deref()), (health, reason), "{runs:?}");
    }
}

#[test]
fn health_is_what_the_last_run_says_that_has_ended_and_what_the_provider_says() {
    use ConnectionState::{Active, Disabled, Expiring, NeedsReauthorisation, Revoked};
    use RunStatus::{Cancelled, Failed, Interrupted, Partial, Running, Succeeded};
    check(&[], Active, Health::NeverRun, None);
    check(&[Running], Active, Health::NeverRun, None);
    check(&[Succeeded, Failed], Active, Health::Healthy, None);
    check(&[Partial, Succeeded], Active, Health::Degraded, Some("no"));
    check(&[Failed, Succeeded], Active, Health::Failed, Some("no"));
    check(&[Running, Failed, Succeeded], Active, Health::Failed, Some("no"));
    check(&[Cancelled, Interrupted, Succeeded], Active, Health::Healthy, None);
    check(&[Interrupted], Active, Health::NeverRun, None);
    check(&[Succeeded], Expiring, Health::Degraded, Some("so it is"));
    check(&[Failed], Expiring, Health::Failed, Some("no"));
    check(&[Succeeded], Disabled, Health::Healthy, None);
    check(&[Succeeded], NeedsReauthorisation, Health::NeedsSignIn, Some("so it is"));
    check(&[], Revoked, Health::NeedsSignIn, Some("so it is"));
}

#[test]
fn replay_and_other_entities_say_nothing() {
    let mut facts = facts(&[RunStatus::Failed, RunStatus::Succeeded], ConnectionState::Active);
    facts.runs[0].kind = RunKind::Replay;
    assert_eq!(of_connection(&facts, at(NOW)).0.health, Health::Healthy);
    assert_eq!(of_entity(&facts, "contact", at(NOW)).0.health, Health::Healthy);
    assert_eq!(of_entity(&facts, "company", at(NOW)).0.health, Health::NeverRun);
}

fn session(due: Option<i64>, leased: Option<i64>, failed: bool) -> SessionView {
    let failure = failed.then(|| Failure {
        at: at(1),
        attempt: 1,
        error: Error::new(ErrorKind::Timeout, "x.y", "too slow"),
        digest: None,
        progressed: false,
    });
    SessionView {
        queued: 1,
        leased_until: leased.map(at),
        due: due.map(at),
        head: JobId(1),
        attempts: u32::from(failed),
        failure,
    }
}

fn pause(until: Option<i64>, reason: &str) -> Pause {
    let scope = PauseScope::Queue(Queue::InboundScheduled);
    Pause { scope, reason: reason.to_owned(), since: at(0), until: until.map(at) }
}

#[track_caller]
fn check_activity(session: impl Into<Option<SessionView>>, pauses: &[Pause], expected: &Activity) {
    let (session, pauses) = (session.into(), pauses.to_vec());
    let facts = Facts { session, pauses, ..Facts::default() };
    assert_eq!(of_connection(&facts, at(NOW)).1, *expected);
}

#[test]
fn activity_is_what_happens_now_or_what_it_waits_for() {
    check_activity(None, &[], &Activity::Idle);
    check_activity(session(Some(NOW), None, false), &[], &Activity::Queued { due: None });
    let due = Some(at(NOW + 9));
    check_activity(session(Some(NOW + 9), None, false), &[], &Activity::Queued { due });
    let reason = "too slow".to_owned();
    let retrying = Activity::Retrying { at: at(NOW + 9), reason };
    check_activity(session(Some(NOW + 9), None, true), &[], &retrying);
    check_activity(session(Some(NOW), None, true), &[], &Activity::Queued { due: None });
    check_activity(session(None, Some(NOW + 9), true), &[], &Activity::Running { run: None });
    check_activity(session(None, Some(NOW), false), &[], &Activity::Queued { due: None });
    let paused = |until: Option<i64>, reason: &str| Activity::Paused {
        until: until.map(at),
        reason: reason.to_owned(),
    };
    let two = [pause(Some(NOW + 5), "tea"), pause(Some(NOW + 7), "lunch")];
    check_activity(session(Some(NOW), None, false), &two, &paused(Some(NOW + 7), "lunch"));
    let endless = [pause(None, "for good"), pause(Some(NOW + 7), "lunch")];
    check_activity(None, &endless, &paused(None, "for good"));
    check_activity(session(None, Some(NOW + 9), false), &two, &Activity::Running { run: None });
}

#[test]
fn run_at_work_shows_at_the_entities_that_it_reads() {
    let facts = facts(&[RunStatus::Running], ConnectionState::Active);
    let run = Some(facts.runs[0].reference());
    let running = Activity::Running { run };
    assert_eq!(of_connection(&facts, at(NOW)).1, running);
    assert_eq!(of_entity(&facts, "contact", at(NOW)).1, running);
    assert_eq!(of_entity(&facts, "company", at(NOW)).1, Activity::Idle);
}

#[test]
fn several_are_as_bad_as_the_worst_and_as_busy_as_the_busiest() {
    let of = |health, activity| (Verdict::plain(health, None), activity);
    let waits = Activity::Queued { due: None };
    let all = [of(Health::Healthy, waits.clone()), of(Health::Failed, Activity::Idle)];
    assert_eq!(together(all), Some(of(Health::Failed, waits)));
    assert_eq!(together([]), None);
    assert!(Health::ALL.is_sorted());
}
