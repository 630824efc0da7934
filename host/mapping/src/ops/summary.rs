//! One value for a whole list.

use rust_decimal::Decimal;

use super::set::{comparable, order};
use super::{Args, BuildError, Example, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value, exact};

pub(super) const SPECS: &[Spec] = &[
    spec(
        ["count", "how many items a list has", "list of any → integer"],
        Example { op: r#""count""#, input: "[3, null, 2]", output: "3" },
        |_| Ok(Box::new(Summary::Count)),
    ),
    spec(
        ["sum", "the exact sum of numbers, null aside; of none 0", "list of decimal → decimal"],
        Example { op: r#""sum""#, input: "[0.1, null, 0.2]", output: "0.3" },
        |_| Ok(Box::new(Summary::Sum)),
    ),
    spec(
        ["min", "the item that `list_sort` puts first, null aside", "list of any → any"],
        Example { op: r#""min""#, input: "[3, null, 2]", output: "2" },
        |_| Ok(Box::new(Summary::Min)),
    ),
    spec(
        ["max", "the item that `list_sort` puts last; null if there is none", "list of any → any"],
        Example { op: r#""max""#, input: "[3, null, 2]", output: "3" },
        |_| Ok(Box::new(Summary::Max)),
    ),
];

const fn spec(
    [name, summary, types]: [&'static str; 3],
    example: Example,
    build: fn(&mut Args) -> Result<Box<dyn Lens>, BuildError>,
) -> Spec {
    let (class, reverse) = ("one-way", "nothing");
    Spec { name, summary, params: &[], types, class, reverse, standard: None, example, build }
}

#[derive(Debug)]
enum Summary {
    Count,
    Sum,
    Min,
    Max,
}

impl Lens for Summary {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        let item = if matches!(self, Self::Sum) { Kind::Decimal } else { Kind::Any };
        source.must_fit(&Kind::List(Box::new(item)))?;
        Ok(match (self, source) {
            (Self::Count, _) => Kind::Integer,
            (Self::Sum, _) => Kind::Decimal,
            (Self::Min | Self::Max, Kind::List(item)) => item.as_ref().clone(),
            _ => Kind::Any,
        })
    }

    fn class(&self) -> Class {
        Class::OneWay
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        let items = source.into_items()?;
        if matches!(self, Self::Count) {
            return Ok(Value::Number(items.len().into()));
        }
        let items = items.into_iter().filter(|item| !item.is_empty());
        if matches!(self, Self::Sum) {
            return items.map(Value::into_number).try_fold(Decimal::ZERO, sum).map(Value::Number);
        }
        let items: Vec<_> = items.collect();
        comparable(&items)?;
        let items = items.into_iter();
        let found =
            if matches!(self, Self::Min) { items.min_by(order) } else { items.max_by(order) };
        Ok(found.unwrap_or(Value::Null))
    }
}

fn sum(total: Decimal, number: Result<Decimal, Fault>) -> Result<Decimal, Fault> {
    let too_large = || Fault::new("mapping.number-range", "the sum has more than 28 digits");
    exact::add(total, number?).ok_or_else(too_large)
}

#[cfg(test)]
mod tests {
    use crate::ops::laws::get;

    #[track_caller]
    fn check(list: &str, expected: [&str; 4]) {
        let found = ["count", "sum", "min", "max"].map(|op| get(&format!("{op:?}"), list));
        assert_eq!(found, expected);
    }

    #[test]
    fn lists_are_summed_up() {
        check("[]", ["0", "0", "null", "null"]);
        check("[null]", ["1", "0", "null", "null"]);
        check("[1.10, 2, null, -3.1]", ["4", "0", "-3.1", "2"]);
        check(r#"["b", "a"]"#, ["2", "mapping.type", r#""a""#, r#""b""#]);
        check(r#"["a", 1]"#, ["2", "mapping.type", "mapping.type", "mapping.type"]);
        check("[[1], [2]]", ["2", "mapping.type", "mapping.type", "mapping.type"]);
        let large = "9999999999999999999999999999";
        let list = format!("[{large}, 0.1]");
        check(&list, ["2", "mapping.number-range", "0.1", large]);
        check("7", ["mapping.type"; 4]);
    }
}
