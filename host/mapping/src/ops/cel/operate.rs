//! Operators and functions on values.

use std::borrow::Cow;
use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::expr::{Function, Operator};
use crate::exact::{self, Ratio};
use crate::ops::set::order;
use crate::{Fault, Value};

/// An expression that has no value.
pub(super) fn fault(message: impl Into<Cow<'static, str>>) -> Fault {
    Fault::new("mapping.cel", message)
}

/// The member of an object; what is missing is not there.
pub(super) fn member<'v, 'a>(of: &'v Value<'a>, name: &str) -> Option<&'v Value<'a>> {
    let Value::Object(members) = of else { return None };
    let found = members.iter().find(|(other, _)| other == name);
    found.map(|(_, value)| value).filter(|value| !value.is_missing())
}

/// The item of a list.
pub(super) fn item<'v, 'a>(of: &'v Value<'a>, at: &Value<'_>) -> Result<&'v Value<'a>, Fault> {
    let (Value::List(items), Value::Number(at)) = (of, at) else {
        return Err(fault(format!("a {} has no {}", of.kind(), at.to_json())));
    };
    let place = at.is_integer().then(|| usize::try_from(*at).ok()).flatten();
    let found = place.and_then(|at| items.get(at)).filter(|item| !item.is_missing());
    found.ok_or_else(|| fault(format!("there is no item {at} in a list of {}", items.len())))
}

pub(super) fn binary<'a>(
    operator: Operator,
    left: &Value<'a>,
    right: &Value<'a>,
) -> Result<Value<'a>, Fault> {
    use Operator as Op;
    Ok(match operator {
        // Values of other types are other values.
        Op::Equal => Value::Bool(left == right),
        Op::Unequal => Value::Bool(left != right),
        Op::Less => Value::Bool(compare(left, right)?.is_lt()),
        Op::LessOrEqual => Value::Bool(compare(left, right)?.is_le()),
        Op::Greater => Value::Bool(compare(left, right)?.is_gt()),
        Op::GreaterOrEqual => Value::Bool(compare(left, right)?.is_ge()),
        Op::In => Value::Bool(contains(right, left)?),
        Op::Add => match (left, right) {
            (Value::Text(left), Value::Text(right)) => {
                Fault::unless_text_fits(left.len() + right.len())?;
                Value::text(format!("{left}{right}"))
            }
            (Value::List(left), Value::List(right)) => {
                Value::List(left.iter().chain(right).cloned().collect())
            }
            _ => Value::Number(calculate(operator, left, right)?),
        },
        _ => Value::Number(calculate(operator, left, right)?),
    })
}

fn compare(left: &Value<'_>, right: &Value<'_>) -> Result<Ordering, Fault> {
    match (left, right) {
        (Value::Bool(_), Value::Bool(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Text(_), Value::Text(_))
        | (Value::Date(_), Value::Date(_))
        | (Value::DateTime(_), Value::DateTime(_)) => Ok(order(left, right)),
        _ => Err(fault(format!("{} and {} have no order", left.kind(), right.kind()))),
    }
}

fn contains(all: &Value<'_>, one: &Value<'_>) -> Result<bool, Fault> {
    match (all, one) {
        (Value::List(items), one) => Ok(items.contains(one)),
        (Value::Object(_), Value::Text(name)) => Ok(member(all, name).is_some()),
        _ => Err(fault(format!("{} cannot be in {}", one.kind(), all.kind()))),
    }
}

fn calculate(operator: Operator, left: &Value<'_>, right: &Value<'_>) -> Result<Decimal, Fault> {
    let (Value::Number(a), Value::Number(b)) = (left, right) else {
        let (left, right) = (left.kind(), right.kind());
        return Err(fault(format!("this operator does not take {left} and {right}")));
    };
    let (a, b) = (*a, *b);
    if matches!(operator, Operator::Divide | Operator::Remainder) && b.is_zero() {
        return Err(fault("a division by zero"));
    }
    let result = match operator {
        Operator::Add => exact::add(a, b),
        Operator::Subtract => exact::add(a, -b),
        Operator::Multiply => Ratio::of(b).map_or(Some(Decimal::ZERO), |b| b.times(a)),
        Operator::Divide => a.checked_div(b).map(|quotient| quotient.normalize()),
        _ => a.checked_rem(b).map(|rest| rest.normalize()),
    };
    result.ok_or_else(|| fault("the result has more than 28 digits"))
}

pub(super) fn call<'a>(
    function: Function,
    values: &[Cow<'_, Value<'a>>],
) -> Result<Value<'a>, Fault> {
    let values: Vec<&Value<'a>> = values.iter().map(Cow::as_ref).collect();
    Ok(match (function, values.as_slice()) {
        (Function::Size, [Value::Text(text)]) => Value::Number(text.chars().count().into()),
        (Function::Size, [Value::List(items)]) => Value::Number(items.len().into()),
        (Function::Size, [Value::Object(members)]) => Value::Number(members.len().into()),
        (Function::Contains, [Value::Text(text), Value::Text(part)]) => {
            Value::Bool(text.contains(part.as_ref()))
        }
        (Function::StartsWith, [Value::Text(text), Value::Text(part)]) => {
            Value::Bool(text.starts_with(part.as_ref()))
        }
        (Function::EndsWith, [Value::Text(text), Value::Text(part)]) => {
            Value::Bool(text.ends_with(part.as_ref()))
        }
        (Function::String, [text @ Value::Text(_)]) => (*text).clone(),
        (Function::String, [Value::Number(number)]) => Value::text(number.to_string()),
        (Function::String, [Value::Bool(answer)]) => Value::text(answer.to_string()),
        (Function::String, [Value::Date(day)]) => Value::text(day.to_string()),
        (Function::String, [Value::DateTime(time)]) => Value::text(time.to_string()),
        (Function::Double, [value]) => Value::Number(number(value)?),
        (Function::Int, [value]) => Value::Number(number(value)?.trunc()),
        (_, values) => {
            let kinds: Vec<_> = values.iter().map(|value| value.kind().to_string()).collect();
            return Err(fault(format!("the function does not take {}", kinds.join(" and "))));
        }
    })
}

fn number(value: &Value<'_>) -> Result<Decimal, Fault> {
    let number = match value {
        Value::Number(number) => Some(*number),
        Value::Text(text) => exact::parse(text),
        _ => None,
    };
    number
        .ok_or_else(|| fault(format!("a {} that is no number of at most 28 digits", value.kind())))
}
