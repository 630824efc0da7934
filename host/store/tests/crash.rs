//! What a killed process leaves behind: every page that was acknowledged, and nothing by halves.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy allows them in functions marked as tests, and these are called by such"
)]

#[path = "support/child.rs"]
mod child;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use model::adapter::{Receipt, Selection};
use model::canonical::{
    CanonicalStore as _, IdentityKey, Mapped, Outcome, PageRecord, RecordId, SchemaDigest,
};
use model::record::Record;
use model::run::RunStatus;
use model::store::{
    EventKind, Lane, LaneKind, PageCommit, RecordQuery, RecordStore as _, RunRef, RunStart,
};
use model::task::Direction;
use model::window::{LaneState, Progress};
use model::{Clock, RunId, Timestamp};
use store::Store;

use child::{child, kill_after};

/// Names the data directory to the child.
const DIR: &str = "PLUGHOUSE_TEST_STORE";
const CYCLES: u64 = 10;
const RECORDS: u64 = 20;
const TYPE: &str = "c_contact";

fn open(dir: &Path) -> Store {
    Store::open(dir, Clock::manual(Timestamp::UNIX_EPOCH)).unwrap()
}

fn start() -> RunStart {
    RunStart {
        tenant: "acme".parse().unwrap(),
        connection: "hub".parse().unwrap(),
        package: "acme/hub".to_owned(),
        version: "1.0.0".to_owned(),
        digest: "sha256:00".to_owned(),
        kind: model::run::RunKind::Sync,
        task: None,
        lease: None,
        job: None,
        at: Timestamp::UNIX_EPOCH,
    }
}

fn lane() -> Lane {
    Lane { entity: "contacts".to_owned(), part: None, kind: LaneKind::Records }
}

/// Where the lane stands after a page.
fn state(page: u64) -> LaneState {
    let checkpoint = Some(page.to_string());
    let target = Timestamp::UNIX_EPOCH;
    let progress = Progress {
        selection: Selection::All,
        checkpoint,
        target,
        waited: std::time::Duration::ZERO,
    };
    LaneState { progress: Some(progress), ..LaneState::default() }
}

fn payload(page: u64, number: u64) -> Bytes {
    format!(r#"{{"page":{page},"number":{number},"text":"{}"}}"#, "x".repeat(600)).into()
}

fn mapped(record: Record) -> PageRecord {
    let mapped = Mapped {
        record_type: TYPE.to_owned(),
        schema: SchemaDigest::from_bytes([1; 16]),
        doc: record.payload.clone(),
        url: None,
        direction: Direction::Inbound,
        identities: vec![IdentityKey::of(TYPE, &[("id", &record.id)])],
    };
    PageRecord { record, outcome: Outcome::Mapped(Box::new(mapped)) }
}

fn commit(run: &RunRef, page: u64) -> PageCommit {
    let record = |number| Record {
        entity: "contacts".to_owned(),
        id: format!("{page:06}-{number:02}"),
        version: None,
        modified: None,
        payload: payload(page, number),
        contents: Vec::new(),
        details: Vec::new(),
    };
    PageCommit {
        run: run.clone(),
        lane: lane(),
        state: state(page),
        records: (0..RECORDS).map(|number| mapped(record(number))).collect(),
        tombstones: Vec::new(),
        absent: Vec::new(),
        rejects: Vec::new(),
        generation: None,
        receipt: Receipt::default(),
        at: Timestamp::UNIX_EPOCH,
    }
}

/// The last page that the lane knows.
async fn last_page(store: &Store) -> u64 {
    let start = start();
    let lanes = store.lanes(&start.tenant, &start.connection).await.unwrap();
    lanes.first().map_or(0, |(_, state)| {
        state.progress.as_ref().unwrap().checkpoint.as_ref().unwrap().parse().unwrap()
    })
}

/// Serves [`killed_process_keeps_every_acknowledged_page`]: without its variable there is nothing
/// to do.
#[tokio::test]
async fn child_commits_pages_until_it_is_killed() {
    #[expect(clippy::disallowed_methods, reason = "there is no other way past the test harness")]
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else { return };
    let store = open(&dir);
    let run = store.begin_run(start()).await.unwrap();
    let run = run.reference();
    for page in last_page(&store).await + 1.. {
        store.commit_page(commit(&run, page)).await.unwrap();
        writeln!(std::io::stdout(), "\nacknowledged {page}").unwrap();
    }
}

#[tokio::test]
async fn killed_process_keeps_every_acknowledged_page() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for cycle in 1..=CYCLES {
        acknowledged = kill_after_pages(dir.path(), 1 + cycle * 7 % 10).max(acknowledged);
        let store = open(dir.path());
        let last = last_page(&store).await;
        assert!(last == acknowledged || last == acknowledged + 1, "{last} of {acknowledged}");
        check_records(&store, last).await;
        check_history(&store, cycle, last).await;
        acknowledged = last;
    }
}

/// Lets a child commit until it has acknowledged so many pages, and kills it; the last page it
/// acknowledged.
fn kill_after_pages(dir: &Path, pages: u64) -> u64 {
    let mut committer = child("child_commits_pages_until_it_is_killed");
    committer.env(DIR, dir);
    let mut last = 0;
    kill_after(committer, usize::try_from(pages).unwrap(), |line| {
        match line.strip_prefix("acknowledged ") {
            Some(page) => {
                last = page.parse().unwrap();
                true
            }
            None => false,
        }
    });
    last
}

async fn check_records(store: &Store, pages: u64) {
    let mut query = RecordQuery {
        tenant: "acme".parse().unwrap(),
        connection: None,
        entity: None,
        id: None,
        removed: true,
        after: None,
        limit: 1000,
    };
    let mut ids = Vec::new();
    let mut expected = (1..=pages).flat_map(|page| (0..RECORDS).map(move |number| (page, number)));
    loop {
        let list = store.records(query.clone()).await.unwrap();
        for record in list.records {
            let (page, number) = expected.next().unwrap();
            assert_eq!(record.id, format!("{page:06}-{number:02}"));
            assert_eq!(record.payload, payload(page, number));
            ids.push(record.link.record.unwrap());
        }
        query.after = list.next;
        if query.after.is_none() {
            break;
        }
    }
    assert_eq!(expected.next(), None);
    let tenant = start().tenant;
    for ids in ids.chunks(model::canonical::BATCH_MAX) {
        let found = store.canonical(&tenant, ids.to_vec()).await.unwrap();
        assert!(found.iter().all(|record| record.as_ref().is_some_and(|record| !record.removed)));
    }
    // Numbered without a gap: no page has left a number behind that it did not use.
    assert!(ids.iter().map(RecordId::number).eq(1..=pages * RECORDS));
}

/// Runs and events tell of the same pages.
async fn check_history(store: &Store, cycle: u64, last: u64) {
    let tenant = start().tenant;
    let runs = store.runs(&tenant, None, 100).await.unwrap();
    assert_eq!(runs[0].id, RunId(cycle));
    assert!(runs.iter().all(|run| run.status == RunStatus::Interrupted));
    let pages: u64 = runs.iter().flat_map(|run| run.entities.values()).map(|e| e.pages).sum();
    assert_eq!(pages, last);
    let events = store.events(&tenant, 0, 1000).await.unwrap();
    assert!(events.iter().map(|event| event.seq).eq(1..=2 * last + cycle));
    let whole = |kind: &EventKind| matches!(kind, EventKind::RecordsChanged { created, .. } if created.len() == 20);
    let changed = events.iter().filter(|event| whole(&event.kind)).count();
    assert_eq!(u64::try_from(changed).unwrap(), last);
}
