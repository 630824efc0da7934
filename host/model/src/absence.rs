//! Deletions that only the absence from a full read tells, and the valve on them.
//!
//! A full read of a lane is a generation: the records that it meets are noted as its members.
//! Once the provider has shown everything, members of older generations are absent, and gone.
//! A provider that by mistake shows little must not empty the store, so what is out of proportion
//! is held until a person has looked at it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::store::{Lane, StoreError};
use crate::{ConnectionId, RunId, TenantId, Timestamp};

/// So many absent records are deleted without a question however few there are.
pub const ABSENT_COUNT_MAX: u64 = 100;

/// The share of the records, in percent, that is deleted without a question. Accounts lose
/// records by cleaning up, not by fifths between two reads.
pub const ABSENT_PERCENT_MAX: u64 = 20;

/// A read that shows none of at least this many records is questioned, however few they are: an
/// account that has lost its permission looks the same.
pub const EMPTIED_COUNT_MIN: u64 = 10;

/// Which members of a generation are asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AbsenceQuery {
    /// Whose.
    pub tenant: TenantId,
    /// Of which connection.
    pub connection: ConnectionId,
    /// The lane that was read in full.
    pub lane: Lane,
    /// The entity of the records.
    pub entity: String,
    /// The full read.
    pub generation: RunId,
    /// Records that the store has changed since then are not absent: the provider may show them
    /// to other readers before it does to a full read.
    pub stored_before: Timestamp,
}

/// How many records a full read was about.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct AbsenceCount {
    /// Records that are not gone.
    pub live: u64,
    /// Those of them that are absent.
    pub absent: u64,
}

/// What was found absent, and what became of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Judged {
    /// Records that were not gone before.
    pub live: u64,
    /// Those of them that are absent.
    pub absent: u64,
    /// Whether they are held instead of deleted.
    pub held: bool,
}

/// Deletions of one entity that wait for a person, or for the run that acts on its word.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct HeldDeletions {
    /// Of which connection.
    pub connection: ConnectionId,
    /// The entity that was read.
    pub entity: String,
    /// The run that has held them last.
    pub run: RunId,
    /// How many are absent,
    pub absent: u64,
    /// of so many.
    pub live: u64,
    /// Since when.
    pub since: Timestamp,
    /// What a person has said.
    pub decision: Option<Decision>,
}

/// What a person says about held deletions.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// They are gone: the next run deletes as many as were held, and no more.
    Approved,
    /// They are not: until the provider shows them again nothing of the entity is deleted for
    /// being absent, and nobody is asked unless more than a usual number go missing as well.
    Discarded,
}

/// What the store knows of absence.
#[async_trait]
pub trait AbsenceStore: Send + Sync {
    /// Counts the members of a lane and those that are absent.
    async fn count_absent(&self, query: AbsenceQuery) -> Result<AbsenceCount, StoreError>;

    /// Lists ids of absent records in their order, from the one after `after`.
    async fn absent(
        &self,
        query: AbsenceQuery,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError>;

    /// Lists held deletions of a tenant, or of one connection.
    async fn held(
        &self,
        tenant: &TenantId,
        connection: Option<&ConnectionId>,
    ) -> Result<Vec<HeldDeletions>, StoreError>;

    /// Decides about the deletions that a run has held, of all its entities; which they were. The
    /// next run of the connection acts on it.
    async fn decide_held(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
        run: RunId,
        decision: Decision,
    ) -> Result<Vec<HeldDeletions>, StoreError>;
}
