//! What a page changes, record by record: the pure rule and its tally.

use model::record::Removal;
use model::store::{EventKind, PageOutcome};

use crate::codec::record::{Fingerprint, Hash};

/// What a page says of a record.
#[derive(Clone, Copy, Debug)]
pub(super) enum Word {
    /// It is there, with this content.
    There(Hash),
    /// It is gone.
    Gone(Removal),
}

/// What that changes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Created,
    /// It was gone and came back.
    Restored,
    /// Its content changed, or it is gone for another reason than before.
    Updated,
    Unchanged,
    Deleted,
    /// It is gone and was never here: neither kept nor counted.
    NeverSeen,
}

impl Verdict {
    pub(super) fn of(old: Option<Fingerprint>, word: Word) -> Self {
        match (word, old) {
            (Word::There(_), None) => Self::Created,
            (Word::There(_), Some(Fingerprint { removed: Some(_), .. })) => Self::Restored,
            (Word::There(hash), Some(old)) if hash == old.hash => Self::Unchanged,
            (Word::There(_), Some(_)) => Self::Updated,
            (Word::Gone(_), None) => Self::NeverSeen,
            (Word::Gone(reason), Some(Fingerprint { removed: Some(old), .. })) => {
                if reason == old {
                    Self::Unchanged
                } else {
                    Self::Updated
                }
            }
            (Word::Gone(_), Some(_)) => Self::Deleted,
        }
    }

    pub(super) fn writes(self) -> bool {
        !matches!(self, Self::Unchanged | Self::NeverSeen)
    }

    pub(super) fn count(self, outcome: &mut PageOutcome) {
        match self {
            Self::Created | Self::Restored => outcome.inserted += 1,
            Self::Updated => outcome.updated += 1,
            Self::Unchanged => outcome.unchanged += 1,
            Self::Deleted => outcome.deleted += 1,
            Self::NeverSeen => {}
        }
    }
}

/// The counts of a page and its events, one for each entity that changed.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) outcome: PageOutcome,
    pub(super) events: Vec<EventKind>,
}

impl Tally {
    /// Notes what a verdict changes; those of one entity come together.
    pub(super) fn tell(&mut self, verdict: Verdict, entity: &str, id: &str) {
        if !verdict.writes() {
            return;
        }
        if !matches!(self.events.last(), Some(EventKind::RecordsChanged { entity: last, .. }) if last == entity)
        {
            self.events.push(EventKind::RecordsChanged {
                entity: entity.to_owned(),
                created: Vec::new(),
                updated: Vec::new(),
                deleted: Vec::new(),
                restored: Vec::new(),
            });
        }
        let Some(EventKind::RecordsChanged { created, updated, deleted, restored, .. }) =
            self.events.last_mut()
        else {
            return;
        };
        match verdict {
            Verdict::Created => created.push(id.to_owned()),
            Verdict::Restored => restored.push(id.to_owned()),
            Verdict::Updated => updated.push(id.to_owned()),
            Verdict::Deleted => deleted.push(id.to_owned()),
            Verdict::Unchanged | Verdict::NeverSeen => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use model::canonical::Link;

    use super::*;

    const HASH: Hash = [1; 16];
    const OTHER: Hash = [2; 16];

    #[track_caller]
    fn check(old: Option<(Hash, Option<Removal>)>, word: Word, expected: Verdict) {
        let old = old.map(|(hash, removed)| Fingerprint { hash, removed, link: Link::default() });
        assert_eq!(Verdict::of(old, word), expected, "{old:?} {word:?}");
    }

    #[test]
    fn record_is_judged_by_its_hash_and_whether_it_was_gone() {
        check(None, Word::There(HASH), Verdict::Created);
        check(Some((HASH, None)), Word::There(HASH), Verdict::Unchanged);
        check(Some((OTHER, None)), Word::There(HASH), Verdict::Updated);
        check(Some((HASH, Some(Removal::Archived))), Word::There(HASH), Verdict::Restored);
        check(Some((OTHER, Some(Removal::Deleted))), Word::There(HASH), Verdict::Restored);
    }

    #[test]
    fn tombstone_is_judged_by_what_was_there_and_why_it_went() {
        let gone = Word::Gone(Removal::Deleted);
        check(None, gone, Verdict::NeverSeen);
        check(Some((HASH, None)), gone, Verdict::Deleted);
        check(Some((HASH, Some(Removal::Deleted))), gone, Verdict::Unchanged);
        check(Some((HASH, Some(Removal::Archived))), gone, Verdict::Updated);
    }
}
