use proptest::prelude::*;

use super::*;
use crate::queue::JobId;

fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

/// A job in this attempt, whose failures moved data (`+`), or did not (`-`).
fn job(failures: &str) -> Job {
    let failure = |(index, letter): (usize, char)| Failure {
        at: now(),
        attempt: u32::try_from(index).unwrap() + 1,
        error: error(ErrorKind::Timeout),
        digest: None,
        progressed: letter == '+',
    };
    Job {
        id: JobId(1),
        attempt: u32::try_from(failures.len()).unwrap() + 1,
        deaths: 0,
        enqueued: now(),
        payload: bytes::Bytes::new(),
        failures: failures.chars().enumerate().map(failure).collect(),
    }
}

fn error(kind: ErrorKind) -> Error {
    Error::new(kind, "sample.error", "it went wrong")
}

fn asking(kind: ErrorKind, seconds: u64) -> Error {
    error(kind).retry_after(Duration::from_secs(seconds))
}

/// The longest wait, the random number being the greatest.
#[track_caller]
fn check(failures: &str, error: &Error, seconds: u64) {
    let verdict = decide(&job(failures), error, false, now(), u64::MAX);
    let Verdict::Retry { after } = verdict else { panic!("{failures}: {verdict:?}") };
    assert_eq!(after.as_millis().div_ceil(1000), u128::from(seconds), "{failures}: {error}");
}

#[track_caller]
fn check_dead(failures: &str, error: &Error, why: Death) {
    let verdict = decide(&job(failures), error, false, now(), 0);
    assert_eq!(verdict, Verdict::Dead { why }, "{failures}: {error}");
}

#[track_caller]
fn check_deferred(error: &Error, least: u64, most: u64) {
    let until = |random| match decide(&job(""), error, false, now(), random) {
        Verdict::Defer { until } => Duration::try_from(until.duration_since(now())).unwrap(),
        other => panic!("{error}: {other:?}"),
    };
    assert_eq!(until(0), Duration::from_secs(least), "{error}");
    assert_eq!(until(u64::MAX).as_millis().div_ceil(1000), u128::from(most), "{error}");
}

#[test]
fn wait_doubles_up_to_an_hour() {
    check("", &error(ErrorKind::Timeout), 2);
    check("-", &error(ErrorKind::Timeout), 4);
    check("-----", &error(ErrorKind::Timeout), 64);
    check("-------------", &error(ErrorKind::Timeout), 3600);
}

#[test]
fn overload_gets_half_of_the_wait_for_certain() {
    let least = |kind| decide(&job("--"), &error(kind), false, now(), 0);
    let retry = |seconds| Verdict::Retry { after: Duration::from_secs(seconds) };
    assert_eq!(least(ErrorKind::RateLimited), retry(4));
    assert_eq!(least(ErrorKind::Unavailable), retry(4));
    assert_eq!(least(ErrorKind::Timeout), retry(0));
}

#[test]
fn longer_wait_asked_by_the_provider_wins() {
    check("----", &asking(ErrorKind::RateLimited, 3), 32);
    check("----", &asking(ErrorKind::RateLimited, 90), 99);
    check("", &asking(ErrorKind::Unavailable, 1800), 1860);
}

#[test]
fn long_wait_is_a_quota_and_no_failure() {
    check_deferred(&asking(ErrorKind::RateLimited, 3600), 3600, 3660);
    check_deferred(&asking(ErrorKind::Unavailable, 7200), 7200, 7260);
    check_deferred(&asking(ErrorKind::RateLimited, 9_999_999), 86_400, 86_460);
}

#[test]
fn what_could_not_be_tried_is_put_off() {
    let coded = |code, kind| Error::new(kind, code, "not now");
    check_deferred(&coded("sandbox.busy", ErrorKind::Unavailable), 10, 11);
    let quota = coded("egress.quota", ErrorKind::RateLimited);
    check_deferred(&quota.retry_after(Duration::from_mins(5)), 300, 330);
    let open = coded("egress.breaker-open", ErrorKind::Unavailable);
    check_deferred(&open.retry_after(Duration::from_secs(20)), 20, 22);
}

#[test]
fn what_would_end_the_same_is_dead_at_once() {
    check_dead("", &error(ErrorKind::Invalid), Death::Permanent);
    check_dead("", &error(ErrorKind::Denied), Death::Permanent);
    check_dead("", &asking(ErrorKind::Permission, 7200), Death::Permanent);
}

#[test]
fn account_that_must_be_authorised_again_holds_its_jobs() {
    let verdict = decide(&job(""), &error(ErrorKind::AuthRequired), false, now(), 0);
    assert_eq!(verdict, Verdict::Hold);
}

#[test]
fn attempts_are_bounded() {
    check_dead(&"-".repeat(14), &error(ErrorKind::Timeout), Death::Exhausted);
    check_dead(&"-".repeat(4), &error(ErrorKind::Other), Death::Exhausted);
    check(&"-".repeat(3), &error(ErrorKind::Other), 16);
    check_dead(&"+".repeat(199), &error(ErrorKind::Timeout), Death::Exhausted);
}

#[test]
fn attempt_that_moved_data_begins_the_count_anew() {
    check(&"+".repeat(100), &error(ErrorKind::Timeout), 2);
    check("-----+-", &error(ErrorKind::Timeout), 4);
    check_dead("+----", &error(ErrorKind::Other), Death::Exhausted);
    let job = job(&"-".repeat(50));
    let verdict = decide(&job, &error(ErrorKind::Timeout), true, now(), u64::MAX);
    assert!(matches!(verdict, Verdict::Retry { after } if after <= BACKOFF_MIN), "{verdict:?}");
}

#[test]
fn job_that_kills_its_workers_is_quarantined() {
    let poison = Job { deaths: DEATHS_MAX, ..job("") };
    let verdict = decide(&poison, &error(ErrorKind::Timeout), true, now(), 0);
    assert_eq!(verdict, Verdict::Dead { why: Death::Quarantined });
}

#[test]
fn job_remembers_as_many_failures_as_the_rule_looks_at() {
    assert!(usize::try_from(BARREN_MAX).unwrap() <= crate::queue::FAILURES_MAX);
}

fn kinds() -> impl Strategy<Value = ErrorKind> {
    prop::sample::select(ErrorKind::ALL.to_vec())
}

proptest! {
    #[test]
    fn wait_is_never_shorter_than_asked_nor_longer_than_its_bound(
        kind in kinds(),
        failures in "[+-]{0,40}",
        asked in prop::option::of(0_u64..200_000),
        progressed: bool,
        random: u64,
    ) {
        let mut error = error(kind);
        error.retry_after = asked.map(Duration::from_secs);
        let asked = error.retry_after.unwrap_or_default().min(ASKED_MAX);
        match decide(&job(&failures), &error, progressed, now(), random) {
            Verdict::Retry { after } => {
                prop_assert!(after >= asked);
                prop_assert!(after <= BACKOFF_MAX.max(asked + SPREAD_MAX));
                prop_assert!(asked < QUOTA_WAIT_MIN);
            }
            Verdict::Defer { until } => {
                let wait = Duration::try_from(until.duration_since(now())).unwrap();
                prop_assert!(wait >= asked && wait <= asked + SPREAD_MAX);
                prop_assert!(asked >= QUOTA_WAIT_MIN);
            }
            Verdict::Hold => prop_assert_eq!(kind, ErrorKind::AuthRequired),
            Verdict::Dead { .. } => {}
        }
    }

    #[test]
    fn every_job_that_moves_nothing_dies_in_the_end(kind in kinds(), random: u64) {
        let end = (0..=BARREN_MAX).find_map(|failed| {
            let job = job(&"-".repeat(usize::try_from(failed).unwrap()));
            match decide(&job, &error(kind), false, now(), random) {
                Verdict::Retry { .. } => None,
                verdict => Some(verdict),
            }
        });
        prop_assert!(end.is_some());
    }
}
