//! Canonical records as their readers see them.

use std::ops::Bound;

use model::canonical::{
    BATCH_MAX, COUNT_LOOKED_MAX, CanonicalList, CanonicalQuery, CanonicalRecord,
    ExternalRelationship, RecordId,
};
use model::store::StoreError;
use model::{ConnectionId, TenantId};
use redb::ReadTransaction;

use crate::codec::canonical::{Canonical, LinkRow};
use crate::codec::{self, Malformed, corrupt, cursor, key};
use crate::disk::Disk as _;
use crate::tables::{Snapshot, Table};
use crate::{check, records};

/// Documents in one list, in bytes; the record that goes beyond is the last of its list.
const LIST_BYTES_MAX: usize = 16 << 20;

/// The tables that a canonical record is put together from.
struct Reader<'a> {
    tenant: &'a TenantId,
    canonical: Snapshot,
    records: Snapshot,
}

impl<'a> Reader<'a> {
    fn open(snapshot: &ReadTransaction, tenant: &'a TenantId) -> Result<Self, StoreError> {
        let canonical = Table::Canonical.read(snapshot)?;
        Ok(Self { tenant, canonical, records: Table::Records.read(snapshot)? })
    }

    fn row(&self, id: RecordId) -> Result<Option<Canonical>, StoreError> {
        let key = key::canonical(self.tenant, id);
        let row = self.canonical.get(key.as_slice()).disk()?;
        row.map(|row| codec::canonical::decode(row.value()))
            .transpose()
            .map_err(|malformed| corrupt(Table::Canonical, malformed))
    }

    fn record(&self, id: RecordId, row: Canonical) -> Result<CanonicalRecord, StoreError> {
        let Canonical { record_type, created, changed, removed, doc, links } = row;
        let relationships = links.into_iter().map(|link| self.relationship(link));
        let relationships = relationships.collect::<Result<_, _>>()?;
        Ok(CanonicalRecord { id, record_type, doc, created, changed, removed, relationships })
    }

    /// The link with what the provider's record knows better: it is written with every change.
    fn relationship(&self, link: LinkRow) -> Result<ExternalRelationship, StoreError> {
        let damaged = || corrupt(Table::Canonical, Malformed::Shape);
        let connection: ConnectionId = link.connection.parse().map_err(|_name| damaged())?;
        let key =
            key::with(key::entity(self.tenant, &connection, &link.entity), link.id.as_bytes());
        let row = self.records.get(key.as_slice()).disk()?.ok_or_else(damaged)?;
        let (header, _) = records::header(row.value())?;
        Ok(ExternalRelationship {
            provider: link.provider,
            connection,
            entity: link.entity,
            external_id: link.id,
            url: link.url,
            version: header.version.map(str::to_owned),
            direction: link.direction,
            status: link.status,
            synced: header.stored,
            schema: header.link.schema,
        })
    }
}

/// The records of these ids, in their order.
pub(super) fn get(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    ids: &[RecordId],
) -> Result<Vec<Option<CanonicalRecord>>, StoreError> {
    check::batch("ids", ids.len(), BATCH_MAX)?;
    let reader = Reader::open(snapshot, tenant)?;
    let record = |id: &RecordId| {
        let row = reader.row(*id)?;
        row.map(|row| reader.record(*id, row)).transpose()
    };
    ids.iter().map(record).collect()
}

/// Lists records by type, the oldest of a type first.
pub(super) fn list(
    snapshot: &ReadTransaction,
    query: &CanonicalQuery,
) -> Result<CanonicalList, StoreError> {
    let prefix = match &query.record_type {
        None => key::tenant(&query.tenant),
        Some(name) => {
            check::record_type(name)?;
            key::record_type(&query.tenant, name)
        }
    };
    let from = cursor::after(&query.tenant, &prefix, query.after.as_deref())?;
    let behind = key::behind(&prefix);
    let limit = query.limit.clamp(1, BATCH_MAX);
    let reader = Reader::open(snapshot, &query.tenant)?;
    let types = Table::RecordTypes.read(snapshot)?;
    let range = (from.as_ref().map(Vec::as_slice), Bound::Excluded(behind.as_slice()));
    let mut list = CanonicalList::default();
    let (mut bytes, mut end) = (0, Vec::new());
    for row in types.range::<&[u8]>(range).disk()? {
        let key = row.disk()?.0.value().to_vec();
        let damaged = || corrupt(Table::RecordTypes, Malformed::Shape);
        let id = key::record_id(&key).ok_or_else(damaged)?;
        let row = reader.row(id)?.ok_or_else(damaged)?;
        if row.removed && !query.removed {
            continue;
        }
        if list.records.len() >= limit || bytes >= LIST_BYTES_MAX {
            list.next = Some(cursor::next(&query.tenant, &end));
            break;
        }
        bytes += row.doc.len();
        list.records.push(reader.record(id, row)?);
        end = key;
    }
    Ok(list)
}

/// Counts records of a type that are not removed; of their rows only the heads are read.
pub(super) fn count(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    record_type: &str,
    max: u64,
) -> Result<u64, StoreError> {
    check::record_type(record_type)?;
    let prefix = key::record_type(tenant, record_type);
    let behind = key::behind(&prefix);
    let (types, rows) = (Table::RecordTypes.read(snapshot)?, Table::Canonical.read(snapshot)?);
    let types = types.range(prefix.as_slice()..behind.as_slice()).disk()?;
    let mut count = 0;
    for row in types.take(COUNT_LOOKED_MAX) {
        if count >= max {
            break;
        }
        let damaged = || corrupt(Table::RecordTypes, Malformed::Shape);
        let id = key::record_id(row.disk()?.0.value()).ok_or_else(damaged)?;
        let row = rows.get(key::canonical(tenant, id).as_slice()).disk()?.ok_or_else(damaged)?;
        let removed = codec::canonical::removed(row.value());
        count += u64::from(!removed.map_err(|malformed| corrupt(Table::Canonical, malformed))?);
    }
    Ok(count)
}

/// The canonical records of records of a provider.
pub(super) fn record_ids(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    connection: &ConnectionId,
    records: &[(String, String)],
) -> Result<Vec<Option<RecordId>>, StoreError> {
    check::batch("records", records.len(), BATCH_MAX)?;
    let table = Table::Records.read(snapshot)?;
    let find = |(entity, id): &(String, String)| {
        check::entity(entity)?;
        let key = key::with(key::entity(tenant, connection, entity), id.as_bytes());
        let row = table.get(key.as_slice()).disk()?;
        let row = row.map(|row| codec::record::fingerprint(row.value())).transpose();
        let row = row.map_err(|malformed| corrupt(Table::Records, malformed))?;
        Ok(row.and_then(|row| row.link.record))
    };
    records.iter().map(find).collect()
}
