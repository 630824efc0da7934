//! Several texts in one.

use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

pub(super) const SPECS: &[Spec] = &[Spec {
    name: "concat",
    summary: "joins texts that are not empty; null if all are",
    params: &[Param {
        name: "separator",
        kind: ParamKind::Text,
        required: false,
        summary: "what stands between the texts, not empty; a space when left out",
    }],
    types: "list of text → text",
    class: "needs-base",
    reverse: "the parts between the separators, if there are as many as were joined or as could \
              be; else a conflict",
    standard: None,
    example: Example {
        op: r#"{"op": "concat", "separator": ", "}"#,
        input: r#"["Unter den Linden 1", null, "Berlin"]"#,
        output: r#""Unter den Linden 1, Berlin""#,
    },
    build,
}];

fn build(args: &mut Args) -> Result<Box<dyn Lens>, BuildError> {
    let separator = args.text("separator")?.unwrap_or_else(|| " ".to_owned());
    if separator.is_empty() {
        return Err(BuildError::parameter("the parameter `separator` is empty"));
    }
    Ok(Box::new(Concat { separator, places: 0 }))
}

#[derive(Debug)]
struct Concat {
    separator: String,
    /// The number of sources, if it is known.
    places: usize,
}

impl Lens for Concat {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::List(Box::new(Kind::Text)))?;
        if let Kind::Tuple(kinds) = source {
            self.places = kinds.len();
        }
        Ok(Kind::Text)
    }

    fn class(&self) -> Class {
        Class::NeedsBase
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        let Value::List(parts) = source else {
            return Err(Fault::kind(&Kind::List(Box::new(Kind::Text)), &source));
        };
        let mut joined: Option<String> = None;
        for part in parts.into_iter().filter(|part| !is_blank(part)) {
            let part = part.into_text()?;
            let Some(joined) = &mut joined else {
                joined = Some(part.into_owned());
                continue;
            };
            Fault::unless_text_fits(joined.len() + self.separator.len() + part.len())?;
            joined.push_str(&self.separator);
            joined.push_str(&part);
        }
        Ok(joined.map_or(Value::Null, Value::text))
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let view = view.into_text()?;
        let parts: Vec<_> = view.split(&self.separator).collect();
        let mut places = match base {
            Value::List(places) => places.clone(),
            _ => Vec::new(),
        };
        places.resize(places.len().max(self.places), Value::Missing);
        let joined = places.iter().filter(|place| !is_blank(place)).count();
        if places.is_empty() {
            places.resize(parts.len(), Value::Missing);
        }
        if parts.contains(&"") || (parts.len() != joined && parts.len() != places.len()) {
            let (view, separator) = (Fault::quote(&view), Fault::quote(&self.separator));
            let message = format!("{view} has {} parts between {separator}", parts.len());
            return Err(Fault::conflict(format!("{message}, not the {joined} that were joined")));
        }
        let all = parts.len() == places.len();
        let open = places.iter_mut().filter(|place| all || !is_blank(place));
        for (place, part) in open.zip(parts) {
            *place = Value::text(part.to_owned());
        }
        Ok(Value::List(places))
    }
}

fn is_blank(part: &Value<'_>) -> bool {
    match part {
        Value::Text(text) => text.is_empty(),
        part => part.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::laws;
    use crate::{Kind, NoReferences, Value};

    const OP: &str = r#"{"op": "concat", "separator": ", "}"#;

    fn pair() -> Kind {
        Kind::Tuple(vec![Kind::Text, Kind::Text])
    }

    #[test]
    fn what_is_empty_leaves_no_separator_behind() {
        assert_eq!(laws::get(OP, r#"["a", null, "", "b"]"#), r#""a, b""#);
        assert_eq!(laws::get(OP, r#"[null, ""]"#), "null");
        assert_eq!(laws::get(OP, "[]"), "null");
        assert_eq!(laws::get(OP, r#"["a", 1]"#), "mapping.type");
        assert_eq!(laws::get(OP, r#""a""#), "mapping.type");
        let large = "x".repeat(600_000);
        assert_eq!(laws::get(OP, &format!("[{large:?}, {large:?}]")), "mapping.text-length");
    }

    #[test]
    fn an_edit_is_split_into_the_places_that_it_came_from() {
        #[track_caller]
        fn check(view: &str, base: &str, source: &str) {
            assert_eq!(laws::put(OP, view, base), source);
        }
        check(r#""x, y""#, r#"["a", null, "b"]"#, r#"["x",null,"y"]"#);
        check(r#""x, y, z""#, r#"["a", null, "b"]"#, r#"["x","y","z"]"#);
        check(r#""x""#, r#"["a", null, "b"]"#, "mapping.conflict");
        check(r#""x, , z""#, r#"["a", null, "b"]"#, "mapping.conflict");
        check(r#""""#, r#"["a"]"#, "mapping.conflict");
        check(r#""x, y""#, "null", r#"["x","y"]"#);
    }

    #[test]
    fn without_a_base_the_number_of_sources_decides() {
        let chain = laws::chain(OP, &pair());
        let put = |view| chain.put(Value::text(view), &Value::Missing, &NoReferences);
        assert_eq!(put("x, y").unwrap(), Value::List(vec![Value::text("x"), Value::text("y")]));
        assert_eq!(put("x").unwrap_err().fault.code, "mapping.conflict");
    }

    #[test]
    fn the_laws_hold() {
        let part = || prop_oneof!["[a-z ]{0,3}".prop_map(Value::text), Just(Value::Null)];
        let parts = (part(), part()).prop_map(|(a, b)| Value::List(vec![a, b]));
        let views = "[a-z]{1,3}, [a-z]{1,3}".prop_map(Value::text);
        laws::hold_for(OP, &pair(), parts, views);
    }
}
