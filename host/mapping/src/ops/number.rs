//! Numbers, and what is written as numbers.

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value, exact};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "to_int",
        summary: "the whole number that a text says, or that a decimal is",
        params: &[],
        types: "text → integer",
        class: "bijective",
        reverse: "the digits, as text if the source is text",
        standard: None,
        example: Example { op: r#""to_int""#, input: r#""42""#, output: "42" },
        build: |_| Ok(Box::new(ToNumber { source: Kind::Any, digits: Digits::None })),
    },
    Spec {
        name: "to_decimal",
        summary: "the exact number that a text says",
        params: &[Param {
            name: "scale",
            kind: ParamKind::Count,
            required: false,
            summary: "digits behind the point, up to 28; more are refused, fewer filled with \
                      zeros. Those of the text when left out",
        }],
        types: "text → decimal",
        class: "bijective; canonicalising with a scale",
        reverse: "the digits, as text if the source is text",
        standard: None,
        example: Example {
            op: r#"{"op": "to_decimal", "scale": 2}"#,
            input: r#""19.9""#,
            output: "19.90",
        },
        build: to_decimal,
    },
    Spec {
        name: "to_string",
        summary: "a number, truth value, day or instant as text",
        params: &[],
        types: "decimal → text",
        class: "bijective",
        reverse: "the value that the text says; a conflict if it would be written otherwise",
        standard: None,
        example: Example { op: r#""to_string""#, input: "1.50", output: r#""1.50""# },
        build: |_| Ok(Box::new(ToString { source: Kind::Any })),
    },
];

fn to_decimal(args: &mut Args) -> Result<Box<dyn Lens>, BuildError> {
    let digits = match args.count("scale")? {
        None => Digits::Any,
        Some(scale) => match u32::try_from(scale) {
            Ok(scale) if scale <= Decimal::MAX_SCALE => Digits::Exactly(scale),
            _ => return Err(BuildError::limit("the parameter `scale` is more than 28")),
        },
    };
    Ok(Box::new(ToNumber { source: Kind::Any, digits }))
}

/// Digits behind the point.
#[derive(Clone, Copy, Debug)]
enum Digits {
    None,
    Any,
    Exactly(u32),
}

impl Digits {
    /// The same number with these digits.
    fn of(self, number: Decimal) -> Result<Decimal, Fault> {
        let mut shown = number;
        match self {
            Self::Any => {}
            Self::None => shown = number.normalize(),
            Self::Exactly(scale) => shown.rescale(scale),
        }
        let fits = match self {
            Self::Any => true,
            Self::None => shown.is_integer(),
            Self::Exactly(scale) => shown.scale() == scale && shown == number,
        };
        if fits {
            return Ok(shown);
        }
        let message = match self {
            Self::Exactly(scale) => format!("{number} does not have {scale} digits at the end"),
            _ => format!("{number} is no whole number; `round` it before"),
        };
        Err(Fault::new("mapping.number", message))
    }
}

#[derive(Debug)]
struct ToNumber {
    source: Kind,
    digits: Digits,
}

impl Lens for ToNumber {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        if !source.fits(&Kind::Text) {
            source.must_fit(&Kind::Decimal)?;
        }
        self.source = source.clone();
        Ok(match self.digits {
            Digits::None | Digits::Exactly(0) => Kind::Integer,
            _ => Kind::Decimal,
        })
    }

    fn class(&self) -> Class {
        match self.digits {
            Digits::Exactly(_) => Class::Canonicalising,
            Digits::None | Digits::Any => Class::Bijective,
        }
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        let number = match source {
            Value::Text(text) => read(&text)?,
            other => other.into_number()?,
        };
        self.digits.of(number).map(Value::Number)
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let number = self.digits.of(view.into_number()?)?;
        number_as(number, &self.source, base)
    }
}

/// A number as a source of this type or, if that is not known, of the type of the base; as text if
/// there is none.
pub(super) fn number_as<'a>(
    number: Decimal,
    kind: &Kind,
    base: &Value<'_>,
) -> Result<Value<'a>, Fault> {
    match (kind, base) {
        (Kind::Integer, _) if !number.is_integer() => {
            Err(Fault::conflict(format!("{number} does not fit a field of whole numbers")))
        }
        (Kind::Integer | Kind::Decimal, _) | (Kind::Any, Value::Number(_)) => {
            Ok(Value::Number(number))
        }
        _ => Ok(Value::text(number.to_string())),
    }
}

/// A number as people write it: besides those of JSON, with a plus or zeros in front.
pub(super) fn read(text: &str) -> Result<Decimal, Fault> {
    if let Some(number) = exact::parse(text) {
        return Ok(number);
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let digit = |at: usize| digits.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    let zeros = digits.bytes().take_while(|byte| *byte == b'0').count();
    let first = if digit(zeros) { zeros } else { zeros.saturating_sub(1) };
    let short = digits.get(first..).filter(|_| digit(0));
    short.and_then(|short| exact::parse(&[sign, short].concat())).ok_or_else(|| {
        let text = Fault::quote(text);
        Fault::new("mapping.number", format!("{text} is no number of at most 28 digits"))
    })
}

#[derive(Debug)]
struct ToString {
    source: Kind,
}

impl Lens for ToString {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        if matches!(source, Kind::Money | Kind::List(_) | Kind::Tuple(_) | Kind::Object) {
            return Err(BuildError::kind(&Kind::Text, source));
        }
        self.source = source.clone();
        Ok(Kind::Text)
    }

    fn class(&self) -> Class {
        Class::Bijective
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        source.into_plain().map(Value::Text)
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let text: Cow<'a, str> = view.into_text()?;
        match (&self.source, base) {
            // A fraction may have become whole and the other way round.
            (Kind::Any, Value::Number(_)) => Value::of_plain(text, &Kind::Decimal),
            (Kind::Any, base) => Value::of_plain(text, &base.kind()),
            (kind, _) => Value::of_plain(text, kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::laws;
    use crate::{Chain, Kind, Value};

    const INT: &str = r#""to_int""#;
    const DEC: &str = r#""to_decimal""#;
    const CENTS: &str = r#"{"op": "to_decimal", "scale": 2}"#;
    const STR: &str = r#""to_string""#;

    #[track_caller]
    fn check(op: &str, source: &str, view: &str) {
        assert_eq!(laws::get(op, source), view);
    }

    #[test]
    fn texts_become_exact_numbers() {
        check(INT, r#""-7""#, "-7");
        check(INT, r#""+007""#, "7");
        check(INT, r#""5.00""#, "5");
        check(INT, r#""00""#, "0");
        check(INT, "12.0", "12");
        check(INT, r#""79228162514264337593543950335""#, "79228162514264337593543950335");
        check(DEC, r#""1.50""#, "1.50");
        check(DEC, r#""0001.5e3""#, "1500");
        check(DEC, r#""00.5""#, "0.5");
        check(DEC, "0.1", "0.1");
        check(CENTS, r#""3""#, "3.00");
        check(CENTS, r#""3.1000""#, "3.10");
    }

    #[test]
    fn what_says_no_exact_number_is_refused() {
        for text in ["", " ", "NaN", "Infinity", "1,5", "0x10", "++1", "+-1", "1e99", "--1", ".5"] {
            check(DEC, &format!("{text:?}"), "mapping.number");
        }
        check(INT, r#""1.5""#, "mapping.number");
        check(INT, "true", "mapping.type");
        check(CENTS, "1.005", "mapping.number");
        check(CENTS, "79228162514264337593543950335", "mapping.number");
        check(DEC, &format!("{:?}", "1".repeat(1 << 20)), "mapping.number");
        check(DEC, &format!("{:?}", "0".repeat(1 << 20)), "0");
    }

    #[test]
    fn numbers_go_back_in_the_type_that_they_came_in() {
        #[track_caller]
        fn check(op: &str, kind: &Kind, view: &str, base: &str, source: &str) {
            let [view, base] = [view, base].map(|json| Value::parse(json.as_bytes()).unwrap());
            let put = laws::chain(op, kind).put(view, &base, &crate::NoReferences);
            assert_eq!(put.map_or_else(|e| e.fault.code.into(), |v| v.to_json()), source);
        }
        check(INT, &Kind::Any, "8", r#""7""#, r#""8""#);
        check(INT, &Kind::Any, "8", "7", "8");
        check(INT, &Kind::Text, "8", "null", r#""8""#);
        check(INT, &Kind::Decimal, "8", "null", "8");
        check(DEC, &Kind::Integer, "8.5", "7", "mapping.conflict");
        check(INT, &Kind::Any, "7", r#""007""#, r#""007""#);
        check(STR, &Kind::Decimal, r#""1.5""#, "1", "1.5");
        check(STR, &Kind::Any, r#""2.5""#, "1", "2.5");
        check(STR, &Kind::Integer, r#""1.5""#, "1", "mapping.conflict");
        check(STR, &Kind::Any, r#""false""#, "true", "false");
        check(STR, &Kind::Any, r#""01""#, "1", "mapping.conflict");
        check(STR, &Kind::Any, r#""x""#, "null", r#""x""#);
    }

    #[test]
    fn what_is_no_single_value_is_refused_when_the_schema_is_saved() {
        let e = Chain::build(&["to_int".into()], &Kind::Date).unwrap_err();
        assert_eq!((e.code, e.found.as_deref()), ("op.type", Some(&Kind::Date)));
        let e = Chain::build(&["to_string".into()], &Kind::Object).unwrap_err();
        assert_eq!((e.code, e.found.as_deref()), ("op.type", Some(&Kind::Object)));
    }

    #[test]
    fn the_laws_hold() {
        let numbers = || "-?(0|[1-9][0-9]{0,12})".prop_filter("zero", |text| text != "-0");
        let integer = numbers().prop_map(Value::text);
        let decimal = (numbers(), "[0-9]{1,9}").prop_map(|(a, b)| Value::text(format!("{a}.{b}")));
        let cents = (numbers(), "[0-9]{2}").prop_map(|(a, b)| Value::text(format!("{a}.{b}")));
        laws::hold(INT, &Kind::Text, integer);
        laws::hold(DEC, &Kind::Text, decimal);
        laws::hold(CENTS, &Kind::Text, cents);
        laws::hold(STR, &Kind::Decimal, laws::decimals());
        laws::hold(STR, &Kind::Bool, any::<bool>().prop_map(Value::Bool));
    }
}
