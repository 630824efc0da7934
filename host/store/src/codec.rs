//! How keys and values lie on the disk.
//!
//! The first byte of every value is the version of its encoding, but for payloads of dead letters,
//! which are kept as they came, and rows that say nothing beside their key. Records, canonical
//! records, jobs and members have layouts of their own; all others are JSON, to which fields can be
//! added without a new version.

pub(crate) mod attached;
pub(crate) mod canonical;
pub(crate) mod cursor;
pub(crate) mod json;
pub(crate) mod key;
pub(crate) mod record;

use model::Timestamp;
use model::store::{StoreError, StoreErrorKind};

use crate::tables::Table;

/// Why a row does not decode.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Malformed {
    /// Its first byte is the version of a newer program.
    Version(u8),
    /// It is cut or scrambled.
    Shape,
}

/// The error of a row that does not decode.
pub(crate) fn corrupt(table: Table, malformed: Malformed) -> StoreError {
    let name = table.name();
    let message = match malformed {
        Malformed::Version(version) => format!(
            "a row of the table '{name}' has the format {version}, which this program does not \
             know; use the newer program that wrote it"
        ),
        Malformed::Shape => format!(
            "a row of the table '{name}' does not decode; restore the data directory from a backup"
        ),
    };
    StoreError::new(StoreErrorKind::Corrupt, message)
}

/// Reads a value from its front.
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn timestamp(&mut self) -> Option<Timestamp> {
        let second = i64::from_be_bytes(self.array()?);
        let nanosecond = i32::from_be_bytes(self.array()?);
        Timestamp::new(second, nanosecond).ok()
    }
}

/// Appends an instant, to the nanosecond.
pub(crate) fn push_timestamp(out: &mut Vec<u8>, at: Timestamp) {
    out.extend_from_slice(&timestamp(at));
}

/// An instant as it lies in a value.
pub(crate) fn timestamp(at: Timestamp) -> [u8; TIMESTAMP_BYTES] {
    let mut bytes = [0; TIMESTAMP_BYTES];
    let (second, nanosecond) = bytes.split_at_mut(8);
    second.copy_from_slice(&at.as_second().to_be_bytes());
    nanosecond.copy_from_slice(&at.subsec_nanosecond().to_be_bytes());
    bytes
}

pub(crate) const TIMESTAMP_BYTES: usize = 12;
