//! Rows of the queues beside that of a session.

use bytes::Bytes;
use model::queue::{Death, Failure, JobId, Queue};
use model::store::StoreError;
use model::{ConnectionId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::codec::{Cursor, Malformed, corrupt, json};
use crate::tables::Table;

/// A queued job without its payload; nothing of it changes.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub(super) struct JobRow {
    pub(super) id: JobId,
    pub(super) enqueued: Timestamp,
    /// Not before, where this is another instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) run_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) connection: Option<ConnectionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) package: Option<String>,
    /// Dedupe keys that it holds until it is finished.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) dedupe: Vec<String>,
}

impl JobRow {
    /// Not before, unless it was tried and is to wait longer.
    pub(super) fn due(&self) -> Timestamp {
        self.run_at.unwrap_or(self.enqueued)
    }

    /// version 1 and JSON, its length before it in 4 bytes · payload: the rest.
    pub(super) fn encode(&self, payload: &[u8]) -> Result<Vec<u8>, StoreError> {
        let header = json::encode(self)?;
        let length = u32::try_from(header.len()).unwrap_or(u32::MAX);
        let mut row = Vec::with_capacity(4 + header.len() + payload.len());
        row.extend_from_slice(&length.to_be_bytes());
        row.extend_from_slice(&header);
        row.extend_from_slice(payload);
        Ok(row)
    }

    /// The row and its payload.
    pub(super) fn decode(row: &[u8]) -> Result<(Self, &[u8]), StoreError> {
        let mut rest = Cursor(row);
        let mut header = || {
            let length = usize::try_from(u32::from_be_bytes(rest.array()?)).ok()?;
            rest.take(length)
        };
        let header = header().ok_or_else(|| corrupt(Table::Jobs, Malformed::Shape))?;
        Ok((json::decode(Table::Jobs, header)?, rest.0))
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
            run_at: Some(Timestamp::MAX),
            connection: Some("hub".parse().unwrap()),
            package: None,
            dedupe: vec!["key".to_owned()],
        };
        for payload in [&b""[..], b"\0\xff", b"{}"] {
            let row = job.encode(payload).unwrap();
            assert_eq!(JobRow::decode(&row).unwrap(), (job.clone(), payload));
            let cut = JobRow::decode(&row[..20]).unwrap_err();
            assert_eq!(cut.kind(), StoreErrorKind::Corrupt);
        }
    }

    proptest! {
        #[test]
        fn arbitrary_rows_do_not_panic(row: Vec<u8>) {
            prop_assert!(JobRow::decode(&row).is_err());
        }
    }
}
