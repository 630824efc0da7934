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
            (value @ (Self::Missing | Self::Null), _)
            | (value, Kind::Any)
            | (value @ Self::Text(_), Kind::Text)
            | (value @ Self::Number(_), Kind::Decimal) => Ok(value),
            (Self::Number(number), Kind::Integer) if number.is_integer() => {
                Ok(Self::Number(number.trunc()))
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
        (Some(amount), Some(Value::Text(currency))) if is_code(currency) => {
            Ok(Money { amount, currency: currency.clone().into_owned() })
        }
        _ => Err(Fault::new(
            "mapping.money",
            "money is written as {\"amount\": \"12.30\", \"currency\": \"EUR\"}",
        )),
    }
}

/// Whether it has the form of a code of ISO 4217.
fn is_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value as one of this type, as JSON or as the code of the fault.
    #[track_caller]
    fn check(json: &str, kind: &Kind, expected: &str) {
        let typed = Value::parse(json.as_bytes()).unwrap().typed(kind);
        assert_eq!(typed.map_or_else(|fault| fault.code.into(), |v| v.to_json()), expected);
    }

    #[test]
    fn what_json_has_no_type_for_is_read_from_text() {
        check(r#""2026-02-28""#, &Kind::Date, r#""2026-02-28""#);
        check(r#""2026-02-29""#, &Kind::Date, "mapping.date");
        check(r#""2026-02-28T10:00""#, &Kind::Date, "mapping.date");
        check(r#""28.02.2026""#, &Kind::Date, "mapping.date");
        let at = r#""2026-02-28T10:00:00.5+05:30""#;
        check(at, &Kind::DateTime, at);
        check(r#""2026-02-28T10:00:00Z""#, &Kind::DateTime, r#""2026-02-28T10:00:00Z""#);
        check(r#""2026-02-28T10:00:00""#, &Kind::DateTime, "mapping.datetime");
        check(r#""2026-02-28""#, &Kind::DateTime, "mapping.datetime");
        check(r#""9999-12-31T23:59:59-23:59""#, &Kind::DateTime, "mapping.datetime");
        let money = r#"{"amount":"1.50","currency":"EUR"}"#;
        check(money, &Kind::Money, money);
        check(r#"{"currency":"EUR","amount":1.50}"#, &Kind::Money, money);
        check(r#"{"amount":"much","currency":"EUR"}"#, &Kind::Money, "mapping.money");
        check(r#"{"amount":1}"#, &Kind::Money, "mapping.money");
        check(r#"{"amount":1,"currency":"€"}"#, &Kind::Money, "mapping.money");
    }

    #[test]
    fn other_types_are_refused_within_lists_too() {
        let list = |kind| Kind::List(Box::new(kind));
        check("[1, null, 2]", &list(Kind::Integer), "[1,null,2]");
        check("[1, 2.5]", &list(Kind::Integer), "mapping.type");
        check(r#"["2026-01-01"]"#, &list(Kind::Date), r#"["2026-01-01"]"#);
        check(r#"[1, "a"]"#, &Kind::Tuple(vec![Kind::Decimal, Kind::Text]), r#"[1,"a"]"#);
        check("[1]", &Kind::Tuple(vec![Kind::Decimal, Kind::Text]), "mapping.type");
        check("5.00", &Kind::Integer, "5");
        check("{}", &list(Kind::Any), "mapping.type");
        check("[]", &Kind::Object, "mapping.type");
        check("true", &Kind::Text, "mapping.type");
        check("null", &Kind::Text, "null");
    }
}
