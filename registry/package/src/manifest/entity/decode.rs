//! Reading `[entity.NAME]` over `[default.entity]`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Conditional, CreateKey, Cursor, Entity, Full, WindowRule};
use crate::document::{Decode, FileError, Item, Table};

/// Records per page where the manifest says nothing: what most providers take.
const PAGE: u32 = 100;

/// Reads the entities of a manifest.
pub(in crate::manifest) fn decode(root: &Table<'_>) -> Result<BTreeMap<String, Entity>, FileError> {
    let default = root.child("default")?;
    let default_entity = default.as_ref().map(|table| table.child("entity")).transpose()?.flatten();
    if let Some(defaults) = &default_entity {
        // Read for the complaints alone: a default that no entity takes must be right as well.
        entity(defaults)?;
        defaults.finish()?;
    }
    if let Some(default) = &default {
        default.finish()?;
    }
    let mut entities = BTreeMap::new();
    for (name, table) in root.children("entity")? {
        let table = table.with_defaults(default_entity.as_ref());
        let (mut entity, cursor) = entity(&table)?;
        table.finish()?;
        match cursor {
            Some(cursor) => entity.cursor = cursor,
            None if entity.with.is_some() => {}
            None => {
                let message = format!("`cursor` is missing in {}", table.name());
                return Err(
                    table.complain(message, "write cursor = \"window\", \"feed\" or \"scan\"")
                );
            }
        }
        entities.insert(name, entity);
    }
    inherit_cursors(root, &mut entities)?;
    Ok(entities)
}

/// An entity that another one brings is read as that one is.
fn inherit_cursors(
    root: &Table<'_>,
    entities: &mut BTreeMap<String, Entity>,
) -> Result<(), FileError> {
    if entities.is_empty() {
        let help = "add [entity.NAME] with cursor = \"window\", \"feed\" or \"scan\"";
        return Err(root.complain("the manifest has no entity", help));
    }
    let cursors: BTreeMap<String, Cursor> =
        entities.iter().map(|(name, entity)| (name.clone(), entity.cursor)).collect();
    for entity in entities.values_mut() {
        if let Some(cursor) = entity.with.as_ref().and_then(|with| cursors.get(with)) {
            entity.cursor = *cursor;
        }
    }
    Ok(())
}

fn entity(table: &Table<'_>) -> Result<(Entity, Option<Cursor>), FileError> {
    let cursor = table.optional("cursor")?;
    let entity = Entity {
        record_type: table.optional("type")?,
        mapping: table.optional("mapping")?,
        cursor: cursor.unwrap_or(Cursor::Scan),
        full: table.or("full", Full::Scan)?,
        window: table.optional("window")?,
        lag: table.or("lag", Duration::ZERO)?,
        lookback: table.or("lookback", Duration::ZERO)?,
        history: table.optional("history")?,
        deletes: table.or("deletes", Vec::new())?,
        kept: table.optional("kept")?,
        min_interval: table.optional("min_interval")?,
        page: table.or("page", PAGE)?,
        per: table.optional("per")?,
        dynamic: table.or("dynamic", false)?,
        yields: table.or("yields", Vec::new())?,
        with: table.optional("with")?,
        writes: table.or("writes", Vec::new())?,
        batch: table.or("batch", 1)?,
        conditional: table.or("conditional", Conditional::None)?,
        create_key: table.or("create_key", CreateKey::None)?,
        webhook: table.or("webhook", false)?,
    };
    Ok((entity, cursor))
}

impl Decode for WindowRule {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let rule =
            Self { step: table.required("step")?, granularity: table.optional("granularity")? };
        let granularity = rule.granularity.unwrap_or(rule.step);
        if granularity.is_zero() || rule.step < granularity {
            let message = "a window must hold at least one unit of its granularity";
            return Err(table.complain(message, "write a step that is not below granularity or 1s"));
        }
        table.finish()?;
        Ok(rule)
    }
}
