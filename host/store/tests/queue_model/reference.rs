//! The queues as they are meant, in memory and without regard to cost.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::queue::{PauseScope, Queue, RedriveTo};
use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

use crate::command::{Command, End, LEASE_SECONDS, New, commands, connection, fit};

/// Where a session is.
pub(crate) type Place = (Queue, &'static str);

#[derive(Clone, Debug, Default)]
pub(crate) struct Reference {
    pub(crate) now: i64,
    pub(crate) sessions: BTreeMap<Place, Session>,
    pub(crate) dead: BTreeMap<u64, Dead>,
    pub(crate) counts: BTreeMap<Queue, Counts>,
    /// The claims made so far.
    pub(crate) claims: Vec<Claimed>,
    pub(crate) answer: Answer,
    pauses: BTreeMap<PauseScope, Option<i64>>,
    keys: BTreeMap<(Queue, u8), Holder>,
    ends: BTreeSet<(i64, Queue, u8)>,
    last_id: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    pub(crate) jobs: VecDeque<Job>,
    lease: Option<(usize, i64)>,
    blocked: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Job {
    seen: Seen,
    due: i64,
    key: Option<u8>,
}

/// What a worker sees of a job.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Seen {
    pub(crate) id: u64,
    pub(crate) attempt: u32,
    pub(crate) deaths: u32,
    pub(crate) failures: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Dead {
    place: Place,
    key: Option<u8>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Counts {
    pub(crate) enqueued: u64,
    pub(crate) done: u64,
    pub(crate) discarded: u64,
    pub(crate) leased: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) place: Place,
    pub(crate) jobs: Vec<u64>,
    alone: bool,
}

#[derive(Clone, Copy, Debug)]
struct Holder {
    job: u64,
    until: Option<i64>,
}

/// What the store must answer to the last command.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum Answer {
    #[default]
    Nothing,
    /// Ids, and whether they are new.
    Queued(Vec<(u64, bool)>),
    /// By session; each is the number of its claim and its jobs.
    Claimed(BTreeMap<&'static str, (usize, Vec<Seen>)>),
    Held(Option<bool>),
    Count(u64),
    Was(bool),
}

impl ReferenceStateMachine for Reference {
    type State = Self;
    type Transition = Command;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Command> {
        commands()
    }

    fn apply(mut state: Self, command: &Command) -> Self {
        state.answer = state.act(command);
        state
    }
}

impl Reference {
    fn act(&mut self, command: &Command) -> Answer {
        match command {
            Command::Enqueue(jobs) => {
                let ends = self.ends.clone();
                let answers: Vec<_> = jobs.iter().map(|job| self.enqueue(job)).collect();
                self.sweep(&ends, jobs, &answers);
                Answer::Queued(answers)
            }
            Command::Claim { queue, skip, jobs_max, alone } => {
                Answer::Claimed(self.claim(*queue, skip, (*jobs_max, *alone)))
            }
            Command::Renew(claim) => Answer::Held(self.held(*claim).map(|(number, held)| {
                let until = self.now + LEASE_SECONDS;
                if held {
                    self.session(self.claims[number].place).lease = Some((number, until));
                }
                held
            })),
            Command::Finish { claim, outcomes, effect } => {
                let held = self.held(*claim);
                if let Some((number, true)) = held {
                    self.finish(number, outcomes);
                    let ends = self.ends.clone();
                    let effects: Vec<_> = effect.iter().cloned().collect();
                    let answers: Vec<_> = effects.iter().map(|job| self.enqueue(job)).collect();
                    self.sweep(&ends, &effects, &answers);
                }
                Answer::Held(held.map(|(_, held)| held))
            }
            Command::Redrive { queue, limit, to, spacing } => {
                Answer::Count(self.redrive(*queue, *limit, *to, *spacing))
            }
            Command::Discard { limit } => {
                let ids: Vec<_> = self.dead.keys().copied().take(*limit).collect();
                for id in &ids {
                    let (queue, _) = self.open(*id).place;
                    self.counts.entry(queue).or_default().discarded += 1;
                }
                Answer::Count(u64::try_from(ids.len()).unwrap())
            }
            Command::Pause { scope, seconds } => {
                self.pauses.insert(scope.clone(), seconds.map(|seconds| self.now + seconds));
                Answer::Nothing
            }
            Command::Resume(scope) => {
                let pause = self.pauses.remove(scope);
                Answer::Was(pause.is_some_and(|until| until.is_none_or(|until| self.now < until)))
            }
            Command::MoveClock(seconds) => {
                self.now += seconds;
                Answer::Nothing
            }
            Command::Reopen => {
                // Whoever had a claim was of the process before.
                let leases = self.sessions.values_mut().filter_map(|s| s.lease.as_mut());
                leases.for_each(|(_, until)| *until = (*until).min(self.now));
                Answer::Nothing
            }
        }
    }

    fn session(&mut self, place: Place) -> &mut Session {
        self.sessions.entry(place).or_default()
    }

    fn holder(&self, queue: Queue, key: u8) -> Option<u64> {
        let holder = self.keys.get(&(queue, key))?;
        holder.until.is_none_or(|until| self.now < until).then_some(holder.job)
    }

    fn hold(&mut self, queue: Queue, key: u8, holder: Holder) {
        if let Some(Holder { until: Some(end), .. }) = self.keys.insert((queue, key), holder) {
            self.ends.remove(&(end, queue, key));
        }
        self.ends.extend(holder.until.map(|end| (end, queue, key)));
    }

    fn release(&mut self, queue: Queue, key: Option<u8>, job: u64) {
        let Some(place) = key.map(|key| (queue, key)) else { return };
        if self.keys.get(&place).is_some_and(|held| held.job == job && held.until.is_none()) {
            self.keys.remove(&place);
        }
    }

    fn enqueue(&mut self, new: &New) -> (u64, bool) {
        let holder = new.key.and_then(|(key, _)| self.holder(new.queue, key));
        if let Some(holder) = holder {
            return (holder, false);
        }
        self.last_id += 1;
        let id = self.last_id;
        if let Some((key, seconds)) = new.key {
            let until = seconds.map(|seconds| self.now + seconds);
            self.hold(new.queue, key, Holder { job: id, until });
        }
        let key = new.key.and_then(|(key, seconds)| seconds.is_none().then_some(key));
        let due = self.now + new.delay.unwrap_or(0);
        let job = Job { seen: Seen { id, ..Seen::default() }, due, key };
        self.session((new.queue, new.session)).jobs.push_back(job);
        self.counts.entry(new.queue).or_default().enqueued += 1;
        (id, true)
    }

    /// Forgets two keys that are over for each that was taken for a time.
    fn sweep(&mut self, before: &BTreeSet<(i64, Queue, u8)>, jobs: &[New], new: &[(u64, bool)]) {
        let timed = |(job, (_, new)): &(&New, &(u64, bool))| {
            *new && job.key.is_some_and(|(_, seconds)| seconds.is_some())
        };
        let count = jobs.iter().zip(new).filter(timed).count();
        for &(end, queue, key) in before.iter().take(2 * count).filter(|(end, ..)| *end <= self.now)
        {
            self.ends.remove(&(end, queue, key));
            if self.keys.get(&(queue, key)).is_some_and(|holder| holder.until == Some(end)) {
                self.keys.remove(&(queue, key));
            }
        }
    }

    /// When a session is due but for the pause of its queue.
    fn due(&self, place: Place) -> Option<i64> {
        let (queue, name) = place;
        let session = self.sessions.get(&place)?;
        let head = session.jobs.front().filter(|_| session.blocked.is_none());
        let due = session.lease.map(|(_, until)| until).or(head.map(|job| job.due))?;
        let due = self.delay(&PauseScope::Session(queue, name.to_owned()), due)?;
        let due = self.delay(&PauseScope::Package(connection(name).to_owned()), due)?;
        self.delay(&PauseScope::Connection(connection(name).parse().unwrap()), due)
    }

    fn delay(&self, scope: &PauseScope, due: i64) -> Option<i64> {
        match self.pauses.get(scope) {
            None => Some(due),
            Some(until) => until.map(|until| until.max(due)),
        }
    }

    /// When the first session of a queue is due.
    pub(crate) fn next_due(&self, queue: Queue) -> Option<i64> {
        let places = self.sessions.keys().filter(|place| place.0 == queue);
        let first = places.filter_map(|place| self.due(*place)).min()?;
        self.delay(&PauseScope::Queue(queue), first)
    }

    fn claim(
        &mut self,
        queue: Queue,
        skip: &BTreeSet<&str>,
        (jobs_max, alone): (usize, bool),
    ) -> BTreeMap<&'static str, (usize, Vec<Seen>)> {
        let mut claimed = BTreeMap::new();
        if self.delay(&PauseScope::Queue(queue), self.now) != Some(self.now) {
            return claimed;
        }
        let places: Vec<_> = self.sessions.keys().copied().filter(|p| p.0 == queue).collect();
        for place in places {
            let is_due = self.due(place).is_some_and(|due| due <= self.now);
            if is_due && !skip.contains(connection(place.1)) {
                let (now, number) = (self.now, self.claims.len());
                if self.expire(place) {
                    self.counts.entry(queue).or_default().leased -= 1;
                }
                let session = self.session(place);
                let jobs = take(session, jobs_max, now);
                if !jobs.is_empty() {
                    // It is over, and is forgotten with that.
                    self.pauses.remove(&PauseScope::Session(queue, place.1.to_owned()));
                    let session = self.session(place);
                    session.lease = Some((number, now + LEASE_SECONDS));
                    let ids = jobs.iter().map(|job| job.id).collect();
                    self.claims.push(Claimed { place, jobs: ids, alone });
                    self.counts.entry(queue).or_default().leased += 1;
                    claimed.insert(place.1, (number, jobs));
                }
            }
        }
        claimed
    }

    fn expire(&mut self, place: Place) -> bool {
        let Some((number, _)) = self.session(place).lease.take() else { return false };
        let Claimed { jobs: ids, alone, .. } = self.claims[number].clone();
        let jobs = &mut self.session(place).jobs;
        for job in jobs.iter_mut().filter(|job| ids.contains(&job.seen.id)) {
            // The third death decides, and must be the job's own.
            let counts = alone || job.seen.deaths != 2;
            job.seen.deaths += u32::from(counts);
            job.seen.attempt -= u32::from(!counts);
        }
        true
    }

    /// The claim that is meant, if any was made, and whether it holds.
    pub(crate) fn held(&self, claim: usize) -> Option<(usize, bool)> {
        let last = self.claims.len().checked_sub(1)?;
        let number = if claim == usize::MAX { last } else { claim % (last + 1) };
        let session = self.sessions.get(&self.claims[number].place);
        let lease = session.and_then(|session| session.lease);
        Some((number, lease.is_some_and(|(holder, _)| holder == number)))
    }

    fn finish(&mut self, number: usize, outcomes: &[End]) {
        let Claimed { place, jobs, .. } = self.claims[number].clone();
        let (queue, now) = (place.0, self.now);
        self.session(place).lease = None;
        let outcomes = fit(outcomes, jobs.len(), queue);
        self.counts.entry(queue).or_default().leased -= 1;
        for (place_in_claim, id) in jobs.iter().enumerate() {
            let session = self.session(place);
            let at = session.jobs.iter().position(|job| job.seen.id == *id).unwrap();
            let job = &mut session.jobs[at];
            match outcomes.get(place_in_claim) {
                None => job.seen.attempt -= 1,
                Some(End::Retry(after)) => {
                    job.due = now + after;
                    job.seen.failures = (job.seen.failures + 1).min(model::queue::FAILURES_MAX);
                }
                Some(End::Defer(wait)) => {
                    job.seen.attempt -= 1;
                    job.due = now + wait;
                }
                Some(End::Done) => {
                    let job = session.jobs.remove(at).unwrap();
                    self.release(queue, job.key, *id);
                    self.counts.entry(queue).or_default().done += 1;
                }
                Some(End::Dead) => {
                    let key = session.jobs.remove(at).unwrap().key;
                    session.blocked = (queue == Queue::Outbound).then_some(*id);
                    self.release(queue, key, *id);
                    self.dead.insert(*id, Dead { place, key });
                }
            }
        }
    }

    fn open(&mut self, id: u64) -> Dead {
        let dead = self.dead.remove(&id).unwrap();
        self.session(dead.place).blocked.take_if(|waits| *waits == id);
        dead
    }

    fn redrive(&mut self, queue: Option<Queue>, limit: usize, to: RedriveTo, spacing: i64) -> u64 {
        let chosen = self.dead.iter().filter(|(_, d)| queue.is_none_or(|q| d.place.0 == q));
        let ids: Vec<_> = chosen.map(|(id, _)| *id).take(limit).collect();
        let mut order: Vec<_> = (0..).map(|n: i64| self.now + n * spacing).zip(ids).collect();
        if to == RedriveTo::Head {
            order.reverse();
        }
        let count = order.len();
        for (due, id) in order {
            let Dead { place, key } = self.open(id);
            let key = key.filter(|key| self.holder(place.0, *key).is_none());
            if let Some(key) = key {
                self.hold(place.0, key, Holder { job: id, until: None });
            }
            let job = Job { seen: Seen { id, ..Seen::default() }, due, key };
            let jobs = &mut self.session(place).jobs;
            match to {
                RedriveTo::Head => jobs.push_front(job),
                RedriveTo::Tail => jobs.push_back(job),
            }
        }
        u64::try_from(count).unwrap()
    }

    /// Jobs queued.
    pub(crate) fn queued(&self, queue: Queue) -> usize {
        self.sessions.iter().filter(|(place, _)| place.0 == queue).map(|(_, s)| s.jobs.len()).sum()
    }

    /// Dead letters of a queue.
    pub(crate) fn dead_of(&self, queue: Queue) -> usize {
        self.dead.values().filter(|dead| dead.place.0 == queue).count()
    }
}

/// The jobs at the head that are due, their attempts counted; one that has lost a worker alone.
fn take(session: &mut Session, jobs_max: usize, now: i64) -> Vec<Seen> {
    let mut taken: Vec<Seen> = Vec::new();
    for job in session.jobs.iter_mut().take(jobs_max) {
        let alone = taken.first().is_some_and(|first| first.deaths > 0);
        if job.due > now || alone || (!taken.is_empty() && job.seen.deaths > 0) {
            break;
        }
        job.seen.attempt += 1;
        taken.push(job.seen);
    }
    taken
}
