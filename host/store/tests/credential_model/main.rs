//! Credentials held against a model of them, command by command, with a clock that steps back and
//! a store that is opened again. `PROPTEST_CASES` sets how many sequences are tried.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy allows them in functions marked as tests, and these are called by such"
)]

mod reference;

use std::collections::BTreeMap;

use model::credential::{
    self, ACCESS_TOKEN, CredentialQuery, CredentialStore as _, Failure, Grant, Leased, NewSecrets,
    REFRESH_TOKEN, RefreshFailed, RefreshLease, Refreshed,
};
use model::store::{Catalogue as _, StoreError, StoreErrorKind};
use model::vault::Sealed;
use model::{Clock, Connection, ConnectionId, TenantId, Timestamp};
use proptest_state_machine::{StateMachineTest, prop_state_machine};
use store::Store;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use reference::{Answer, Command, Reference, Row};

prop_state_machine! {
    #[test]
    fn store_does_what_the_model_does(sequential 1..40 => Subject);
}

struct Subject {
    clock: Clock,
    /// Nothing while it is opened again.
    store: Option<Store>,
    leases: Vec<RefreshLease>,
    dir: TempDir,
}

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::new(1_700_000_000 + seconds, 0).unwrap()
}

fn id(connection: u8) -> ConnectionId {
    format!("hub{connection}").parse().unwrap()
}

fn connection(number: u8) -> Connection {
    Connection::new(acme(), id(number), "acme/hub", "oauth")
}

/// The tokens of a generation, as a vault would seal them.
fn sealed(connection: u8, generation: u64) -> Vec<Sealed> {
    let seal = |field| {
        let mut bytes = vec![1; 58];
        bytes.extend_from_slice(format!("{field} {generation}").as_bytes());
        let place = credential::place(&acme(), &id(connection), field, generation);
        Sealed { place, bytes: bytes.into() }
    };
    [ACCESS_TOKEN, REFRESH_TOKEN].map(seal).to_vec()
}

fn secrets(connection: u8, replaces: u64, due: Option<i64>) -> NewSecrets {
    let grant = Grant { refresh_at: due.map(at), ..Grant::default() };
    NewSecrets { replaces, sealed: sealed(connection, replaces + 1), grant }
}

fn answer<T>(result: Result<T, StoreError>, good: impl FnOnce(T) -> Answer) -> Answer {
    match result.map_err(|error| error.kind()) {
        Ok(value) => good(value),
        Err(StoreErrorKind::Conflict) => Answer::Conflict,
        Err(StoreErrorKind::Fenced) => Answer::Fenced,
        Err(_) => Answer::Invalid,
    }
}

fn done((): ()) -> Answer {
    Answer::Done
}

impl Subject {
    fn open(&mut self) {
        drop(self.store.take());
        self.store = Some(Store::open(self.dir.path(), self.clock.clone()).unwrap());
    }

    /// What the model was before tells what a command means.
    async fn act(&mut self, before: &Reference, command: Command) -> Answer {
        let store = self.store.clone().unwrap();
        let now = before.now;
        let after = |seconds: Option<i64>| seconds.map(|seconds| now + seconds);
        let named = |lease| before.number(lease).map(|number| self.leases[number].clone());
        let of = |lease| before.number(lease).map_or(0, |number| before.leases[number]);
        match command {
            Command::Authorise { connection: number, replaces, due } => {
                let secrets = secrets(number, before.generation(number, replaces), after(due));
                let row = store.authorise(connection(number), secrets).await;
                answer(row.map(|row| row.generation), Answer::Generation)
            }
            Command::Remove(number) => {
                let removed = store.remove_connection(&acme(), &id(number)).await;
                answer(removed, |was| if was { Answer::Done } else { Answer::Absent })
            }
            Command::State(number, state) => {
                answer(store.set_connection_state(&acme(), &id(number), state, "why").await, done)
            }
            Command::Lease { connection, seconds } => {
                self.lease(connection, at(now + seconds)).await
            }
            Command::Intend { lease, generation, seconds } => {
                let Some(held) = named(lease) else { return Answer::Fenced };
                let generation = before.generation(of(lease), generation);
                answer(store.intend_refresh(&held, generation, at(now + seconds)).await, done)
            }
            Command::Finish { lease, replaces, due } => {
                let Some(held) = named(lease) else { return Answer::Fenced };
                let replaces = before.generation(of(lease), replaces);
                let secrets = secrets(of(lease), replaces, after(due));
                let refreshed = Refreshed { secrets, variables: BTreeMap::new() };
                let row = store.finish_refresh(&held, refreshed).await;
                answer(row.map(|row| row.generation), Answer::Generation)
            }
            Command::Fail { lease, retry, reauthorise, unsent } => {
                let Some(held) = named(lease) else { return Answer::Fenced };
                let (code, message) = ("provider.down".to_owned(), "no".to_owned());
                let failure = Failure { at: at(now), code, message };
                let retry_at = after(retry).map(at);
                let failed = RefreshFailed { failure, retry_at, reauthorise, unsent };
                answer(store.fail_refresh(&held, failed).await, done)
            }
            Command::Release(lease) => {
                let Some(held) = named(lease) else { return Answer::Fenced };
                answer(store.release_refresh(&held).await, done)
            }
            Command::Move(seconds) => {
                self.clock.set(at(now + seconds));
                Answer::Done
            }
            Command::Reopen => Answer::Done,
        }
    }

    async fn lease(&mut self, connection: u8, until: Timestamp) -> Answer {
        let store = self.store.as_ref().unwrap();
        match store.lease_refresh(&acme(), &id(connection), "one", until).await.unwrap() {
            Leased::Taken(lease, row, fields) => {
                assert_eq!(fields, sealed(connection, row.generation));
                assert!(self.leases.iter().all(|other| other.epoch < lease.epoch));
                self.leases.push(lease);
                Answer::Taken(row.generation)
            }
            Leased::Held(until) => Answer::Held(until.as_second() - at(0).as_second()),
            Leased::Absent => Answer::Absent,
        }
    }

    /// A row as the model has it, if the secrets are those of its generation.
    async fn row(&self, number: u8) -> Option<Row> {
        let store = self.store.as_ref().unwrap();
        let (row, fields) = store.credential(&acme(), &id(number)).await.unwrap()?;
        assert_eq!(fields, sealed(number, row.generation));
        assert_eq!(row.failure.is_some(), row.failures > 0);
        let lease = |epoch| self.leases.iter().position(|lease| lease.epoch == epoch).unwrap();
        let seconds = |at: Timestamp| at.as_second() - self::at(0).as_second();
        let status = store.connection_status(&acme(), &id(number)).await.unwrap();
        Some(Row {
            generation: row.generation,
            refreshes: row.refreshes,
            failures: row.failures,
            intent: row.intent.map(|intent| {
                (intent.generation, seconds(intent.at), intent.times, lease(intent.epoch))
            }),
            lease: row.lease.map(|held| (lease(row.epoch), seconds(held.until))),
            due: row.grant.refresh_at.map(seconds),
            state: status.map(|status| status.state).unwrap_or_default(),
        })
    }

    async fn check(&self, model: &Reference) {
        let store = self.store.as_ref().unwrap();
        for number in 0..3 {
            assert_eq!(self.row(number).await.as_ref(), model.rows.get(&number));
            let there = store.connection(&acme(), &id(number)).await.unwrap().is_some();
            assert_eq!(there, model.rows.contains_key(&number));
        }
        let due = Some(at(model.now));
        let query = CredentialQuery { due, limit: 9, ..CredentialQuery::default() };
        let found = store.credentials(query).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|found| found.connection).collect();
        assert_eq!(found, model.due().into_iter().map(id).collect::<Vec<_>>());
    }
}

/// The store beside what the model was when it was last told a command.
struct Pair {
    runtime: Runtime,
    subject: Subject,
    before: Reference,
}

impl StateMachineTest for Subject {
    type SystemUnderTest = Pair;
    type Reference = Reference;

    fn init_test(before: &Reference) -> Pair {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (clock, dir) = (Clock::manual(at(0)), tempfile::tempdir().unwrap());
        let mut subject = Self { clock, store: None, leases: Vec::new(), dir };
        subject.open();
        Pair { runtime, subject, before: before.clone() }
    }

    fn apply(mut pair: Pair, model: &Reference, command: Command) -> Pair {
        let Pair { runtime, subject, before } = &mut pair;
        if matches!(command, Command::Reopen) {
            subject.open();
        }
        let told = runtime.block_on(subject.act(before, command.clone()));
        assert_eq!(told, model.answer, "{command:?}");
        runtime.block_on(subject.check(model));
        *before = model.clone();
        pair
    }
}
