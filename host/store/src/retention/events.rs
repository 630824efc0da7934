//! Events that everybody has read, or that are too old.

use std::collections::BTreeMap;

use model::event::Event;
use model::retention::{EVENTS_KEPT_FOR, EVENTS_KEPT_MAX, Swept};
use model::store::StoreError;
use model::{TenantId, Timestamp, hex};
use redb::ReadableTable as _;

use super::tenant_prefix;
use crate::codec::{Malformed, corrupt, json, key};
use crate::consumers;
use crate::disk::Disk as _;
use crate::events::Log;
use crate::tables::{Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

/// Looks at events of all tenants from a key on. Of a tenant they lie in the order in which they
/// came, so the first that is kept ends it.
pub(super) struct Sweep {
    pub(super) now: Timestamp,
    pub(super) from: Vec<u8>,
    pub(super) limit: usize,
}

/// What is kept of a tenant's events.
struct Rule {
    /// All consumers have read up to here.
    read: u64,
    /// The last one.
    last: u64,
}

impl Change for Sweep {
    type Answer = Swept;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Swept), StoreError> {
        let Self { now, mut from, limit } = self;
        let mut writes = Writes::default();
        let mut swept = Swept::default();
        let mut rules = BTreeMap::new();
        for _ in 0..limit {
            let Some(row) = tables.events.range(from.as_slice()..).disk()?.next() else {
                return Ok((writes, swept));
            };
            let (key, row) = row.disk()?;
            let key = key.value();
            let event: Event = json::decode(Table::Events, row.value())?;
            let prefix = tenant_prefix(key);
            let rule = match rules.get(prefix) {
                Some(rule) => rule,
                None => rules.entry(prefix.to_vec()).or_insert(Rule::of(tables, prefix)?),
            };
            if rule.keeps(&event, now) {
                from = key::behind(prefix);
            } else {
                writes.remove(Table::Events, key);
                swept.removed += 1;
                from = key::with(key.to_vec(), &[0]);
            }
        }
        swept.next = Some(hex::text(&from));
        Ok((writes, swept))
    }
}

impl Rule {
    fn of(tables: &Tables<'_>, prefix: &[u8]) -> Result<Self, StoreError> {
        let damaged = || corrupt(Table::Events, Malformed::Shape);
        let name = prefix.split_last().map(|(_, name)| name).unwrap_or_default();
        let name = std::str::from_utf8(name).map_err(|_ignored| damaged())?;
        let tenant: TenantId = name.parse().map_err(|_ignored| damaged())?;
        let consumers = consumers::all(&tables.consumers, &tenant)?;
        let read = consumers.iter().map(|consumer| consumer.seq).min().unwrap_or(u64::MAX);
        Ok(Self { read, last: Log::open(&tables.events, &tenant)?.last() })
    }

    fn keeps(&self, event: &Event, now: Timestamp) -> bool {
        let older = |span| event.at < now.saturating_sub(span).unwrap_or(Timestamp::MIN);
        let done = event.seq <= self.read && older(EVENTS_KEPT_FOR);
        event.seq >= self.last || !(done || older(EVENTS_KEPT_MAX))
    }
}
