//! Values as plain texts: what a person would write for them.

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::{DateTime, Value};
use crate::{Fault, Kind, exact};

impl<'a> Value<'a> {
    /// A text, number, truth value, day or instant as a text.
    pub(crate) fn into_plain(self) -> Result<Cow<'a, str>, Fault> {
        Ok(match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string().into(),
            Self::Bool(value) => if value { "true" } else { "false" }.into(),
            Self::Date(date) => date.to_string().into(),
            Self::DateTime(time) => time.to_string().into(),
            other => return Err(Fault::kind(&Kind::Text, &other)),
        })
    }

    /// The value of this type that is written so; the text itself for other types than
    /// [`into_plain`](Self::into_plain) takes.
    pub(crate) fn of_plain(text: Cow<'a, str>, kind: &Kind) -> Result<Self, Fault> {
        let found = match kind {
            Kind::Integer => exact::parse(&text).filter(Decimal::is_integer).map(Self::Number),
            Kind::Decimal => exact::parse(&text).map(Self::Number),
            Kind::Bool => text.parse().ok().map(Self::Bool),
            Kind::Date => Value::text(&*text).typed(kind).ok().map(Value::into_owned),
            Kind::DateTime => DateTime::parse(&text).ok().map(Self::DateTime),
            _ => return Ok(Self::Text(text)),
        };
        // What is read again as another text would lose the edit.
        let found = found.filter(|value| value.clone().into_plain().ok().as_ref() == Some(&text));
        found.ok_or_else(|| {
            let text = Fault::quote(&text);
            Fault::conflict(format!("{text} is not how a value of type {kind} is written"))
        })
    }
}
