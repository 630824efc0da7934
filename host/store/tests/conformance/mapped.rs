//! What the tests of canonical records put into a store: contacts that are known by their mail
//! address, mapped by a schema of which there are several versions.

use std::collections::BTreeMap;

use model::canonical::{
    CanonicalQuery, CanonicalRecord, IdentityKey, Mapped, Outcome, PageRecord, Pick, RecordId,
    Rejected, Remap, RemapItem, ReplayQuery, ReplayRecord, SchemaDigest,
};
use model::record::Record;
use model::store::{EventKind, PageCommit, PageOutcome, RunRef};
use model::task::Direction;
use model::{Error, ErrorKind, TenantId};

use super::Ports;
use super::samples::{at, page, record};

pub(crate) const CONTACT: &str = "c_contact";

pub(crate) fn schema(version: u8) -> SchemaDigest {
    SchemaDigest::from_bytes([version; 16])
}

/// What the first version makes of a record: `doc` is a list of members without the braces.
pub(crate) fn mapped(members: &str) -> Mapped {
    Mapped {
        record_type: CONTACT.to_owned(),
        schema: schema(1),
        doc: format!("{{{members}}}").into(),
        url: None,
        direction: Direction::Inbound,
        identities: Vec::new(),
    }
}

pub(crate) fn known_by(email: &str, members: &str) -> Mapped {
    let key = IdentityKey::of(CONTACT, &[("email", email)]);
    Mapped { identities: vec![key], ..mapped(members) }
}

pub(crate) fn rejected(version: u8) -> Outcome {
    let error = Error::new(ErrorKind::Malformed, "mapping.type", "the age is no number");
    Outcome::Rejected(Box::new(Rejected { schema: schema(version), error }))
}

pub(crate) fn with(record: Record, mapped: Mapped) -> PageRecord {
    PageRecord { record, outcome: Outcome::Mapped(Box::new(mapped)) }
}

/// A contact of this id, whose payload says the same as its document.
pub(crate) fn contact(id: &str, members: &str) -> PageRecord {
    with(record(id, &members.replace('"', "'")), mapped(members))
}

pub(crate) async fn commit(
    store: &impl Ports,
    run: &RunRef,
    records: Vec<PageRecord>,
) -> PageOutcome {
    let commit = PageCommit { records, ..page(run, Vec::new()) };
    store.commit_page(commit).await.unwrap()
}

/// The canonical records of contacts, by their ids at the provider.
pub(crate) async fn own<const N: usize>(
    store: &impl Ports,
    run: &RunRef,
    ids: [&str; N],
) -> [RecordId; N] {
    let keys = ids.map(|id| ("contacts".to_owned(), id.to_owned())).to_vec();
    let found = store.record_ids(&run.tenant, &run.connection, keys).await.unwrap();
    std::array::from_fn(|at| found[at].unwrap())
}

/// The canonical record of a contact.
pub(crate) async fn one(store: &impl Ports, run: &RunRef, id: &str) -> CanonicalRecord {
    let [id] = own(store, run, [id]).await;
    by_id(store, run, id).await
}

pub(crate) fn of_tenant(tenant: &TenantId) -> CanonicalQuery {
    let tenant = tenant.clone();
    CanonicalQuery { tenant, record_type: None, removed: true, after: None, limit: 100 }
}

/// Everything canonical of a tenant, removed records too.
pub(crate) async fn everything(store: &impl Ports, tenant: &TenantId) -> Vec<CanonicalRecord> {
    let list = store.canonical_list(of_tenant(tenant)).await.unwrap();
    assert_eq!(list.next, None);
    list.records
}

pub(crate) async fn by_id(store: &impl Ports, run: &RunRef, id: RecordId) -> CanonicalRecord {
    store.canonical(&run.tenant, vec![id]).await.unwrap().remove(0).unwrap()
}

pub(crate) fn doc(record: &CanonicalRecord) -> &str {
    std::str::from_utf8(&record.doc).unwrap()
}

/// Events about canonical records, by what they tell.
pub(crate) async fn told(store: &impl Ports, tenant: &TenantId) -> Vec<[Vec<RecordId>; 4]> {
    let events = store.events(tenant, 0, 100).await.unwrap();
    let canonical = |kind| match kind {
        EventKind::CanonicalChanged { created, updated, deleted, restored, .. } => {
            Some([created, updated, deleted, restored])
        }
        _ => None,
    };
    events.into_iter().filter_map(|event| canonical(event.kind)).collect()
}

pub(crate) fn replay(run: &RunRef, active: u8) -> ReplayQuery {
    ReplayQuery {
        tenant: run.tenant.clone(),
        connection: run.connection.clone(),
        entity: "contacts".to_owned(),
        pick: Pick::Unless(schema(active)),
        parts: BTreeMap::new(),
        after: None,
        limit: 100,
    }
}

pub(crate) fn remap(run: &RunRef, items: Vec<RemapItem>) -> Remap {
    Remap { run: run.clone(), entity: "contacts".to_owned(), items, at: at(5) }
}

/// What the second version makes of a stored record: the same members and one more.
pub(crate) fn second(record: &ReplayRecord, members: &str) -> RemapItem {
    let outcome = Outcome::Mapped(Box::new(Mapped { schema: schema(2), ..mapped(members) }));
    RemapItem { id: record.record.id.clone(), hash: record.hash, outcome }
}
