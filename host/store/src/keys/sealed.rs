//! Sealed secrets: one table for all kinds, so that one walk over an owner's range finds all that
//! lies under a key.
//!
//! version 1 · generation 8 · what was sealed: the rest.

use std::collections::BTreeSet;

use bytes::Bytes;
use model::store::StoreError;
use model::vault::{Owner, Place, SEALED_BYTES_MIN, SECRETS_MAX, Sealed, SecretKind};
use redb::ReadableTable as _;

use crate::check;
use crate::codec::{Cursor, Malformed, corrupt, key};
use crate::disk::Disk as _;
use crate::tables::{Rows, Table, Tables};
use crate::writes::Writes;

const VERSION: u8 = 1;

/// Everything of an owner. No tenant has the empty name, which is the host's.
pub(crate) fn owner(owner: &Owner) -> Vec<u8> {
    match owner {
        Owner::Tenant(tenant) => key::tenant(tenant),
        Owner::Host => vec![0],
    }
}

/// The owner that a key begins with, and the rest of it.
pub(super) fn split_owner(key: &[u8]) -> Option<(Owner, &[u8])> {
    let (name, rest) = split_name(key)?;
    let owner = if name.is_empty() { Owner::Host } else { Owner::Tenant(name.parse().ok()?) };
    Some((owner, rest))
}

/// The sealed fields of the object that a place is in, whatever its field and generation.
pub(crate) fn fields(rows: &impl Rows, place: &Place) -> Result<Vec<Sealed>, StoreError> {
    let prefix = object(place);
    let behind = key::behind(&prefix);
    rows.range(prefix.as_slice()..behind.as_slice())
        .disk()?
        .map(|row| row.disk().and_then(|(key, row)| read(key.value(), row.value())))
        .collect()
}

/// Replaces all sealed fields of the object that a place is in. They must have been sealed for it
/// and its generation.
pub(crate) fn replace(
    writes: &mut Writes,
    tables: &Tables<'_>,
    place: &Place,
    sealed: &[Sealed],
) -> Result<(), StoreError> {
    check::batch("sealed secrets", sealed.len(), SECRETS_MAX)?;
    let mut names = BTreeSet::new();
    for one in sealed {
        let field = one.place.field.as_str();
        if one.place != (Place { field: field.to_owned(), ..place.clone() }) {
            let (place, generation) =
                (Place { field: field.to_owned(), ..place.clone() }, place.generation);
            return Err(check::invalid(format!(
                "a secret that is to be {place} of generation {generation} was sealed for \
                 generation {} of {}; seal it for where it belongs",
                one.place.generation, one.place
            )));
        }
        if !names.insert(field) {
            return Err(check::invalid(format!("the secret '{field}' is given twice")));
        }
        check(one)?;
    }
    super::admit(tables, &place.owner, sealed.iter().filter_map(Sealed::key))?;
    remove(writes, tables, place)?;
    for one in sealed {
        put(writes, one);
    }
    Ok(())
}

/// Removes all sealed fields of the object that a place is in.
pub(crate) fn remove(
    writes: &mut Writes,
    tables: &Tables<'_>,
    place: &Place,
) -> Result<(), StoreError> {
    let prefix = object(place);
    let behind = key::behind(&prefix);
    for row in tables.sealed.range(prefix.as_slice()..behind.as_slice()).disk()? {
        writes.remove(Table::Sealed, row.disk()?.0.value());
    }
    Ok(())
}

/// Refuses what has not the layout of a sealed secret, or is too large.
pub(super) fn check(sealed: &Sealed) -> Result<(), StoreError> {
    let Place { object, field, .. } = &sealed.place;
    check::name("the name of what holds a secret", object)?;
    check::name("the name of a secret", field)?;
    let what = format!("the secret '{field}'");
    let bytes = sealed.bytes.len().saturating_sub(SEALED_BYTES_MIN);
    check::length(&what, bytes, 0, check::SECRET_BYTES_MAX)?;
    if sealed.key().is_none() {
        return Err(check::invalid(format!("{what} is not sealed; have the vault seal it")));
    }
    Ok(())
}

pub(super) fn put(writes: &mut Writes, sealed: &Sealed) {
    let mut row = Vec::with_capacity(1 + size_of::<u64>() + sealed.bytes.len());
    row.push(VERSION);
    row.extend_from_slice(&sealed.place.generation.to_be_bytes());
    row.extend_from_slice(&sealed.bytes);
    writes.put(Table::Sealed, &row_key(&sealed.place), &row);
}

pub(super) fn row_key(place: &Place) -> Vec<u8> {
    key::with(object(place), place.field.as_bytes())
}

/// Reads a row with its key.
pub(super) fn read(key: &[u8], row: &[u8]) -> Result<Sealed, StoreError> {
    let damaged = || corrupt(Table::Sealed, Malformed::Shape);
    let mut rest = Cursor(row);
    match rest.byte() {
        Some(VERSION) => {}
        Some(version) => return Err(corrupt(Table::Sealed, Malformed::Version(version))),
        None => return Err(damaged()),
    }
    let generation = u64::from_be_bytes(rest.array().ok_or_else(damaged)?);
    let place = place(key, generation).ok_or_else(damaged)?;
    Ok(Sealed { place, bytes: Bytes::copy_from_slice(rest.0) })
}

fn place(key: &[u8], generation: u64) -> Option<Place> {
    let (owner, rest) = split_owner(key)?;
    let (&code, rest) = rest.split_first()?;
    let kind = KINDS.into_iter().find(|kind| self::code(*kind) == code)?;
    let (object, field) = split_name(rest)?;
    let (object, field) = (object.to_owned(), std::str::from_utf8(field).ok()?.to_owned());
    Some(Place { owner, kind, object, field, generation })
}

fn object(place: &Place) -> Vec<u8> {
    let mut key = key::with(owner(&place.owner), &[code(place.kind)]);
    key::push_name(&mut key, &place.object);
    key
}

const KINDS: [SecretKind; 3] = [SecretKind::Connection, SecretKind::App, SecretKind::Flow];

/// Never changes: it lies in keys on the disk.
fn code(kind: SecretKind) -> u8 {
    match kind {
        SecretKind::Connection => 1,
        SecretKind::App => 2,
        SecretKind::Flow => 3,
    }
}

fn split_name(key: &[u8]) -> Option<(&str, &[u8])> {
    let end = key.iter().position(|&byte| byte == 0)?;
    let (name, rest) = key.split_at_checked(end)?;
    Some((std::str::from_utf8(name).ok()?, rest.get(1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn places() -> impl Strategy<Value = Place> {
        let owner = prop_oneof![
            Just(Owner::Host),
            "[a-c][a-c.]{0,2}".prop_map(|name| Owner::Tenant(name.parse().unwrap())),
        ];
        let kind = prop::sample::select(KINDS.to_vec());
        (owner, kind, "[a-c/\u{1}é]{1,3}", "[a-c\u{0}é]{1,3}", any::<u64>()).prop_map(
            |(owner, kind, object, field, generation)| Place {
                owner,
                kind,
                object,
                field,
                generation,
            },
        )
    }

    proptest! {
        #[test]
        fn row_says_where_it_belongs(place in places(), bytes: Vec<u8>) {
            let sealed = Sealed { place, bytes: bytes.into() };
            let mut row = vec![VERSION];
            row.extend_from_slice(&sealed.place.generation.to_be_bytes());
            row.extend_from_slice(&sealed.bytes);
            prop_assert_eq!(read(&row_key(&sealed.place), &row).unwrap(), sealed);
        }

        #[test]
        fn places_have_keys_of_their_own(a in places(), b in places()) {
            let same = Place { generation: b.generation, ..a.clone() } == b;
            prop_assert_eq!(row_key(&a) == row_key(&b), same);
            prop_assert!(row_key(&a).starts_with(&object(&a)));
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(key: Vec<u8>, row: Vec<u8>) {
            prop_assert!(read(&key, &row).is_err() || row.len() >= 9);
        }
    }
}
