//! What is written as yes or no.

use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

pub(super) const SPECS: &[Spec] = &[Spec {
    name: "to_bool",
    summary: "the truth value that a text or number says, in any case of letters",
    params: &[
        Param {
            name: "true",
            kind: ParamKind::Texts,
            required: false,
            summary: "what says true; true, yes, y, on and 1 when left out",
        },
        Param {
            name: "false",
            kind: ParamKind::Texts,
            required: false,
            summary: "what says false; false, no, n, off and 0 when left out",
        },
    ],
    types: "text → bool",
    class: "canonicalising; bijective with one text for each",
    reverse: "what stands in the other list where the old text stood in its own, or the first",
    standard: None,
    example: Example {
        op: r#"{"op": "to_bool", "true": ["Ja"], "false": ["Nein"]}"#,
        input: r#""Ja""#,
        output: "true",
    },
    build,
}];

const TRUE: [&str; 5] = ["true", "yes", "y", "on", "1"];
const FALSE: [&str; 5] = ["false", "no", "n", "off", "0"];

fn build(args: &mut Args) -> Result<Box<dyn Lens>, BuildError> {
    let default = |words: [&str; 5]| words.map(str::to_owned).into();
    let yes = args.texts("true")?.unwrap_or_else(|| default(TRUE));
    let no = args.texts("false")?.unwrap_or_else(|| default(FALSE));
    if yes.is_empty() || no.is_empty() {
        return Err(BuildError::parameter("the parameters `true` and `false` must not be empty"));
    }
    if let Some(word) = yes.iter().find(|word| position(&no, word).is_some()) {
        let word = Fault::quote(word);
        return Err(BuildError::parameter(format!("{word} cannot say both true and false")));
    }
    Ok(Box::new(ToBool { yes, no, source: Kind::Any }))
}

fn position(words: &[String], text: &str) -> Option<usize> {
    if text.is_ascii() {
        return words.iter().position(|word| word.eq_ignore_ascii_case(text));
    }
    let lower = text.to_lowercase();
    words.iter().position(|word| word.to_lowercase() == lower)
}

#[derive(Debug)]
struct ToBool {
    yes: Vec<String>,
    no: Vec<String>,
    source: Kind,
}

impl Lens for ToBool {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        if !source.fits(&Kind::Bool) && !source.fits(&Kind::Decimal) {
            source.must_fit(&Kind::Text)?;
        }
        self.source = source.clone();
        Ok(Kind::Bool)
    }

    fn class(&self) -> Class {
        let one = self.yes.len() == 1 && self.no.len() == 1;
        if one { Class::Bijective } else { Class::Canonicalising }
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        let text = match source {
            Value::Bool(value) => return Ok(Value::Bool(value)),
            source => source.into_plain()?,
        };
        if position(&self.yes, &text).is_some() {
            return Ok(Value::Bool(true));
        }
        if position(&self.no, &text).is_some() {
            return Ok(Value::Bool(false));
        }
        let text = Fault::quote(&text);
        Err(Fault::new("mapping.bool", format!("{text} says neither true nor false")))
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let Value::Bool(value) = view else { return Err(Fault::kind(&Kind::Bool, &view)) };
        let kind = match (&self.source, base) {
            (Kind::Any, Value::Number(_)) => &Kind::Decimal,
            (Kind::Any, Value::Bool(_)) => &Kind::Bool,
            (kind, _) => kind,
        };
        if *kind == Kind::Bool {
            return Ok(Value::Bool(value));
        }
        let (words, others) = if value { (&self.yes, &self.no) } else { (&self.no, &self.yes) };
        let old = base.clone().into_plain().ok();
        let partner = old.and_then(|old| words.get(position(others, &old)?));
        let words = partner.into_iter().chain(words);
        let mut values = words.map(|word| Value::of_plain(word.clone().into(), kind));
        values.find_map(Result::ok).ok_or_else(|| {
            Fault::conflict(format!("none of the texts for {value} is of type {kind}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::super::laws;
    use crate::{Chain, Kind, Value};

    const OP: &str = r#""to_bool""#;
    const GERMAN: &str = r#"{"op": "to_bool", "true": ["Ja"], "false": ["Nein", "Übrig"]}"#;

    #[test]
    fn words_and_numbers_say_true_or_false() {
        #[track_caller]
        fn check(op: &str, source: &str, view: &str) {
            assert_eq!(laws::get(op, source), view);
        }
        check(OP, r#""YES""#, "true");
        check(OP, "0.0", "mapping.bool");
        check(OP, "1", "true");
        check(OP, "false", "false");
        check(OP, r#""""#, "mapping.bool");
        check(OP, "[]", "mapping.type");
        check(GERMAN, r#""übrig""#, "false");
        check(GERMAN, r#""true""#, "mapping.bool");
    }

    #[test]
    fn the_other_word_of_the_same_pair_goes_back() {
        #[track_caller]
        fn check(op: &str, view: &str, base: &str, source: &str) {
            assert_eq!(laws::put(op, view, base), source);
        }
        check(OP, "false", r#""Yes""#, r#""no""#);
        check(OP, "true", r#""Yes""#, r#""Yes""#);
        check(OP, "false", "1", "0");
        check(OP, "false", "true", "false");
        check(OP, "true", "null", r#""true""#);
        check(GERMAN, "true", r#""Übrig""#, r#""Ja""#);
        check(GERMAN, "true", "1", "mapping.conflict");
    }

    #[test]
    fn words_that_say_nothing_or_both_are_refused() {
        #[track_caller]
        fn check(yes: &[&str], no: &[&str]) {
            let op = serde_json::json!({"op": "to_bool", "true": yes, "false": no});
            assert_eq!(Chain::build(&[op], &Kind::Text).unwrap_err().code, "op.parameter");
        }
        check(&[], &["no"]);
        check(&["x", "Y"], &["y"]);
    }

    #[test]
    fn the_laws_hold() {
        let words = || select(vec!["true", "Yes", "y", "0", "OFF"]).prop_map(Value::text);
        laws::hold(OP, &Kind::Text, words());
        laws::hold(OP, &Kind::Bool, any::<bool>().prop_map(Value::Bool));
        let pair = r#"{"op": "to_bool", "true": ["Ja"], "false": ["Nein"]}"#;
        laws::hold(pair, &Kind::Text, select(vec!["Ja", "Nein"]).prop_map(Value::text));
    }
}
