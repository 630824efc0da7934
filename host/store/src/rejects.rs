//! Rejects that were kept.

use std::collections::BTreeMap;

use bytes::Bytes;
use model::record::{ID_BYTES_MAX, Reject};
use model::store::{
    REJECTS_COUNTED_MAX, REJECTS_LISTED_MAX, RejectQuery, RunRef, StoreError, StoredReject,
};
use model::{Error, Timestamp};
use redb::ReadTransaction;
use serde::Deserialize;

use crate::canonical::Place;
use crate::codec::{Malformed, corrupt, json, key};
use crate::disk::Disk as _;
use crate::tables::{Rows, Table};
use crate::writes::Writes;

/// How much of the payload is kept, in bytes: enough to see what the provider sent.
const PAYLOAD_BYTES_MAX: usize = 64 << 10;

/// What one list looks at, in bytes; where it has found nothing by then it goes on to the first.
const LOOK_BYTES_MAX: usize = 16 << 20;

/// The reject as it is kept. Nothing about it is refused: what it tells is what went wrong, so
/// what is too long is cut.
pub(crate) fn keep(run: &RunRef, reject: Reject, at: Timestamp) -> StoredReject {
    StoredReject {
        connection: run.connection.clone(),
        run: run.id,
        entity: cut(reject.entity, ID_BYTES_MAX),
        id: reject.id.map(|id| cut(id, ID_BYTES_MAX)),
        error: reject.error,
        payload: reject.payload.map(|payload| text(&payload)),
        at,
    }
}

/// What is kept of a record that could not be mapped.
pub(crate) fn unmapped(
    run: &RunRef,
    place: Place<'_>,
    error: &Error,
    payload: &[u8],
    at: Timestamp,
) -> StoredReject {
    let reject = Reject {
        entity: place.entity.to_owned(),
        id: Some(place.id.to_owned()),
        error: error.clone(),
        payload: Some(Bytes::copy_from_slice(payload)),
    };
    keep(run, reject, at)
}

/// Appends rejects to those of the run.
pub(crate) fn put(
    writes: &mut Writes,
    rows: &impl Rows,
    run: &RunRef,
    rejects: &[StoredReject],
) -> Result<(), StoreError> {
    if rejects.is_empty() {
        return Ok(());
    }
    let prefix = key::run(&run.tenant, &run.connection, run.id);
    let behind = key::behind(&prefix);
    let mut range = rows.range(prefix.as_slice()..behind.as_slice()).disk()?;
    let last = range.next_back().transpose().disk()?;
    let first = last.and_then(|(key, _)| key::number(key.value())).map_or(0, |last| last + 1);
    for (number, reject) in (first..).zip(rejects) {
        let key = key::with(prefix.clone(), &number.to_be_bytes());
        writes.put(Table::Rejects, &key, &json::encode(reject)?);
    }
    Ok(())
}

/// Of a reject, what it is counted by; the rest of its row is passed over.
#[derive(Deserialize)]
struct Coded {
    error: Code,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

impl Coded {
    fn code(row: &[u8]) -> Result<String, StoreError> {
        let Self { error: Code { code } } = json::decode(Table::Rejects, row)?;
        Ok(code)
    }
}

/// Lists the rejects of a run with their numbers, in the order in which they came. A list ends
/// where it has become large, and where it has looked long for the next one.
pub(crate) fn list(
    snapshot: &ReadTransaction,
    query: &RejectQuery,
) -> Result<Vec<(u64, StoredReject)>, StoreError> {
    let RejectQuery { run, code, after, limit } = query;
    let prefix = key::run(&run.tenant, &run.connection, run.id);
    let behind = key::behind(&prefix);
    let from = match after {
        None => prefix,
        Some(after) => match after.checked_add(1) {
            Some(first) => key::with(prefix, &first.to_be_bytes()),
            None => return Ok(Vec::new()),
        },
    };
    let (mut list, mut looked) = (Vec::new(), 0);
    let limit = (*limit).min(REJECTS_LISTED_MAX);
    for row in Table::Rejects.read(snapshot)?.range(from.as_slice()..behind.as_slice()).disk()? {
        if list.len() >= limit || (looked >= LOOK_BYTES_MAX && !list.is_empty()) {
            break;
        }
        let (key, row) = row.disk()?;
        looked += row.value().len();
        if let Some(code) = code
            && Coded::code(row.value())? != *code
        {
            continue;
        }
        let number = key::number(key.value());
        let number = number.ok_or_else(|| corrupt(Table::Rejects, Malformed::Shape))?;
        list.push((number, json::decode(Table::Rejects, row.value())?));
    }
    Ok(list)
}

/// Counts the rejects of a run by their codes.
pub(crate) fn codes(
    snapshot: &ReadTransaction,
    run: &RunRef,
) -> Result<BTreeMap<String, u64>, StoreError> {
    let prefix = key::run(&run.tenant, &run.connection, run.id);
    let behind = key::behind(&prefix);
    let rows = Table::Rejects.read(snapshot)?;
    let rows = rows.range(prefix.as_slice()..behind.as_slice()).disk()?;
    let mut codes = BTreeMap::new();
    for row in rows.take(REJECTS_COUNTED_MAX) {
        *codes.entry(Coded::code(row.disk()?.1.value())?).or_default() += 1;
    }
    Ok(codes)
}

fn text(payload: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(payload) {
        return text[..text.floor_char_boundary(PAYLOAD_BYTES_MAX)].to_owned();
    }
    let head = payload.get(..PAYLOAD_BYTES_MAX).unwrap_or(payload);
    cut(String::from_utf8_lossy(head).into_owned(), PAYLOAD_BYTES_MAX)
}

fn cut(mut text: String, max: usize) -> String {
    text.truncate(text.floor_char_boundary(max));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(payload: &[u8], expected: &str) {
        assert_eq!(text(payload), expected);
    }

    #[test]
    fn payload_is_kept_as_text_up_to_its_limit() {
        check(b"{}", "{}");
        check(b"a\xffb", "a\u{fffd}b");
        check(&vec![b'x'; PAYLOAD_BYTES_MAX + 1], &"x".repeat(PAYLOAD_BYTES_MAX));
    }

    #[test]
    fn cut_falls_between_two_characters() {
        let long = format!("x{}", "é".repeat(PAYLOAD_BYTES_MAX));
        assert_eq!(text(long.as_bytes()).len(), PAYLOAD_BYTES_MAX - 1);
        let replaced = text(&vec![0xff; 2 * PAYLOAD_BYTES_MAX]);
        assert!(replaced.len() <= PAYLOAD_BYTES_MAX && replaced.chars().all(|c| c == '\u{fffd}'));
    }
}
