//! Rows of the queues beside that of a session.

use bytes::Bytes;
use model::queue::{Death, Failure, JobId, Queue};
use model::store::StoreError;
use model::{ConnectionId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::codec::{Cursor, Malformed, corrupt, push_timestamp};
use crate::tables::Table;

const VERSION: u8 = 1;

/// A row without its payload, roughly; a guess that saves growing the buffer.
const ROW_BYTES: usize = 128;

/// A queued job without its payload; nothing of it changes.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub(super) struct JobRow {
    pub(super) id: JobId,
    pub(super) enqueued: Timestamp,
    /// Not before, unless it was tried and is to wait longer.
    pub(super) due: Timestamp,
    pub(super) connection: Option<ConnectionId>,
    pub(super) package: Option<String>,
    /// Dedupe keys that it holds until it is finished.
    pub(super) dedupe: Vec<String>,
}

impl JobRow {
    /// The hot row of a queue: version 1 · id 8 · enqueued 12 · due 12 · number of texts 1 · each
    /// text: length 2, text · payload: the rest. The texts are connection, package, dedupe keys;
    /// an empty one is none.
    pub(super) fn encode(&self, payload: &[u8]) -> Vec<u8> {
        let connection = self.connection.as_ref().map_or("", ConnectionId::as_str);
        let package = self.package.as_deref().unwrap_or_default();
        let texts = [connection, package].into_iter();
        let texts: Vec<&str> = texts.chain(self.dedupe.iter().map(String::as_str)).collect();
        let mut row = Vec::with_capacity(ROW_BYTES + payload.len());
        row.push(VERSION);
        row.extend_from_slice(&self.id.0.to_be_bytes());
        push_timestamp(&mut row, self.enqueued);
        push_timestamp(&mut row, self.due);
        row.push(u8::try_from(texts.len()).unwrap_or(u8::MAX));
        for text in texts {
            let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
            row.extend_from_slice(&length.to_be_bytes());
            row.extend_from_slice(text.as_bytes());
        }
        row.extend_from_slice(payload);
        row
    }

    /// The row and its payload.
    pub(super) fn decode(row: &[u8]) -> Result<(Self, &[u8]), StoreError> {
        let malformed = match row.first() {
            Some(&version) if version != VERSION => Malformed::Version(version),
            _ => Malformed::Shape,
        };
        let mut rest = Cursor(row);
        Self::parse(&mut rest)
            .map(|job| (job, rest.0))
            .ok_or_else(|| corrupt(Table::Jobs, malformed))
    }

    fn parse(rest: &mut Cursor<'_>) -> Option<Self> {
        rest.byte().filter(|&version| version == VERSION)?;
        let id = JobId(u64::from_be_bytes(rest.array()?));
        let (enqueued, due) = (rest.timestamp()?, rest.timestamp()?);
        let count = rest.byte()?.checked_sub(2)?;
        let mut text = || {
            let length = usize::from(u16::from_be_bytes(rest.array()?));
            std::str::from_utf8(rest.take(length)?).ok()
        };
        let (connection, package) = (text()?, text()?);
        let connection = if connection.is_empty() { None } else { Some(connection.parse().ok()?) };
        let package = (!package.is_empty()).then(|| package.to_owned());
        let dedupe = (0..count).map(|_| text().map(str::to_owned)).collect::<Option<_>>()?;
        Some(Self { id, enqueued, due, connection, package, dedupe })
    }
}

/// A dead letter without its payload, so that many can be looked through.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub(super) struct Letter {
    pub(super) queue: Queue,
    pub(super) session: String,
    pub(super) job: JobRow,
    pub(super) attempts: u32,
    pub(super) failures: Vec<Failure>,
    pub(super) why: Death,
    pub(super) died: Timestamp,
}

/// Who holds a dedupe key.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Holder {
    pub(super) job: JobId,
    /// Nothing: until the job is finished.
    pub(super) until: Option<Timestamp>,
}

/// A package that may not work on a session.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Quarantine {
    pub(super) digest: String,
    /// The letter that ends it.
    pub(super) job: JobId,
}

/// A queued job and its payload, taken out of its row.
pub(super) fn job(row: &[u8]) -> Result<(JobRow, Bytes), StoreError> {
    JobRow::decode(row).map(|(job, payload)| (job, Bytes::copy_from_slice(payload)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::store::StoreErrorKind;
    use proptest::prelude::*;

    #[test]
    fn job_comes_back_with_its_payload() {
        let job = JobRow {
            id: JobId(7),
            enqueued: Timestamp::UNIX_EPOCH,
            due: Timestamp::MAX,
            connection: Some("hub".parse().unwrap()),
            package: None,
            dedupe: vec!["key".to_owned()],
        };
        for payload in [&b""[..], b"\0\xff", b"{}"] {
            let row = job.encode(payload);
            assert_eq!(JobRow::decode(&row).unwrap(), (job.clone(), payload));
            for damaged in [&row[..20], b"", b"\x09"] {
                let error = JobRow::decode(damaged).unwrap_err();
                assert_eq!(error.kind(), StoreErrorKind::Corrupt);
            }
        }
    }

    proptest! {
        #[test]
        fn arbitrary_rows_do_not_panic(mut row: Vec<u8>, known: bool) {
            if let (true, Some(version)) = (known, row.first_mut()) {
                *version = VERSION;
            }
            drop(JobRow::decode(&row));
        }
    }
}
