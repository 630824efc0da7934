//! Values on their way through a mapping.

mod instant;
mod json;
mod plain;
mod typed;

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use rust_decimal::Decimal;

use crate::ops::LIST_MAX;
use crate::{Fault, Kind};

/// Containers within containers of a value: with the record around it, it can still be read.
pub(crate) const DEPTH_MAX: usize = plughouse_scan::DEPTH_MAX - 1;

/// A value; texts are borrowed from the record where they can be.
///
/// Objects with the same members are equal in whatever order these stand.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// The path leads nowhere. It is not null: a null that is written clears a field.
    Missing,
    /// JSON null.
    Null,
    /// A truth value.
    Bool(bool),
    /// An exact number: at most 28 significant digits, or 29 up to 2^96 − 1.
    Number(Decimal),
    /// Text.
    Text(Cow<'a, str>),
    /// A day.
    Date(Date),
    /// An instant.
    DateTime(DateTime),
    /// An amount.
    Money(Money),
    /// Values in order; also the tuple of several sources.
    List(Vec<Self>),
    /// Named values in their order; each name once.
    Object(Vec<(Cow<'a, str>, Self)>),
}

/// An instant and the offset it is written in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DateTime {
    /// The instant.
    pub at: Timestamp,
    /// The offset from UTC.
    pub offset: Offset,
}

/// An amount of a currency; the amount keeps its digits behind the point.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Money {
    /// The amount in units of the currency.
    pub amount: Decimal,
    /// ISO 4217 code, three upper-case letters.
    pub currency: String,
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Missing, Self::Missing) | (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Date(a), Self::Date(b)) => a == b,
            (Self::DateTime(a), Self::DateTime(b)) => a == b,
            (Self::Money(a), Self::Money(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Object(a), Self::Object(b)) if a.len() != b.len() => false,
            (Self::Object(a), Self::Object(b)) => {
                if a.iter().zip(b).all(|(a, b)| a.0 == b.0) {
                    return a.iter().zip(b).all(|(a, b)| a.1 == b.1);
                }
                let [mut a, mut b] = [a, b].map(|members| members.iter().collect::<Vec<_>>());
                a.sort_unstable_by(|a, b| a.0.cmp(&b.0));
                b.sort_unstable_by(|a, b| a.0.cmp(&b.0));
                a == b
            }
            _ => false,
        }
    }
}

impl<'a> Value<'a> {
    /// Text.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// The text that this is.
    pub(crate) fn into_text(self) -> Result<Cow<'a, str>, Fault> {
        match self {
            Self::Text(text) => Ok(text),
            other => Err(Fault::kind(&Kind::Text, &other)),
        }
    }

    /// The number that this is.
    pub(crate) fn into_number(self) -> Result<Decimal, Fault> {
        match self {
            Self::Number(number) => Ok(number),
            other => Err(Fault::kind(&Kind::Decimal, &other)),
        }
    }

    /// The items of a list, few enough for an operation to go through them.
    pub(crate) fn into_items(self) -> Result<Vec<Self>, Fault> {
        match self {
            Self::List(items) if items.len() <= LIST_MAX => Ok(items),
            Self::List(items) => Err(Fault::new(
                "mapping.list-length",
                format!("the list has {} items; at most {LIST_MAX}", items.len()),
            )),
            other => Err(Fault::kind(&Kind::List(Box::new(Kind::Any)), &other)),
        }
    }

    /// The members of an object.
    pub(crate) fn into_members(self) -> Result<Vec<(Cow<'a, str>, Self)>, Fault> {
        match self {
            Self::Object(members) => Ok(members),
            other => Err(Fault::kind(&Kind::Object, &other)),
        }
    }

    /// The value, unless it is nested deeper than a record that holds it could be read.
    pub(crate) fn within_depth(self) -> Result<Self, Fault> {
        fn fits(value: &Value<'_>, left: usize) -> bool {
            let inner = left.checked_sub(1);
            match value {
                Value::List(items) => {
                    inner.is_some_and(|left| items.iter().all(|item| fits(item, left)))
                }
                Value::Object(members) => {
                    inner.is_some_and(|left| members.iter().all(|(_, value)| fits(value, left)))
                }
                _ => true,
            }
        }
        if fits(&self, DEPTH_MAX) {
            return Ok(self);
        }
        Err(Fault::new("mapping.depth", format!("nested deeper than {DEPTH_MAX} levels")))
    }

    /// Missing or null.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Missing | Self::Null)
    }

    /// Missing, which null is not.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    /// The type, as far as the value alone tells.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Missing | Self::Null => Kind::Any,
            Self::Bool(_) => Kind::Bool,
            Self::Number(number) if number.is_integer() => Kind::Integer,
            Self::Number(_) => Kind::Decimal,
            Self::Text(_) => Kind::Text,
            Self::Date(_) => Kind::Date,
            Self::DateTime(_) => Kind::DateTime,
            Self::Money(_) => Kind::Money,
            Self::List(_) => Kind::List(Box::new(Kind::Any)),
            Self::Object(_) => Kind::Object,
        }
    }

    /// The same value, borrowing nothing.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Missing => Value::Missing,
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(value) => Value::Number(value),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Date(value) => Value::Date(value),
            Self::DateTime(value) => Value::DateTime(value),
            Self::Money(value) => Value::Money(value),
            Self::List(items) => Value::List(items.into_iter().map(Value::into_owned).collect()),
            Self::Object(members) => Value::Object(
                members
                    .into_iter()
                    .map(|(name, value)| (Cow::Owned(name.into_owned()), value.into_owned()))
                    .collect(),
            ),
        }
    }
}
