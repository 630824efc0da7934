//! Places within a value.

use std::borrow::Cow;

use plughouse_scan::pointer::{index, unescape};

use super::BuildError;
use crate::{Fault, Value};

/// Steps of a pointer: deeper than the records of any provider, and few enough to recurse over.
const STEPS_MAX: usize = 16;

/// A place within an object or a list, as RFC 6901 writes it; never the whole.
#[derive(Debug)]
pub(super) struct Pointer(Vec<String>);

impl Pointer {
    pub(super) fn parse(text: &str) -> Result<Self, BuildError> {
        let refuse = || {
            let text = Fault::quote(text);
            let message = format!("{text} is no JSON Pointer to a part, such as `/address/city`");
            BuildError::parameter(message)
        };
        let rest = text.strip_prefix('/').ok_or_else(refuse)?;
        let steps: Vec<_> =
            rest.split('/').map(unescape).collect::<Option<_>>().ok_or_else(refuse)?;
        if steps.len() > STEPS_MAX {
            let message = format!("a pointer has {} steps; at most {STEPS_MAX}", steps.len());
            return Err(BuildError::limit(message));
        }
        Ok(Self(steps))
    }

    /// The value that stands there; null when a part of the way is, and missing when there is none.
    pub(super) fn find<'v, 'a>(&self, value: &'v Value<'a>) -> &'v Value<'a> {
        self.0.iter().fold(value, |value, step| match value {
            Value::Object(members) => {
                let member = members.iter().find(|(name, _)| name == step);
                member.map_or(&Value::Missing, |(_, value)| value)
            }
            Value::List(items) => {
                index(step).and_then(|at| items.get(at)).unwrap_or(&Value::Missing)
            }
            Value::Null => &Value::Null,
            _ => &Value::Missing,
        })
    }

    /// Takes out the value that stands there.
    pub(super) fn take<'a>(&self, value: Value<'a>) -> Value<'a> {
        self.0.iter().fold(value, |value, step| match value {
            Value::Object(members) => {
                let member = members.into_iter().find(|(name, _)| name == step);
                member.map_or(Value::Missing, |(_, value)| value)
            }
            Value::List(items) => {
                let item = index(step).and_then(|at| items.into_iter().nth(at));
                item.unwrap_or(Value::Missing)
            }
            Value::Null => Value::Null,
            _ => Value::Missing,
        })
    }

    /// The value with another one there; objects are made on the way where there is nothing.
    /// Missing removes a member.
    pub(super) fn set<'a>(&self, value: Value<'a>, part: Value<'a>) -> Result<Value<'a>, Fault> {
        set(&self.0, value, part)
    }

    /// Objects with nothing but the value, at this place.
    pub(super) fn wrap<'a>(&self, part: Value<'a>) -> Value<'a> {
        let steps = self.0.iter().rev();
        steps.fold(part, |part, step| Value::Object(vec![(Cow::Owned(step.clone()), part)]))
    }

    /// The value that objects with nothing else hold at this place.
    pub(super) fn unwrap<'a>(&self, value: Value<'a>) -> Result<Value<'a>, Fault> {
        self.0.iter().try_fold(value, |value, step| {
            let mut members = value.into_members()?;
            match (members.pop(), members.is_empty()) {
                (Some((name, part)), true) if name == *step => Ok(part),
                _ => {
                    let step = Fault::quote(step);
                    let message = format!("the object must have the member {step} and no other");
                    Err(Fault::conflict(message))
                }
            }
        })
    }
}

fn set<'a>(steps: &[String], value: Value<'a>, part: Value<'a>) -> Result<Value<'a>, Fault> {
    let Some((step, rest)) = steps.split_first() else { return Ok(part) };
    match value {
        Value::Object(members) => set_member(members, step, rest, part),
        Value::Missing | Value::Null => set_member(Vec::new(), step, rest, part),
        Value::List(mut items) => {
            let Some(at) = index(step).and_then(|at| items.get_mut(at)) else {
                let step = Fault::quote(step);
                return Err(Fault::conflict(format!("the list has no item {step} to replace")));
            };
            if part.is_missing() && rest.is_empty() {
                return Err(Fault::conflict("removing an item would move those behind it"));
            }
            *at = set(rest, std::mem::replace(at, Value::Missing), part)?;
            Ok(Value::List(items))
        }
        other => {
            let (step, kind) = (Fault::quote(step), other.kind());
            Err(Fault::conflict(format!("there is no place for {step} in a value of type {kind}")))
        }
    }
}

fn set_member<'a>(
    mut members: Vec<(Cow<'a, str>, Value<'a>)>,
    step: &str,
    rest: &[String],
    part: Value<'a>,
) -> Result<Value<'a>, Fault> {
    let place = members.iter().position(|(name, _)| name == step);
    let old = place.map_or(Value::Missing, |at| members.remove(at).1);
    let new = set(rest, old, part)?;
    if !new.is_missing() {
        let at = place.unwrap_or(members.len());
        members.insert(at, (Cow::Owned(step.to_owned()), new));
    }
    Ok(Value::Object(members))
}
