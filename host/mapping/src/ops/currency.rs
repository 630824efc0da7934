//! Amounts of money.

mod iso4217;

use rust_decimal::Decimal;

use super::number::{number_as, read};
use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::exact::Ratio;
use crate::lens::Lens;
use crate::value::Money;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

pub(super) const SPECS: &[Spec] = &[Spec {
    name: "currency_tag",
    summary: "an amount and the code of its currency as money; null without an amount",
    params: &[Param {
        name: "minor",
        kind: ParamKind::Bool,
        required: false,
        summary: "whether the amount is in minor units, as cents; false when left out",
    }],
    types: "(decimal, text) → money",
    class: "bijective",
    reverse: "the amount, as text if it was text, and the code",
    standard: Some("ISO 4217"),
    example: Example {
        op: r#"{"op": "currency_tag", "minor": true}"#,
        input: r#"[1200, "EUR"]"#,
        output: r#"{"amount": "12.00", "currency": "EUR"}"#,
    },
    build,
}];

fn build(args: &mut Args) -> Result<Box<dyn Lens>, BuildError> {
    let minor = args.flag("minor")?.unwrap_or(false);
    Ok(Box::new(CurrencyTag { minor, amount: Kind::Any }))
}

/// The minor unit of a currency, as a fraction of the currency.
pub(super) fn minor_unit(code: &str) -> Result<Ratio, Fault> {
    Ok(Ratio::new(1, 10_i128.pow(digits(code)?)))
}

fn digits(code: &str) -> Result<u32, Fault> {
    iso4217::digits(code).ok_or_else(|| {
        let code = Fault::quote(code);
        Fault::new("mapping.currency", format!("{code} is no active currency of ISO 4217"))
    })
}

#[derive(Debug)]
struct CurrencyTag {
    minor: bool,
    /// The type of amounts.
    amount: Kind,
}

fn pair() -> Kind {
    Kind::Tuple(vec![Kind::Decimal, Kind::Text])
}

impl Lens for CurrencyTag {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        self.amount = match source {
            Kind::Tuple(kinds) => match kinds.as_slice() {
                [amount, code]
                    if code.fits(&Kind::Text)
                        && (amount.fits(&Kind::Decimal) || amount.fits(&Kind::Text)) =>
                {
                    amount.clone()
                }
                _ => return Err(BuildError::kind(&pair(), source)),
            },
            Kind::Any => Kind::Any,
            _ => return Err(BuildError::kind(&pair(), source)),
        };
        Ok(Kind::Money)
    }

    fn class(&self) -> Class {
        Class::Bijective
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        let Value::List(items) = source else { return Err(Fault::kind(&pair(), &source)) };
        let Ok([amount, code]) = <[Value<'a>; 2]>::try_from(items) else {
            return Err(Fault::new("mapping.type", "expected an amount and a code"));
        };
        let amount = match amount {
            Value::Missing | Value::Null => return Ok(amount),
            Value::Text(text) => read(&text)?,
            amount => amount.into_number()?,
        };
        if code.is_empty() {
            return Err(Fault::new("mapping.currency", "there is an amount but no currency"));
        }
        let currency = code.into_text()?.to_ascii_uppercase();
        let digits = digits(&currency)?;
        let amount = if self.minor { major(amount, digits)? } else { amount };
        Ok(Value::Money(Money { amount, currency }))
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let Value::Money(Money { amount, currency }) = view else {
            return Err(Fault::kind(&Kind::Money, &view));
        };
        let digits = digits(&currency)?;
        let (old_amount, old_code) = match base {
            Value::List(items) => (items.first(), items.get(1)),
            _ => (None, None),
        };
        let amount = if self.minor { minor(amount, digits)? } else { amount };
        let amount = number_as(amount, &self.amount, old_amount.unwrap_or(&Value::Number(amount)))?;
        let code = match old_code {
            Some(Value::Text(old)) if old.eq_ignore_ascii_case(&currency) => old.clone(),
            _ => currency.into(),
        };
        Ok(Value::List(vec![amount, Value::Text(code)]))
    }
}

/// Minor units in units of a currency, with all of its digits.
fn major(amount: Decimal, digits: u32) -> Result<Decimal, Fault> {
    let unit = Ratio::new(1, 10_i128.pow(digits));
    let mut major = unit.times(amount).ok_or_else(|| too_exact(amount))?;
    major.rescale(major.scale().max(digits));
    Ok(major)
}

/// Units of a currency in minor units.
fn minor(amount: Decimal, digits: u32) -> Result<Decimal, Fault> {
    let unit = Ratio::new(10_i128.pow(digits), 1);
    unit.times(amount)
        .filter(Decimal::is_integer)
        .ok_or_else(|| Fault::conflict(format!("{amount} is no whole number of minor units")))
}

fn too_exact(amount: Decimal) -> Fault {
    Fault::new("mapping.number-inexact", format!("{amount} minor units need more than 28 digits"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::super::laws;
    use crate::value::Money;
    use crate::{Chain, Kind, NoReferences, Value};

    const OP: &str = r#""currency_tag""#;
    const MINOR: &str = r#"{"op": "currency_tag", "minor": true}"#;

    #[test]
    fn amounts_get_their_currency() {
        #[track_caller]
        fn check(op: &str, source: &str, view: &str) {
            assert_eq!(laws::get(op, source), view);
        }
        check(OP, r#"[12.30, "EUR"]"#, r#"{"amount":"12.30","currency":"EUR"}"#);
        check(OP, r#"["12.3", "usd"]"#, r#"{"amount":"12.3","currency":"USD"}"#);
        check(MINOR, r#"[1200, "EUR"]"#, r#"{"amount":"12.00","currency":"EUR"}"#);
        check(MINOR, r#"[1200, "JPY"]"#, r#"{"amount":"1200","currency":"JPY"}"#);
        check(MINOR, r#"["-5", "KWD"]"#, r#"{"amount":"-0.005","currency":"KWD"}"#);
        check(OP, r#"[null, "EUR"]"#, "null");
        check(OP, "[1, null]", "mapping.currency");
        check(OP, r#"[1, "Euro"]"#, "mapping.currency");
        check(OP, r#"["much", "EUR"]"#, "mapping.number");
        check(OP, "[1]", "mapping.type");
        check(OP, "1", "mapping.type");
    }

    #[track_caller]
    fn check_put(op: &str, kinds: [Kind; 2], money: (i64, u32, &str), base: &str, source: &str) {
        let (digits, scale, currency) = money;
        let amount = rust_decimal::Decimal::new(digits, scale);
        let view = Value::Money(Money { amount, currency: currency.to_owned() });
        let base = Value::parse(base.as_bytes()).unwrap();
        let put = laws::chain(op, &Kind::Tuple(kinds.into())).put(view, &base, &NoReferences);
        assert_eq!(put.map_or_else(|e| e.fault.code.into(), |v| v.to_json()), source);
    }

    #[test]
    fn money_goes_back_as_it_came() {
        let any = || [Kind::Any, Kind::Any];
        check_put(OP, any(), (150, 2, "EUR"), r#"["1","eur"]"#, r#"["1.50","eur"]"#);
        check_put(OP, any(), (150, 2, "USD"), r#"[1,"eur"]"#, r#"[1.50,"USD"]"#);
        check_put(OP, any(), (150, 2, "EUR"), "null", r#"[1.50,"EUR"]"#);
        check_put(OP, [Kind::Text, Kind::Text], (1, 0, "EUR"), "null", r#"["1","EUR"]"#);
        check_put(MINOR, any(), (150, 2, "EUR"), "null", r#"[150,"EUR"]"#);
        check_put(MINOR, any(), (150, 2, "JPY"), "null", "mapping.conflict");
        check_put(MINOR, any(), (1, 0, "Euro"), "null", "mapping.currency");
    }

    #[test]
    fn other_sources_are_refused_when_the_schema_is_saved() {
        let built = Chain::build(&["currency_tag".into()], &Kind::Text);
        assert_eq!(
            built.unwrap_err().to_string(),
            "`currency_tag`: takes (decimal, text), would get text"
        );
    }

    #[test]
    fn the_laws_hold() {
        let code = || select(vec!["EUR", "JPY", "KWD", "CLF"]).prop_map(Value::text);
        let pair = |amount, code| Value::List(vec![amount, code]);
        let kind = Kind::Tuple(vec![Kind::Decimal, Kind::Text]);
        let priced = (laws::decimals(), code()).prop_map(move |(amount, code)| pair(amount, code));
        laws::hold(OP, &kind, priced);
        let whole = any::<i64>().prop_map(|amount| Value::Number(amount.into()));
        let minor = (whole, code()).prop_map(move |(amount, code)| pair(amount, code));
        laws::hold(MINOR, &kind, minor);
    }
}
