//! Questions to a value that have yes or no for an answer.

use crate::work::{OPERATOR, SEARCHED, Work};
use regex::Regex;
use rust_decimal::Decimal;
use serde_json::{Map, Value as Json};

use super::pattern::compile;
use super::pointer::Pointer;
use super::{Args, BuildError, Param, ParamKind};
use crate::{Value, exact};

pub(super) const TEST: Param = Param {
    name: "test",
    kind: ParamKind::Json,
    required: true,
    summary: "one of {\"equals\": value}, {\"one_of\": [values]}, {\"empty\": true or false}, \
              {\"matches\": expression}, {\"starts_with\": text}, {\"contains\": text}, \
              {\"above\": number}, {\"below\": number}, {\"not\": test}, {\"all\": [tests]}, \
              {\"any\": [tests]}; with \"at\", a JSON Pointer, of a part of the value",
};

/// Tests within tests.
const DEPTH_MAX: usize = 5;

/// Tests or values of one list.
const ITEMS_MAX: usize = 100;

/// A test, of the value or of a part of it.
#[derive(Debug)]
pub(super) struct Predicate {
    at: Option<Pointer>,
    test: Test,
}

#[derive(Debug)]
enum Test {
    OneOf(Vec<Value<'static>>),
    /// Missing, null, or a text, list or object with nothing in it.
    Empty(bool),
    Matches(Regex),
    StartsWith(String),
    Contains(String),
    Above(Decimal),
    Below(Decimal),
    Not(Box<Predicate>),
    All(Vec<Predicate>),
    Any(Vec<Predicate>),
}

impl Predicate {
    pub(super) fn take(args: &mut Args) -> Result<Self, BuildError> {
        let json = args.need(TEST.name, Args::json)?;
        Self::read(json, 0).map_err(|e| e.within(TEST.name))
    }

    fn read(json: Json, depth: usize) -> Result<Self, BuildError> {
        if depth > DEPTH_MAX {
            let message = format!("tests stand deeper than {DEPTH_MAX} in each other");
            return Err(BuildError::limit(message));
        }
        let refuse = || BuildError::parameter("write a test as {\"equals\": \"a\"}");
        let Json::Object(mut members) = json else { return Err(refuse()) };
        let at = members.remove("at").map(|at| Pointer::parse(at.as_str().unwrap_or_default()));
        let at = at.transpose().map_err(|e| e.within("at"))?;
        let (name, json) = single(members).ok_or_else(refuse)?;
        let test = Test::read(&name, json, depth).map_err(|e| e.within(&name))?;
        Ok(Self { at, test })
    }

    /// The answer for a value; no where the test does not fit its type, and once the work is
    /// spent, as then the operation that asks has no result.
    pub(super) fn holds(&self, value: &Value<'_>, work: &Work<'_>) -> bool {
        let names = match (&self.at, value) {
            (Some(_), Value::Object(members)) => members.len(),
            _ => 0,
        };
        let value = self.at.as_ref().map_or(value, |at| at.find(value));
        if work.spend(OPERATOR + names + self.test.work(value)).is_err() {
            return false;
        }
        match (&self.test, value) {
            (Test::OneOf(values), value) => values.contains(value),
            (Test::Empty(wanted), value) => is_empty(value) == *wanted,
            (Test::Matches(pattern), Value::Text(text)) => pattern.is_match(text),
            (Test::StartsWith(start), Value::Text(text)) => text.starts_with(start),
            (Test::Contains(part), Value::Text(text)) => text.contains(part),
            (Test::Above(limit), Value::Number(number)) => number > limit,
            (Test::Below(limit), Value::Number(number)) => number < limit,
            (Test::Not(test), value) => !test.holds(value, work),
            (Test::All(tests), value) => tests.iter().all(|test| test.holds(value, work)),
            (Test::Any(tests), value) => tests.iter().any(|test| test.holds(value, work)),
            _ => false,
        }
    }
}

impl Test {
    /// What it does with a value, beyond looking at it.
    fn work(&self, value: &Value<'_>) -> usize {
        match (self, value) {
            (Self::OneOf(values), _) => values.len(),
            (Self::Matches(_), Value::Text(text)) => text.len() * SEARCHED,
            (Self::Contains(_), Value::Text(text)) => text.len(),
            _ => 0,
        }
    }

    fn read(name: &str, json: Json, depth: usize) -> Result<Self, BuildError> {
        let tests = |json| {
            let tests = list(json)?.into_iter().enumerate();
            let read = |(at, json)| Predicate::read(json, depth + 1).map_err(|e| e.within(at));
            tests.map(read).collect::<Result<Vec<_>, BuildError>>()
        };
        Ok(match name {
            "equals" => Self::OneOf(vec![value(&json)?]),
            "one_of" => Self::OneOf(list(json)?.iter().map(value).collect::<Result<_, _>>()?),
            "empty" => Self::Empty(json.as_bool().ok_or_else(|| wanted("true or false"))?),
            "matches" => Self::Matches(compile(&text(json)?)?),
            "starts_with" => Self::StartsWith(text(json)?),
            "contains" => Self::Contains(text(json)?),
            "above" => Self::Above(number(&json)?),
            "below" => Self::Below(number(&json)?),
            "not" => Self::Not(Box::new(Predicate::read(json, depth + 1)?)),
            "all" => Self::All(tests(json)?),
            "any" => Self::Any(tests(json)?),
            _ => return Err(BuildError::parameter("there is no such test")),
        })
    }
}

fn single(members: Map<String, Json>) -> Option<(String, Json)> {
    let mut members = members.into_iter();
    members.next().filter(|_| members.next().is_none())
}

fn wanted(what: &str) -> BuildError {
    BuildError::parameter(format!("the test takes {what}"))
}

fn value(json: &Json) -> Result<Value<'static>, BuildError> {
    Value::from_json(json).map_err(|fault| wanted(&format!("another value: {fault}")))
}

fn text(json: Json) -> Result<String, BuildError> {
    match json {
        Json::String(text) => Ok(text),
        _ => Err(wanted("a text")),
    }
}

fn number(json: &Json) -> Result<Decimal, BuildError> {
    exact::from_number_or_text(json).ok_or_else(|| wanted("a number"))
}

fn list(json: Json) -> Result<Vec<Json>, BuildError> {
    match json {
        Json::Array(items) if items.len() <= ITEMS_MAX => Ok(items),
        Json::Array(_) => Err(BuildError::limit(format!("a list has more than {ITEMS_MAX} items"))),
        _ => Err(wanted("a list")),
    }
}

fn is_empty(value: &Value<'_>) -> bool {
    match value {
        Value::Missing | Value::Null => true,
        Value::Text(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(test: Json, yes: &[Json], no: &[Json]) {
        let test = Predicate::read(test, 0).unwrap();
        let holds = |json: &Json| {
            test.holds(&Value::from_json(json).unwrap(), &Work::new(&crate::NoReferences))
        };
        for json in yes {
            assert!(holds(json), "{json}");
        }
        for json in no {
            assert!(!holds(json), "{json}");
        }
    }

    #[test]
    fn tests_answer_for_values_of_their_type() {
        check(json!({"equals": 1}), &[json!(1.0)], &[json!("1"), json!(2), json!(null)]);
        check(json!({"equals": null}), &[json!(null)], &[json!("")]);
        check(json!({"one_of": ["a", 1]}), &[json!("a"), json!(1)], &[json!("b")]);
        check(
            json!({"empty": true}),
            &[json!(null), json!(""), json!([])],
            &[json!(0), json!(" ")],
        );
        check(json!({"empty": false}), &[json!(0)], &[json!({})]);
        check(json!({"matches": "^a+$"}), &[json!("aa")], &[json!("ab"), json!(["aa"])]);
        check(json!({"starts_with": "a"}), &[json!("ab")], &[json!("ba"), json!(1)]);
        check(json!({"contains": "b"}), &[json!("abc")], &[json!("a"), json!(["b"])]);
        check(json!({"above": 1}), &[json!(1.5)], &[json!(1), json!("2")]);
        check(json!({"below": "1.5"}), &[json!(1)], &[json!(1.5), json!(null)]);
    }

    #[test]
    fn tests_are_combined_and_look_at_parts() {
        let work = json!({"at": "/type", "equals": "work"});
        check(work.clone(), &[json!({"type": "work"})], &[json!({}), json!("work")]);
        check(json!({"not": work}), &[json!({}), json!(null)], &[json!({"type": "work"})]);
        let between = json!({"all": [{"above": 1}, {"below": 3}]});
        check(between, &[json!(2)], &[json!(1), json!(3)]);
        check(json!({"any": [{"equals": 1}, {"equals": 3}]}), &[json!(3)], &[json!(2)]);
        check(json!({"all": []}), &[json!(1)], &[]);
        check(json!({"any": []}), &[], &[json!(1)]);
    }

    #[test]
    fn what_is_no_test_is_refused_at_its_place() {
        let deep = (0..9).fold(json!({"equals": 1}), |test, _| json!({"not": test}));
        for (test, pointer) in [
            (json!("empty"), ""),
            (json!({}), ""),
            (json!({"equals": 1, "above": 1}), ""),
            (json!({"equal": 1}), "/equal"),
            (json!({"at": "type", "equals": 1}), "/at"),
            (json!({"above": "x"}), "/above"),
            (json!({"empty": 1}), "/empty"),
            (json!({"matches": "("}), "/matches"),
            (json!({"all": [{"empty": true}, {"matches": 1}]}), "/all/1/matches"),
            (json!({"one_of": vec![1; 101]}), "/one_of"),
            (deep, "/not/not/not/not/not/not"),
        ] {
            assert_eq!(Predicate::read(test, 0).unwrap_err().pointer, pointer);
        }
    }
}
