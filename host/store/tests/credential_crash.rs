//! What a killed process leaves of credentials: one chain of generations, and what was about to
//! be sent. `PLUGHOUSE_KILLS` sets how often a process is killed.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy allows them in functions marked as tests, and these are called by such"
)]

#[path = "support/child.rs"]
mod child;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::credential::{
    self, ACCESS_TOKEN, Credential, CredentialStore as _, Failure, Grant, Leased, NewSecrets,
    REFRESH_TOKEN, RefreshFailed, Refreshed,
};
use model::vault::Sealed;
use model::{Clock, Connection, ConnectionId, TenantId, Timestamp};
use store::Store;

use child::{child, kill_after};

/// Names the data directory and the hour to the child.
const DIR: &str = "PLUGHOUSE_TEST_CREDENTIALS";
const HOUR: &str = "PLUGHOUSE_TEST_HOUR";
const KILLS: &str = "PLUGHOUSE_KILLS";
const KILLS_DEFAULT: i64 = 10;
const CONNECTIONS: [&str; 3] = ["a", "b", "c"];

#[expect(clippy::disallowed_methods, reason = "there is no other way past the test harness")]
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.into_string().unwrap())
}

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

fn now(hour: i64) -> Timestamp {
    Timestamp::new(hour * 3_600, 0).unwrap()
}

fn open(dir: &Path, hour: i64) -> Store {
    Store::open(dir, Clock::manual(now(hour))).unwrap()
}

fn connection(id: &str) -> Connection {
    Connection::new(acme(), id.parse().unwrap(), "acme/hub", "oauth")
}

/// The tokens of a generation, as a vault would seal them.
fn sealed(id: &ConnectionId, generation: u64) -> Vec<Sealed> {
    let seal = |field| {
        let mut bytes = vec![1; 58];
        bytes.extend_from_slice(format!("{field} {generation}").as_bytes());
        let place = credential::place(&acme(), id, field, generation);
        Sealed { place, bytes: bytes.into() }
    };
    [ACCESS_TOKEN, REFRESH_TOKEN].map(seal).to_vec()
}

fn secrets(id: &ConnectionId, replaces: u64) -> NewSecrets {
    NewSecrets { replaces, sealed: sealed(id, replaces + 1), grant: Grant::default() }
}

/// Says what the store has acknowledged, or what is sent next.
fn tell(word: &str, id: &ConnectionId, number: u64) {
    println!("\ncredential {word} {id} {number}");
}

/// Refreshes a connection with the others that do, and is now and then told of a failure, or
/// authorises it anew.
async fn refresh(store: Store, id: ConnectionId, hour: i64) {
    let until = now(hour).saturating_add(Duration::from_mins(1)).unwrap();
    loop {
        tokio::task::yield_now().await;
        let (lease, row) = match store.lease_refresh(&acme(), &id, "worker", until).await.unwrap() {
            Leased::Taken(lease, row, _) => (lease, row),
            Leased::Held(_) => continue,
            Leased::Absent => panic!("{id} is gone"),
        };
        tell("leased", &id, lease.epoch);
        let generation = row.generation;
        if generation % 11 == 0 {
            let answer = store.authorise(connection(id.as_str()), secrets(&id, generation)).await;
            tell("authorised", &id, answer.unwrap().generation);
            continue;
        }
        store.intend_refresh(&lease, generation, until).await.unwrap();
        tell("sent", &id, generation);
        if generation % 5 == 0 && row.failures == 0 {
            store.fail_refresh(&lease, failed(hour)).await.unwrap();
            tell("failed", &id, generation);
            continue;
        }
        let secrets = secrets(&id, generation);
        let refreshed = Refreshed { secrets, variables: BTreeMap::new() };
        let done = store.finish_refresh(&lease, refreshed).await.unwrap();
        tell("finished", &id, done.generation);
    }
}

fn failed(hour: i64) -> RefreshFailed {
    let (code, message) = ("provider.down".to_owned(), "no answer".to_owned());
    let failure = Failure { at: now(hour), code, message };
    RefreshFailed { failure, retry_at: None, reauthorise: false, unsent: false }
}

/// Serves [`killed_processes_leave_one_chain`]: without its variables there is nothing to do.
#[tokio::test]
async fn child_refreshes_until_it_is_killed() {
    let (Some(dir), Some(hour)) = (variable(DIR).map(PathBuf::from), variable(HOUR)) else {
        return;
    };
    let hour = hour.parse().unwrap();
    let store = open(&dir, hour);
    let two = |id: &str| {
        let id: ConnectionId = id.parse().unwrap();
        let (one, other) = (store.clone(), store.clone());
        async move { tokio::join!(refresh(one, id.clone(), hour), refresh(other, id, hour)) }
    };
    tokio::join!(two("a"), two("b"), two("c"));
}

/// What children were told of a connection.
#[derive(Clone, Default)]
struct Chain {
    /// The newest generation that was acknowledged.
    generation: u64,
    /// The generation whose refresh token was sent, and what is not known to have become of it.
    sent: Option<u64>,
}

#[derive(Default)]
struct Told {
    chains: BTreeMap<ConnectionId, Chain>,
    epochs: BTreeSet<u64>,
}

impl Told {
    fn hear(&mut self, line: &str) -> bool {
        let mut words = line.split(' ');
        if words.next() != Some("credential") {
            return false;
        }
        let (word, id) = (words.next().unwrap(), words.next().unwrap().parse().unwrap());
        let number = words.next().unwrap().parse().unwrap();
        let chain = self.chains.entry(id).or_default();
        match word {
            "leased" => assert!(self.epochs.insert(number), "the epoch {number} came twice"),
            "sent" => {
                assert_eq!(number, chain.generation, "a token that was replaced was sent");
                assert_eq!(chain.sent.replace(number), None, "a token was sent by two at once");
            }
            "failed" => assert_eq!(chain.sent.take(), Some(number)),
            _ => {
                assert_eq!(number, chain.generation + 1);
                *chain = Chain { generation: number, sent: None };
            }
        }
        true
    }

    /// Lets a child work until it has told so many things, and kills it.
    fn kill_after(&mut self, dir: &Path, hour: i64, count: usize) {
        let mut worker = child("child_refreshes_until_it_is_killed");
        worker.env(DIR, dir).env(HOUR, hour.to_string());
        kill_after(worker, count, |line| self.hear(line));
    }

    /// What was acknowledged is there, or one step more; and what was sent without an answer that
    /// is there is still to be seen.
    async fn check(&mut self, store: &Store) -> u32 {
        let mut intended = 0;
        for (id, chain) in &mut self.chains {
            let (row, fields) = store.credential(&acme(), id).await.unwrap().unwrap();
            let Credential { generation, lease, intent, .. } = row;
            assert_eq!(lease, None);
            assert_eq!(fields, sealed(id, generation), "all fields are of one generation");
            let step = generation.checked_sub(chain.generation);
            assert!(matches!(step, Some(0 | 1)), "{id}: {generation} after {}", chain.generation);
            match (chain.sent, step) {
                (Some(sent), Some(0)) => {
                    let intent = intent.unwrap();
                    assert_eq!(intent.generation, sent);
                    assert!(intent.times > 0);
                    intended += 1;
                }
                (_, Some(1)) => assert_eq!(intent, None),
                _ => {}
            }
            *chain = Chain { generation, sent: None };
        }
        intended
    }
}

#[tokio::test]
async fn killed_processes_leave_one_chain() {
    let kills = variable(KILLS).map_or(KILLS_DEFAULT, |kills| kills.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut told = Told::default();
    let store = open(dir.path(), 0);
    for id in CONNECTIONS {
        let connection = connection(id);
        let first = secrets(&connection.id, 0);
        let generation = store.authorise(connection.clone(), first).await.unwrap().generation;
        told.chains.insert(connection.id, Chain { generation, sent: None });
    }
    drop(store);
    let mut intended = 0;
    for hour in 1..=kills {
        let count = usize::try_from(1 + hour * 37 % 101).unwrap();
        told.kill_after(dir.path(), hour, count);
        intended += told.check(&open(dir.path(), hour)).await;
    }
    assert!(intended > 0, "no process was killed between what it sent and the answer");
    assert!(told.chains.values().all(|chain| chain.generation > 1));
}
