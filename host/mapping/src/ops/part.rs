//! Operations that show a part of a text.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::BuildError;
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

/// Which part of a text such an operation shows.
pub(super) trait Part: fmt::Debug + Send + Sync + 'static {
    /// Where the part stands, if it is there.
    fn find(&self, text: &str) -> Option<Range<usize>>;

    /// What it takes to find the part, beyond looking at the text.
    fn work(&self, _text: &str) -> usize {
        0
    }

    /// The text that shows `part` and is otherwise like `base`. Whether it really shows it is
    /// checked by the caller.
    fn put(&self, part: &str, base: &str) -> String {
        let place = self.find(base).unwrap_or(0..base.len());
        let around = |range| base.get(range).unwrap_or_default();
        [around(0..place.start), part, around(place.end..base.len())].concat()
    }
}

/// The operation: null when the part is not there.
#[derive(Debug)]
pub(super) struct PartOf<P>(pub(super) P);

impl<P: Part> PartOf<P> {
    fn show<'t>(&self, text: &'t str) -> Option<&'t str> {
        text.get(self.0.find(text)?)
    }
}

impl<P: Part> Lens for PartOf<P> {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::Text)?;
        Ok(Kind::Text)
    }

    fn class(&self) -> Class {
        Class::NeedsBase
    }

    fn get<'a>(&self, source: Value<'a>, work: &Work<'_>) -> Result<Value<'a>, Fault> {
        let text = source.into_text()?;
        work.spend(self.0.work(&text))?;
        let part = match text {
            Cow::Borrowed(text) => self.show(text).map(Cow::Borrowed),
            Cow::Owned(text) => match self.show(&text) {
                Some(part) if part.len() == text.len() => Some(Cow::Owned(text)),
                part => part.map(|part| Cow::Owned(part.to_owned())),
            },
        };
        Ok(part.map_or(Value::Null, Value::Text))
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let part = view.into_text()?;
        let base = match base {
            Value::Text(base) => base,
            _ => "",
        };
        let text = self.0.put(&part, base);
        Fault::unless_text_fits(text.len())?;
        work.spend(self.0.work(base) + self.0.work(&text))?;
        if self.show(&text) == Some(&part) {
            return Ok(Value::text(text));
        }
        let (part, text) = (Fault::quote(&part), Fault::quote(&text));
        Err(Fault::conflict(format!("{part} would not be read again from {text}")))
    }
}
