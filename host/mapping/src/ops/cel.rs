//! Expressions of a subset of the Common Expression Language, one way.
//!
//! The parser and the evaluator are our own: the `cel` crate brings a generated parser with twenty
//! crates behind it, counts no steps, and calculates with floating point. The language definition
//! of CEL says what an expression means; where this differs:
//! - there is one type of numbers, exact decimals: `7 / 2` is `3.5`, a quotient is rounded to 28
//!   digits, everything else is exact or has no value; `int` cuts off, `double` reads a decimal;
//! - `matches` takes an expression that is written out, so that it is checked with the schema;
//! - there are no bytes, durations, unsigned numbers, octal escapes, texts in triple quotes, message
//!   types and `type`; days and instants can be compared and written with `string`;
//! - a name is a variable of a macro, or `this`, the whole value, or else a member of it.

mod eval;
mod expr;
mod lex;
mod operate;
mod parse;
#[cfg(test)]
mod tests;

use expr::Expr;

use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

pub(super) const SPECS: &[Spec] = &[Spec {
    name: "cel",
    summary: "the value of an expression; missing or null is `null` in it",
    params: &[Param {
        name: "expr",
        kind: ParamKind::Text,
        required: true,
        summary: "the expression, up to 4096 bytes, with macros at most 2 deep; an evaluation of \
                  more than 100000 steps is stopped. `this` is the value, a name a member of it",
    }],
    types: "any → any",
    class: "one-way",
    reverse: "nothing",
    standard: Some("Common Expression Language, language definition; numbers are exact decimals"),
    example: Example {
        op: r#"{"op": "cel", "expr": "amount > 1000 && stage in ['won', 'paid'] ? 'large' : 'small'"}"#,
        input: r#"{"amount": 1200.50, "stage": "won"}"#,
        output: r#""large""#,
    },
    build: |args| {
        let source = args.need("expr", Args::text)?;
        let expr = parse::parse(&source).map_err(|(at, why)| {
            BuildError::parameter(format!("`expr` cannot be read at byte {at}: {why}"))
        })?;
        Ok(Box::new(Cel(expr)))
    },
}];

#[derive(Debug)]
struct Cel(Expr);

impl Lens for Cel {
    fn view(&mut self, _source: &Kind) -> Result<Kind, BuildError> {
        Ok(Kind::Any)
    }

    fn class(&self) -> Class {
        Class::OneWay
    }

    fn takes_empty(&self) -> bool {
        true
    }

    fn get<'a>(&self, source: Value<'a>, work: &Work<'_>) -> Result<Value<'a>, Fault> {
        let this = if source.is_missing() { Value::Null } else { source };
        eval::evaluate(&self.0, &this, work)
    }
}
