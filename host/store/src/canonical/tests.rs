//! Whatever pages and replays come, in whatever order: what the tables say of each other is true.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use model::adapter::Receipt;
use model::canonical::{
    CanonicalStore as _, ContentHash, IdentityKey, Mapped, Outcome, PageRecord, Rejected,
    RelationshipStatus, Remap, RemapItem, SchemaDigest,
};
use model::record::{Record, Removal, Tombstone};
use model::run::RunKind;
use model::store::{Lane, LaneKind, PageCommit, RecordStore as _, RunRef, RunStart};
use model::task::Direction;
use model::window::LaneState;
use model::{Clock, Error, ErrorKind, Timestamp};
use proptest::prelude::*;
use redb::ReadTransaction;

use super::is_live;
use crate::Store;
use crate::codec::canonical::Canonical;
use crate::codec::{self, key};
use crate::tables::Table;

/// What happens to one record of one connection.
#[derive(Clone, Debug)]
struct Step {
    connection: &'static str,
    entity: &'static str,
    id: &'static str,
    deed: Deed,
}

#[derive(Clone, Debug)]
enum Deed {
    Sent { payload: u8, outcome: Outcome },
    Gone,
    Remapped { payload: u8, outcome: Outcome },
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let mapped = (
        1_u8..3,
        prop::sample::select(vec!["c_contact", "c_contact", "c_contact", "c_company"]),
        prop::collection::btree_map("[a-c]", 0_u8..3, 0..3),
        prop::option::of("[pq]"),
    );
    let mapped = mapped.prop_map(|(version, record_type, doc, email)| {
        let identities = email.map(|email| IdentityKey::of(record_type, &[("email", &email)]));
        Outcome::Mapped(Box::new(Mapped {
            record_type: record_type.to_owned(),
            schema: SchemaDigest::from_bytes([version; 16]),
            doc: serde_json::to_vec(&doc).unwrap().into(),
            url: None,
            direction: Direction::Inbound,
            identities: identities.into_iter().collect(),
        }))
    });
    let rejected = (1_u8..3).prop_map(|version| {
        let schema = SchemaDigest::from_bytes([version; 16]);
        let error = Error::new(ErrorKind::Malformed, "mapping.type", "no number");
        Outcome::Rejected(Box::new(Rejected { schema, error }))
    });
    prop_oneof![8 => mapped, 1 => rejected, 1 => Just(Outcome::NoSchema)]
}

fn step() -> impl Strategy<Value = Step> {
    let deed = prop_oneof![
        5 => (0_u8..3, outcome()).prop_map(|(payload, outcome)| Deed::Sent { payload, outcome }),
        2 => Just(Deed::Gone),
        2 => (0_u8..3, outcome()).prop_map(|(payload, outcome)| Deed::Remapped { payload, outcome }),
    ];
    let one_of = |names: &[&'static str]| prop::sample::select(names.to_vec());
    (one_of(&["hub", "crm", "erp"]), one_of(&["contacts", "leads"]), one_of(&["1", "2"]), deed)
        .prop_map(|(connection, entity, id, deed)| Step { connection, entity, id, deed })
}

fn payload(number: u8) -> Bytes {
    Bytes::from(format!(r#"{{"n":{number}}}"#))
}

fn record(entity: &str, id: &str, number: u8) -> Record {
    Record {
        entity: entity.to_owned(),
        id: id.to_owned(),
        version: None,
        modified: None,
        payload: payload(number),
        contents: Vec::new(),
        details: Vec::new(),
    }
}

async fn begin(store: &Store, connection: &str) -> RunRef {
    let start = RunStart {
        tenant: "acme".parse().unwrap(),
        connection: connection.parse().unwrap(),
        package: "acme/hub".to_owned(),
        version: "1.0.0".to_owned(),
        digest: "sha256:00".to_owned(),
        kind: RunKind::Sync,
        task: None,
        lease: None,
        job: None,
        at: Timestamp::UNIX_EPOCH,
    };
    let run = store.begin_run(start).await.unwrap();
    run.reference()
}

/// One page of several steps of a connection, then its replays.
async fn commit(store: &Store, run: &RunRef, steps: Vec<Step>) {
    let (mut records, mut tombstones, mut replays) = (Vec::new(), Vec::new(), Vec::new());
    for Step { entity, id, deed, .. } in steps {
        match deed {
            Deed::Sent { payload, outcome } => {
                records.push(PageRecord { record: record(entity, id, payload), outcome });
            }
            Deed::Gone => tombstones.push(Tombstone {
                entity: entity.to_owned(),
                id: id.to_owned(),
                reason: Removal::Deleted,
                successor: None,
                deleted: None,
            }),
            Deed::Remapped { payload: number, outcome } => {
                let hash = ContentHash(codec::record::hash(&payload(number), None, b""));
                replays.push((entity, RemapItem { id: id.to_owned(), hash, outcome }));
            }
        }
    }
    let lane = Lane { entity: "contacts".to_owned(), part: None, kind: LaneKind::Records };
    let page = PageCommit {
        run: run.clone(),
        lane,
        state: LaneState::default(),
        records,
        tombstones,
        absent: Vec::new(),
        rejects: Vec::new(),
        generation: None,
        receipt: Receipt::default(),
        at: Timestamp::UNIX_EPOCH,
    };
    store.commit_page(page).await.unwrap();
    for (entity, item) in replays {
        let (run, entity, items) = (run.clone(), entity.to_owned(), vec![item]);
        store.remap(Remap { run, entity, items, at: Timestamp::UNIX_EPOCH }).await.unwrap();
    }
}

fn rows(snapshot: &ReadTransaction, table: Table) -> Vec<(Vec<u8>, Vec<u8>)> {
    let table = table.read(snapshot).unwrap();
    let rows = table.range::<&[u8]>(..).unwrap();
    rows.map(|row| row.map(|(k, v)| (k.value().to_vec(), v.value().to_vec())).unwrap()).collect()
}

/// Every table of canonical records, against the rows of records and against each other.
fn check(snapshot: &ReadTransaction) {
    let tenant = "acme".parse().unwrap();
    let canonical: BTreeMap<_, Canonical> = rows(snapshot, Table::Canonical)
        .into_iter()
        .map(|(k, row)| (key::record_id(&k).unwrap(), codec::canonical::decode(&row).unwrap()))
        .collect();
    let mut linked = BTreeSet::new();
    for (k, row) in rows(snapshot, Table::Records) {
        let place = key::record(&tenant, &k).unwrap();
        let (header, _) = codec::record::decode(&row).unwrap();
        let Some(id) = header.link.record else { continue };
        let links = &canonical[&id].links;
        let link = links.iter().find(|link| link.is(place.0.as_str(), &place.1, &place.2));
        let expected = if header.removed.is_some() {
            RelationshipStatus::Removed
        } else if header.link.schema.is_none() || header.link.rejected {
            RelationshipStatus::Unmapped
        } else {
            RelationshipStatus::Linked
        };
        assert_eq!(link.unwrap().status, expected, "{place:?}");
        assert!(linked.insert((place.0.to_string(), place.1, place.2)));
    }
    let (mut types, mut identities) = (BTreeSet::new(), BTreeSet::new());
    for (id, record) in &canonical {
        assert_eq!(record.removed, !record.links.iter().any(is_live));
        types.insert(key::with(key::record_type(&tenant, &record.record_type), id.as_bytes()));
        for link in &record.links {
            let place = (link.connection.clone(), link.entity.clone(), link.id.clone());
            assert!(linked.remove(&place), "{place:?} is linked twice, or from one side");
            for identity in &link.identities {
                identities.insert(key::with(key::identity(&tenant, *identity), id.as_bytes()));
            }
        }
    }
    assert!(linked.is_empty());
    let keys = |table| rows(snapshot, table).into_iter().map(|(k, _)| k).collect::<BTreeSet<_>>();
    assert_eq!(keys(Table::RecordTypes), types);
    assert_eq!(keys(Table::Identities), identities);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn tables_agree_after_every_commit(
        pages in prop::collection::vec(prop::collection::vec(step(), 1..5), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let store = Store::open(dir.path(), Clock::manual(Timestamp::UNIX_EPOCH)).unwrap();
            let mut runs = BTreeMap::new();
            for connection in ["hub", "crm", "erp"] {
                runs.insert(connection, begin(&store, connection).await);
            }
            for steps in pages {
                for (connection, run) in &runs {
                    let own = steps.iter().filter(|step| step.connection == *connection);
                    commit(&store, run, own.cloned().collect()).await;
                    store.read(|snapshot| { check(snapshot); Ok(()) }).await.unwrap();
                }
            }
        });
    }
}
