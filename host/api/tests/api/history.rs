//! What syncs leave in the store of a world.

use std::time::Duration;

use bytes::Bytes;
use model::adapter::Receipt;
use model::canonical::{Mapped, Outcome, PageRecord, SchemaDigest};
use model::connection::Connection;
use model::record::{Record, Reject, Removal, Tombstone};
use model::retention::{EVENTS_KEPT_MAX, Retention as _};
use model::run::{RunKind, RunStatus};
use model::store::{
    Catalogue as _, EntityEnd, Lane, LaneKind, PageCommit, RecordStore as _, RunEnd, RunRef,
    RunStart,
};
use model::task::Direction;
use model::window::LaneState;
use model::{Error, ErrorKind};

use crate::support::{PACKAGE, World, id};

impl World {
    /// A connection of acme.
    pub(crate) async fn connected(&self, connection: &str) {
        let connection = Connection::new(id("acme"), connection.parse().unwrap(), PACKAGE, "key");
        self.store.put_connection(connection).await.unwrap();
    }

    /// Begins a run of a connection of acme.
    pub(crate) async fn begin(&self, connection: &str, kind: RunKind) -> RunRef {
        let start = RunStart {
            tenant: id("acme"),
            connection: connection.parse().unwrap(),
            package: PACKAGE.to_owned(),
            version: "1.2.3".to_owned(),
            digest: "sha256:00".to_owned(),
            kind,
            task: None,
            lease: None,
            job: None,
            at: self.clock.now(),
        };
        self.store.begin_run(start).await.unwrap().reference()
    }

    pub(crate) async fn commit(&self, page: PageCommit) {
        self.store.commit_page(page).await.unwrap();
    }

    pub(crate) async fn end(&self, run: &RunRef, status: RunStatus, entities: Vec<EntityEnd>) {
        let (run, at, receipt) = (run.clone(), self.clock.now(), Receipt::default());
        let end = RunEnd { run, status, entities, receipt, error: None, at };
        self.store.finish_run(end).await.unwrap();
    }

    /// Events are swept when they are too old; those of one more contact stay.
    pub(crate) async fn forget_events(&self, run: &RunRef, id: &str) {
        self.clock.advance(EVENTS_KEPT_MAX + Duration::from_hours(1));
        self.synced(run, &[id]).await;
        let mut after = None;
        loop {
            let swept = self.store.sweep_events(after, 100).await.unwrap();
            let Some(next) = swept.next else { break };
            after = Some(next);
        }
    }

    /// A page of contacts.
    pub(crate) fn page(&self, run: &RunRef, records: Vec<PageRecord>) -> PageCommit {
        PageCommit {
            run: run.clone(),
            lane: Lane { entity: "contact".to_owned(), part: None, kind: LaneKind::Records },
            state: LaneState::default(),
            records,
            tombstones: Vec::new(),
            absent: Vec::new(),
            rejects: Vec::new(),
            generation: None,
            receipt: Receipt { http_calls: 1, bytes_in: 100, ..Receipt::default() },
            at: self.clock.now(),
        }
    }

    /// Contacts of these ids have come in.
    pub(crate) async fn synced(&self, run: &RunRef, ids: &[&str]) {
        let records = ids.iter().map(|id| contact(id, r#"{ "name" : "x" }"#)).collect();
        self.commit(self.page(run, records)).await;
    }

    /// Contacts of these ids are gone.
    pub(crate) async fn gone(&self, run: &RunRef, ids: &[&str]) {
        let tombstone = |id: &&str| Tombstone {
            entity: "contact".to_owned(),
            id: (*id).to_owned(),
            reason: Removal::Deleted,
            successor: None,
            deleted: None,
        };
        let tombstones = ids.iter().map(tombstone).collect();
        self.commit(PageCommit { tombstones, ..self.page(run, Vec::new()) }).await;
    }
}

/// A contact whose document is this one.
pub(crate) fn contact(id: &str, doc: &'static str) -> PageRecord {
    let record = Record {
        entity: "contact".to_owned(),
        id: id.to_owned(),
        version: Some("v1".to_owned()),
        modified: None,
        payload: Bytes::from(format!(r#"{{"raw":"{id}"}}"#)),
        contents: Vec::new(),
        details: Vec::new(),
    };
    let mapped = Mapped {
        record_type: "c_contact".to_owned(),
        schema: SchemaDigest::from_bytes([7; 16]),
        doc: Bytes::from_static(doc.as_bytes()),
        url: None,
        direction: Direction::Inbound,
        identities: Vec::new(),
    };
    PageRecord { record, outcome: Outcome::Mapped(Box::new(mapped)) }
}

/// Something that could not be read.
pub(crate) fn reject(id: &str, code: &str) -> Reject {
    Reject {
        entity: "contact".to_owned(),
        id: Some(id.to_owned()),
        error: Error::new(ErrorKind::Malformed, code, "it is no contact"),
        payload: Some(Bytes::from_static(b"{}")),
    }
}
