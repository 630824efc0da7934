use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn seconds(from: Timestamp, until: Timestamp) -> i64 {
    until.as_second() - from.as_second()
}

/// A breaker and the present, one request after another.
struct Bench {
    breaker: Breaker,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        Self { breaker: Breaker::default(), now: at(0) }
    }

    fn send(&mut self, outcome: Outcome) -> Option<Transition> {
        let (pass, moved) = self.breaker.admit(self.now).expect("it is not open");
        self.breaker.report(pass, outcome, self.now).or(moved)
    }

    fn sleep(&mut self, seconds: u64) {
        self.now += SECOND * u32::try_from(seconds).unwrap();
    }

    /// Opens it.
    #[track_caller]
    fn break_it(&mut self, asked: Option<Duration>) -> Open {
        for _ in 1..REQUESTS_MIN {
            assert_eq!(self.send(Outcome::Failed(None)), None);
        }
        match self.send(Outcome::Failed(asked)) {
            Some(Transition::Opened(open)) => open,
            other => panic!("it did not open: {other:?}"),
        }
    }
}

#[test]
fn few_requests_open_nothing() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        for _ in 1..REQUESTS_MIN {
            assert_eq!(bench.send(Outcome::Failed(None)), None);
        }
        bench.sleep(60);
    }
}

#[test]
fn half_of_the_requests_must_fail() {
    let mut bench = Bench::new();
    for _ in 0..20 {
        bench.send(Outcome::Answered);
    }
    for _ in 0..19 {
        assert_eq!(bench.send(Outcome::Failed(None)), None);
    }
    let Some(Transition::Opened(open)) = bench.send(Outcome::Failed(None)) else {
        panic!("half have failed")
    };
    assert_eq!((open.failures, open.requests, open.times), (20, 40, 1));
}

#[test]
fn open_breaker_lets_one_request_try_and_closes_when_it_is_answered() {
    let mut bench = Bench::new();
    let open = bench.break_it(None);
    assert_eq!(seconds(open.since, open.until), 30);
    bench.sleep(29);
    assert_eq!(bench.breaker.admit(bench.now), Err(open.until));
    bench.sleep(1);
    let (probe, moved) = bench.breaker.admit(bench.now).unwrap();
    assert_eq!(moved, Some(Transition::Probing));
    let wait = bench.breaker.admit(bench.now).unwrap_err();
    assert_eq!(seconds(bench.now, wait), 5);
    let closed = bench.breaker.report(probe, Outcome::Answered, bench.now);
    assert_eq!(closed, Some(Transition::Closed));
    assert_eq!(bench.breaker.opened(), None);
}

#[test]
fn failed_probe_opens_again_for_twice_as_long_up_to_the_bound() {
    let mut bench = Bench::new();
    bench.break_it(None);
    for expected in [60, 120, 240, 480, 600, 600] {
        let open = bench.breaker.opened().unwrap();
        bench.now = open.until;
        let Some(Transition::Opened(open)) = bench.send(Outcome::Failed(None)) else {
            panic!("the probe has failed")
        };
        assert_eq!(seconds(open.since, open.until), expected);
    }
}

#[test]
fn provider_may_ask_for_more_but_not_for_more_than_a_day() {
    let hour = Bench::new().break_it(Some(Duration::from_hours(1)));
    assert_eq!(seconds(hour.since, hour.until), 3600);
    let year = Bench::new().break_it(Some(Duration::from_hours(9000)));
    assert_eq!(seconds(year.since, year.until), 86_400);
    let second = Bench::new().break_it(Some(SECOND));
    assert_eq!(seconds(second.since, second.until), 30);
}

#[test]
fn probe_that_was_given_up_leaves_the_next_one_its_turn() {
    let mut bench = Bench::new();
    let open = bench.break_it(None);
    bench.now = open.until;
    bench.send(Outcome::Unknown);
    assert_eq!(bench.send(Outcome::Answered), Some(Transition::Closed));
}

#[test]
fn answer_to_a_question_of_before_is_ignored() {
    let mut bench = Bench::new();
    let (late, _) = bench.breaker.admit(bench.now).unwrap();
    let open = bench.break_it(None);
    assert_eq!(bench.breaker.report(late, Outcome::Answered, bench.now), None);
    bench.now = open.until;
    let (probe, _) = bench.breaker.admit(bench.now).unwrap();
    assert_eq!(bench.breaker.report(late, Outcome::Failed(None), bench.now), None);
    bench.breaker.close();
    assert_eq!(bench.breaker.report(probe, Outcome::Failed(None), bench.now), None);
    assert_eq!(bench.breaker.opened(), None);
}

#[test]
fn clock_that_is_set_back_does_not_hold_it_open() {
    let mut bench = Bench::new();
    let open = bench.break_it(None);
    bench.now = open.since - Duration::from_hours(1);
    let until = bench.breaker.admit(bench.now).unwrap_err();
    assert_eq!(seconds(bench.now, until), 30);
}

#[test]
fn kept_breaker_goes_on_where_it_was() {
    let mut bench = Bench::new();
    let open = bench.break_it(None);
    let mut restored = Breaker::restored(open);
    assert_eq!(restored.admit(bench.now), Err(open.until));
    let (probe, _) = restored.admit(open.until).unwrap();
    assert!(matches!(
        restored.report(probe, Outcome::Failed(None), open.until),
        Some(Transition::Opened(Open { times: 2, .. }))
    ));
}

/// What the breaker should do, by the book and without thought for speed.
#[derive(Default)]
struct Naive {
    /// When requests ended and whether they failed, since it last closed.
    ended: Vec<(i64, bool)>,
    open: Option<(i64, u32)>,
    probing: bool,
}

impl Naive {
    fn admits(&self, now: i64) -> bool {
        self.open.is_none_or(|(until, _)| now >= until && !self.probing)
    }

    fn admit(&mut self) {
        self.probing = self.open.is_some();
    }

    fn report(&mut self, now: i64, failed: bool) {
        match self.open {
            Some((_, times)) if failed => self.open_for(now, times + 1),
            Some(_) => *self = Self::default(),
            None => {
                self.ended.push((now, failed));
                // The window is ten slices of six seconds, the newest of which is not full yet.
                let first = (at(now).as_second() / 6 - 9) * 6 - at(0).as_second();
                let recent: Vec<_> = self.ended.iter().filter(|(at, _)| *at >= first).collect();
                let failures = recent.iter().filter(|(_, failed)| *failed).count();
                if failed && recent.len() >= 10 && failures * 2 >= recent.len() {
                    self.open_for(now, 1);
                }
            }
        }
    }

    fn open_for(&mut self, now: i64, times: u32) {
        let wait = (0..times.min(9)).skip(1).fold(30, |wait, _| wait * 2).min(600);
        *self = Self { open: Some((now + wait, times)), ..Self::default() };
    }
}

proptest! {
    #[test]
    fn it_does_what_the_book_says(
        steps in prop::collection::vec((0_i64..40, prop::bool::weighted(0.7), 0_u8..20), 1..300),
    ) {
        let (mut breaker, mut naive) = (Breaker::default(), Naive::default());
        let mut now = 0;
        let mut late = None;
        for (pause, failed, other) in steps {
            now += if pause < 30 { pause / 10 } else { pause };
            let admitted = breaker.admit(at(now));
            prop_assert_eq!(admitted.is_ok(), naive.admits(now), "after {} s", now);
            let Ok((pass, _)) = admitted else { continue };
            let was_open = naive.open.is_some();
            naive.admit();
            match other {
                // Given up.
                0 => {
                    breaker.report(pass, Outcome::Unknown, at(now));
                    naive.probing = false;
                }
                // Not answered before something else has happened.
                1 if !was_open => late = Some(pass),
                _ => {
                    let outcome =
                        if failed { Outcome::Failed(None) } else { Outcome::Answered };
                    breaker.report(pass, outcome, at(now));
                    naive.report(now, failed);
                }
            }
            if naive.open.is_some() && let Some(late) = late.take() {
                breaker.report(late, Outcome::Answered, at(now));
            }
            prop_assert_eq!(breaker.opened().is_some(), naive.open.is_some());
        }
    }
}
