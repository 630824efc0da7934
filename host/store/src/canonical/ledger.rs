//! The canonical records that one change touches, as it leaves them.
//!
//! A change decides everything before it writes, so what its first record has made is not in the
//! tables when its second one looks; it is here.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry as Slot};

use model::canonical::{
    IdentityKey, LINKS_MAX, Link, Mapped, Outcome, RecordId, RelationshipStatus,
};
use model::run::Run;
use model::store::{EventKind, PageOutcome, StoreError};
use model::{ConnectionId, Timestamp};
use redb::ReadableTable as _;

use super::is_live;
use super::merge::{self, NoObject};
use crate::codec::canonical::{Canonical, LinkRow};
use crate::codec::{self, Malformed, corrupt, key};
use crate::disk::Disk as _;
use crate::tables::{Table, Tables};
use crate::writes::Writes;

/// How many canonical records of one identity are looked at. They are more than one only where
/// several records of one connection share it, or more records than one may have links, and then
/// none of those is more right than another.
const CANDIDATES_MAX: usize = 16;

/// A record of the provider.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) entity: &'a str,
    pub(crate) id: &'a str,
}

/// What became of a canonical record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Effect {
    Created,
    Updated,
    Deleted,
    Restored,
    Unchanged,
}

impl Effect {
    pub(crate) fn count(self, outcome: &mut PageOutcome) {
        match self {
            Self::Created | Self::Restored => outcome.inserted += 1,
            Self::Updated => outcome.updated += 1,
            Self::Deleted => outcome.deleted += 1,
            Self::Unchanged => outcome.unchanged += 1,
        }
    }

    fn between(before: Option<&Canonical>, now: &Canonical) -> Self {
        match before {
            None => Self::Created,
            Some(before) if before.removed && !now.removed => Self::Restored,
            Some(before) if !before.removed && now.removed => Self::Deleted,
            Some(before) if before.doc != now.doc => Self::Updated,
            Some(_) => Self::Unchanged,
        }
    }
}

/// The canonical records of one tenant that a change of one run touches.
pub(crate) struct Ledger<'a, 't> {
    tables: &'a Tables<'t>,
    run: &'a Run,
    at: Timestamp,
    entries: BTreeMap<RecordId, Entry>,
    /// That of the newest record, once it was looked for.
    number: Option<u64>,
    /// Identities of what the change has made.
    known: BTreeSet<(IdentityKey, RecordId)>,
}

struct Entry {
    before: Option<Canonical>,
    now: Canonical,
}

impl<'a, 't> Ledger<'a, 't> {
    pub(crate) fn open(tables: &'a Tables<'t>, run: &'a Run, at: Timestamp) -> Self {
        let (entries, known) = (BTreeMap::new(), BTreeSet::new());
        Self { tables, run, at, entries, number: None, known }
    }

    /// Takes in what was made of a record that is there.
    pub(crate) fn take(
        &mut self,
        place: Place<'_>,
        old: Link,
        outcome: &Outcome,
    ) -> Result<(Link, Effect), StoreError> {
        let schema = outcome.schema();
        if let Outcome::Mapped(mapped) = outcome {
            let id = self.find(place, old.record, mapped)?;
            let effect = self.put(id, place, mapped)?;
            return Ok((Link { schema, rejected: false, record: Some(id) }, effect));
        }
        let effect = self.mark(place, old, RelationshipStatus::Unmapped)?;
        Ok((Link { schema, rejected: schema.is_some(), record: old.record }, effect))
    }

    /// Takes in that a record is gone.
    pub(crate) fn remove(&mut self, place: Place<'_>, link: Link) -> Result<Effect, StoreError> {
        self.mark(place, link, RelationshipStatus::Removed)
    }

    /// Writes all that is another than before, and tells it.
    pub(crate) fn close(self, writes: &mut Writes) -> Vec<EventKind> {
        let mut events = Events::default();
        for (id, Entry { before, mut now }) in self.entries {
            if before.as_ref() == Some(&now) {
                continue;
            }
            let effect = Effect::between(before.as_ref(), &now);
            if effect != Effect::Unchanged {
                now.changed = self.at;
                events.push(&now.record_type, effect, id);
            }
            let tenant = &self.run.tenant;
            if before.is_none() {
                let key = key::with(key::record_type(tenant, &now.record_type), id.as_bytes());
                writes.put(Table::RecordTypes, &key, &[]);
            }
            let (old, new) =
                (before.as_ref().map(identities).unwrap_or_default(), identities(&now));
            let known = |by| key::with(key::identity(tenant, by), id.as_bytes());
            for identity in old.difference(&new) {
                writes.remove(Table::Identities, &known(*identity));
            }
            for identity in new.difference(&old) {
                writes.put(Table::Identities, &known(*identity), &[]);
            }
            let row = codec::canonical::encode(&now);
            writes.put(Table::Canonical, &key::canonical(tenant, id), &row);
        }
        events.0.into_values().collect()
    }

    /// The canonical record that a mapped record belongs to; it need not be there yet.
    fn find(
        &mut self,
        place: Place<'_>,
        linked: Option<RecordId>,
        mapped: &Mapped,
    ) -> Result<RecordId, StoreError> {
        if let Some(id) = linked {
            if self.linked(id)?.record_type == mapped.record_type {
                return Ok(id);
            }
            self.detach(id, place)?;
        }
        let connection = &self.run.connection;
        for identity in &mapped.identities {
            for id in self.candidates(*identity)? {
                if admits(self.linked(id)?, *identity, mapped, connection, place) {
                    return Ok(id);
                }
            }
        }
        let number = self.number()?;
        Ok(RecordId::new(number, &self.run.tenant, connection, [place.entity, place.id]))
    }

    /// The number of the next record.
    fn number(&mut self) -> Result<u64, StoreError> {
        let last = match self.number {
            Some(last) => last,
            None => self.last_number()?,
        };
        let next = last.checked_add(1).ok_or_else(damaged)?;
        self.number = Some(next);
        Ok(next)
    }

    /// That of the newest record in the table: none is ever taken out, and numbers come first in
    /// ids.
    fn last_number(&self) -> Result<u64, StoreError> {
        let prefix = key::tenant(&self.run.tenant);
        let behind = key::behind(&prefix);
        let mut rows = self.tables.canonical.range(prefix.as_slice()..behind.as_slice()).disk()?;
        let last = rows.next_back().transpose().disk()?;
        let last = last.map(|(key, _)| key::record_id(key.value()).ok_or_else(damaged));
        Ok(last.transpose()?.map_or(0, |id| id.number()))
    }

    fn put(
        &mut self,
        id: RecordId,
        place: Place<'_>,
        mapped: &Mapped,
    ) -> Result<Effect, StoreError> {
        self.known.extend(mapped.identities.iter().map(|identity| (*identity, id)));
        let row = LinkRow {
            provider: self.run.package.clone(),
            connection: self.run.connection.to_string(),
            entity: place.entity.to_owned(),
            id: place.id.to_owned(),
            url: mapped.url.clone(),
            direction: mapped.direction,
            status: RelationshipStatus::Linked,
            identities: mapped.identities.clone(),
            doc: mapped.doc.clone(),
        };
        let Some(record) = self.load(id)? else {
            let now = Canonical {
                record_type: mapped.record_type.clone(),
                created: self.at,
                changed: self.at,
                removed: false,
                doc: mapped.doc.clone(),
                links: vec![row],
            };
            self.entries.insert(id, Entry { before: None, now });
            return Ok(Effect::Created);
        };
        let (removed, doc) = (record.removed, record.doc.clone());
        link(record, row).map_err(|NoObject| damaged())?;
        Ok(if removed {
            Effect::Restored
        } else if record.doc == doc {
            Effect::Unchanged
        } else {
            Effect::Updated
        })
    }

    /// Sets how the link of a record stands, if it has one.
    fn mark(
        &mut self,
        place: Place<'_>,
        link: Link,
        status: RelationshipStatus,
    ) -> Result<Effect, StoreError> {
        let Some(id) = link.record else { return Ok(Effect::Unchanged) };
        let run = self.run;
        let record = self.linked(id)?;
        let before = record.removed;
        for link in &mut record.links {
            if link.is(run.connection.as_str(), place.entity, place.id) {
                link.status = status;
            }
        }
        record.removed = !record.links.iter().any(is_live);
        Ok(match (before, record.removed) {
            (false, true) => Effect::Deleted,
            (true, false) => Effect::Restored,
            _ => Effect::Unchanged,
        })
    }

    /// Takes the link of a record away: its schema makes another type of it now.
    fn detach(&mut self, id: RecordId, place: Place<'_>) -> Result<(), StoreError> {
        let run = self.run;
        let record = self.linked(id)?;
        record.links.retain(|link| !link.is(run.connection.as_str(), place.entity, place.id));
        record.removed = !record.links.iter().any(is_live);
        Ok(())
    }

    fn candidates(&self, identity: IdentityKey) -> Result<Vec<RecordId>, StoreError> {
        let prefix = key::identity(&self.run.tenant, identity);
        let behind = key::behind(&prefix);
        let mut found = BTreeSet::new();
        let rows = self.tables.identities.range(prefix.as_slice()..behind.as_slice()).disk()?;
        for row in rows.take(CANDIDATES_MAX) {
            let id = key::record_id(row.disk()?.0.value());
            found.insert(id.ok_or_else(|| corrupt(Table::Identities, Malformed::Shape))?);
        }
        let (least, greatest) =
            (RecordId::from_bytes([0; 16]), RecordId::from_bytes([u8::MAX; 16]));
        let made = self.known.range((identity, least)..=(identity, greatest));
        found.extend(made.take(CANDIDATES_MAX).map(|(_, id)| *id));
        Ok(found.into_iter().collect())
    }

    /// A record that a row names; its absence is damage.
    fn linked(&mut self, id: RecordId) -> Result<&mut Canonical, StoreError> {
        self.load(id)?.ok_or_else(damaged)
    }

    fn load(&mut self, id: RecordId) -> Result<Option<&mut Canonical>, StoreError> {
        match self.entries.entry(id) {
            Slot::Occupied(entry) => Ok(Some(&mut entry.into_mut().now)),
            Slot::Vacant(slot) => {
                let key = key::canonical(&self.run.tenant, id);
                let Some(row) = self.tables.canonical.get(key.as_slice()).disk()? else {
                    return Ok(None);
                };
                let now = codec::canonical::decode(row.value())
                    .map_err(|malformed| corrupt(Table::Canonical, malformed))?;
                Ok(Some(&mut slot.insert(Entry { before: Some(now.clone()), now }).now))
            }
        }
    }
}

/// Puts a link of a record and what it says into the record's document.
fn link(record: &mut Canonical, row: LinkRow) -> Result<(), NoObject> {
    let sole = record.links.len() == 1;
    let live = record.links.iter().any(is_live);
    let held = record.links.iter_mut().find(|l| l.is(&row.connection, &row.entity, &row.id));
    if let Some(held) = held {
        record.doc = if sole {
            row.doc.clone()
        } else {
            merge::three_way(&record.doc, &held.doc, &row.doc)?
        };
        *held = row;
    } else {
        // What all who knew it have taken back holds nothing against a new word.
        record.doc = if live { merge::fill(&record.doc, &row.doc)? } else { row.doc.clone() };
        record.links.push(row);
    }
    record.removed = false;
    Ok(())
}

/// Whether a further record of a provider may join. Two records of one entity of a connection are
/// two things to the provider, whatever they share: what is written back must find one of them.
fn admits(
    record: &Canonical,
    identity: IdentityKey,
    mapped: &Mapped,
    connection: &ConnectionId,
    place: Place<'_>,
) -> bool {
    let rival = |link: &LinkRow| {
        is_live(link) && link.connection == connection.as_str() && link.entity == place.entity
    };
    record.record_type == mapped.record_type
        && record.links.len() < LINKS_MAX
        && record.links.iter().any(|link| link.identities.contains(&identity))
        && !record.links.iter().any(rival)
}

fn identities(record: &Canonical) -> BTreeSet<IdentityKey> {
    record.links.iter().flat_map(|link| link.identities.iter().copied()).collect()
}

fn damaged() -> StoreError {
    corrupt(Table::Canonical, Malformed::Shape)
}

/// One event for each record type.
#[derive(Default)]
struct Events(BTreeMap<String, EventKind>);

impl Events {
    fn push(&mut self, record_type: &str, effect: Effect, id: RecordId) {
        let event =
            self.0.entry(record_type.to_owned()).or_insert_with(|| EventKind::CanonicalChanged {
                record_type: record_type.to_owned(),
                created: Vec::new(),
                updated: Vec::new(),
                deleted: Vec::new(),
                restored: Vec::new(),
            });
        let EventKind::CanonicalChanged { created, updated, deleted, restored, .. } = event else {
            return;
        };
        match effect {
            Effect::Created => created.push(id),
            Effect::Updated => updated.push(id),
            Effect::Deleted => deleted.push(id),
            Effect::Restored => restored.push(id),
            Effect::Unchanged => {}
        }
    }
}
