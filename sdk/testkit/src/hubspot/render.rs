//! Writes records as the API shows them.

use crate::hubspot::PORTAL_ID;
use crate::hubspot::kind::Source;
use crate::hubspot::table::{Slot, Table, Values};
use crate::time;

/// Bytes of a record with all its properties, for allocating a page at once.
const RECORD_BYTES: usize = 800;

/// The value of one property.
pub(super) fn value(table: &Table, slot: &Slot, place: usize) -> Option<String> {
    value_of(table, slot, &table.values(slot), place)
}

/// The value of one property of a record whose values are at hand.
pub(super) fn value_of(
    table: &Table,
    slot: &Slot,
    values: &Values,
    place: usize,
) -> Option<String> {
    match table.kind.properties().get(place)?.source {
        Source::Id => Some(slot.id.to_string()),
        Source::Created => Some(time::iso(slot.created)),
        Source::Modified => Some(time::iso(slot.modified)),
        Source::Given => values.get(place)?.clone(),
    }
}

/// Writes a list of records, `[…]`.
pub(super) fn records<'a>(
    table: &Table,
    slots: impl Iterator<Item = &'a Slot>,
    selection: &[usize],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(slots.size_hint().0 * RECORD_BYTES);
    out.push(b'[');
    for (place, slot) in slots.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        record(&mut out, table, slot, selection);
    }
    out.push(b']');
    out
}

/// Writes one record.
pub(super) fn record(out: &mut Vec<u8>, table: &Table, slot: &Slot, selection: &[usize]) {
    let values = table.values(slot);
    out.extend_from_slice(format!(r#"{{"id":"{}","properties":{{"#, slot.id).as_bytes());
    for (written, place) in selection.iter().enumerate() {
        let Some(property) = table.kind.properties().get(*place) else { continue };
        if written > 0 {
            out.push(b',');
        }
        text(out, property.name);
        out.push(b':');
        match value_of(table, slot, &values, *place) {
            Some(value) => text(out, &value),
            None => out.extend_from_slice(b"null"),
        }
    }
    let (created, updated) = (time::iso(slot.created), time::iso(slot.modified));
    let archived = slot
        .archived
        .map_or_else(String::new, |at| format!(r#","archivedAt":"{}""#, time::iso(at)));
    let (kind, type_id) = (table.kind.name(), table.kind.type_id());
    let tail = format!(
        r#"}},"createdAt":"{created}","updatedAt":"{updated}","archived":{}{archived},"url":"https://app.hubspot.com/{kind}/{PORTAL_ID}/record/{type_id}/{}"}}"#,
        slot.archived.is_some(),
        slot.id,
    );
    out.extend_from_slice(tail.as_bytes());
}

/// Writes a JSON string.
pub(super) fn text(out: &mut Vec<u8>, value: &str) {
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "a string is written to memory");
}
