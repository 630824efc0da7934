//! Uses of secrets that are too old.

use model::credential::Access;
use model::retention::{ACCESSES_KEPT_FOR, Swept};
use model::store::StoreError;
use model::{Timestamp, hex};
use redb::ReadableTable as _;

use super::tenant_prefix;
use crate::access;
use crate::codec::{json, key};
use crate::disk::Disk as _;
use crate::tables::{Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

/// Looks at uses of all tenants from a key on. Of a tenant they lie in the order in which they
/// began, so the first that began lately ends it.
pub(super) struct Sweep {
    pub(super) now: Timestamp,
    pub(super) from: Vec<u8>,
    pub(super) limit: usize,
}

impl Change for Sweep {
    type Answer = Swept;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Swept), StoreError> {
        let Self { now, mut from, limit } = self;
        let kept = now.saturating_sub(ACCESSES_KEPT_FOR).unwrap_or(Timestamp::MIN);
        let mut writes = Writes::default();
        let mut swept = Swept::default();
        for _ in 0..limit {
            let Some(row) = tables.accesses.range(from.as_slice()..).disk()?.next() else {
                return Ok((writes, swept));
            };
            let (key, row) = row.disk()?;
            let key = key.value();
            let entry: Access = json::decode(Table::Accesses, row.value())?;
            if entry.first >= kept || entry.id == access::last(&tables.accesses, &entry.tenant)? {
                from = key::behind(tenant_prefix(key));
                continue;
            }
            from = key::with(key.to_vec(), &[0]);
            if entry.last < kept {
                access::remove(&mut writes, &entry);
                swept.removed += 1;
            }
        }
        swept.next = Some(hex::text(&from));
        Ok((writes, swept))
    }
}
