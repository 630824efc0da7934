//! Operations from text to text that go back without a base.

use std::borrow::Cow;
use std::fmt;

use super::BuildError;
use crate::lens::{Lens, References};
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
        if source.fits(&Kind::Text) {
            Ok(Kind::Text)
        } else {
            Err(BuildError::kind(&Kind::Text, source))
        }
    }

    fn class(&self) -> Class {
        R::CLASS
    }

    fn get<'a>(&self, source: Value<'a>, _refs: &dyn References) -> Result<Value<'a>, Fault> {
        self.0.forth(text(source)?).map(Value::Text)
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        _base: &Value<'a>,
        _refs: &dyn References,
    ) -> Result<Value<'a>, Fault> {
        self.0.back(text(view)?).map(Value::Text)
    }
}

fn text(value: Value<'_>) -> Result<Cow<'_, str>, Fault> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(Fault::kind(&Kind::Text, &other)),
    }
}
