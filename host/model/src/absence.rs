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

/// A read that shows next to none of at least this many records is questioned, however few they
/// are: an account that has lost its permission looks the same.
pub const EMPTIED_COUNT_MIN: u64 = 10;

/// The share of the records, in percent, up to which a read shows next to none: what an account
/// sees without its permission is at times not nothing, but the few records that are everybody's.
pub const EMPTIED_SHOWN_PERCENT_MAX: u64 = 10;

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

    /// What becomes of the absent records, after what a person was asked about and has said.
    pub fn fate(self, asked: Option<&HeldDeletions>) -> Fate {
        let Some((asked, decision)) = asked.and_then(|asked| Some((asked, asked.decision?))) else {
            return if self.is_usual() { Fate::Deleted } else { Fate::Held };
        };
        // What was unusual when a person has kept it stays so, however the account has grown.
        let then = Self { live: asked.live, absent: self.absent };
        let kept_then = decision == Decision::Discarded && !then.is_usual();
        let more_max = asked.absent.saturating_add(self.usual_max());
        match decision {
            _ if self.is_usual() && !kept_then => Fate::Deleted,
            Decision::Approved if self.absent <= asked.absent => Fate::Deleted,
            Decision::Discarded if self.absent <= more_max => Fate::Kept,
            Decision::Approved | Decision::Discarded => Fate::Held,
        }
    }

    fn is_usual(self) -> bool {
        let shown = self.live.saturating_sub(self.absent);
        let emptied = self.live >= EMPTIED_COUNT_MIN
            && u128::from(shown) * 100
                <= u128::from(self.live) * u128::from(EMPTIED_SHOWN_PERCENT_MAX);
        self.absent <= self.usual_max() && !emptied
    }

    fn usual_max(self) -> u64 {
        (self.live / 100).saturating_mul(ABSENT_PERCENT_MAX).max(ABSENT_COUNT_MAX)
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
    /// well. Once no more are missing than was usual when it was asked, those are deleted as ever.
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
    fn check(absent: u64, live: u64, expected: Fate) {
        assert_eq!(AbsenceCount { live, absent }.fate(None), expected, "{absent} of {live}");
    }

    #[test]
    fn usual_number_is_deleted_and_more_is_held() {
        check(0, 0, Fate::Deleted);
        check(0, 50, Fate::Deleted);
        check(100, 120, Fate::Deleted);
        check(101, 120, Fate::Held);
        check(200, 1000, Fate::Deleted);
        check(201, 1000, Fate::Held);
        check(u64::MAX, u64::MAX, Fate::Held);
    }

    #[test]
    fn emptied_account_is_held_however_small_it_was() {
        check(9, 9, Fate::Deleted);
        check(10, 10, Fate::Held);
        check(9, 10, Fate::Held);
        check(8, 10, Fate::Deleted);
        check(17, 19, Fate::Deleted);
        check(18, 20, Fate::Held);
        check(98, 100, Fate::Held);
    }

    /// What a person has said of so many of so many, and what becomes of so many of so many then.
    #[track_caller]
    fn check_word(decision: Decision, asked: (u64, u64), found: (u64, u64), expected: Fate) {
        let asked = HeldDeletions {
            connection: "hub".parse().unwrap(),
            entity: "contact".to_owned(),
            run: RunId(1),
            absent: asked.0,
            live: asked.1,
            since: Timestamp::UNIX_EPOCH,
            decision: Some(decision),
        };
        let count = AbsenceCount { absent: found.0, live: found.1 };
        assert_eq!(count.fate(Some(&asked)), expected, "{decision:?} {asked:?} {found:?}");
    }

    #[test]
    fn word_of_a_person_goes_as_far_as_it_was_given() {
        let (approved, discarded) = (Decision::Approved, Decision::Discarded);
        check_word(approved, (500, 1000), (500, 1000), Fate::Deleted);
        check_word(approved, (500, 1000), (501, 1000), Fate::Held);
        check_word(approved, (10, 10), (10, 10), Fate::Deleted);
        check_word(discarded, (500, 1000), (500, 1000), Fate::Kept);
        check_word(discarded, (500, 1000), (700, 1000), Fate::Kept);
        check_word(discarded, (500, 1000), (701, 1000), Fate::Held);
        check_word(discarded, (500, 1000), (100, 1000), Fate::Deleted);
    }

    #[test]
    fn what_a_person_has_kept_is_not_deleted_because_the_account_has_grown() {
        let discarded = Decision::Discarded;
        check_word(discarded, (150, 400), (150, 1000), Fate::Kept);
        check_word(discarded, (150, 400), (101, 1000), Fate::Kept);
        check_word(discarded, (150, 400), (100, 1000), Fate::Deleted);
        check_word(discarded, (10, 10), (10, 50), Fate::Kept);
        check_word(discarded, (10, 10), (8, 50), Fate::Deleted);
        check_word(discarded, (150, 400), (350, 1000), Fate::Kept);
        check_word(discarded, (150, 400), (351, 1000), Fate::Held);
    }
}
