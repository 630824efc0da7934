//! What tenants write to have their records mapped: versions that never change, and bindings.

mod bindings;
mod port;

use model::TenantId;
use model::schema::{
    NewSchema, SCHEMA_TEXT_BYTES_MAX, SchemaHead, SchemaKind, SchemaQuery, StoredSchema,
};
use model::store::{StoreError, StoreErrorKind};
use redb::ReadTransaction;
use serde::{Deserialize, Serialize};

use crate::check;
use crate::codec::{Malformed, corrupt, json, key};
use crate::disk::Disk as _;
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

/// Versions in one list.
const LIST_MAX: usize = 1_000;

/// The longest name of an author, in bytes.
const AUTHOR_BYTES_MAX: usize = 256;

#[derive(Deserialize, Serialize)]
struct Row {
    head: SchemaHead,
    text: String,
}

/// Appends a version.
struct Put(NewSchema);

impl Change for Put {
    type Answer = SchemaHead;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, SchemaHead), StoreError> {
        let Self(NewSchema { tenant, kind, name, text, author, expected, at }) = self;
        let newest =
            newest(&tables.schemas, &tenant, kind, &name)?.map_or(0, |row| row.head.version);
        if newest != expected {
            return Err(changed(kind, &name, u64::from(newest), u64::from(expected)));
        }
        let Some(version) = newest.checked_add(1) else {
            return Err(check::invalid("the schema has no number left for a version"));
        };
        let row = Row { head: SchemaHead { kind, name, version, author, at }, text };
        let mut writes = Writes::default();
        let key = version_key(&tenant, kind, &row.head.name, version);
        writes.put(Table::Schemas, &key, &json::encode(&row)?);
        Ok((writes, row.head))
    }
}

/// What a put refuses whatever lies in the store.
fn check(schema: &NewSchema) -> Result<(), StoreError> {
    check::schema_name(&schema.name)?;
    check::length("the text of a schema", schema.text.len(), 1, SCHEMA_TEXT_BYTES_MAX)?;
    let author = schema.author.as_deref().unwrap_or_default();
    check::length("the author of a schema", author.len(), 0, AUTHOR_BYTES_MAX)
}

/// A version, or the newest one.
fn get(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    kind: SchemaKind,
    name: &str,
    version: Option<u32>,
) -> Result<Option<StoredSchema>, StoreError> {
    check::schema_name(name)?;
    let table = Table::Schemas.read(snapshot)?;
    let row = match version {
        None => newest(&table, tenant, kind, name)?,
        Some(version) => {
            let key = version_key(tenant, kind, name, version);
            let row = table.get(key.as_slice()).disk()?;
            row.map(|row| decode(row.value())).transpose()?
        }
    };
    Ok(row.map(|Row { head, text }| StoredSchema { head, text }))
}

fn list(snapshot: &ReadTransaction, query: &SchemaQuery) -> Result<Vec<SchemaHead>, StoreError> {
    let table = Table::Schemas.read(snapshot)?;
    let limit = query.limit.min(LIST_MAX);
    match &query.name {
        Some(name) => versions(&table, query, name, limit),
        None => names(&table, query, limit),
    }
}

/// All versions of a name, the newest first.
fn versions(
    rows: &impl Rows,
    query: &SchemaQuery,
    name: &str,
    limit: usize,
) -> Result<Vec<SchemaHead>, StoreError> {
    check::schema_name(name)?;
    let prefix = name_key(&query.tenant, query.kind, name);
    let behind = match &query.after {
        None => key::behind(&prefix),
        Some(version) => {
            let bad = |_| check::invalid("`after` is no version; pass the last of the list before");
            version_key(&query.tenant, query.kind, name, version.parse().map_err(bad)?)
        }
    };
    let range = rows.range(prefix.as_slice()..behind.as_slice()).disk()?;
    range.rev().take(limit).map(|row| Ok(decode(row.disk()?.1.value())?.head)).collect()
}

/// The newest version of every name. It steps from name to name, whatever lies between.
fn names(
    rows: &impl Rows,
    query: &SchemaQuery,
    limit: usize,
) -> Result<Vec<SchemaHead>, StoreError> {
    let prefix = kind_key(&query.tenant, query.kind);
    let behind = key::behind(&prefix);
    let mut from = match &query.after {
        None => prefix,
        Some(name) => key::behind(&name_key(&query.tenant, query.kind, name)),
    };
    let mut heads = Vec::new();
    while heads.len() < limit && from < behind {
        let mut range = rows.range(from.as_slice()..behind.as_slice()).disk()?;
        let Some(row) = range.next().transpose().disk()? else { break };
        let name = decode(row.1.value())?.head.name;
        let newest = newest(rows, &query.tenant, query.kind, &name)?;
        heads.push(newest.ok_or_else(|| corrupt(Table::Schemas, Malformed::Shape))?.head);
        from = key::behind(&name_key(&query.tenant, query.kind, &name));
    }
    Ok(heads)
}

fn newest(
    rows: &impl Rows,
    tenant: &TenantId,
    kind: SchemaKind,
    name: &str,
) -> Result<Option<Row>, StoreError> {
    let prefix = name_key(tenant, kind, name);
    let behind = key::behind(&prefix);
    let mut range = rows.range(prefix.as_slice()..behind.as_slice()).disk()?;
    let last = range.next_back().transpose().disk()?;
    last.map(|(_, row)| decode(row.value())).transpose()
}

fn kind_key(tenant: &TenantId, kind: SchemaKind) -> Vec<u8> {
    let kind = match kind {
        SchemaKind::Conversion => 0,
        SchemaKind::RecordType => 1,
    };
    key::with(key::tenant(tenant), &[kind])
}

fn name_key(tenant: &TenantId, kind: SchemaKind, name: &str) -> Vec<u8> {
    let mut key = kind_key(tenant, kind);
    key::push_name(&mut key, name);
    key
}

fn version_key(tenant: &TenantId, kind: SchemaKind, name: &str, version: u32) -> Vec<u8> {
    key::with(name_key(tenant, kind, name), &version.to_be_bytes())
}

fn decode(row: &[u8]) -> Result<Row, StoreError> {
    json::decode(Table::Schemas, row)
}

/// The error of a put that expected another state.
fn changed(kind: SchemaKind, name: &str, now: u64, expected: u64) -> StoreError {
    let what = kind.as_str();
    StoreError::new(
        StoreErrorKind::Conflict,
        format!(
            "the {what} '{name}' is at version {now}, not at {expected}: somebody else has saved \
             it; read it again and bring both together"
        ),
    )
}
