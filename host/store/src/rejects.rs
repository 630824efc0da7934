//! Rejects that were kept.

use bytes::Bytes;
use model::record::{ID_BYTES_MAX, Reject};
use model::store::{REJECTS_LISTED_MAX, RunRef, StoreError, StoredReject};
use model::{Error, Timestamp};
use redb::ReadTransaction;

use crate::canonical::Place;
use crate::codec::{json, key};
use crate::disk::Disk as _;
use crate::tables::{Rows, Table};
use crate::writes::Writes;

/// How much of the payload is kept, in bytes: enough to see what the provider sent.
const PAYLOAD_BYTES_MAX: usize = 64 << 10;

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

/// Lists the rejects of a run, in the order in which they came.
pub(crate) fn list(
    snapshot: &ReadTransaction,
    run: &RunRef,
    limit: usize,
) -> Result<Vec<StoredReject>, StoreError> {
    let prefix = key::run(&run.tenant, &run.connection, run.id);
    let behind = key::behind(&prefix);
    Table::Rejects
        .read(snapshot)?
        .range(prefix.as_slice()..behind.as_slice())
        .disk()?
        .take(limit.min(REJECTS_LISTED_MAX))
        .map(|row| json::decode(Table::Rejects, row.disk()?.1.value()))
        .collect()
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
