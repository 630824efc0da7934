//! What a record type does when the provider's side changes.

use std::collections::BTreeSet;

use serde::Serialize;

use super::derive::field;
use super::{Contract, Discovered, Field, FieldKind, Policy, RecordType, derive};
use crate::Kind;

/// What becomes of a type when the provider's fields are discovered anew.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Evolution {
    /// The type from now on: a new version if anything has changed in it. `None` when the whole
    /// entity is left out, waits for a person, or is new and has no fields.
    pub record_type: Option<RecordType>,
    /// Everything that is different at the provider, and what was done about it.
    pub changes: Vec<Change>,
}

/// One difference.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Change {
    /// The provider's name of the field; empty when it is the entity itself.
    pub origin: String,
    /// What is different.
    pub changed: Changed,
    /// What is done about it.
    pub policy: Policy,
}

/// What can be different.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Changed {
    /// The entity was not there before.
    Entity,
    /// The field was not there before, or was there no more.
    Added(FieldKind),
    /// The field was not there before, and the type has as many as it may have.
    NoRoom(FieldKind),
    /// The field has another type.
    Retyped {
        /// The type of the record type.
        from: FieldKind,
        /// The type at the provider now.
        to: FieldKind,
    },
    /// The field is there no more.
    Removed,
}

impl Evolution {
    /// Whether a person has to look at a change before anything goes on.
    pub fn is_frozen(&self) -> bool {
        self.changes.iter().any(|change| change.policy == Policy::Freeze)
    }
}

/// Follows the provider's fields as far as the contract allows.
///
/// `old` is `None` for an entity that was not there before. A frozen change leaves the whole type
/// as it is. A field that is there no more stays, so that what was stored keeps its meaning, but
/// is not required any longer, and is told once: the type remembers that it is gone.
pub fn evolve(
    old: Option<&RecordType>,
    name: &str,
    discovered: &[Discovered],
    contract: Contract,
) -> Evolution {
    let Some(old) = old else {
        let policy = contract.object;
        let derived = || derive(name, discovered, contract);
        let record_type = (policy == Policy::Evolve).then(derived).flatten();
        let entity = Change { origin: String::new(), changed: Changed::Entity, policy };
        let usable = discovered.iter().filter(|found| found.is_usable() && record_type.is_some());
        let changes = [entity].into_iter().chain(usable.skip(RecordType::FIELDS_MAX).map(no_room));
        return Evolution { changes: changes.collect(), record_type };
    };
    let changes = differences(old, discovered, contract);
    let mut evolution = Evolution { record_type: None, changes };
    let next =
        if evolution.is_frozen() { old.clone() } else { follow(old, discovered, &evolution) };
    evolution.record_type = Some(next);
    evolution
}

fn differences(old: &RecordType, discovered: &[Discovered], contract: Contract) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut room = RecordType::FIELDS_MAX.saturating_sub(old.fields.len());
    for found in discovered.iter().filter(|found| found.is_usable()) {
        let known = old.fields.iter().find(|field| field.origin.as_ref() == Some(&found.name));
        let to = found.field_kind();
        let change = |changed, policy| Change { origin: found.name.clone(), changed, policy };
        match known {
            None if contract.field == Policy::Evolve && room == 0 => changes.push(no_room(found)),
            None => {
                room = room.saturating_sub(1);
                changes.push(change(Changed::Added(to), contract.field));
            }
            Some(field) if field.gone => changes.push(change(Changed::Added(to), contract.field)),
            Some(field) if !covers(&field.kind, &to) => {
                let from = field.kind.clone();
                changes.push(change(Changed::Retyped { from, to }, contract.kind));
            }
            Some(_) => {}
        }
    }
    let names: BTreeSet<_> = discovered.iter().map(|found| &found.name).collect();
    let there = old.fields.iter().filter(|field| !field.gone);
    let gone = there.filter_map(|field| field.origin.as_ref());
    let gone = gone.filter(|origin| !names.contains(origin)).map(|origin| Change {
        origin: origin.clone(),
        changed: Changed::Removed,
        // There is no value to leave out, and no record that has one.
        policy: if contract.field == Policy::Freeze { Policy::Freeze } else { Policy::Evolve },
    });
    changes.extend(gone);
    changes
}

/// A field that the type cannot take up.
fn no_room(found: &Discovered) -> Change {
    let changed = Changed::NoRoom(found.field_kind());
    Change { origin: found.name.clone(), changed, policy: Policy::DiscardValue }
}

fn follow(old: &RecordType, discovered: &[Discovered], evolution: &Evolution) -> RecordType {
    let mut next = old.clone();
    let mut names: BTreeSet<_> = old.fields.iter().map(|field| field.name.clone()).collect();
    for change in evolution.changes.iter().filter(|change| change.policy == Policy::Evolve) {
        let known = next.fields.iter_mut().find(|f| f.origin.as_ref() == Some(&change.origin));
        match (&change.changed, known) {
            (Changed::Retyped { from, to }, Some(field)) => field.kind = widest(from, to),
            (Changed::Removed, Some(field)) => (field.required, field.gone) = (false, true),
            (Changed::Added(to), Some(field)) => {
                (field.kind, field.gone) = (widest(&field.kind, to), false);
            }
            (Changed::Added(_), None) => {
                let found = discovered.iter().find(|found| found.name == change.origin);
                let added = found.map(|found| field(found, &mut names));
                // Records that are there already do not have it.
                next.fields.extend(added.map(|field| Field { required: false, ..field }));
            }
            _ => {}
        }
    }
    if next != *old {
        next.version = old.version.saturating_add(1);
    }
    next
}

/// Whether every value of `new` is one of `old`.
fn covers(old: &FieldKind, new: &FieldKind) -> bool {
    match (old, new) {
        (FieldKind::Plain(Kind::Any), _)
        | (FieldKind::Plain(Kind::Decimal), FieldKind::Plain(Kind::Integer)) => true,
        (FieldKind::List(old), FieldKind::List(new)) => covers(old, new),
        (old, new) => old == new,
    }
}

/// The type that holds the values of both.
fn widest(from: &FieldKind, to: &FieldKind) -> FieldKind {
    match (covers(from, to), covers(to, from)) {
        (true, _) => from.clone(),
        (false, true) => to.clone(),
        (false, false) => FieldKind::Plain(Kind::Any),
    }
}
