//! What a change has decided so far, laid over the tables, so that its later steps see it.

use std::collections::BTreeMap;
use std::ops::Bound;

use model::store::StoreError;
use redb::ReadableTable as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::json;
use crate::disk::Disk as _;
use crate::tables::{Table, Tables};
use crate::writes::Writes;

pub(super) struct Draft<'t> {
    tables: &'t Tables<'t>,
    /// Nothing: the row is removed.
    rows: BTreeMap<Table, BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
}

/// A row as it lies in a table.
type Row = (Vec<u8>, Vec<u8>);

impl<'t> Draft<'t> {
    pub(super) fn new(tables: &'t Tables<'t>) -> Self {
        Self { tables, rows: BTreeMap::new() }
    }

    /// The tables as they were before.
    pub(super) fn tables(&self) -> &'t Tables<'t> {
        self.tables
    }

    pub(super) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(row) = self.rows.get(&table).and_then(|rows| rows.get(key)) {
            return Ok(row.clone());
        }
        let row = self.tables.rows(table).get(key).disk()?;
        Ok(row.map(|row| row.value().to_vec()))
    }

    /// A row of JSON.
    pub(super) fn read<T: DeserializeOwned>(
        &self,
        table: Table,
        key: &[u8],
    ) -> Result<Option<T>, StoreError> {
        self.get(table, key)?.map(|row| json::decode(table, &row)).transpose()
    }

    pub(super) fn put(&mut self, table: Table, key: Vec<u8>, row: Vec<u8>) {
        self.rows.entry(table).or_default().insert(key, Some(row));
    }

    /// Puts a row of JSON.
    pub(super) fn write(
        &mut self,
        table: Table,
        key: Vec<u8>,
        row: &impl Serialize,
    ) -> Result<(), StoreError> {
        self.put(table, key, json::encode(row)?);
        Ok(())
    }

    pub(super) fn remove(&mut self, table: Table, key: Vec<u8>) {
        self.rows.entry(table).or_default().insert(key, None);
    }

    /// The first row from `from` on and before `behind`. What the draft has removed there is
    /// passed over row by row.
    pub(super) fn next(
        &self,
        table: Table,
        from: &[u8],
        behind: &[u8],
    ) -> Result<Option<Row>, StoreError> {
        let none = BTreeMap::new();
        let over = self.rows.get(&table).unwrap_or(&none);
        let own = over
            .range::<[u8], _>((Bound::Included(from), Bound::Excluded(behind)))
            .find_map(|(key, row)| Some((key, row.as_ref()?)));
        for row in self.tables.rows(table).range(from..behind).disk()? {
            let (key, row) = row.disk()?;
            let key = key.value();
            if own.is_some_and(|(own, _)| own.as_slice() < key) {
                break;
            }
            if !over.contains_key(key) {
                return Ok(Some((key.to_vec(), row.value().to_vec())));
            }
        }
        Ok(own.map(|(key, row)| (key.clone(), row.clone())))
    }

    /// Appends all of it to what is to be written.
    pub(super) fn close(self, writes: &mut Writes) {
        for (table, rows) in self.rows {
            for (key, row) in rows {
                match row {
                    Some(row) => writes.put(table, &key, &row),
                    None => writes.remove(table, &key),
                }
            }
        }
    }
}
