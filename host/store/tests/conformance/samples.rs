//! What the tests put into a store.

use bytes::Bytes;
use model::adapter::{Receipt, Selection};
use model::record::{Record, Reject, Removal, Tombstone};
use model::run::RunStatus;
use model::store::{
    Lane, LaneKind, PageCommit, RecordQuery, RunEnd, RunRef, RunStart, StoredRecord,
};
use model::window::{LaneState, Progress};
use model::{Error, ErrorKind, RunId, Timestamp};

use super::Ports;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::new(1_700_000_000 + second, 123_456_789).unwrap()
}

/// `tenant/connection`.
pub(crate) fn start(path: &str, second: i64) -> RunStart {
    let (tenant, connection) = path.split_once('/').unwrap();
    RunStart {
        tenant: tenant.parse().unwrap(),
        connection: connection.parse().unwrap(),
        package: "acme/hub".to_owned(),
        version: "1.0.0".to_owned(),
        digest: "sha256:00".to_owned(),
        kind: model::run::RunKind::Sync,
        task: None,
        lease: None,
        job: None,
        at: at(second),
    }
}

pub(crate) async fn begin(store: &impl Ports, path: &str) -> RunRef {
    store.begin_run(start(path, 0)).await.unwrap().reference()
}

pub(crate) fn run(path: &str, id: u64) -> RunRef {
    let start = start(path, 0);
    RunRef { tenant: start.tenant, connection: start.connection, id: RunId(id) }
}

pub(crate) fn lane(entity: &str) -> Lane {
    Lane { entity: entity.to_owned(), part: None, kind: LaneKind::Records }
}

pub(crate) fn state(checkpoint: &str) -> LaneState {
    let checkpoint = Some(checkpoint.to_owned());
    let progress = Progress {
        selection: Selection::All,
        checkpoint,
        target: at(0),
        waited: std::time::Duration::ZERO,
    };
    LaneState { progress: Some(progress), ..LaneState::default() }
}

/// A page of `contacts`.
pub(crate) fn page(run: &RunRef, records: Vec<Record>) -> PageCommit {
    PageCommit {
        run: run.clone(),
        lane: lane("contacts"),
        state: state("next"),
        records: records.into_iter().map(Into::into).collect(),
        tombstones: Vec::new(),
        absent: Vec::new(),
        rejects: Vec::new(),
        generation: None,
        receipt: Receipt { http_calls: 1, ..Receipt::default() },
        at: at(1),
    }
}

pub(crate) fn gone(run: &RunRef, tombstones: Vec<Tombstone>) -> PageCommit {
    PageCommit { tombstones, ..page(run, Vec::new()) }
}

/// A record of `contacts`.
pub(crate) fn record(id: &str, text: &str) -> Record {
    Record {
        entity: "contacts".to_owned(),
        id: id.to_owned(),
        version: None,
        modified: None,
        payload: Bytes::from(format!(r#"{{"text":"{text}"}}"#)),
        contents: Vec::new(),
        details: Vec::new(),
    }
}

pub(crate) fn tombstone(id: &str, reason: Removal) -> Tombstone {
    Tombstone {
        entity: "contacts".to_owned(),
        id: id.to_owned(),
        reason,
        successor: None,
        deleted: None,
    }
}

pub(crate) fn reject(id: Option<&str>, payload: &[u8]) -> Reject {
    Reject {
        entity: "contacts".to_owned(),
        id: id.map(str::to_owned),
        error: Error::new(ErrorKind::Malformed, "acme.shape", "not a contact"),
        payload: Some(Bytes::copy_from_slice(payload)),
    }
}

pub(crate) fn end(run: &RunRef, status: RunStatus) -> RunEnd {
    RunEnd {
        run: run.clone(),
        status,
        entities: Vec::new(),
        receipt: Receipt::default(),
        error: None,
        at: at(9),
    }
}

/// Everything of a tenant, gone records too.
pub(crate) fn query(tenant: &str) -> RecordQuery {
    RecordQuery {
        tenant: tenant.parse().unwrap(),
        connection: None,
        entity: None,
        id: None,
        removed: true,
        after: None,
        limit: 100,
    }
}

/// All pages of a list; each is full but the last.
pub(crate) async fn all(store: &impl Ports, mut query: RecordQuery) -> Vec<StoredRecord> {
    let mut records = Vec::new();
    loop {
        let list = store.records(query.clone()).await.unwrap();
        assert!(list.records.len() <= query.limit);
        records.extend(list.records);
        query.after = list.next;
        if query.after.is_none() {
            return records;
        }
    }
}

/// `connection/entity/id` of each.
pub(crate) fn paths(records: &[StoredRecord]) -> Vec<String> {
    records.iter().map(|r| format!("{}/{}/{}", r.connection, r.entity, r.id)).collect()
}
