//! Calculations with exact numbers.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::exact::{self, Ratio};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "round",
        summary: "the number with fewer digits behind the point",
        params: &[
            Param {
                name: "digits",
                kind: ParamKind::Count,
                required: false,
                summary: "digits that are kept, up to 28; none when left out",
            },
            Param {
                name: "mode",
                kind: ParamKind::Choice(&[
                    "half_up",
                    "half_even",
                    "half_down",
                    "up",
                    "down",
                    "ceiling",
                    "floor",
                ]),
                required: false,
                summary: "where to round, `up` being away from zero; half_up when left out",
            },
        ],
        types: "decimal → decimal",
        class: "needs-base",
        reverse: "the old number if it is rounded to the same, else the new one",
        standard: None,
        example: Example {
            op: r#"{"op": "round", "digits": 1, "mode": "half_even"}"#,
            input: "0.25",
            output: "0.2",
        },
        build: round,
    },
    Spec {
        name: "scale",
        summary: "the number times a factor, exactly",
        params: &[Param {
            name: "by",
            kind: ParamKind::Decimal,
            required: true,
            summary: "the factor, not 0",
        }],
        types: "decimal → decimal",
        class: "bijective",
        reverse: "the number divided by the factor; refused if the division has no end",
        standard: None,
        example: Example { op: r#"{"op": "scale", "by": 0.01}"#, input: "12.5", output: "0.125" },
        build: scale,
    },
    Spec {
        name: "offset",
        summary: "the number plus another, exactly",
        params: &[Param {
            name: "by",
            kind: ParamKind::Decimal,
            required: true,
            summary: "what is added; may be negative",
        }],
        types: "decimal → decimal",
        class: "bijective",
        reverse: "the number less the other",
        standard: None,
        example: Example { op: r#"{"op": "offset", "by": -0.5}"#, input: "2", output: "1.5" },
        build: offset,
    },
];

/// As at school.
const HALF_UP: RoundingStrategy = RoundingStrategy::MidpointAwayFromZero;

fn round(args: &mut Args) -> Result<Box<dyn Lens>, BuildError> {
    let digits = digits(args)?.unwrap_or(0);
    let modes = [
        ("half_up", HALF_UP),
        ("half_even", RoundingStrategy::MidpointNearestEven),
        ("half_down", RoundingStrategy::MidpointTowardZero),
        ("up", RoundingStrategy::AwayFromZero),
        ("down", RoundingStrategy::ToZero),
        ("ceiling", RoundingStrategy::ToPositiveInfinity),
        ("floor", RoundingStrategy::ToNegativeInfinity),
    ];
    let mode = args.choice("mode", &modes)?.unwrap_or(HALF_UP);
    Ok(Box::new(Round { digits, mode }))
}

/// The parameter `digits`.
pub(super) fn digits(args: &mut Args) -> Result<Option<u32>, BuildError> {
    let Some(digits) = args.count("digits")? else { return Ok(None) };
    match u32::try_from(digits) {
        Ok(digits) if digits <= Decimal::MAX_SCALE => Ok(Some(digits)),
        _ => Err(BuildError::limit("the parameter `digits` is more than 28")),
    }
}

fn scale(args: &mut Args) -> Result<Box<dyn Lens>, BuildError> {
    let zero = || BuildError::parameter("the parameter `by` is 0");
    let factor = Ratio::of(args.need("by", Args::decimal)?).ok_or_else(zero)?;
    Ok(Box::new(Linear { factor, ..Linear::default() }))
}

fn offset(args: &mut Args) -> Result<Box<dyn Lens>, BuildError> {
    Ok(Box::new(Linear { after: args.need("by", Args::decimal)?, ..Linear::default() }))
}

#[derive(Debug)]
struct Round {
    digits: u32,
    mode: RoundingStrategy,
}

impl Lens for Round {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::Decimal)?;
        let whole = self.digits == 0 || *source == Kind::Integer;
        Ok(if whole { Kind::Integer } else { Kind::Decimal })
    }

    fn class(&self) -> Class {
        Class::NeedsBase
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        let number = source.into_number()?;
        Ok(Value::Number(number.round_dp_with_strategy(self.digits, self.mode)))
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        _base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let number = view.into_number()?;
        if number.normalize().scale() > self.digits {
            let digits = self.digits;
            let message = format!("{number} would be rounded to {digits} digits when read again");
            return Err(Fault::conflict(message));
        }
        Ok(Value::Number(number))
    }
}

/// Digits of a product that has no end before it is rounded to fewer.
const GUARD: u32 = 18;

/// (source + `before`) × `factor` + `after`.
#[derive(Debug)]
pub(super) struct Linear {
    pub(super) before: Decimal,
    pub(super) factor: Ratio,
    pub(super) after: Decimal,
    /// Digits that are kept of a view; without, what is not exact is refused.
    pub(super) digits: Option<u32>,
    /// Whether sources are whole numbers.
    pub(super) whole: bool,
}

impl Default for Linear {
    fn default() -> Self {
        let (before, after) = (Decimal::ZERO, Decimal::ZERO);
        Self { before, factor: Ratio::new(1, 1), after, digits: None, whole: false }
    }
}

impl Linear {
    fn forth(&self, source: Decimal) -> Option<Decimal> {
        let sum = exact::add(source, self.before)?;
        let view = exact::add(self.times(self.factor, sum)?, self.after)?;
        Some(self.digits.map_or(view, |digits| view.round_dp_with_strategy(digits, HALF_UP)))
    }

    fn back(&self, view: Decimal) -> Option<Decimal> {
        let product = exact::add(view, -self.after)?;
        let source = exact::add(self.times(self.factor.inverse(), product)?, -self.before)?;
        Some(if self.whole && self.digits.is_some() { source.round() } else { source })
    }

    fn times(&self, factor: Ratio, number: Decimal) -> Option<Decimal> {
        let rounded = || self.digits.and_then(|_| factor.rounded(number, GUARD));
        factor.times(number).or_else(rounded)
    }
}

impl Lens for Linear {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::Decimal)?;
        self.whole = *source == Kind::Integer;
        let whole = self.whole && self.before.is_integer() && self.after.is_integer();
        Ok(if whole && self.factor.is_whole() { Kind::Integer } else { Kind::Decimal })
    }

    fn class(&self) -> Class {
        if self.digits.is_some() { Class::NeedsBase } else { Class::Bijective }
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        let number = source.into_number()?;
        self.forth(number).map(Value::Number).ok_or_else(|| inexact(number))
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        _base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let number = view.into_number()?;
        let source = self.back(number).ok_or_else(|| inexact(number))?;
        if self.whole && !source.is_integer() {
            let message = format!("{number} would be {source} in a field of whole numbers");
            return Err(Fault::conflict(message));
        }
        if self.forth(source) != Some(number) {
            let message = format!("{number} would not be read again from {source}");
            return Err(Fault::conflict(message));
        }
        Ok(Value::Number(source))
    }
}

fn inexact(number: Decimal) -> Fault {
    let message = format!("of {number} the result is not exact in 28 digits");
    Fault::new("mapping.number-inexact", message)
}

#[cfg(test)]
mod tests {
    use super::super::laws;
    use crate::{Chain, Kind, Value};

    #[track_caller]
    fn check(op: &str, source: &str, view: &str) {
        assert_eq!(laws::get(op, source), view);
    }

    #[test]
    fn numbers_are_rounded_by_every_rule() {
        #[track_caller]
        fn check(mode: &str, expected: [&str; 6]) {
            let op = format!(r#"{{"op": "round", "mode": {mode:?}}}"#);
            let found = ["-2.5", "-1.5", "1.1", "1.5", "2.5", "2.6"].map(|n| laws::get(&op, n));
            assert_eq!(found, expected, "{mode}");
        }
        check("half_up", ["-3", "-2", "1", "2", "3", "3"]);
        check("half_even", ["-2", "-2", "1", "2", "2", "3"]);
        check("half_down", ["-2", "-1", "1", "1", "2", "3"]);
        check("up", ["-3", "-2", "2", "2", "3", "3"]);
        check("down", ["-2", "-1", "1", "1", "2", "2"]);
        check("ceiling", ["-2", "-1", "2", "2", "3", "3"]);
        check("floor", ["-3", "-2", "1", "1", "2", "2"]);
    }

    #[test]
    fn rounding_keeps_what_it_hides_until_the_number_changes() {
        let op = r#"{"op": "round", "digits": 2}"#;
        check(op, "1.005", "1.01");
        check(op, "7", "7");
        assert_eq!(laws::put(op, "1.01", "1.005"), "1.005");
        assert_eq!(laws::put(op, "1.02", "1.005"), "1.02");
        assert_eq!(laws::put(op, "1.021", "1.005"), "mapping.conflict");
    }

    #[test]
    fn products_and_sums_are_exact_or_refused() {
        check(r#"{"op": "scale", "by": 0.1}"#, "0.3", "0.03");
        check(r#"{"op": "scale", "by": "1e28"}"#, "10", "mapping.number-inexact");
        check(r#"{"op": "offset", "by": 0.1}"#, "0.2", "0.3");
        check(r#"{"op": "offset", "by": "1e-28"}"#, "1e28", "mapping.number-inexact");
        check(r#"{"op": "scale", "by": 2}"#, r#""1""#, "mapping.type");
        assert_eq!(laws::put(r#"{"op": "scale", "by": 3}"#, "9", "0"), "3");
        assert_eq!(laws::put(r#"{"op": "scale", "by": 3}"#, "1", "0"), "mapping.number-inexact");
    }

    #[test]
    fn whole_numbers_stay_whole() {
        #[track_caller]
        fn check(op: &str, kind: &Kind) {
            let (_, view) = Chain::build(&[serde_json::from_str(op).unwrap()], &Kind::Integer)
                .unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(view, *kind, "{op}");
        }
        check(r#"{"op": "scale", "by": 2}"#, &Kind::Integer);
        check(r#"{"op": "scale", "by": 0.5}"#, &Kind::Decimal);
        check(r#"{"op": "offset", "by": 0.5}"#, &Kind::Decimal);
        check(r#"{"op": "round", "digits": 2}"#, &Kind::Integer);
        let double = laws::chain(r#"{"op": "scale", "by": 2}"#, &Kind::Integer);
        let put = double.put(Value::Number(3.into()), &Value::Missing, &crate::NoReferences);
        assert_eq!(put.unwrap_err().fault.code, "mapping.conflict");
    }

    #[test]
    fn a_factor_of_zero_is_refused() {
        let op = serde_json::json!({"op": "scale", "by": "0.00"});
        assert_eq!(Chain::build(&[op], &Kind::Decimal).unwrap_err().code, "op.parameter");
    }

    #[test]
    fn the_laws_hold() {
        laws::hold(r#"{"op": "round", "digits": 3}"#, &Kind::Decimal, laws::decimals());
        for by in ["-3", "0.01", "0.7", "1000"] {
            laws::hold(
                &format!(r#"{{"op": "scale", "by": {by}}}"#),
                &Kind::Decimal,
                laws::decimals(),
            );
            laws::hold(
                &format!(r#"{{"op": "offset", "by": {by}}}"#),
                &Kind::Decimal,
                laws::decimals(),
            );
        }
    }
}
