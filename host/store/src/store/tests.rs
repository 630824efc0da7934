use std::sync::mpsc::{Receiver, channel};

use futures_util::future::join_all;
use model::Timestamp;
use model::adapter::Receipt;
use model::canonical::{CanonicalQuery, CanonicalStore as _};
use model::record::Record;
use model::run::Run;
use model::store::{Lane, LaneKind, PageCommit, RecordStore as _, RunStart};
use model::window::LaneState;
use tokio::sync::oneshot;

use super::*;
use crate::tables::Tables;
use crate::writes::Writes;

const PAGES: usize = 100;

/// Keeps the writer busy until somebody lets go.
struct Hold {
    begun: oneshot::Sender<()>,
    go: Receiver<()>,
}

impl Change for Hold {
    type Answer = ();

    fn decide(self, _: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        self.begun.send(()).unwrap();
        self.go.recv().unwrap();
        Ok((Writes::default(), ()))
    }
}

async fn begin(store: &Store, connection: usize) -> Run {
    let start = RunStart {
        tenant: "acme".parse().unwrap(),
        connection: format!("hub{connection}").parse().unwrap(),
        package: "acme/hub".to_owned(),
        version: "1.0.0".to_owned(),
        digest: "sha256:00".to_owned(),
        kind: model::run::RunKind::Sync,
        task: None,
        lease: None,
        job: None,
        at: Timestamp::UNIX_EPOCH,
    };
    store.begin_run(start).await.unwrap()
}

fn page(run: &Run) -> PageCommit {
    let record = Record {
        entity: "contacts".to_owned(),
        id: "1".to_owned(),
        version: None,
        modified: None,
        payload: "{}".into(),
        contents: Vec::new(),
        details: Vec::new(),
    };
    PageCommit {
        run: run.reference(),
        lane: Lane { entity: "contacts".to_owned(), part: None, kind: LaneKind::Records },
        state: LaneState::default(),
        records: vec![record.into()],
        tombstones: Vec::new(),
        absent: Vec::new(),
        rejects: Vec::new(),
        generation: None,
        receipt: Receipt::default(),
        at: Timestamp::UNIX_EPOCH,
    }
}

#[tokio::test]
async fn store_of_an_earlier_program_gets_the_tables_that_it_lacks() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Store::open(dir.path(), Clock::manual(Timestamp::UNIX_EPOCH)).unwrap();
    let store = open();
    let run = begin(&store, 0).await;
    store.commit_page(page(&run)).await.unwrap();
    drop(store);
    let database = Database::open(dir.path().join("plughouse.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    for name in ["canonical", "schemas"] {
        let table = redb::TableDefinition::<&[u8], &[u8]>::new(name);
        assert!(transaction.delete_table(table).unwrap());
    }
    transaction.commit().unwrap();
    drop(database);
    let store = open();
    let tenant = "acme".parse().unwrap();
    let query = CanonicalQuery { tenant, record_type: None, removed: true, after: None, limit: 1 };
    assert!(store.canonical_list(query).await.unwrap().records.is_empty());
}

#[tokio::test]
async fn pages_of_many_runs_share_a_commit_and_a_fenced_one_harms_none() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Clock::manual(Timestamp::UNIX_EPOCH)).unwrap();
    let mut runs = Vec::new();
    for connection in 0..PAGES {
        runs.push(begin(&store, connection).await);
    }
    begin(&store, 7).await;
    let before = store.commits();
    assert_eq!(before, u64::try_from(PAGES).unwrap() + 1);
    let (begun, has_begun) = oneshot::channel();
    let (let_go, go) = channel();
    let own = store.clone();
    let hold = tokio::spawn(async move { own.write(Hold { begun, go }).await });
    has_begun.await.unwrap();
    let commits = join_all(runs.into_iter().map(|run| store.commit_page(page(&run))));
    // All are polled once, and so handed over, before the writer is let go.
    let (outcomes, ()) = tokio::join!(biased; commits, async { let_go.send(()).unwrap() });
    hold.await.unwrap().unwrap();
    assert_eq!(store.commits(), before + 1);
    for (connection, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(outcome) => assert_eq!(outcome.inserted, 1),
            Err(error) => assert_eq!((connection, error.kind()), (7, StoreErrorKind::Fenced)),
        }
    }
}
