//! Which conversion schema maps an entity of a connection, or a part of it.

use model::record::ID_BYTES_MAX;
use model::schema::{BINDINGS_MAX, Binding, SchemaKind};
use model::store::{StoreError, StoreErrorKind};
use model::{ConnectionId, TenantId};
use redb::{ReadTransaction, ReadableTable as _};

use super::version_key;
use crate::check;
use crate::codec::{json, key};
use crate::disk::Disk as _;
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

/// Replaces what is bound to an entity or a part.
pub(super) struct Put {
    pub(super) binding: Binding,
    pub(super) expected: Option<u64>,
}

impl Change for Put {
    type Answer = Binding;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Binding), StoreError> {
        let Self { mut binding, expected } = self;
        let Binding { tenant, connection, entity, schema, .. } = &binding;
        let key = row_key(&binding);
        let row = tables.bindings.get(key.as_slice()).disk()?;
        let old = row.map(|row| decode(row.value())).transpose()?;
        if old.is_none() && count(&tables.bindings, tenant, connection)? >= BINDINGS_MAX {
            let message = format!(
                "{tenant}/{connection} has {BINDINGS_MAX} bindings, no more are allowed; bind one \
                 schema to the entity instead of many to its parts"
            );
            return Err(check::invalid(message));
        }
        let revision = old.map_or(0, |old| old.revision);
        if expected.is_some_and(|expected| expected != revision) {
            let message = format!(
                "what is bound to '{entity}' of {tenant}/{connection} is at revision {revision}: \
                 somebody else has changed it; read it again"
            );
            return Err(StoreError::new(StoreErrorKind::Conflict, message));
        }
        if let Some((name, version)) = schema {
            let key = version_key(tenant, SchemaKind::Conversion, name, *version);
            if tables.schemas.get(key.as_slice()).disk()?.is_none() {
                let message = format!("there is no version {version} of a schema '{name}'");
                return Err(check::invalid(message));
            }
        }
        binding.revision = revision.saturating_add(1);
        let mut writes = Writes::default();
        writes.put(Table::Bindings, &key, &json::encode(&binding)?);
        Ok((writes, binding))
    }
}

/// What a put refuses whatever lies in the store.
pub(super) fn check(binding: &Binding) -> Result<(), StoreError> {
    check::entity(&binding.entity)?;
    if let Some(part) = &binding.part {
        check::length("the part of a binding", part.len(), 1, ID_BYTES_MAX)?;
    }
    binding.schema.as_ref().map_or(Ok(()), |(name, _)| check::schema_name(name))
}

/// The bindings of a connection, by entity and part.
pub(super) fn list(
    snapshot: &ReadTransaction,
    tenant: &TenantId,
    connection: &ConnectionId,
) -> Result<Vec<Binding>, StoreError> {
    let prefix = key::connection(tenant, connection);
    let behind = key::behind(&prefix);
    Table::Bindings
        .read(snapshot)?
        .range(prefix.as_slice()..behind.as_slice())
        .disk()?
        .map(|row| decode(row.disk()?.1.value()))
        .collect()
}

/// The part stands behind the entity, which holds no NUL; without one the entity is the last.
fn row_key(Binding { tenant, connection, entity, part, .. }: &Binding) -> Vec<u8> {
    let mut key = key::connection(tenant, connection);
    let Some(part) = part else { return key::with(key, entity.as_bytes()) };
    key::push_name(&mut key, entity);
    key::with(key, part.as_bytes())
}

fn count(
    rows: &impl Rows,
    tenant: &TenantId,
    connection: &ConnectionId,
) -> Result<usize, StoreError> {
    let prefix = key::connection(tenant, connection);
    let behind = key::behind(&prefix);
    Ok(rows.range(prefix.as_slice()..behind.as_slice()).disk()?.count())
}

fn decode(row: &[u8]) -> Result<Binding, StoreError> {
    json::decode(Table::Bindings, row)
}
