//! What a replay would change, for people.

use std::fmt;

use anyhow::Result;
use engine::replay::{EntityImpact, Example, FieldChange, Impact, ReplayPlan, impact};
use engine::sync::Cancel;

use crate::Global;
use crate::cmd::records::excerpt;
use crate::wire::Host;

/// Finds out what a replay would change; Ctrl-C stops it.
pub(super) async fn look(global: &Global, host: &Host, plan: &ReplayPlan) -> Result<Impact> {
    let cancel = Cancel::default();
    let stoppable = global.interrupt.stops(cancel.clone());
    let found = impact(plan, host.store.as_ref(), &cancel, &|_| {}).await;
    drop(stoppable);
    let found = found?;
    anyhow::ensure!(!found.stopped, "stopped; nothing was changed");
    Ok(found)
}

/// An impact as text.
pub(super) struct Shown<'a>(pub(super) &'a Impact);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut entities = self.0.entities.iter();
        if let Some((name, found)) = entities.next() {
            entity(f, name, found)?;
        }
        entities.try_for_each(|(name, found)| {
            f.write_str("\n")?;
            entity(f, name, found)
        })
    }
}

fn entity(f: &mut fmt::Formatter<'_>, name: &str, found: &EntityImpact) -> fmt::Result {
    if let Some(error) = &found.error {
        return write!(f, "{name} stays as it is: {error}");
    }
    let EntityImpact { schema, current, new, changed, unchanged, rejected, .. } = found;
    let EntityImpact { unmapped, examples, .. } = found;
    let by = schema.as_deref().unwrap_or("no schema");
    write!(f, "{name} by {by}: {new} new, {changed} changed, {unchanged} same, ")?;
    write!(f, "{rejected} rejected, {unmapped} no longer mapped; {current} are up to date")?;
    examples.iter().try_for_each(|shown| example(f, shown))
}

fn example(f: &mut fmt::Formatter<'_>, Example { id, fields, error }: &Example) -> fmt::Result {
    if let Some(error) = error {
        write!(f, "\n  {id} is rejected: {error}")?;
    }
    for FieldChange { name, before, after } in fields {
        let text = |value: &Option<Box<serde_json::value::RawValue>>| {
            value.as_ref().map_or_else(|| "nothing".to_owned(), |value| excerpt(value.get()))
        };
        write!(f, "\n  {id} {name}: {} → {}", text(before), text(after))?;
    }
    Ok(())
}
