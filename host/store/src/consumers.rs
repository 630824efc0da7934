//! Who follows the events of a tenant, and how far.

use async_trait::async_trait;
use model::event::{CONSUMERS_MAX, Consumer, EventLog, Extent};
use model::store::{StoreError, StoreErrorKind};
use model::{Clock, TenantId};
use redb::{ReadTransaction, ReadableTable as _};

use crate::codec::{json, key};
use crate::disk::Disk as _;
use crate::events::{Log, first};
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;
use crate::{Store, check};

#[async_trait]
impl EventLog for Store {
    async fn extent(&self, tenant: &TenantId) -> Result<Extent, StoreError> {
        let tenant = tenant.clone();
        self.read(move |snapshot| {
            let events = Table::Events.read(snapshot)?;
            let first = first(&events, &tenant)?.unwrap_or_default();
            Ok(Extent { first, last: Log::open(&events, &tenant)?.last() })
        })
        .await
    }

    async fn consumer(&self, tenant: &TenantId, name: &str) -> Result<Consumer, StoreError> {
        check::consumer(name)?;
        let (known, key) = (tenant.clone(), row_key(tenant, name));
        if let Some(consumer) = self.read(move |snapshot| get(snapshot, &key)).await? {
            return Ok(consumer);
        }
        self.write(Join { clock: self.clock(), tenant: known, name: name.to_owned() }).await
    }

    async fn advance(&self, tenant: &TenantId, name: &str, seq: u64) -> Result<(), StoreError> {
        let (tenant, name) = (tenant.clone(), name.to_owned());
        self.write(Advance { clock: self.clock(), tenant, name, seq }).await
    }

    async fn consumers(&self, tenant: &TenantId) -> Result<Vec<Consumer>, StoreError> {
        let tenant = tenant.clone();
        self.read(move |snapshot| all(&Table::Consumers.read(snapshot)?, &tenant)).await
    }

    async fn remove_consumer(&self, tenant: &TenantId, name: &str) -> Result<bool, StoreError> {
        self.write(Remove(row_key(tenant, name))).await
    }
}

/// All consumers of a tenant.
pub(crate) fn all(rows: &impl Rows, tenant: &TenantId) -> Result<Vec<Consumer>, StoreError> {
    let prefix = key::tenant(tenant);
    let behind = key::behind(&prefix);
    rows.range(prefix.as_slice()..behind.as_slice())
        .disk()?
        .map(|row| json::decode(Table::Consumers, row.disk()?.1.value()))
        .collect()
}

fn get(snapshot: &ReadTransaction, key: &[u8]) -> Result<Option<Consumer>, StoreError> {
    read(&Table::Consumers.read(snapshot)?, key)
}

fn read(rows: &impl Rows, key: &[u8]) -> Result<Option<Consumer>, StoreError> {
    let row = rows.get(key).disk()?;
    row.map(|row| json::decode(Table::Consumers, row.value())).transpose()
}

struct Join {
    clock: Clock,
    tenant: TenantId,
    name: String,
}

impl Change for Join {
    type Answer = Consumer;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Consumer), StoreError> {
        let mut writes = Writes::default();
        let key = row_key(&self.tenant, &self.name);
        if let Some(consumer) = read(&tables.consumers, &key)? {
            return Ok((writes, consumer));
        }
        if all(&tables.consumers, &self.tenant)?.len() >= CONSUMERS_MAX {
            let message = format!(
                "tenant {} has {CONSUMERS_MAX} consumers of its events already; remove one first",
                self.tenant
            );
            return Err(check::invalid(message));
        }
        let seq = first(&tables.events, &self.tenant)?.map_or(0, |seq| seq.saturating_sub(1));
        let consumer = Consumer { name: self.name, seq, at: self.clock.now() };
        writes.put(Table::Consumers, &key, &json::encode(&consumer)?);
        Ok((writes, consumer))
    }
}

struct Advance {
    clock: Clock,
    tenant: TenantId,
    name: String,
    seq: u64,
}

impl Change for Advance {
    type Answer = ();

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let Self { clock, tenant, name, seq } = self;
        let mut writes = Writes::default();
        let key = row_key(&tenant, &name);
        let Some(consumer) = read(&tables.consumers, &key)? else {
            let message = format!("tenant {tenant} has no consumer '{name}' of its events");
            return Err(check::invalid(message));
        };
        if seq < consumer.seq {
            let message = format!(
                "consumer '{name}' of {tenant} has read up to event {}, so it cannot go back to \
                 {seq}; another process may follow under its name",
                consumer.seq
            );
            return Err(StoreError::new(StoreErrorKind::Conflict, message));
        }
        let last = Log::open(&tables.events, &tenant)?.last();
        if seq > last {
            let message = format!("the last event of {tenant} is {last}, there is no {seq} yet");
            return Err(check::invalid(message));
        }
        if seq > consumer.seq {
            let moved = Consumer { seq, at: clock.now(), ..consumer };
            writes.put(Table::Consumers, &key, &json::encode(&moved)?);
        }
        Ok((writes, ()))
    }
}

struct Remove(Vec<u8>);

impl Change for Remove {
    type Answer = bool;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, bool), StoreError> {
        let mut writes = Writes::default();
        let there = tables.consumers.get(self.0.as_slice()).disk()?.is_some();
        if there {
            writes.remove(Table::Consumers, &self.0);
        }
        Ok((writes, there))
    }
}

fn row_key(tenant: &TenantId, name: &str) -> Vec<u8> {
    key::with(key::tenant(tenant), name.as_bytes())
}
