//! Evaluation, step by counted step.

use std::borrow::Cow;
use std::cell::Cell;

use super::expr::{Each, Expr, Function, Macro};
use super::operate::{binary, call, fault, item, member};
use crate::ops::weight;
use crate::work::{OPERATOR, Work};
use crate::{Fault, Value};

/// Steps of one evaluation: enough to test thousands of items, and forty evaluations that use them
/// up are the work of a record. A step is an operator, [`STEP_BYTES`] of a value or [`STEP_NAMES`]
/// of its names that are looked at, or a byte in which `matches` searches.
pub(super) const STEPS_MAX: usize = 100_000;

/// Bytes of a value that are looked at or copied in a step.
const STEP_BYTES: usize = 64;

/// Names of members that are compared in a step.
const STEP_NAMES: usize = 8;

/// The code of an evaluation that was stopped; no operator may hide it.
const STOPPED: &str = "mapping.cel-steps";

/// The value of an expression for a value; its steps count as work on the record.
pub(super) fn evaluate<'a>(
    expr: &Expr,
    this: &Value<'a>,
    work: &Work<'_>,
) -> Result<Value<'a>, Fault> {
    let run = Run { left: Cell::new(STEPS_MAX) };
    let value = run.eval(expr, Scope { this, bound: None }).and_then(|value| run.own(value));
    work.spend((STEPS_MAX - run.left.get()) * OPERATOR)?;
    value
}

/// What names mean.
#[derive(Clone, Copy)]
struct Scope<'e, 'a> {
    this: &'e Value<'a>,
    bound: Option<&'e Bound<'e, 'a>>,
}

/// A variable of a macro, and those around it.
struct Bound<'e, 'a> {
    name: &'e str,
    value: &'e Value<'a>,
    outer: Option<&'e Self>,
}

impl<'e, 'a> Scope<'e, 'a> {
    /// The variable of this name, the innermost one.
    fn bound(&self, name: &str) -> Option<&'e Value<'a>> {
        let mut variables = std::iter::successors(self.bound, |variable| variable.outer);
        variables.find(|variable| variable.name == name).map(|variable| variable.value)
    }
}

/// An evaluation, and the steps that it has left.
struct Run {
    left: Cell<usize>,
}

type Found<'e, 'a> = Result<Cow<'e, Value<'a>>, Fault>;

impl Run {
    fn spend(&self, steps: usize) -> Result<(), Fault> {
        let left = self.left.get().checked_sub(steps);
        self.left.set(left.unwrap_or(0));
        left.map(drop).ok_or_else(|| {
            Fault::new(STOPPED, format!("the expression took more than {STEPS_MAX} steps"))
        })
    }

    /// Spends what it takes to look at or to copy a value.
    fn spend_on(&self, value: &Value<'_>) -> Result<(), Fault> {
        self.spend(weight(value) / STEP_BYTES)
    }

    /// The member of an object, for the steps that it takes to find it.
    fn member<'v, 'a>(
        &self,
        of: &'v Value<'a>,
        name: &str,
    ) -> Result<Option<&'v Value<'a>>, Fault> {
        let names = if let Value::Object(members) = of { members.len() } else { 0 };
        self.spend(names / STEP_NAMES)?;
        Ok(member(of, name))
    }

    fn own<'a>(&self, value: Cow<'_, Value<'a>>) -> Result<Value<'a>, Fault> {
        if let Cow::Borrowed(value) = value {
            self.spend_on(value)?;
        }
        Ok(value.into_owned())
    }

    fn eval<'e, 'a>(&self, expr: &'e Expr, scope: Scope<'e, 'a>) -> Found<'e, 'a> {
        self.spend(1)?;
        match expr {
            Expr::Literal(value) => Ok(Cow::Borrowed(value)),
            Expr::Name(name) => {
                let found = match scope.bound(name) {
                    None if name == "this" => Some(scope.this),
                    None => self.member(scope.this, name)?,
                    bound => bound,
                };
                found.map(Cow::Borrowed).ok_or_else(|| absent(name))
            }
            Expr::Select(of, name) => {
                let of = self.eval(of, scope)?;
                self.select(of, name)?.ok_or_else(|| absent(name))
            }
            Expr::Has(of, name) => {
                let of = self.eval(of, scope)?;
                Ok(truth(self.select(of, name)?.is_some()))
            }
            Expr::Index(parts) => self.index(parts, scope),
            Expr::Not(of) => Ok(truth(!yes(&*self.eval(of, scope)?)?)),
            Expr::Negate(of) => match &*self.eval(of, scope)? {
                // There is no zero below zero.
                Value::Number(number) if number.is_zero() => Ok(Cow::Owned(Value::Number(*number))),
                Value::Number(number) => Ok(Cow::Owned(Value::Number(-*number))),
                other => Err(fault(format!("`-` takes a number, not {}", other.kind()))),
            },
            Expr::And(parts) => self.either(parts, false, scope),
            Expr::Or(parts) => self.either(parts, true, scope),
            Expr::Choose(parts) => {
                let [condition, then, other] = &**parts;
                let condition = yes(&*self.eval(condition, scope)?)?;
                self.eval(if condition { then } else { other }, scope)
            }
            Expr::Binary(operator, parts) => {
                let [left, right] = &**parts;
                let (left, right) = (self.eval(left, scope)?, self.eval(right, scope)?);
                self.spend_on(&left)?;
                self.spend_on(&right)?;
                binary(*operator, &left, &right).map(Cow::Owned)
            }
            Expr::List(items) => {
                let items = items.iter().map(|item| self.own(self.eval(item, scope)?));
                items.collect::<Result<_, _>>().map(|items| Cow::Owned(Value::List(items)))
            }
            Expr::Object(members) => self.object(members, scope),
            Expr::Call(function, values) => self.call(*function, values, scope),
            Expr::Matches(text, pattern) => {
                let text = self.eval(text, scope)?;
                // The automaton may have to be walked state by state.
                self.spend(weight(&text))?;
                match &*text {
                    Value::Text(text) => Ok(truth(pattern.is_match(text))),
                    other => Err(fault(format!("`matches` takes a text, not {}", other.kind()))),
                }
            }
            Expr::Each(which, each) => self.each(*which, each, scope),
        }
    }

    fn select<'e, 'a>(
        &self,
        of: Cow<'e, Value<'a>>,
        name: &str,
    ) -> Result<Option<Cow<'e, Value<'a>>>, Fault> {
        if !matches!(&*of, Value::Object(_)) {
            return Err(fault(format!("{} has no member {}", of.kind(), Fault::quote(name))));
        }
        Ok(match of {
            Cow::Borrowed(of) => self.member(of, name)?.map(Cow::Borrowed),
            Cow::Owned(of) => self.member(&of, name)?.cloned().map(Cow::Owned),
        })
    }

    fn index<'e, 'a>(&self, parts: &'e [Expr; 2], scope: Scope<'e, 'a>) -> Found<'e, 'a> {
        let [of, index] = parts;
        let (of, index) = (self.eval(of, scope)?, self.eval(index, scope)?);
        match (of, &*index) {
            (of, Value::Text(name)) => self.select(of, name)?.ok_or_else(|| absent(name)),
            (Cow::Borrowed(of), at) => item(of, at).map(Cow::Borrowed),
            (Cow::Owned(of), at) => item(&of, at).cloned().map(Cow::Owned),
        }
    }

    /// `&&` and `||`: the answer that settles it counts, whatever is wrong with the other part.
    fn either<'e, 'a>(
        &self,
        parts: &'e [Expr; 2],
        settles: bool,
        scope: Scope<'e, 'a>,
    ) -> Found<'e, 'a> {
        let answer = |part| self.eval(part, scope).and_then(|value| yes(&value));
        let [left, right] = parts;
        settle([left, right].into_iter().map(answer), settles).map(truth)
    }

    fn object<'e, 'a>(&self, members: &'e [(Expr, Expr)], scope: Scope<'e, 'a>) -> Found<'e, 'a> {
        let mut built: Vec<(Cow<'a, str>, Value<'a>)> = Vec::with_capacity(members.len());
        for (name, value) in members {
            let Value::Text(name) = self.own(self.eval(name, scope)?)? else {
                return Err(fault("the names of an object are texts"));
            };
            if built.iter().any(|(other, _)| *other == name) {
                return Err(fault(format!("the name {} is there twice", Fault::quote(&name))));
            }
            built.push((name, self.own(self.eval(value, scope)?)?));
        }
        Ok(Cow::Owned(Value::Object(built)))
    }

    fn call<'e, 'a>(
        &self,
        function: Function,
        values: &'e [Expr],
        scope: Scope<'e, 'a>,
    ) -> Found<'e, 'a> {
        let values = values.iter().map(|value| {
            let value = self.eval(value, scope)?;
            self.spend_on(&value)?;
            Ok(value)
        });
        let values = values.collect::<Result<Vec<_>, Fault>>()?;
        call(function, &values).map(Cow::Owned)
    }

    fn each<'e, 'a>(&self, which: Macro, each: &'e Each, scope: Scope<'e, 'a>) -> Found<'e, 'a> {
        let of = self.eval(&each.list, scope)?;
        let names: Vec<Value<'a>>;
        let items = match &*of {
            Value::List(items) => items.as_slice(),
            Value::Object(members) => {
                self.spend_on(&of)?;
                names = members.iter().map(|(name, _)| Value::Text(name.clone())).collect();
                names.as_slice()
            }
            other => return Err(fault(format!("macros take lists, not {}", other.kind()))),
        };
        let answer = |item: &Value<'a>, part: &Expr| {
            let bound = Bound { name: &each.name, value: item, outer: scope.bound };
            let scope = Scope { this: scope.this, bound: Some(&bound) };
            self.eval(part, scope).and_then(|value| self.own(value))
        };
        let test = |item: &Value<'a>, part: &Expr| answer(item, part).and_then(|value| yes(&value));
        match which {
            Macro::All | Macro::Exists => {
                let settles = matches!(which, Macro::Exists);
                let answers = items.iter().map(|item| test(item, &each.body));
                settle(answers, settles).map(truth)
            }
            Macro::ExistsOne => {
                let mut count = 0;
                for item in items {
                    count += usize::from(test(item, &each.body)?);
                }
                Ok(truth(count == 1))
            }
            Macro::Map => {
                let only =
                    |item: &Value<'a>| each.only.as_ref().map_or(Ok(true), |only| test(item, only));
                let kept = items.iter().filter_map(|item| match only(item) {
                    Ok(true) => Some(answer(item, &each.body)),
                    Ok(false) => None,
                    Err(fault) => Some(Err(fault)),
                });
                kept.collect::<Result<_, _>>().map(|kept| Cow::Owned(Value::List(kept)))
            }
            Macro::Filter => {
                let kept = items.iter().filter_map(|item| match test(item, &each.body) {
                    Ok(true) => Some(self.own(Cow::Borrowed(item))),
                    Ok(false) => None,
                    Err(fault) => Some(Err(fault)),
                });
                kept.collect::<Result<_, _>>().map(|kept| Cow::Owned(Value::List(kept)))
            }
        }
    }
}

fn truth<'e, 'a>(answer: bool) -> Cow<'e, Value<'a>> {
    Cow::Owned(Value::Bool(answer))
}

fn yes(value: &Value<'_>) -> Result<bool, Fault> {
    match value {
        Value::Bool(answer) => Ok(*answer),
        other => Err(fault(format!("expected true or false, found {}", other.kind()))),
    }
}

fn absent(name: &str) -> Fault {
    let name = Fault::quote(name);
    fault(format!("there is no {name}; ask `has(this.…)` first"))
}

/// The answer that settles the question if there is one, then what is wrong, then the other.
fn settle(
    answers: impl Iterator<Item = Result<bool, Fault>>,
    settles: bool,
) -> Result<bool, Fault> {
    let mut wrong = None;
    for answer in answers {
        match answer {
            Ok(answer) if answer == settles => return Ok(settles),
            Ok(_) => {}
            Err(fault) if fault.code == STOPPED => return Err(fault),
            Err(fault) => drop(wrong.get_or_insert(fault)),
        }
    }
    wrong.map_or(Ok(!settles), Err)
}
