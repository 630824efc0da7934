//! The port to the data keys: each method is one change handed to the writer, or one read of a
//! snapshot.

use std::ops::Bound;

use async_trait::async_trait;
use bytes::Bytes;
use model::queue::REASON_BYTES_MAX;
use model::store::StoreError;
use model::vault::{Canary, KeyId, KeyStore, Owner, Rewrap, Sealed, SealedQuery, WrappedKey};
use redb::ReadTransaction;

use super::destroy::Destroy;
use super::{Add, Retire, Row, Wrap, sealed, under};
use crate::codec::{Malformed, corrupt, json};
use crate::disk::Disk as _;
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;
use crate::{Store, check};

/// Its row in the table of facts about the store.
const CANARY: &[u8] = b"key-canary";

/// Owners in one list.
const LIST_MAX: usize = 1_000;

/// Replaces the canary.
struct PutCanary {
    canary: Canary,
    expected: Option<Canary>,
}

impl Change for PutCanary {
    type Answer = bool;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, bool), StoreError> {
        check::wrapped(&self.canary.wrapper, &self.canary.wrapped)?;
        let mut writes = Writes::default();
        let expected = canary(&tables.meta)? == self.expected;
        if expected {
            writes.put(Table::Meta, CANARY, &json::encode(&self.canary)?);
        }
        Ok((writes, expected))
    }
}

fn canary(rows: &impl Rows) -> Result<Option<Canary>, StoreError> {
    let row = rows.get(CANARY).disk()?;
    row.map(|row| json::decode(Table::Meta, row.value())).transpose()
}

fn owners(
    snapshot: &ReadTransaction,
    after: Option<&Owner>,
    limit: usize,
) -> Result<Vec<Owner>, StoreError> {
    let from = after.map(sealed::owner);
    let from = from.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let mut owners = Vec::new();
    for row in Table::Keys.read(snapshot)?.range::<&[u8]>((from, Bound::Unbounded)).disk()? {
        let (key, row) = row.disk()?;
        let row: Row = json::decode(Table::Keys, row.value())?;
        if row.keys.is_empty() {
            continue;
        }
        let (owner, _) = sealed::split_owner(key.value())
            .ok_or_else(|| corrupt(Table::Keys, Malformed::Shape))?;
        owners.push(owner);
        if owners.len() == limit.clamp(1, LIST_MAX) {
            break;
        }
    }
    Ok(owners)
}

#[async_trait]
impl KeyStore for Store {
    async fn canary(&self) -> Result<Option<Canary>, StoreError> {
        self.read(|snapshot| canary(&Table::Meta.read(snapshot)?)).await
    }

    async fn put_canary(
        &self,
        canary: Canary,
        expected: Option<Canary>,
    ) -> Result<bool, StoreError> {
        self.write(PutCanary { canary, expected }).await
    }

    async fn keys(&self, owner: &Owner) -> Result<Option<Vec<WrappedKey>>, StoreError> {
        let owner = owner.clone();
        self.read(move |snapshot| {
            let row = Row::of(&Table::Keys.read(snapshot)?, &owner)?.unwrap_or_default();
            Ok(if row.destroyed.is_some() { None } else { Some(row.keys) })
        })
        .await
    }

    async fn owners(&self, after: Option<&Owner>, limit: usize) -> Result<Vec<Owner>, StoreError> {
        let after = after.cloned();
        self.read(move |snapshot| owners(snapshot, after.as_ref(), limit)).await
    }

    async fn add_key(&self, key: WrappedKey, active: Option<KeyId>) -> Result<bool, StoreError> {
        self.write(Add { key, active }).await
    }

    async fn rewrap(&self, keys: Vec<Rewrap>) -> Result<u64, StoreError> {
        self.write(Wrap(keys)).await
    }

    async fn sealed_under(
        &self,
        query: SealedQuery,
    ) -> Result<(Vec<Sealed>, Option<String>), StoreError> {
        self.read(move |snapshot| under::list(snapshot, &query)).await
    }

    async fn reseal(&self, pairs: Vec<(Sealed, Bytes)>) -> Result<u64, StoreError> {
        self.write(under::Reseal(pairs)).await
    }

    async fn retire_key(&self, owner: &Owner, id: KeyId) -> Result<bool, StoreError> {
        self.write(Retire { owner: owner.clone(), id }).await
    }

    async fn destroy_keys(&self, owner: &Owner, reason: &str) -> Result<u64, StoreError> {
        check::length("the reason", reason.len(), 0, REASON_BYTES_MAX / 2)?;
        let (owner, reason) = (owner.clone(), reason.to_owned());
        self.write(Destroy { owner, reason, clock: self.clock() }).await
    }
}
