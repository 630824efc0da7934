//! What is done to both sides.

use std::collections::BTreeSet;
use std::time::Duration;

use model::queue::{PauseScope, Queue, RedriveTo};
use proptest::prelude::*;

/// One queue that blocks on a dead job, and one that goes on.
pub(crate) const QUEUES: [Queue; 2] = [Queue::Outbound, Queue::InboundWebhook];

pub(crate) const SESSIONS: [&str; 3] = ["a", "b", "c"];

pub(crate) const LEASE_SECONDS: i64 = 90;

/// The connection of a session.
pub(crate) fn connection(session: &str) -> &'static str {
    if session == "c" { "news" } else { "hub" }
}

#[derive(Clone, Debug)]
pub(crate) enum Command {
    Enqueue(Vec<New>),
    Claim {
        queue: Queue,
        skip: BTreeSet<&'static str>,
        jobs_max: usize,
        alone: bool,
    },
    /// Of the claims made so far, the one at this place, counted round.
    Renew(usize),
    Finish {
        claim: usize,
        outcomes: Vec<End>,
        effect: Option<New>,
    },
    Redrive {
        queue: Option<Queue>,
        limit: usize,
        to: RedriveTo,
        spacing: i64,
    },
    Discard {
        limit: usize,
    },
    Pause {
        scope: PauseScope,
        seconds: Option<i64>,
    },
    Resume(PauseScope),
    /// By seconds, back as well.
    MoveClock(i64),
    Reopen,
}

#[derive(Clone, Debug)]
pub(crate) struct New {
    pub(crate) queue: Queue,
    pub(crate) session: &'static str,
    pub(crate) delay: Option<i64>,
    /// The key, and for how long.
    pub(crate) key: Option<(u8, Option<i64>)>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    Done,
    Retry(i64),
    Defer(i64),
    Dead,
}

/// The outcomes that a claim of so many jobs allows.
pub(crate) fn fit(outcomes: &[End], jobs: usize, queue: Queue) -> Vec<End> {
    let stops = |end: &End| match end {
        End::Done => false,
        End::Retry(_) | End::Defer(_) => true,
        End::Dead => queue == Queue::Outbound,
    };
    let allowed = outcomes.get(..jobs).unwrap_or(outcomes);
    let last = allowed.iter().position(stops).map_or(allowed.len(), |place| place + 1);
    allowed[..last].to_vec()
}

pub(crate) fn span(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap())
}

pub(crate) fn commands() -> BoxedStrategy<Command> {
    let jobs_max = 1_usize..4;
    let skip = prop::collection::btree_set(prop::sample::select(vec!["hub", "news"]), 0..2);
    let outcomes = prop::collection::vec(end(), 0..4);
    let filter = (prop::option::of(queue()), 1_usize..4);
    let to = prop::sample::select(vec![RedriveTo::Head, RedriveTo::Tail]);
    let clock = prop_oneof![4 => 1_i64..40, 2 => 85_i64..95, 1 => -3_600_i64..3_600];
    prop_oneof![
        6 => prop::collection::vec(new(), 1..4).prop_map(Command::Enqueue),
        8 => (queue(), skip, jobs_max, any::<bool>()).prop_map(|(queue, skip, jobs_max, alone)| {
            Command::Claim { queue, skip, jobs_max, alone }
        }),
        2 => recent().prop_map(Command::Renew),
        8 => (recent(), outcomes, prop::option::weighted(0.3, new()))
            .prop_map(|(claim, outcomes, effect)| Command::Finish { claim, outcomes, effect }),
        2 => (filter, to, 0_i64..5).prop_map(|((queue, limit), to, spacing)| {
            Command::Redrive { queue, limit, to, spacing }
        }),
        1 => (1_usize..3).prop_map(|limit| Command::Discard { limit }),
        1 => (scope(), prop::option::of(1_i64..60))
            .prop_map(|(scope, seconds)| Command::Pause { scope, seconds }),
        2 => scope().prop_map(Command::Resume),
        4 => clock.prop_map(Command::MoveClock),
        1 => Just(Command::Reopen),
    ]
    .boxed()
}

/// Mostly the last claim, sometimes one of long ago.
fn recent() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(usize::MAX), 2 => 0_usize..1_000]
}

fn queue() -> impl Strategy<Value = Queue> {
    prop::sample::select(QUEUES.to_vec())
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        6 => Just(End::Done),
        2 => (0_i64..30).prop_map(End::Retry),
        1 => (-5_i64..30).prop_map(End::Defer),
        2 => Just(End::Dead),
    ]
}

fn new() -> impl Strategy<Value = New> {
    let key = (0_u8..3, prop::option::of(1_i64..120));
    let session = prop::sample::select(SESSIONS.to_vec());
    (queue(), session, prop::option::weighted(0.3, -5_i64..30), prop::option::weighted(0.3, key))
        .prop_map(|(queue, session, delay, key)| New { queue, session, delay, key })
}

fn scope() -> impl Strategy<Value = PauseScope> {
    let session = prop::sample::select(SESSIONS.to_vec());
    prop_oneof![
        queue().prop_map(PauseScope::Queue),
        (queue(), session.clone()).prop_map(|(q, name)| PauseScope::Session(q, name.to_owned())),
        session.clone().prop_map(|name| PauseScope::Package(connection(name).to_owned())),
        session.prop_map(|name| PauseScope::Connection(connection(name).parse().unwrap())),
    ]
}
