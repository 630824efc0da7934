//! From our record back to what has to change at the provider.

use plughouse_scan::{Picks, Token};
use serde_json::value::RawValue;

use super::copy::copy_checked;
use super::patch::{Node, Patch};
use super::plan::{Fallback, Map, Plan, Verbatim};
use super::read::{Failed, failed, scan_record};
use crate::work::Work;
use crate::{Chain, Class, Direction, Fault, Issue, References, Value};

pub(super) fn write(
    plan: &Plan,
    doc: &[u8],
    base: &[u8],
    refs: &dyn References,
) -> Result<Patch, Vec<Issue>> {
    let whole = |fault| vec![Issue::new("", "", fault)];
    let (mut doc_scratch, mut base_scratch) = Default::default();
    let docs = scan_record(&plan.targets, doc, &mut doc_scratch).map_err(whole)?;
    let picks = scan_record(&plan.sources, base, &mut base_scratch).map_err(whole)?;
    let unreadable =
        |e| whole(Fault::new("mapping.json", format!("the record is unreadable: {e}")));
    let base: &RawValue = serde_json::from_slice(base).map_err(unreadable)?;
    let work = Work::new(refs);
    let mut writer = Writer { docs, picks, base, work, root: Node::new(), paths: Vec::new() };
    let mut issues = Vec::new();
    for map in plan.maps.iter().filter(|map| map.direction == Direction::Both) {
        let written = writer.map(map);
        if writer.work.is_spent() {
            issues.push(map.issue(0, None, Work::fault()));
            break;
        }
        if let Err((op, fault)) = written {
            issues.push(map.issue(0, op, fault));
        }
    }
    if issues.is_empty() { Ok(writer.finish()) } else { Err(issues) }
}

struct Writer<'w, 'j> {
    docs: Picks<'w, 'j>,
    picks: Picks<'w, 'j>,
    base: &'j RawValue,
    work: Work<'w>,
    root: Node<'j>,
    paths: Vec<String>,
}

impl<'j> Writer<'_, 'j> {
    fn map(&mut self, map: &Map) -> Result<(), Failed> {
        if let Some((token, wanted)) = self.verbatim(map) {
            return self.copy(map, &token, wanted).map_err(|fault| (None, fault));
        }
        let current = self.current(map);
        let Some(parts) = self.wanted(map, current.as_deref())? else { return Ok(()) };
        if current.is_some_and(|current| current.iter().zip(&parts).all(|(a, b)| same(a, b))) {
            return Ok(());
        }
        let view = match <[Value<'j>; 1]>::try_from(parts) {
            Ok([view]) => view,
            Err(parts) => joined(parts),
        };
        // A base that cannot be read is as good as none.
        let base = map.get.source(&self.picks, &self.work).unwrap_or(Value::Missing);
        let source = self.put(&map.get.chain, &view, &base)?;
        self.source(map, source, base).map_err(|fault| (None, fault))
    }

    /// The source of a view. It reads as the view, or as a tidier one.
    fn put(&self, chain: &Chain, view: &Value<'j>, base: &Value<'j>) -> Result<Value<'j>, Failed> {
        let source = chain.write(view.clone(), base, &self.work).map_err(failed)?;
        let again = chain.read(source.clone(), &self.work).map_err(failed)?;
        if same(&again, view) || alike(&again, view) {
            return Ok(source);
        }
        if chain.class() <= Class::Canonicalising {
            let tidied = chain.write(again.clone(), base, &self.work).map_err(failed)?;
            if chain.read(tidied, &self.work).is_ok_and(|tidied| same(&tidied, &again)) {
                return Ok(source);
            }
        }
        let [meant, found] = [view, &again].map(|value| Fault::quote(&value.to_json()));
        let message = format!("written back, {meant} would be read as {found}");
        Err((None, Fault::conflict(message)))
    }

    /// The token of a field that is written as it stands in our record.
    fn verbatim(&self, map: &Map) -> Option<(Token<'j>, Verbatim)> {
        let [target] = map.targets.as_slice() else { return None };
        let token = self.docs.get(target.doc).filter(|token| !token.is_null())?;
        let wanted = Verbatim::of(&target.kind).filter(|_| map.get.chain.is_empty())?;
        Some((token, wanted))
    }

    fn copy(&mut self, map: &Map, token: &Token<'j>, wanted: Verbatim) -> Result<(), Fault> {
        let [path] = map.get.paths.as_slice() else { return Ok(()) };
        let mut json = Vec::new();
        copy_checked(token, wanted, &mut json)?;
        let same = |current: &[Value<'j>]| {
            self.read(*token).is_ok_and(|view| current.iter().all(|value| *value == view))
        };
        if self.picks.get(path.slot).is_some_and(|base| base.raw() == json)
            || self.current(map).as_deref().is_some_and(same)
        {
            return Ok(());
        }
        self.set(&path.pointer, String::from_utf8_lossy(&json).into_owned())
    }

    fn read(&self, token: Token<'j>) -> Result<Value<'j>, Fault> {
        self.work.spend(token.raw().len())?;
        Value::read(token)
    }

    /// What the field map reads in the base now, a value per target.
    fn current(&self, map: &Map) -> Option<Vec<Value<'j>>> {
        let fallback = || match &map.fallback {
            Fallback::Value(value) => Some(vec![value.clone(); map.targets.len()]),
            Fallback::Skip | Fallback::Reject => None,
        };
        map.parts(&self.picks, &self.work).ok().or_else(fallback)
    }

    /// What our record says, a value per target; `None` when it says nothing.
    fn wanted(
        &self,
        map: &Map,
        current: Option<&[Value<'j>]>,
    ) -> Result<Option<Vec<Value<'j>>>, Failed> {
        let mut silent = true;
        let mut parts = Vec::with_capacity(map.targets.len());
        for (part, target) in map.targets.iter().enumerate() {
            let value = match self.docs.get(target.doc) {
                None => current.and_then(|parts| parts.get(part)).cloned(),
                Some(token) => {
                    silent = false;
                    let value = self.read(token).and_then(|value| value.typed(&target.kind));
                    Some(value.map_err(|fault| (None, fault))?)
                }
            };
            parts.push(value.unwrap_or(Value::Missing));
        }
        Ok((!silent).then_some(parts))
    }

    /// Puts a source where it differs from the base.
    fn source(&mut self, map: &Map, source: Value<'j>, base: Value<'j>) -> Result<(), Fault> {
        let (values, bases) = match (map.get.paths.len(), source, base) {
            (1, source, base) => (vec![source], vec![base]),
            (count, Value::List(values), base) if values.len() == count => match base {
                Value::List(bases) => (values, bases),
                _ => (values, Vec::new()),
            },
            (count, empty, Value::List(bases)) if empty.is_empty() => (vec![empty; count], bases),
            (count, other, _) => {
                let message = format!("expected {count} values to go back, found {}", other.kind());
                return Err(Fault::new("mapping.type", message));
            }
        };
        let bases = bases.into_iter().chain(std::iter::repeat(Value::Missing));
        for ((path, value), base) in map.get.paths.iter().zip(values).zip(bases) {
            if !value.is_missing() && value != base {
                self.set(&path.pointer, value.to_json())?;
            }
        }
        Ok(())
    }

    fn set(&mut self, pointer: &str, json: String) -> Result<(), Fault> {
        self.root.set(pointer, Some(self.base), json)?;
        self.paths.push(pointer.to_owned());
        Ok(())
    }

    fn finish(self) -> Patch {
        let mut json = String::new();
        self.root.write(&mut json);
        Patch { json, paths: self.paths }
    }
}

/// Whether two values are written alike. Within an object or a list, our record has texts where
/// the operations give days, instants and amounts.
fn same(a: &Value<'_>, b: &Value<'_>) -> bool {
    a == b || a.to_json() == b.to_json() && a.is_missing() == b.is_missing()
}

/// Whether two texts differ in spaces and the case of letters alone, which many operations tidy.
fn alike(a: &Value<'_>, b: &Value<'_>) -> bool {
    let letters = |text: &str| -> String {
        let letters = text.chars().filter(|c| !c.is_whitespace());
        letters.flat_map(char::to_lowercase).collect()
    };
    matches!((a, b), (Value::Text(a), Value::Text(b)) if letters(a) == letters(b))
}

/// The tuple of several targets; empty when all of them are.
fn joined(parts: Vec<Value<'_>>) -> Value<'_> {
    match parts.first() {
        Some(first) if parts.iter().all(Value::is_empty) => first.clone(),
        _ => Value::List(parts),
    }
}
