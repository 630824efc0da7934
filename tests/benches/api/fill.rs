//! Records of a tenant, as a sync leaves them.

use std::path::Path;

use bytes::Bytes;
use model::adapter::Receipt;
use model::canonical::{Mapped, Outcome, PageRecord, SchemaDigest};
use model::record::Record;
use model::run::{RunKind, RunStatus};
use model::store::{Lane, LaneKind, PageCommit, RecordStore as _, RunEnd, RunRef, RunStart};
use model::task::Direction;
use model::tenant::{Tenant, TenantStore as _};
use model::window::LaneState;
use model::{Clock, Timestamp};
use store::Store;

use crate::TENANT;

/// The type of all records.
pub(crate) const TYPE: &str = "c_contact";

/// Records of a page, and pages that are committed together.
const PAGE: usize = 1_000;
const PAGES: usize = 16;

/// Fills a store with so many records.
pub(crate) fn fill(dir: &Path, records: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let clock = Clock::system();
        let store = Store::open(dir, clock.clone()).unwrap();
        let tenant = Tenant {
            id: TENANT.parse().unwrap(),
            name: TENANT.to_owned(),
            created: clock.now(),
            revision: 0,
        };
        store.put_tenant(tenant, Some(0)).await.unwrap();
        let run = store.begin_run(start(clock.now())).await.unwrap().reference();
        let numbers: Vec<_> = (0..records).collect();
        for pages in numbers.chunks(PAGE * PAGES) {
            let pages = pages.chunks(PAGE).map(|page_of| page(&run, page_of, clock.now()));
            store.commit_pages(pages.collect()).await.unwrap();
        }
        let (entities, receipt) = (Vec::new(), Receipt::default());
        let status = RunStatus::Succeeded;
        let end = RunEnd { run, status, entities, receipt, error: None, at: clock.now() };
        store.finish_run(end).await.unwrap();
    });
}

fn start(at: Timestamp) -> RunStart {
    RunStart {
        tenant: TENANT.parse().unwrap(),
        connection: "crm".parse().unwrap(),
        package: "example/crm".to_owned(),
        version: "1.0.0".to_owned(),
        digest: "sha256:00".to_owned(),
        kind: RunKind::Sync,
        task: None,
        lease: None,
        job: None,
        at,
    }
}

fn page(run: &RunRef, numbers: &[usize], at: Timestamp) -> PageCommit {
    PageCommit {
        run: run.clone(),
        lane: Lane { entity: "contact".to_owned(), part: None, kind: LaneKind::Records },
        state: LaneState::default(),
        records: numbers.iter().map(|number| contact(*number)).collect(),
        tombstones: Vec::new(),
        absent: Vec::new(),
        rejects: Vec::new(),
        generation: None,
        receipt: Receipt::default(),
        at,
    }
}

/// A contact with a document of half a kilobyte, which is what contacts have.
fn contact(number: usize) -> PageRecord {
    let doc = Bytes::from(format!(
        r#"{{"name":"Person {number}","email":"person-{number}@example.com","notes":"{}"}}"#,
        "x".repeat(420)
    ));
    let record = Record {
        entity: "contact".to_owned(),
        id: number.to_string(),
        version: None,
        modified: None,
        payload: doc.clone(),
        contents: Vec::new(),
        details: Vec::new(),
    };
    let mapped = Mapped {
        record_type: TYPE.to_owned(),
        schema: SchemaDigest::from_bytes([1; 16]),
        doc,
        url: None,
        direction: Direction::Inbound,
        identities: Vec::new(),
    };
    PageRecord { record, outcome: Outcome::Mapped(Box::new(mapped)) }
}
