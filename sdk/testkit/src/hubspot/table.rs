//! The records of one kind.

use std::fmt;

use crate::hubspot::generate;
use crate::hubspot::kind::{Kind, Source};

/// The values of a record, in the order of the properties of its kind.
pub(super) type Values = Vec<Option<String>>;

/// What a table knows about a record without building its values.
///
/// A record that nobody changed is built anew from seed and number whenever it is needed, so that
/// a hundred thousand of them take a few MiB.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) id: u64,
    pub(super) created: i64,
    pub(super) modified: i64,
    /// What the search index believes `modified` to be; `None` until it has seen the record.
    pub(super) indexed: Option<i64>,
    pub(super) archived: Option<i64>,
    number: u64,
    changed: Option<Box<Values>>,
}

/// A change that names something that is not there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unknown(String);

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the simulated account has no {}", self.0)
    }
}

impl std::error::Error for Unknown {}

/// The records of one kind, in ascending order of their ids.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) kind: Kind,
    seed: u64,
    slots: Vec<Slot>,
    /// The last id that was given away; an id is never used twice.
    last_id: u64,
}

impl Table {
    pub(super) fn generated(kind: Kind, count: u64, seed: u64) -> Self {
        let slots: Vec<Slot> = (0..count)
            .map(|number| {
                let (id, created, modified) = generate::facts(kind, seed, number);
                Slot {
                    id,
                    created,
                    modified,
                    indexed: Some(modified),
                    archived: None,
                    number,
                    changed: None,
                }
            })
            .collect();
        let last_id = slots.last().map_or(0, |slot| slot.id);
        Self { kind, seed, slots, last_id }
    }

    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    pub(super) fn live(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(|slot| slot.archived.is_none())
    }

    /// The records from this id on.
    pub(super) fn from(&self, id: u64) -> &[Slot] {
        let start = self.slots.partition_point(|slot| slot.id < id);
        self.slots.get(start..).unwrap_or_default()
    }

    pub(super) fn find(&self, id: &str) -> Option<&Slot> {
        let id = id.parse().ok()?;
        self.from(id).first().filter(|slot| slot.id == id)
    }

    /// The values of a record.
    pub(super) fn values(&self, slot: &Slot) -> Values {
        match &slot.changed {
            Some(values) => values.as_ref().clone(),
            None => generate::values(self.kind, self.seed, slot.number),
        }
    }

    pub(super) fn create(
        &mut self,
        at: i64,
        values: &[(&str, &str)],
        lagging: bool,
    ) -> Result<u64, Unknown> {
        let mut given = vec![None; self.kind.properties().len()];
        set(self.kind, &mut given, values)?;
        self.last_id = self.last_id.max(generate::first_id(self.kind)) + 1;
        self.slots.push(Slot {
            id: self.last_id,
            created: at,
            modified: at,
            indexed: (!lagging).then_some(at),
            archived: None,
            number: 0,
            changed: Some(Box::new(given)),
        });
        Ok(self.last_id)
    }

    pub(super) fn update(
        &mut self,
        id: &str,
        at: i64,
        values: &[(&str, &str)],
        lagging: bool,
    ) -> Result<(), Unknown> {
        let slot = self.find(id).ok_or_else(|| self.unknown(id))?;
        let mut given = self.values(slot);
        set(self.kind, &mut given, values)?;
        let slot = self.find_mut(id)?;
        slot.changed = Some(Box::new(given));
        slot.modified = at;
        if !lagging {
            slot.indexed = Some(at);
        }
        Ok(())
    }

    pub(super) fn archive(&mut self, id: &str, at: Option<i64>) -> Result<(), Unknown> {
        self.find_mut(id)?.archived = at;
        Ok(())
    }

    pub(super) fn purge(&mut self, id: &str) -> Result<(), Unknown> {
        let gone = self.find(id).ok_or_else(|| self.unknown(id))?.id;
        self.slots.retain(|slot| slot.id != gone);
        Ok(())
    }

    pub(super) fn catch_up(&mut self) {
        for slot in &mut self.slots {
            slot.indexed = Some(slot.modified);
        }
    }

    /// Changes the record that was left alone longest, just after the one that was changed last.
    pub(super) fn touch_oldest(&mut self) {
        let newest = self.live().map(|slot| slot.modified).max().unwrap_or_default();
        let live = self.slots.iter_mut().filter(|slot| slot.archived.is_none());
        if let Some(oldest) = live.min_by_key(|slot| slot.modified) {
            oldest.modified = newest + 1;
            oldest.indexed = Some(newest + 1);
        }
    }

    fn find_mut(&mut self, id: &str) -> Result<&mut Slot, Unknown> {
        let unknown = self.unknown(id);
        let number: Option<u64> = id.parse().ok();
        let place = number.and_then(|id| self.slots.binary_search_by_key(&id, |slot| slot.id).ok());
        place.and_then(|place| self.slots.get_mut(place)).ok_or(unknown)
    }

    fn unknown(&self, id: &str) -> Unknown {
        Unknown(format!("record `{id}` among its {}", self.kind.name()))
    }
}

/// Sets values by name; an empty one clears.
fn set(kind: Kind, given: &mut Values, values: &[(&str, &str)]) -> Result<(), Unknown> {
    for (name, value) in values {
        let known = kind.properties().iter().zip(given.iter_mut());
        let place = known
            .filter(|(property, _)| property.source == Source::Given)
            .find_map(|(property, place)| (property.name == *name).then_some(place));
        let Some(place) = place else {
            return Err(Unknown(format!("property `{name}` of {} to set", kind.name())));
        };
        *place = (!value.is_empty()).then(|| (*value).to_owned());
    }
    Ok(())
}
