//! Operations in a row.

use serde_json::Value as Json;

use crate::lens::{Lens, References};
use crate::ops::{self, BuildError};
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

/// Operations of one chain: a field that needs more is better read with a different record type.
pub(crate) const OPS_MAX: usize = 32;

/// A checked list of operations, applied one after the other.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    op: &'static str,
    lens: Box<dyn Lens>,
}

/// Which operation of a chain failed, and why.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{op}`: {fault}")]
pub(crate) struct ChainFault {
    /// The index of the operation.
    pub(crate) index: usize,
    /// The name of the operation.
    pub(crate) op: &'static str,
    /// Why.
    pub(crate) fault: Fault,
}

impl From<ChainFault> for Fault {
    fn from(failed: ChainFault) -> Self {
        Self::new(failed.fault.code, failed.to_string())
    }
}

impl Chain {
    /// Builds the operations for a source of this type, and answers with the type of their view.
    pub(crate) fn build(ops: &[Json], source: &Kind) -> Result<(Self, Kind), BuildError> {
        let mut chain = Self::parse(ops, 0)?;
        let view = chain.view(source)?;
        Ok((chain, view))
    }

    /// Builds the operations without their types, `depth` deep in others; [`view`](Self::view)
    /// must be called before they are used.
    pub(crate) fn parse(ops: &[Json], depth: usize) -> Result<Self, BuildError> {
        if ops.len() > OPS_MAX {
            let message = format!("{} operations in a row; at most {OPS_MAX}", ops.len());
            return Err(BuildError::limit(message));
        }
        let step = |(index, json)| {
            let (op, lens) = ops::build(json, depth).map_err(|e| e.within(index))?;
            Ok(Step { op, lens })
        };
        let steps = ops.iter().enumerate().map(step).collect::<Result<_, BuildError>>()?;
        Ok(Self { steps })
    }

    /// Settles the types for a source of this type.
    pub(crate) fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        let mut kind = source.clone();
        for (index, step) in self.steps.iter_mut().enumerate() {
            kind = step.lens.view(&kind).map_err(|e| e.about(step.op).within(index))?;
        }
        Ok(kind)
    }

    /// Whether there is no operation, so that every value passes unchanged.
    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// How far it can be reversed: as its weakest operation.
    pub(crate) fn class(&self) -> Class {
        let classes = self.steps.iter().map(|step| step.lens.class());
        classes.max().unwrap_or(Class::Bijective)
    }

    /// How far each operation can be reversed.
    pub(crate) fn classes(&self) -> Vec<Class> {
        self.steps.iter().map(|step| step.lens.class()).collect()
    }

    /// The first operation that cannot be reversed, by index and name.
    pub(crate) fn one_way(&self) -> Option<(usize, &'static str)> {
        let one_way = |step: &Step| step.lens.class() == Class::OneWay;
        let index = self.steps.iter().position(one_way)?;
        Some((index, self.steps.get(index)?.op))
    }

    /// Whether missing and null do not simply pass.
    #[cfg(test)]
    pub(crate) fn takes_empty(&self) -> bool {
        self.steps.iter().any(|step| step.lens.takes_empty())
    }

    /// The view of a source.
    pub(crate) fn get<'a>(
        &self,
        source: Value<'a>,
        refs: &dyn References,
    ) -> Result<Value<'a>, ChainFault> {
        self.read(source, &Work::new(refs))
    }

    /// The same as a part of the work on a record.
    pub(crate) fn read<'a>(
        &self,
        source: Value<'a>,
        work: &Work<'_>,
    ) -> Result<Value<'a>, ChainFault> {
        self.steps.iter().enumerate().try_fold(source, |value, (index, step)| {
            step.get(value, work).map_err(|fault| step.failed(index, fault))
        })
    }

    /// What [`write`](Self::write) gives, on its own.
    #[cfg(test)]
    pub(crate) fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        refs: &dyn References,
    ) -> Result<Value<'a>, ChainFault> {
        self.write(view, base, &Work::new(refs))
    }

    /// The source that has this view and is otherwise like `base`, the source as it was last
    /// seen; `base` itself when that has this view.
    ///
    /// What is read again is this view, or this view tidied by the last operations; an edit that
    /// would be lost is a fault. Not to be called on a chain that is [one-way](Self::one_way).
    pub(crate) fn write<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        work: &Work<'_>,
    ) -> Result<Value<'a>, ChainFault> {
        let Some(first) = self.steps.first() else { return Ok(view) };
        let copied = work.spend_on(&view).and_then(|()| work.spend_on(base));
        copied.map_err(|fault| first.failed(0, fault))?;
        let bases = bases(&self.steps, base, work);
        let (settled, tidying) = self.steps.split_at(self.settled());
        let cleared = view.is_empty();
        let wanted = back(tidying, bases.get(settled.len()..).unwrap_or_default(), view, work);
        let wanted = wanted.map_err(|failed| failed.behind(settled.len()))?;
        let source = back(settled, &bases, wanted.clone(), work)?;
        match settled.last() {
            Some(last) if !cleared && !reads_as(settled, &source, &wanted, work) => {
                let fault = Fault::conflict("the edit would not be read again as it is");
                Err(last.failed(settled.len() - 1, fault))
            }
            _ => Ok(source),
        }
    }

    /// The number of operations before those at the end that do no more than tidy.
    fn settled(&self) -> usize {
        let tidies = |step: &Step| step.lens.class() == Class::Canonicalising || step.lens.keeps();
        self.steps.iter().rposition(|step| !tidies(step)).map_or(0, |index| index + 1)
    }

    /// The value after each operation, in order; the last one may be a fault, and then what
    /// follows it is not there.
    pub(crate) fn steps<'a>(
        &self,
        source: Value<'a>,
        work: &Work<'_>,
    ) -> Vec<(&'static str, Result<Value<'a>, Fault>)> {
        let mut value = source;
        let mut seen = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            match step.get(value, work) {
                Ok(view) => {
                    value = view.clone();
                    seen.push((step.op, Ok(view)));
                }
                Err(fault) => {
                    seen.push((step.op, Err(fault)));
                    break;
                }
            }
        }
        seen
    }
}

/// The source and the views of a chain that was last seen, as far as there were any.
fn bases<'a>(steps: &[Step], base: &Value<'a>, work: &Work<'_>) -> Vec<Value<'a>> {
    let mut bases = vec![base.clone()];
    for step in steps {
        let Some(Ok(view)) = bases.last().map(|base| step.get(base.clone(), work)) else { break };
        bases.push(view);
    }
    bases
}

/// The source of a view, given the source and the views that were last seen.
fn back<'a>(
    steps: &[Step],
    bases: &[Value<'a>],
    view: Value<'a>,
    work: &Work<'_>,
) -> Result<Value<'a>, ChainFault> {
    let mut value = view;
    for (index, step) in steps.iter().enumerate().rev() {
        let before = bases.get(index).unwrap_or(&Value::Missing);
        // What has not been touched goes back as it came, whatever the operation forgot of it.
        if bases.get(index + 1).is_some_and(|after| *after == value) {
            value = before.clone();
        } else if !value.is_empty() || step.lens.takes_empty() {
            let put = step.lens.put(value, before, work).and_then(|put| given(put, work));
            value = put.map_err(|fault| step.failed(index, fault))?;
        }
    }
    Ok(value)
}

/// What an operation gives, for its work.
fn given<'a>(value: Value<'a>, work: &Work<'_>) -> Result<Value<'a>, Fault> {
    work.spend_on(&value)?;
    value.within_depth()
}

fn reads_as<'a>(steps: &[Step], source: &Value<'a>, wanted: &Value<'a>, work: &Work<'_>) -> bool {
    let view = steps.iter().try_fold(source.clone(), |value, step| step.get(value, work));
    view.as_ref() == Ok(wanted)
}

impl ChainFault {
    /// The same for operations that stand behind others.
    fn behind(mut self, others: usize) -> Self {
        self.index += others;
        self
    }
}

impl Step {
    fn get<'a>(&self, source: Value<'a>, work: &Work<'_>) -> Result<Value<'a>, Fault> {
        if source.is_empty() && !self.lens.takes_empty() {
            return Ok(source);
        }
        self.lens.get(source, work).and_then(|view| given(view, work))
    }

    fn failed(&self, index: usize, fault: Fault) -> ChainFault {
        ChainFault { index, op: self.op, fault }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::NoReferences;

    fn chain(ops: Json) -> Chain {
        let Json::Array(ops) = ops else { unreachable!("a list is written below") };
        Chain::build(&ops, &Kind::Any).unwrap().0
    }

    #[track_caller]
    fn check_refused(ops: &Json, source: &Kind, code: &str, pointer: &str, message: &str) {
        let e = Chain::build(ops.as_array().unwrap(), source).unwrap_err();
        assert_eq!((e.code, e.pointer.as_str(), e.to_string().as_str()), (code, pointer, message));
    }

    #[test]
    fn a_chain_that_cannot_work_is_refused_with_the_place_and_the_types() {
        let types = json!(["trim", "to_int", "lower"]);
        let message = "`lower`: takes text, would get integer";
        check_refused(&types, &Kind::Text, "op.type", "/2", message);
        let message = "`trim`: takes text, would get date";
        check_refused(&types, &Kind::Date, "op.type", "/0", message);
        let nested = json!(["trim", {"op": "list_map", "ops": ["trim", "to_int", "lower"]}]);
        let list = Kind::List(Box::new(Kind::Any));
        let message = "`trim`: takes text, would get list of any";
        check_refused(&nested, &list, "op.type", "/0", message);
        let nested = json!([{"op": "list_map", "ops": ["trim", "to_int", "lower"]}]);
        let message = "`lower`: takes text, would get integer";
        check_refused(&nested, &list, "op.type", "/0/ops/2", message);
    }

    #[test]
    fn what_is_no_operation_is_refused() {
        let message = "there is no operation \"trims\"; `plughouse mapping ops` lists them";
        check_refused(&json!(["trims"]), &Kind::Any, "op.unknown", "/0", message);
        let message = "write an operation as \"trim\" or {\"op\": \"truncate\", \"length\": 80}";
        for shape in [json!([7]), json!([null]), json!([{"length": 80}]), json!([{"op": []}])] {
            check_refused(&shape, &Kind::Any, "op.shape", "/0", message);
        }
        let many = Json::from(vec![json!("trim"); 33]);
        let message = "33 operations in a row; at most 32";
        check_refused(&many, &Kind::Any, "op.limit", "", message);
        let mut deep = json!("trim");
        for _ in 0..7 {
            deep = json!({"op": "list_map", "ops": [deep]});
        }
        let e = Chain::build(&[deep], &Kind::Any).unwrap_err();
        assert_eq!((e.code, e.pointer.matches("/ops").count()), ("op.limit", 7));
    }

    #[test]
    fn a_chain_is_as_its_weakest_operation() {
        #[track_caller]
        fn check(ops: Json, class: Class, one_way: Option<(usize, &'static str)>) {
            let chain = chain(ops);
            assert_eq!((chain.class(), chain.one_way()), (class, one_way));
        }
        check(json!([]), Class::Bijective, None);
        check(json!(["trim", "to_int"]), Class::Canonicalising, None);
        let default = json!({"op": "default", "value": ""});
        check(json!(["trim", default, "to_int"]), Class::NeedsBase, None);
        let constant = json!({"op": "const", "value": 1});
        check(json!(["trim", constant]), Class::OneWay, Some((1, "const")));
    }

    #[test]
    fn what_was_not_touched_goes_back_as_it_came_however_far_it_went() {
        let chain =
            chain(json!(["trim", {"op": "split_pick", "separator": "/", "index": 1}, "lower"]));
        let put = |view: &'static str, base: &'static str| {
            chain.put(Value::text(view), &Value::text(base), &NoReferences).unwrap()
        };
        assert_eq!(put("b", " A/B "), Value::text(" A/B "));
        assert_eq!(put("B", " A/B "), Value::text(" A/B "));
        assert_eq!(put("c", " A/B "), Value::text("A/c"));
    }

    #[test]
    fn an_edit_goes_back_though_the_base_cannot_be_read() {
        let chain = chain(json!(["trim", "to_int"]));
        let put = chain.put(Value::Number(7.into()), &Value::text("many"), &NoReferences);
        assert_eq!(put.unwrap(), Value::text("7"));
    }

    #[test]
    fn a_fault_names_the_operation_and_a_preview_shows_how_far_it_came() {
        let chain = chain(json!(["trim", "to_int", "to_string"]));
        let failed = chain.get(Value::text(" x "), &NoReferences).unwrap_err();
        assert_eq!((failed.index, failed.op, failed.fault.code), (1, "to_int", "mapping.number"));
        let steps = chain.steps(Value::text(" x "), &Work::new(&NoReferences));
        let [("trim", Ok(Value::Text(text))), ("to_int", Err(_))] = steps.as_slice() else {
            panic!("{steps:?}");
        };
        assert_eq!(text, "x");
    }

    #[test]
    fn operations_that_build_upon_each_other_stay_as_deep_as_json_is_read() {
        let nest = |steps: usize| json!({"op": "nest", "path": "/a".repeat(steps)});
        let always = json!({"op": "if", "test": {"all": []}, "then": vec![nest(16); 32]});
        let ways = [Json::from(vec![nest(16); 8]), Json::from(vec![always; 32])];
        for ops in ways {
            let failed = chain(ops).get(Value::text("x"), &NoReferences).unwrap_err();
            assert_eq!(failed.fault.code, "mapping.depth");
        }
        let fits = chain(json!([nest(16), nest(16)])).get(Value::text("x"), &NoReferences);
        assert!(fits.is_ok(), "{fits:?}");
        let firsts = chain(Json::from(vec![
            json!({"op": "if", "test": {"all": []},
            "then": vec!["list_first"; 32]});
            8
        ]));
        let failed = firsts.put(Value::text("x"), &Value::Missing, &NoReferences).unwrap_err();
        assert_eq!(failed.fault.code, "mapping.depth");
    }

    #[test]
    fn nothing_passes_what_does_not_take_it() {
        let chain = chain(json!(["trim", {"op": "default", "value": "-"}, "upper"]));
        let get = |source| chain.get(source, &NoReferences).unwrap();
        assert_eq!(get(Value::Missing), Value::text("-"));
        assert!(chain.takes_empty());
        let put = chain.put(Value::Null, &Value::text("a"), &NoReferences);
        assert_eq!(put.unwrap(), Value::Null);
    }
}
