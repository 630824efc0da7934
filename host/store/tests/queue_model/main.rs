//! The queues held against a model of them, command by command, with a clock that steps back and
//! a store that is opened again. `PROPTEST_CASES` sets how many sequences are tried.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy allows them in functions marked as tests, and these are called by such"
)]

mod command;
mod reference;

use std::collections::{BTreeMap, BTreeSet};

use model::queue::{
    Claim, DeadFilter, Death, Dedupe, DedupeUntil, Effect, Enqueued, Failure, Finish, Held, JobId,
    JobQueue as _, LeaseRef, Leased, NewJob, Outcome, Pause, Queue, Redrive,
};
use model::{Clock, Error, ErrorKind, TenantId, Timestamp};
use proptest_state_machine::{StateMachineTest, prop_state_machine};
use store::Store;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use command::{Command, End, LEASE_SECONDS, New, QUEUES, connection, fit, span};
use reference::{Answer, Reference, Seen};

prop_state_machine! {
    #[test]
    fn store_does_what_the_model_does(sequential 1..80 => Subject);
}

struct Subject {
    runtime: Runtime,
    clock: Clock,
    /// Nothing while it is opened again.
    store: Option<Store>,
    claims: Vec<(LeaseRef, Vec<JobId>)>,
    /// Of the claims made so far, by queue.
    last_epoch: BTreeMap<Queue, u64>,
    acknowledged: BTreeSet<JobId>,
    dir: TempDir,
}

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::new(1_700_000_000 + seconds, 0).unwrap()
}

fn new(job: &New, now: i64) -> NewJob {
    let until = |seconds: Option<i64>| {
        seconds.map_or(DedupeUntil::Finished, |seconds| DedupeUntil::Elapsed(span(seconds)))
    };
    let dedupe =
        job.key.map(|(key, seconds)| Dedupe { key: key.to_string(), until: until(seconds) });
    NewJob {
        tenant: acme(),
        queue: job.queue,
        session: job.session.to_owned(),
        connection: Some(connection(job.session).parse().unwrap()),
        package: Some(connection(job.session).to_owned()),
        payload: job.session.into(),
        run_at: job.delay.map(|delay| at(now + delay)),
        dedupe: dedupe.into_iter().collect(),
    }
}

fn outcome(end: End, now: i64) -> Outcome {
    let failure = || Failure {
        at: at(now),
        attempt: 1,
        error: Error::new(ErrorKind::Other, "acme.broken", "no"),
        digest: None,
        progressed: false,
    };
    match end {
        End::Done => Outcome::Done,
        End::Retry(after) => Outcome::Retry { after: span(after), failure: failure() },
        End::Defer(wait) => Outcome::Defer { until: at(now + wait) },
        End::Dead => Outcome::Dead { failure: failure(), why: Death::Permanent },
    }
}

fn letters(queue: Option<Queue>, limit: usize) -> DeadFilter {
    DeadFilter { queue, limit, ..DeadFilter::all(acme()) }
}

impl Subject {
    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn act(&mut self, model: &Reference, command: Command) -> Answer {
        let now = model.now;
        let store = self.store.clone().unwrap();
        match command {
            Command::Enqueue(jobs) => {
                let jobs = jobs.iter().map(|job| new(job, now)).collect();
                let answers = self.runtime.block_on(store.enqueue(jobs)).unwrap();
                Answer::Queued(answers.into_iter().map(queued).collect())
            }
            Command::Claim { queue, skip, jobs_max, alone } => {
                let skip = skip.into_iter().map(str::to_owned).collect();
                self.claim(queue, skip, (jobs_max, alone))
            }
            Command::Renew(claim) => Answer::Held(model.held(claim).map(|(number, _)| {
                let lease = vec![self.claims[number].0.clone()];
                let held = self.runtime.block_on(store.renew(lease, span(LEASE_SECONDS)));
                held.unwrap() == [Held::Held]
            })),
            Command::Finish { claim, outcomes, effect } => {
                // The model has ended the claim by now, so its number alone is asked.
                Answer::Held(model.held(claim).map(|(number, _)| {
                    let effects = effect.iter().map(|job| Effect::Enqueue(new(job, now)));
                    self.finish(number, &outcomes, effects.collect(), now)
                }))
            }
            Command::Redrive { queue, limit, to, spacing } => {
                let redrive = Redrive { to, payload: None, delay: span(0), spacing: span(spacing) };
                let filter = letters(queue, limit);
                Answer::Count(self.runtime.block_on(store.redrive(&filter, redrive)).unwrap())
            }
            Command::Discard { limit } => {
                let filter = letters(None, limit);
                Answer::Count(self.runtime.block_on(store.discard(&filter, "no use")).unwrap())
            }
            Command::Pause { scope, seconds } => {
                let until = seconds.map(|seconds| at(now + seconds));
                let pause = Pause { scope, reason: String::new(), since: at(now), until };
                self.runtime.block_on(store.pause(&acme(), pause)).unwrap();
                Answer::Nothing
            }
            Command::Resume(scope) => {
                Answer::Was(self.runtime.block_on(store.resume(&acme(), &scope)).unwrap())
            }
            Command::MoveClock(_) => {
                self.clock.set(at(now));
                Answer::Nothing
            }
            Command::Reopen => {
                drop((store, self.store.take()));
                self.store = Some(Store::open(self.dir.path(), self.clock.clone()).unwrap());
                Answer::Nothing
            }
        }
    }

    fn claim(
        &mut self,
        queue: Queue,
        skip: BTreeSet<String>,
        (jobs_max, alone): (usize, bool),
    ) -> Answer {
        let claim = Claim {
            worker: "worker".to_owned(),
            queue,
            tenant: acme(),
            skip,
            sessions_max: 9,
            jobs_max,
            lease: span(LEASE_SECONDS),
            alone,
        };
        let mut leased = self.runtime.block_on(self.store().claim(claim)).unwrap();
        // The model counts claims in the order of names; the store makes them in that of time.
        leased.sort_by(|a, b| a.lease.session.cmp(&b.lease.session));
        let epochs: BTreeSet<_> = leased.iter().map(|leased| leased.lease.epoch).collect();
        assert_eq!(epochs.len(), leased.len());
        let before = self.last_epoch.get(&queue);
        assert!(epochs.first().is_none_or(|first| before.is_none_or(|before| before < first)));
        self.last_epoch.extend(epochs.last().map(|last| (queue, *last)));
        let mut answer = BTreeMap::new();
        for Leased { lease, jobs, .. } in leased {
            let session = command::SESSIONS.into_iter().find(|name| *name == lease.session);
            let ids = jobs.iter().map(|job| job.id).collect();
            answer.insert(session.unwrap(), (self.claims.len(), jobs.iter().map(seen).collect()));
            self.claims.push((lease, ids));
        }
        Answer::Claimed(answer)
    }

    fn finish(&mut self, number: usize, outcomes: &[End], effects: Vec<Effect>, now: i64) -> bool {
        let (lease, ids) = self.claims[number].clone();
        let outcomes = fit(outcomes, ids.len(), lease.queue);
        let outcomes: Vec<_> = ids.into_iter().zip(outcomes).collect();
        let done = outcomes.iter().filter(|(_, end)| *end == End::Done).map(|(id, _)| *id);
        let done: Vec<_> = done.collect();
        let outcomes = outcomes.into_iter().map(|(id, end)| (id, outcome(end, now))).collect();
        let finish = Finish { lease, outcomes, effects };
        let held = self.runtime.block_on(self.store().finish(vec![finish])).unwrap();
        let held = held == [Held::Held];
        if held {
            for id in done {
                assert!(self.acknowledged.insert(id), "job {id} was acknowledged twice");
            }
        }
        held
    }
}

fn queued(answer: Enqueued) -> (u64, bool) {
    match answer {
        Enqueued::New(JobId(id)) => (id, true),
        Enqueued::Duplicate(JobId(id)) => (id, false),
    }
}

fn seen(job: &model::queue::Job) -> Seen {
    Seen { id: job.id.0, attempt: job.attempt, deaths: job.deaths, failures: job.failures.len() }
}

/// A disk that is not waited for: what a crash undoes is tested elsewhere.
fn directory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

impl StateMachineTest for Subject {
    type SystemUnderTest = Self;
    type Reference = Reference;

    fn init_test(model: &Reference) -> Self {
        let (clock, dir) = (Clock::manual(at(model.now)), directory());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self {
            runtime,
            store: Some(Store::open(dir.path(), clock.clone()).unwrap()),
            clock,
            claims: Vec::new(),
            last_epoch: BTreeMap::new(),
            acknowledged: BTreeSet::new(),
            dir,
        }
    }

    fn apply(mut subject: Self, model: &Reference, command: Command) -> Self {
        let answer = subject.act(model, command);
        assert_eq!(answer, model.answer);
        subject
    }

    fn check_invariants(subject: &Self, model: &Reference) {
        let store = subject.store();
        let ask = async |queue| {
            let stats = store.stats(&acme(), queue).await.unwrap();
            let parts = stats.queued + stats.done + stats.dead + stats.discarded;
            assert_eq!(stats.enqueued, parts, "{stats:?}");
            let counts = model.counts.get(&queue).copied().unwrap_or_default();
            let found = (stats.enqueued, stats.done, stats.discarded, stats.leased);
            assert_eq!(found, (counts.enqueued, counts.done, counts.discarded, counts.leased));
            let found = (stats.queued, stats.dead);
            let counted = [model.queued(queue), model.dead_of(queue)];
            assert_eq!([found.0, found.1], counted.map(|count| u64::try_from(count).unwrap()));
            let due = model.next_due(queue);
            assert_eq!(store.next_due(queue).await.unwrap(), due.map(at));
            let tenants = store.due_tenants(queue, None, 9).await.unwrap();
            assert_eq!(tenants.len(), usize::from(due.is_some_and(|due| due <= model.now)));
        };
        subject.runtime.block_on(async {
            for queue in QUEUES {
                ask(queue).await;
            }
            let found = store.dead(&letters(None, 1_000)).await.unwrap();
            let ids: Vec<_> = found.iter().map(|letter| letter.id.0).collect();
            assert_eq!(ids, model.dead.keys().copied().collect::<Vec<_>>());
        });
    }

    /// Works off all that is left: no session has been forgotten.
    fn teardown(mut subject: Self, model: Reference) {
        let (store, mut now) = (subject.store().clone(), model.now);
        subject.runtime.block_on(async {
            for pause in store.pauses(&acme(), None, 99).await.unwrap() {
                store.resume(&acme(), &pause.scope).await.unwrap();
            }
            let redrive = Redrive {
                to: model::queue::RedriveTo::Head,
                payload: None,
                delay: span(0),
                spacing: span(0),
            };
            store.redrive(&letters(None, 1_000), redrive).await.unwrap();
        });
        for queue in QUEUES {
            while let Some(due) = subject.runtime.block_on(store.next_due(queue)).unwrap() {
                now = now.max(due.as_second() - at(0).as_second());
                subject.clock.set(at(now));
                let before = subject.claims.len();
                subject.claim(queue, BTreeSet::new(), (9, false));
                for number in before..subject.claims.len() {
                    assert!(subject.finish(number, &[End::Done; 9], Vec::new(), now));
                }
            }
            let stats = subject.runtime.block_on(store.stats(&acme(), queue)).unwrap();
            assert_eq!((stats.queued, stats.dead, stats.leased), (0, 0, 0));
            assert_eq!(stats.enqueued, stats.done + stats.discarded);
        }
    }
}
