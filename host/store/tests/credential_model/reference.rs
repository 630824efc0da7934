//! Credentials as they are meant, in memory.

use std::collections::BTreeMap;

use model::ConnectionState;
use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

#[derive(Clone, Debug)]
pub(crate) enum Command {
    Authorise {
        connection: u8,
        replaces: i64,
        due: Option<i64>,
    },
    Remove(u8),
    State(u8, ConnectionState),
    Lease {
        connection: u8,
        seconds: i64,
    },
    Intend {
        lease: usize,
        generation: i64,
        seconds: i64,
    },
    Finish {
        lease: usize,
        replaces: i64,
        due: Option<i64>,
    },
    Fail {
        lease: usize,
        retry: Option<i64>,
        reauthorise: bool,
        unsent: bool,
    },
    Release(usize),
    /// Moves the clock, back as well.
    Move(i64),
    Reopen,
}

/// What the store is to answer.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum Answer {
    #[default]
    Done,
    Generation(u64),
    Taken(u64),
    Held(i64),
    Absent,
    Conflict,
    Fenced,
    Invalid,
}

/// That a refresh was about to be sent: with which generation, since when, under how many leases,
/// and the last of them.
pub(crate) type Intent = (u64, i64, u32, usize);

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Row {
    pub(crate) generation: u64,
    pub(crate) refreshes: u64,
    pub(crate) failures: u32,
    pub(crate) intent: Option<Intent>,
    /// The number of the lease and its end.
    pub(crate) lease: Option<(usize, i64)>,
    pub(crate) due: Option<i64>,
    pub(crate) state: ConnectionState,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Reference {
    pub(crate) now: i64,
    pub(crate) rows: BTreeMap<u8, Row>,
    /// The connections of all leases so far.
    pub(crate) leases: Vec<u8>,
    pub(crate) answer: Answer,
}

/// The longest lease, in seconds.
const LEASE_MAX: i64 = 60;

impl Reference {
    /// The number of a lease that a command names.
    pub(crate) fn number(&self, lease: usize) -> Option<usize> {
        lease.checked_rem(self.leases.len())
    }

    /// The generation that lies so far from the one of a connection.
    pub(crate) fn generation(&self, connection: u8, distance: i64) -> u64 {
        let newest = self.rows.get(&connection).map_or(0, |row| row.generation);
        newest.saturating_add_signed(distance)
    }

    /// The credential that a lease is of, if it still is the lease.
    fn held(&mut self, lease: usize) -> Option<(usize, &mut Row)> {
        let number = self.number(lease)?;
        let row = self.rows.get_mut(self.leases.get(number)?)?;
        row.lease.filter(|(held, _)| *held == number)?;
        Some((number, row))
    }

    /// Those whose time has come and that do not rest, the most urgent first.
    pub(crate) fn due(&self) -> Vec<u8> {
        let works = self.rows.iter().filter(|(_, row)| row.state.works());
        let mut due: Vec<_> = works
            .filter_map(|(id, row)| Some((row.due.filter(|due| *due <= self.now)?, *id)))
            .collect();
        due.sort_unstable();
        due.into_iter().map(|(_, id)| id).collect()
    }

    fn act(&mut self, command: &Command) -> Answer {
        let now = self.now;
        match *command {
            Command::Authorise { connection, replaces, due } => {
                let before = self.generation(connection, 0);
                if self.generation(connection, replaces) != before {
                    return Answer::Conflict;
                }
                let due = due.map(|due| now + due);
                self.rows.insert(connection, Row { generation: before + 1, due, ..Row::default() });
                Answer::Generation(before + 1)
            }
            Command::Remove(connection) => match self.rows.remove(&connection) {
                Some(_) => Answer::Done,
                None => Answer::Absent,
            },
            Command::State(connection, state) => match self.rows.get_mut(&connection) {
                Some(row) => {
                    row.state = state;
                    Answer::Done
                }
                None => Answer::Invalid,
            },
            Command::Lease { connection, seconds } => self.lease(connection, seconds),
            Command::Intend { lease, generation, seconds } => {
                self.intend(lease, generation, now + seconds)
            }
            Command::Finish { lease, replaces, due } => self.finish(lease, replaces, due),
            Command::Fail { lease, retry, reauthorise, unsent } => {
                let Some((number, row)) = self.held(lease) else { return Answer::Fenced };
                row.failures += 1;
                row.due = retry.map(|retry| now + retry);
                row.give_back(number, unsent);
                if reauthorise && !row.is_off() {
                    row.state = ConnectionState::NeedsReauthorisation;
                }
                Answer::Done
            }
            Command::Release(lease) => {
                let Some((number, row)) = self.held(lease) else { return Answer::Fenced };
                row.give_back(number, true);
                Answer::Done
            }
            Command::Move(seconds) => {
                self.now += seconds;
                Answer::Done
            }
            Command::Reopen => {
                self.rows.values_mut().for_each(|row| row.lease = None);
                Answer::Done
            }
        }
    }

    fn finish(&mut self, lease: usize, replaces: i64, due: Option<i64>) -> Answer {
        let now = self.now;
        let Some((_, row)) = self.held(lease) else { return Answer::Fenced };
        if row.generation.saturating_add_signed(replaces) != row.generation {
            return Answer::Conflict;
        }
        *row = Row {
            generation: row.generation + 1,
            refreshes: row.refreshes + 1,
            due: due.map(|due| now + due),
            state: if row.is_off() { row.state } else { ConnectionState::Active },
            ..Row::default()
        };
        Answer::Generation(row.generation)
    }

    fn lease(&mut self, connection: u8, seconds: i64) -> Answer {
        let (now, number) = (self.now, self.leases.len());
        let Some(row) = self.rows.get_mut(&connection) else { return Answer::Absent };
        match row.lease {
            Some((_, until)) if until > now && until <= now + LEASE_MAX => Answer::Held(until),
            _ => {
                row.lease = Some((number, now + seconds));
                self.leases.push(connection);
                Answer::Taken(row.generation)
            }
        }
    }

    fn intend(&mut self, lease: usize, generation: i64, until: i64) -> Answer {
        let now = self.now;
        let Some((number, row)) = self.held(lease) else { return Answer::Fenced };
        if row.generation.saturating_add_signed(generation) != row.generation {
            return Answer::Conflict;
        }
        row.lease = Some((number, until));
        row.intent = Some(match row.intent {
            Some((generation, at, times, last)) => {
                (generation, at, times + u32::from(last != number), number)
            }
            None => (row.generation, now, 1, number),
        });
        Answer::Done
    }
}

impl Row {
    /// Whether a refresh has no say in whether the connection works.
    fn is_off(&self) -> bool {
        matches!(self.state, ConnectionState::Disabled | ConnectionState::Revoked)
    }

    fn give_back(&mut self, number: usize, unsent: bool) {
        self.lease = None;
        if let Some((.., times, last)) = &mut self.intent
            && *last == number
            && unsent
        {
            *times -= 1;
            if *times == 0 {
                self.intent = None;
            }
        }
    }
}

impl ReferenceStateMachine for Reference {
    type State = Self;
    type Transition = Command;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Command> {
        let connection = || 0..3_u8;
        let lease = || prop_oneof![3 => Just(usize::MAX), 1 => any::<usize>()];
        let distance = || prop_oneof![8 => Just(0_i64), 1 => Just(-1), 1 => Just(1)];
        let wait = || prop::option::of(-60..600_i64);
        let state = prop::sample::select(vec![
            ConnectionState::Active,
            ConnectionState::Expiring,
            ConnectionState::NeedsReauthorisation,
            ConnectionState::Revoked,
            ConnectionState::Disabled,
        ]);
        prop_oneof![
            3 => (connection(), distance(), wait()).prop_map(|(connection, replaces, due)| {
                Command::Authorise { connection, replaces, due }
            }),
            1 => connection().prop_map(Command::Remove),
            2 => (connection(), state).prop_map(|(connection, state)| Command::State(connection, state)),
            6 => (connection(), 1..=LEASE_MAX).prop_map(|(connection, seconds)| {
                Command::Lease { connection, seconds }
            }),
            6 => (lease(), distance(), 1..=LEASE_MAX).prop_map(|(lease, generation, seconds)| {
                Command::Intend { lease, generation, seconds }
            }),
            5 => (lease(), distance(), wait()).prop_map(|(lease, replaces, due)| {
                Command::Finish { lease, replaces, due }
            }),
            4 => (lease(), wait(), any::<[bool; 2]>()).prop_map(|(lease, retry, [reauthorise, unsent])| {
                Command::Fail { lease, retry, reauthorise, unsent }
            }),
            2 => lease().prop_map(Command::Release),
            3 => (-90..120_i64).prop_map(Command::Move),
            1 => Just(Command::Reopen),
        ]
        .boxed()
    }

    fn apply(mut state: Self, command: &Command) -> Self {
        state.answer = state.act(command);
        state
    }
}
