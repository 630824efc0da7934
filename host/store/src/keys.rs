//! Data keys, wrapped, and what is sealed with them.
//!
//! One row holds all keys of an owner, so that adding one and retiring another is one row, and so
//! is that they were destroyed.

mod destroy;
mod port;
pub(crate) mod sealed;
mod under;

use model::Timestamp;
use model::store::{StoreError, StoreErrorKind};
use model::vault::{KEYS_MAX, KeyId, KeyState, Owner, RESEAL_MAX, Rewrap, WrappedKey};
use serde::{Deserialize, Serialize};

use crate::check;
use crate::codec::json;
use crate::disk::Disk as _;
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

/// The keys of an owner.
#[derive(Default, Deserialize, Serialize)]
struct Row {
    /// The active one first.
    keys: Vec<WrappedKey>,
    destroyed: Option<Destroyed>,
}

/// Stays for good: the owner gets no new keys.
#[derive(Deserialize, Serialize)]
struct Destroyed {
    at: Timestamp,
    reason: String,
}

impl Row {
    fn of(rows: &impl Rows, owner: &Owner) -> Result<Option<Self>, StoreError> {
        let row = rows.get(sealed::owner(owner).as_slice()).disk()?;
        row.map(|row| json::decode(Table::Keys, row.value())).transpose()
    }

    fn put(&self, writes: &mut Writes, owner: &Owner) -> Result<(), StoreError> {
        writes.put(Table::Keys, &sealed::owner(owner), &json::encode(self)?);
        Ok(())
    }

    fn has(&self, id: KeyId) -> bool {
        self.keys.iter().any(|key| key.id == id)
    }
}

/// Refuses what is sealed under keys that an owner has not any more: nobody could open it. An
/// owner that never had keys has nothing that it could be held against.
fn admit(
    tables: &Tables<'_>,
    owner: &Owner,
    ids: impl IntoIterator<Item = KeyId>,
) -> Result<(), StoreError> {
    let Some(row) = Row::of(&tables.keys, owner)? else { return Ok(()) };
    if row.destroyed.is_some() {
        return Err(destroyed(owner));
    }
    match ids.into_iter().find(|id| !row.has(*id)) {
        None => Ok(()),
        Some(id) => Err(StoreError::new(
            StoreErrorKind::Conflict,
            format!("{owner} has no data key {id} any more; seal it again under the active one"),
        )),
    }
}

fn destroyed(owner: &Owner) -> StoreError {
    check::invalid(format!(
        "the secrets of {owner} were destroyed for good, and it gets no new keys; use another \
         tenant"
    ))
}

/// Adds an active key.
struct Add {
    key: WrappedKey,
    active: Option<KeyId>,
}

impl Change for Add {
    type Answer = bool;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, bool), StoreError> {
        let Self { key, active } = self;
        check::wrapped(&key.wrapper, &key.wrapped)?;
        let owner = key.owner.clone();
        let mut row = Row::of(&tables.keys, &owner)?.unwrap_or_default();
        if row.destroyed.is_some() {
            return Err(destroyed(&owner));
        }
        if row.has(key.id) || key.state != KeyState::Active {
            let message = format!("the data key {} of {owner} is not a new active one", key.id);
            return Err(check::invalid(message));
        }
        let mut writes = Writes::default();
        let now = row.keys.first().filter(|key| key.state == KeyState::Active);
        if now.map(|key| key.id) != active {
            return Ok((writes, false));
        }
        if row.keys.len() >= KEYS_MAX {
            let message = format!(
                "{owner} has {KEYS_MAX} data keys; let a rotation end before the next one begins"
            );
            return Err(check::invalid(message));
        }
        row.keys.iter_mut().for_each(|key| key.state = KeyState::Retiring);
        row.keys.insert(0, key);
        row.put(&mut writes, &owner)?;
        Ok((writes, true))
    }
}

/// Replaces what wraps keys.
struct Wrap(Vec<Rewrap>);

impl Change for Wrap {
    type Answer = u64;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, u64), StoreError> {
        check::batch("data keys", self.0.len(), RESEAL_MAX)?;
        let mut rows = std::collections::BTreeMap::new();
        let mut count = 0;
        for Rewrap { owner, id, from, wrapper, wrapped } in self.0 {
            check::wrapped(&wrapper, &wrapped)?;
            if !rows.contains_key(&owner) {
                rows.insert(owner.clone(), Row::of(&tables.keys, &owner)?.unwrap_or_default());
            }
            let keys = rows.get_mut(&owner).map(|row| &mut row.keys).into_iter().flatten();
            for key in keys.filter(|key| key.id == id && key.wrapped == from) {
                (key.wrapper, key.wrapped) = (wrapper.clone(), wrapped.clone());
                count += 1;
            }
        }
        let mut writes = Writes::default();
        if count > 0 {
            let found = rows.iter().filter(|(_, row)| !row.keys.is_empty());
            found.into_iter().try_for_each(|(owner, row)| row.put(&mut writes, owner))?;
        }
        Ok((writes, count))
    }
}

/// Removes a retiring key under which nothing lies.
struct Retire {
    owner: Owner,
    id: KeyId,
}

impl Change for Retire {
    type Answer = bool;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, bool), StoreError> {
        let Self { owner, id } = self;
        let mut writes = Writes::default();
        let Some(mut row) = Row::of(&tables.keys, &owner)? else { return Ok((writes, false)) };
        let before = row.keys.len();
        row.keys.retain(|key| key.id != id || key.state == KeyState::Active);
        if row.keys.len() == before || under::any(&tables.sealed, &owner, id)? {
            return Ok((writes, false));
        }
        row.put(&mut writes, &owner)?;
        Ok((writes, true))
    }
}
