//! Operations from text to text that go back without a base.

use std::borrow::Cow;
use std::fmt;

use super::BuildError;
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

/// What such an operation does with a text.
pub(super) trait Rewrite: fmt::Debug + Send + Sync + 'static {
    /// How far it can be reversed.
    const CLASS: Class;

    /// The view of a text.
    fn forth<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault>;

    /// The text of a view; tidied by the same rule, unless there is another.
    fn back<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        self.forth(text)
    }
}

/// The operation.
#[derive(Debug)]
pub(super) struct Rewritten<R>(pub(super) R);

impl<R: Rewrite> Lens for Rewritten<R> {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::Text)?;
        Ok(Kind::Text)
    }

    fn class(&self) -> Class {
        R::CLASS
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        self.0.forth(source.into_text()?).map(Value::Text)
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let source = self.0.back(view.into_text()?)?;
        if R::CLASS == Class::Canonicalising
            && let Value::Text(base) = base
            && self.0.forth(source.clone()).ok() == self.0.forth(base.clone()).ok()
        {
            // An edit that only tidying would tell from the base is none.
            return Ok(Value::Text(base.clone()));
        }
        Ok(Value::Text(source))
    }
}

/// Tables of what such operations do with texts.
#[cfg(test)]
pub(super) mod table {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::laws;
    use super::{Kind, Value};

    /// The text becomes the view, goes back as it was, and the view alone finds itself again.
    #[track_caller]
    pub(in super::super) fn check(op: &str, text: &str, view: &str) {
        let op = &written(op);
        let [source, expected] = [text, view].map(|text| json!(text).to_string());
        assert_eq!(laws::get(op, &source), expected);
        assert_eq!(laws::put(op, &expected, &source), source);
        let fresh = laws::put(op, &expected, "null");
        assert_eq!(laws::get(op, &fresh), expected, "of {fresh}");
    }

    #[track_caller]
    pub(in super::super) fn refuses(op: &str, text: &str, code: &str) {
        assert_eq!(laws::get(&written(op), &json!(text).to_string()), code, "{text:.80}");
    }

    /// The laws hold for those texts of a regular expression that the operation reads.
    #[track_caller]
    pub(in super::super) fn keeps_laws(op: &str, texts: &'static str) {
        let op = &written(op);
        let reads = |text: &String| laws::get(op, &json!(text).to_string()).starts_with('"');
        let texts = texts.prop_filter("is read", reads).prop_map(Value::text);
        laws::hold(op, &Kind::Text, texts);
    }

    /// The operation, or one without parameters by its name.
    fn written(op: &str) -> String {
        if op.starts_with('{') { op.to_owned() } else { json!(op).to_string() }
    }
}
