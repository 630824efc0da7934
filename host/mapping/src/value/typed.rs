//! Values of JSON as values of a type.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{DateTime, Money, Value};
use crate::{Fault, Kind, exact};

impl Value<'_> {
    /// The value as one of this type: what JSON writes as text or object becomes a day, an
    /// instant or an amount; missing and null stay what they are.
    pub fn typed(self, kind: &Kind) -> Result<Self, Fault> {
        match (self, kind) {
            (value @ (Self::Missing | Self::Null), _) | (value, Kind::Any) => Ok(value),
            (Self::Number(number), Kind::Integer) if !number.is_integer() => {
                Err(Fault::kind(kind, &Self::Number(number)))
            }
            (Self::Text(text), Kind::Date) => date(&text).map(Self::Date),
            (Self::Text(text), Kind::DateTime) => DateTime::parse(&text).map(Self::DateTime),
            (Self::Object(members), Kind::Money) => money(&members).map(Self::Money),
            (Self::List(items), Kind::List(kind)) => {
                let items = items.into_iter().map(|item| item.typed(kind));
                items.collect::<Result<_, _>>().map(Self::List)
            }
            (Self::List(items), Kind::Tuple(kinds)) if items.len() == kinds.len() => {
                let items = items.into_iter().zip(kinds).map(|(item, kind)| item.typed(kind));
                items.collect::<Result<_, _>>().map(Self::List)
            }
            (value, kind) if value.kind().fits(kind) => Ok(value),
            (value, kind) => Err(Fault::kind(kind, &value)),
        }
    }
}

/// A day of RFC 3339.
fn date(text: &str) -> Result<Date, Fault> {
    // jiff would also take an instant and forget its time.
    let day = text.parse().ok().filter(|_| text.len() == "2026-01-31".len());
    day.ok_or_else(|| {
        let text = Fault::quote(text);
        Fault::new("mapping.date", format!("{text} is no day of the form 2026-01-31"))
    })
}

fn money(members: &[(std::borrow::Cow<'_, str>, Value<'_>)]) -> Result<Money, Fault> {
    let member = |wanted| members.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
    let amount: Option<Decimal> = match member("amount") {
        Some(Value::Number(number)) => Some(*number),
        Some(Value::Text(text)) => exact::parse(text),
        _ => None,
    };
    match (amount, member("currency")) {
        (Some(amount), Some(Value::Text(currency))) => {
            Ok(Money { amount, currency: currency.clone().into_owned() })
        }
        _ => Err(Fault::new(
            "mapping.money",
            "money is written as {\"amount\": \"12.30\", \"currency\": \"EUR\"}",
        )),
    }
}
