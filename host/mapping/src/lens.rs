//! What every operation is: a lens.

use std::fmt;

use crate::ops::BuildError;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

/// An operation with its parameters, both ways.
///
/// A lens that does not [take empty values](Self::takes_empty) never sees a missing or null one,
/// as source or view: the chain lets those pass unchanged, and a null view makes a null source.
pub(crate) trait Lens: fmt::Debug + Send + Sync {
    /// The type of the view of a source of this type. Called once, before anything else, so that
    /// an operation may remember its source; [`Kind::must_fit`] refuses.
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError>;

    /// How far it can be reversed.
    fn class(&self) -> Class;

    /// Whether missing and null are values to it.
    fn takes_empty(&self) -> bool {
        false
    }

    /// Whether every view that is neither missing nor null is its own source.
    fn keeps(&self) -> bool {
        false
    }

    /// The view of a source.
    fn get<'a>(&self, source: Value<'a>, work: &Work<'_>) -> Result<Value<'a>, Fault>;

    /// The source that has this view and is otherwise like `base`, the source as it was last
    /// seen: [`Value::Missing`] or null if there was none, a list of such for a tuple.
    ///
    /// Called only when the view of `base` is another one, so that "unchanged is written back
    /// unchanged" is no matter of the operation. A one-way operation has none.
    fn put<'a>(
        &self,
        _view: Value<'a>,
        _base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        Err(Fault::conflict("the operation cannot be reversed"))
    }
}

/// Finds records by what they are called on the other side.
pub trait References {
    /// The id of our record for a provider's id of this entity.
    fn local(&self, entity: &str, id: &str) -> Option<String>;

    /// The provider's id for the id of our record.
    fn external(&self, entity: &str, id: &str) -> Option<String>;
}

/// Knows no record.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoReferences;

impl References for NoReferences {
    fn local(&self, _entity: &str, _id: &str) -> Option<String> {
        None
    }

    fn external(&self, _entity: &str, _id: &str) -> Option<String> {
        None
    }
}
