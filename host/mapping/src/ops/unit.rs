//! Units of measurement, related by exact fractions.

use rust_decimal::Decimal;

use super::arithmetic::{Linear, digits};
use super::{Args, BuildError, Example, Param, ParamKind, Spec, currency};
use crate::exact::Ratio;
use crate::lens::Lens;

pub(super) const SPECS: &[Spec] = &[Spec {
    name: "unit",
    summary: "the number in another unit of the same quantity, exactly",
    params: &[
        Param {
            name: "from",
            kind: ParamKind::Choice(WORDS),
            required: true,
            summary: "the unit of the source",
        },
        Param {
            name: "to",
            kind: ParamKind::Choice(WORDS),
            required: true,
            summary: "the unit of the view",
        },
        Param {
            name: "digits",
            kind: ParamKind::Count,
            required: false,
            summary: "digits behind the point to round to, up to 28; what is not exact is refused \
                      when left out",
        },
        Param {
            name: "currency",
            kind: ParamKind::Text,
            required: false,
            summary: "the code whose minor unit is meant, as JPY, which has none; a hundredth \
                      when left out",
        },
    ],
    types: "decimal → decimal",
    class: "bijective; needs-base with digits",
    reverse: "the number in the old unit; refused or, with digits, rounded if it is not exact",
    standard: Some("SI; IEC 80000-13; international yard and pound (1959); ISO 4217"),
    example: Example {
        op: r#"{"op": "unit", "from": "minor", "to": "major"}"#,
        input: "1234",
        output: "12.34",
    },
    build,
}];

/// Declares the units, so that the words of the parameter cannot differ from the table.
macro_rules! units {
    ($($quantity:ident: $($word:literal = $numerator:literal / $denominator:literal),+;)+) => {
        /// Units may be exchanged within one of these.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        enum Quantity {
            $($quantity,)+
        }

        const WORDS: &[&str] = &[$($($word,)+)+];

        /// Each unit as a fraction of the first of its quantity.
        const UNITS: &[(&str, Unit)] = &[$($(
            ($word, Unit {
                quantity: Quantity::$quantity,
                name: $word,
                size: Ratio::new($numerator, $denominator),
            }),
        )+)+];
    };
}

#[derive(Clone, Copy, Debug)]
struct Unit {
    quantity: Quantity,
    name: &'static str,
    size: Ratio,
}

units! {
    Money: "major" = 1 / 1, "minor" = 1 / 100;
    Share: "fraction" = 1 / 1, "percent" = 1 / 100, "permille" = 1 / 1_000,
        "basis_point" = 1 / 10_000;
    Time: "s" = 1 / 1, "us" = 1 / 1_000_000, "ms" = 1 / 1_000, "min" = 60 / 1, "h" = 3_600 / 1,
        "d" = 86_400 / 1, "week" = 604_800 / 1;
    Memory: "byte" = 1 / 1, "bit" = 1 / 8, "kb" = 1_000 / 1, "mb" = 1_000_000 / 1,
        "gb" = 1_000_000_000 / 1, "tb" = 1_000_000_000_000 / 1, "kib" = 1_024 / 1,
        "mib" = 1_048_576 / 1, "gib" = 1_073_741_824 / 1, "tib" = 1_099_511_627_776 / 1;
    Length: "m" = 1 / 1, "mm" = 1 / 1_000, "cm" = 1 / 100, "km" = 1_000 / 1,
        "in" = 254 / 10_000, "ft" = 3_048 / 10_000, "yd" = 9_144 / 10_000,
        "mi" = 1_609_344 / 1_000;
    Mass: "g" = 1 / 1, "mg" = 1 / 1_000, "kg" = 1_000 / 1, "t" = 1_000_000 / 1,
        "oz" = 28_349_523_125 / 1_000_000_000, "lb" = 45_359_237 / 100_000;
    Temperature: "kelvin" = 1 / 1, "celsius" = 1 / 1, "fahrenheit" = 5 / 9;
}

impl Unit {
    /// What is added to a number in this unit so that zero means nothing at all.
    fn zero(self) -> Decimal {
        match self.name {
            "celsius" => Decimal::new(27_315, 2),
            "fahrenheit" => Decimal::new(45_967, 2),
            _ => Decimal::ZERO,
        }
    }
}

fn build(args: &mut Args) -> Result<Box<dyn Lens>, BuildError> {
    let mut from = args.need("from", |args, name| args.choice(name, UNITS))?;
    let mut to = args.need("to", |args, name| args.choice(name, UNITS))?;
    if from.quantity != to.quantity {
        let (from, to) = (from.name, to.name);
        return Err(BuildError::parameter(format!("`{from}` and `{to}` measure other things")));
    }
    if let Some(code) = args.text("currency")? {
        if from.quantity != Quantity::Money {
            let message = "the parameter `currency` is for the units `minor` and `major` alone";
            return Err(BuildError::parameter(message));
        }
        let minor = currency::minor_unit(&code).map_err(|fault| {
            BuildError::parameter(format!("the parameter `currency` is of no use: {fault}"))
        })?;
        for unit in [&mut from, &mut to].into_iter().filter(|unit| unit.name == "minor") {
            unit.size = minor;
        }
    }
    let factor = from.size.over(to.size);
    let (before, after) = (from.zero(), -to.zero());
    Ok(Box::new(Linear { before, factor, after, digits: digits(args)?, whole: false }))
}

#[cfg(test)]
mod tests {
    use super::super::laws;
    use super::*;
    use crate::{Chain, Kind, NoReferences, Value};

    fn op(from: &str, to: &str) -> String {
        format!(r#"{{"op": "unit", "from": {from:?}, "to": {to:?}}}"#)
    }

    #[test]
    fn units_are_what_their_standards_say() {
        #[track_caller]
        fn check(from: &str, to: &str, source: &str, view: &str) {
            assert_eq!(laws::get(&op(from, to), source), view);
            assert_eq!(laws::get(&op(to, from), view), source);
        }
        check("minor", "major", "-5", "-0.05");
        check("ms", "s", "1500", "1.5");
        check("min", "h", "90", "1.5");
        check("d", "week", "7", "1");
        check("h", "d", "36", "1.5");
        check("celsius", "fahrenheit", "100", "212");
        check("celsius", "fahrenheit", "-40", "-40");
        check("celsius", "kelvin", "-273.15", "0");
        check("fahrenheit", "kelvin", "-459.67", "0");
        check("percent", "fraction", "12.5", "0.125");
        check("basis_point", "percent", "25", "0.25");
        check("mib", "byte", "1", "1048576");
        check("bit", "byte", "12", "1.5");
        check("gb", "mb", "0.5", "500");
        check("in", "cm", "1", "2.54");
        check("mi", "km", "1", "1.609344");
        check("yd", "ft", "1", "3");
        check("lb", "kg", "1", "0.45359237");
        check("lb", "oz", "1", "16");
    }

    #[test]
    fn the_minor_unit_is_that_of_the_currency() {
        #[track_caller]
        fn check(code: &str, source: &str, view: &str) {
            let op = format!(
                r#"{{"op": "unit", "from": "minor", "to": "major", "currency": {code:?}}}"#
            );
            assert_eq!(laws::get(&op, source), view);
            assert_eq!(laws::put(&op, view, "0"), source);
        }
        check("EUR", "1234", "12.34");
        check("JPY", "1234", "1234");
        check("KWD", "1234", "1.234");
    }

    #[test]
    fn what_has_no_end_is_refused() {
        assert_eq!(laws::get(&op("fahrenheit", "celsius"), "33"), "mapping.number-inexact");
        assert_eq!(laws::get(&op("s", "h"), "1"), "mapping.number-inexact");
    }

    #[test]
    fn what_has_no_end_is_rounded_when_asked() {
        #[track_caller]
        fn check(from: &str, to: &str, source: &str, view: &str, edit: (&str, &str)) {
            let op = op(from, to).replace('}', r#", "digits": 2}"#);
            assert_eq!(laws::get(&op, source), view);
            assert_eq!(laws::put(&op, view, source), source);
            assert_eq!(laws::put(&op, edit.0, source), edit.1);
        }
        check("fahrenheit", "celsius", "33", "0.56", ("0.57", "33.026"));
        check("s", "h", "100", "0.03", ("0.04", "144"));
        check("s", "h", "-18", "-0.01", ("0.001", "mapping.conflict"));
        check("h", "s", "0.5", "1800", ("1801", "0.500277777777777778"));
    }

    #[test]
    fn other_quantities_and_unknown_currencies_are_refused() {
        #[track_caller]
        fn check(op: serde_json::Value) {
            assert_eq!(Chain::build(&[op], &Kind::Decimal).unwrap_err().code, "op.parameter");
        }
        check(serde_json::json!({"op": "unit", "from": "s", "to": "m"}));
        check(serde_json::json!({"op": "unit", "from": "s", "to": "h", "currency": "EUR"}));
        check(serde_json::json!({"op": "unit", "from": "minor", "to": "major", "currency": "XYZ"}));
    }

    #[test]
    fn every_unit_is_written_back_as_it_was() {
        // Divisible by every size there is.
        let source = Value::Number(Decimal::from(254 * 3_048 * 9_144 * 45_i64));
        for (from, to) in UNITS.iter().flat_map(|from| UNITS.iter().map(move |to| (from, to))) {
            if from.1.quantity == to.1.quantity {
                let chain = laws::chain(&op(from.0, to.0), &Kind::Decimal);
                let Ok(view) = chain.get(source.clone(), &NoReferences) else { continue };
                let back = chain.put(view, &Value::Missing, &NoReferences);
                assert_eq!(back.unwrap(), source, "{} {}", from.0, to.0);
            }
        }
    }

    #[test]
    fn the_laws_hold() {
        laws::hold(&op("celsius", "fahrenheit"), &Kind::Decimal, laws::decimals());
        laws::hold(&op("minor", "major"), &Kind::Decimal, laws::decimals());
        laws::hold(&op("lb", "g"), &Kind::Decimal, laws::decimals());
    }
}
