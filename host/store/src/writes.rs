//! What a change writes, decided and encoded, in one buffer.

use std::ops::Range;

use redb::Error;

use crate::tables::{Table, Tables};

/// Rows to put and to remove, in order.
#[derive(Default)]
pub(crate) struct Writes {
    bytes: Vec<u8>,
    rows: Vec<Row>,
}

struct Row {
    table: Table,
    key: Range<usize>,
    /// Nothing: the row is removed.
    value: Option<Range<usize>>,
}

impl Writes {
    /// Writes over a buffer that holds keys and values already; see [`Self::put_at`].
    pub(crate) fn over(bytes: Vec<u8>) -> Self {
        Self { bytes, rows: Vec::new() }
    }

    /// Puts a row.
    pub(crate) fn put(&mut self, table: Table, key: &[u8], value: &[u8]) {
        let (key, value) = (self.push(key), self.push(value));
        self.put_at(table, key, value);
    }

    /// Puts a row whose key and value lie in the buffer.
    pub(crate) fn put_at(&mut self, table: Table, key: Range<usize>, value: Range<usize>) {
        self.rows.push(Row { table, key, value: Some(value) });
    }

    /// Removes a row.
    pub(crate) fn remove(&mut self, table: Table, key: &[u8]) {
        let key = self.push(key);
        self.rows.push(Row { table, key, value: None });
    }

    /// Appends bytes to the buffer.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    /// Bytes of the buffer.
    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Bytes of the buffer, to be changed in place.
    pub(crate) fn bytes_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        self.bytes.get_mut(range).unwrap_or_default()
    }

    /// Rows, and the bytes of their keys and values.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.rows.len(), self.bytes.len())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Performs the writes; nothing but the disk can stop them.
    pub(crate) fn apply(&self, tables: &mut Tables<'_>) -> Result<(), Error> {
        for row in &self.rows {
            let key = self.bytes(row.key.clone());
            let table = tables.of(row.table);
            match &row.value {
                Some(value) => drop(table.insert(key, self.bytes(value.clone()))?),
                None => drop(table.remove(key)?),
            }
        }
        Ok(())
    }
}
