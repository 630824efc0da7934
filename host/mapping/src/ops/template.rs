//! Texts with values in them.

use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

pub(super) const SPECS: &[Spec] = &[Spec {
    name: "template",
    summary: "a text with members of an object, or items of a list, in their places",
    params: &[Param {
        name: "text",
        kind: ParamKind::Text,
        required: true,
        summary: "the text with up to 32 places, as \"{name}\" or, counted from 0, \"{0}\"; \
                  \"{{\" and \"}}\" are braces",
    }],
    types: "object → text",
    class: "one-way; needs-base if all places differ and there is text between them",
    reverse: "the values between the texts; a conflict if they are not there",
    standard: None,
    example: Example {
        op: r#"{"op": "template", "text": "{city} ({zip})"}"#,
        input: r#"{"zip": "10117", "city": "Berlin"}"#,
        output: r#""Berlin (10117)""#,
    },
    build,
}];

/// Places of one template: each is looked up in the object anew.
const PLACES_MAX: usize = 32;

fn build(args: &mut Args) -> Result<Box<dyn Lens>, BuildError> {
    let (places, end) = parse(&args.need("text", Args::text)?)?;
    if places.is_empty() || places.len() > PLACES_MAX {
        let message = format!("a template has 1 to {PLACES_MAX} places, this {}", places.len());
        return Err(BuildError::parameter(message));
    }
    let indices = places.iter().map(|place| place.name.parse().ok()).collect();
    Ok(Box::new(Template { places, end, indices }))
}

fn parse(text: &str) -> Result<(Vec<Place>, String), BuildError> {
    let (mut places, mut before) = (Vec::new(), String::new());
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (plain, tail) = rest.split_at(at);
        before.push_str(plain);
        if let Some(tail) = tail.strip_prefix("{{") {
            before.push('{');
            rest = tail;
        } else if let Some(tail) = tail.strip_prefix("}}") {
            before.push('}');
            rest = tail;
        } else {
            let place = tail.strip_prefix('{').and_then(|tail| tail.split_once('}'));
            let place = place.filter(|(name, _)| !name.is_empty() && !name.contains('{'));
            let Some((name, tail)) = place else {
                let message = "a place is written as \"{name}\", a brace as \"{{\" or \"}}\"";
                return Err(BuildError::parameter(message));
            };
            places.push(Place { before: std::mem::take(&mut before), name: name.to_owned() });
            rest = tail;
        }
    }
    Ok((places, before + rest))
}

#[derive(Debug)]
struct Place {
    /// The text between the place before and this one.
    before: String,
    name: String,
}

#[derive(Debug)]
struct Template {
    places: Vec<Place>,
    end: String,
    /// The places as items of a list, if they are.
    indices: Option<Vec<usize>>,
}

impl Lens for Template {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        let Some(indices) = &self.indices else {
            source.must_fit(&Kind::Object)?;
            return Ok(Kind::Text);
        };
        source.must_fit(&Kind::List(Box::new(Kind::Any)))?;
        let last = indices.iter().max().copied().unwrap_or(0);
        let count = if let Kind::Tuple(kinds) = source { kinds.len() } else { super::LIST_MAX };
        if last >= count {
            let message = format!("the place {{{last}}} is beyond the {count} that there are");
            return Err(BuildError::parameter(message));
        }
        Ok(Kind::Text)
    }

    fn class(&self) -> Class {
        let apart = self.places.iter().skip(1).all(|place| !place.before.is_empty());
        let mut names = std::collections::BTreeSet::new();
        let once = self.places.iter().all(|place| names.insert(&place.name));
        if apart && once { Class::NeedsBase } else { Class::OneWay }
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        if !self.takes(&source) {
            return Err(Fault::kind(&self.source(), &source));
        }
        let mut text = String::new();
        for (index, place) in self.places.iter().enumerate() {
            text.push_str(&place.before);
            let value = self.value(index, &source);
            if !value.is_empty() {
                text.push_str(&value.clone().into_plain()?);
            }
            Fault::unless_text_fits(text.len() + self.end.len())?;
        }
        text.push_str(&self.end);
        Ok(Value::text(text))
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let text = view.into_text()?;
        let conflict = || {
            let text = Fault::quote(&text);
            Fault::conflict(format!("{text} does not have the texts of the template"))
        };
        let parts = self.split(&text).ok_or_else(conflict)?;
        let mut source = if self.takes(base) { base.clone() } else { self.nothing() };
        for (index, part) in parts.into_iter().enumerate() {
            let old = self.value(index, base);
            if !(part.is_empty() && old.is_empty()) {
                self.set(index, like(old, part)?, &mut source);
            }
        }
        Ok(source)
    }
}

impl Template {
    fn source(&self) -> Kind {
        match self.indices {
            Some(_) => Kind::List(Box::new(Kind::Any)),
            None => Kind::Object,
        }
    }

    fn takes(&self, source: &Value<'_>) -> bool {
        match source {
            Value::List(_) => self.indices.is_some(),
            Value::Object(_) => self.indices.is_none(),
            _ => false,
        }
    }

    fn nothing(&self) -> Value<'static> {
        match self.indices {
            Some(_) => Value::List(Vec::new()),
            None => Value::Object(Vec::new()),
        }
    }

    /// The value for the place with this index.
    fn value<'v, 'a>(&self, index: usize, source: &'v Value<'a>) -> &'v Value<'a> {
        let found = match (source, &self.indices) {
            (Value::List(items), Some(indices)) => {
                indices.get(index).and_then(|item| items.get(*item))
            }
            (Value::Object(members), None) => self.places.get(index).and_then(|place| {
                let mut members = members.iter();
                members.find(|(name, _)| *name == place.name).map(|(_, value)| value)
            }),
            _ => None,
        };
        found.unwrap_or(&Value::Missing)
    }

    fn set<'a>(&self, index: usize, value: Value<'a>, source: &mut Value<'a>) {
        match source {
            Value::List(items) => {
                let item = self.indices.as_ref().and_then(|indices| indices.get(index).copied());
                let item = item.unwrap_or_default();
                items.resize(items.len().max(item + 1), Value::Missing);
                if let Some(place) = items.get_mut(item) {
                    *place = value;
                }
            }
            Value::Object(members) => {
                let Some(Place { name, .. }) = self.places.get(index) else { return };
                match members.iter_mut().find(|(member, _)| member == name) {
                    Some((_, place)) => *place = value,
                    None => members.push((name.clone().into(), value)),
                }
            }
            _ => {}
        }
    }

    /// What stands in the places of a text.
    fn split<'t>(&self, text: &'t str) -> Option<Vec<&'t str>> {
        let first = self.places.first()?;
        let mut rest = text.strip_prefix(first.before.as_str())?.strip_suffix(self.end.as_str())?;
        let mut parts = Vec::with_capacity(self.places.len());
        for place in self.places.iter().skip(1) {
            let (part, tail) = rest.split_once(place.before.as_str())?;
            parts.push(part);
            rest = tail;
        }
        parts.push(rest);
        Some(parts)
    }
}

/// The part as a value of the type that was there; a fraction may have become whole.
fn like<'a>(old: &Value<'_>, part: &str) -> Result<Value<'a>, Fault> {
    let kind = if let Value::Number(_) = old { Kind::Decimal } else { old.kind() };
    Value::of_plain(part.to_owned().into(), &kind)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::laws;
    use crate::{Chain, Class, Kind, Value};

    fn op(text: &str) -> String {
        serde_json::json!({"op": "template", "text": text}).to_string()
    }

    #[test]
    fn values_stand_in_their_places() {
        #[track_caller]
        fn check(template: &str, source: &str, text: &str) {
            assert_eq!(laws::get(&op(template), source), text);
        }
        check("{a}-{b}", r#"{"b": 1.50, "a": "x"}"#, r#""x-1.50""#);
        check("{a}-{b}", r#"{"a": null}"#, r#""-""#);
        check("{{{a}}}", r#"{"a": true}"#, r#""{true}""#);
        check("{1}{0}{1}", r#"["a", "b"]"#, r#""bab""#);
        check("{a}", r#"{"a": [1]}"#, "mapping.type");
        check("{a}", r#"["a"]"#, "mapping.type");
        check("{0}", r#"{"0": 1}"#, "mapping.type");
    }

    #[test]
    fn only_texts_that_can_be_taken_apart_go_back() {
        #[track_caller]
        fn check(text: &str, class: Class) {
            assert_eq!(laws::chain(&op(text), &Kind::Any).class(), class);
        }
        check("{a}, {b}", Class::NeedsBase);
        check("x{a}", Class::NeedsBase);
        check("{a}{b}", Class::OneWay);
        check("{a} {a}", Class::OneWay);
    }

    #[test]
    fn an_edit_is_taken_apart_and_keeps_the_types_of_the_base() {
        #[track_caller]
        fn check(template: &str, text: &str, base: &str, source: &str) {
            assert_eq!(laws::put(&op(template), text, base), source);
        }
        let base = r#"{"a":"x","n":1,"z":[]}"#;
        check("{a} #{n}.", r#""y #2.5.""#, base, r#"{"a":"y","n":2.5,"z":[]}"#);
        check("{a} #{n}.", r#""y #two.""#, base, "mapping.conflict");
        check("{a} #{n}.", r#""y 2.""#, base, "mapping.conflict");
        check("{a} #{n}.", r#""y #2.""#, "null", r#"{"a":"y","n":"2"}"#);
        check("{1}/{0}", r#""b/a""#, "null", r#"["a","b"]"#);
        check("{a} #{n}.", r#"" #.""#, "7", "{}");
        check("{1}/{0}", r#""/a""#, r#"["x",null,1]"#, r#"["a",null,1]"#);
    }

    #[test]
    fn what_is_no_template_is_refused() {
        #[track_caller]
        fn check(text: &str) {
            let op = serde_json::from_str(&op(text)).unwrap();
            let built = Chain::build(&[op], &Kind::Tuple(vec![Kind::Any]));
            assert_eq!(built.unwrap_err().code, "op.parameter", "{text}");
        }
        check("");
        check("no place");
        check("{a");
        check("a}");
        check("{}");
        check("{a{b}}");
        check("{1}");
        check(&"{0}".repeat(33));
    }

    #[test]
    fn the_laws_hold() {
        let member = || prop_oneof!["[a-z ]{0,3}".prop_map(Value::text), Just(Value::Null)];
        let objects = (member(), member())
            .prop_map(|(a, b)| Value::Object(vec![("a".into(), a), ("b".into(), b)]));
        let views = "x[a-z]{0,2}, [a-z, ]{0,4}".prop_map(Value::text);
        laws::hold_for(&op("x{a}, {b}"), &Kind::Object, objects, views);
    }
}
