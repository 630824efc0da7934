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

impl AbsenceCount {
    /// Adds what another lane of the entity counts.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            live: self.live.saturating_add(other.live),
            absent: self.absent.saturating_add(other.absent),
        }
    }

    /// What becomes of the absent records, after what a person has said of how many.
    pub fn fate(self, decided: Option<(Decision, u64)>) -> Fate {
        let usual = Self::usual(self.live);
        let emptied = self.absent == self.live && self.live >= EMPTIED_COUNT_MIN;
        if self.absent <= usual && !emptied {
            return Fate::Deleted;
        }
        match decided {
            Some((Decision::Approved, asked)) if self.absent <= asked => Fate::Deleted,
            Some((Decision::Discarded, asked)) if self.absent <= asked.saturating_add(usual) => {
                Fate::Kept
            }
            _ => Fate::Held,
        }
    }

    fn usual(live: u64) -> u64 {
        (live / 100).saturating_mul(ABSENT_PERCENT_MAX).max(ABSENT_COUNT_MAX)
    }
}

/// What becomes of absent records.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// They are gone.
    Deleted,
    /// They stay until a person has decided.
    Held,
    /// They stay, for a person has said so.
    Kept,
}

/// What was found absent, and what became of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Judged {
    /// Records that were not gone before.
    pub live: u64,
    /// Those of them that are absent.
    pub absent: u64,
    /// What became of them.
    pub fate: Fate,
}

/// Deletions of one entity that wait for a person, or for the run that acts on its word.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct HeldDeletions {
    /// Of which connection.
    pub connection: ConnectionId,
    /// The entity that was read.
    pub entity: String,
    /// The run that has asked about them; later ones that find no more hold the same.
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
    /// They are not: they stay, and nobody is asked unless more than a usual number go missing as
    /// well. Once no more than a usual number are missing, those are deleted as ever.
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

    /// Decides about the deletions that a run holds, of all its entities; which they are. The next
    /// run of the connection acts on it.
    async fn decide_held(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
        run: RunId,
        decision: Decision,
    ) -> Result<Vec<HeldDeletions>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(absent: u64, live: u64, decided: Option<(Decision, u64)>, expected: Fate) {
        assert_eq!(AbsenceCount { live, absent }.fate(decided), expected, "{absent} of {live}");
    }

    #[test]
    fn usual_number_is_deleted_and_more_is_held() {
        check(0, 0, None, Fate::Deleted);
        check(0, 50, None, Fate::Deleted);
        check(100, 120, None, Fate::Deleted);
        check(101, 120, None, Fate::Held);
        check(200, 1000, None, Fate::Deleted);
        check(201, 1000, None, Fate::Held);
        check(u64::MAX, u64::MAX, None, Fate::Held);
    }

    #[test]
    fn emptied_account_is_held_however_small_it_was() {
        check(9, 9, None, Fate::Deleted);
        check(10, 10, None, Fate::Held);
        check(10, 11, None, Fate::Deleted);
    }

    #[test]
    fn word_of_a_person_goes_as_far_as_it_was_given() {
        let (approved, discarded) = (Decision::Approved, Decision::Discarded);
        check(500, 1000, Some((approved, 500)), Fate::Deleted);
        check(501, 1000, Some((approved, 500)), Fate::Held);
        check(10, 10, Some((approved, 10)), Fate::Deleted);
        check(700, 1000, Some((discarded, 500)), Fate::Kept);
        check(701, 1000, Some((discarded, 500)), Fate::Held);
        check(100, 1000, Some((discarded, 500)), Fate::Deleted);
    }
}
