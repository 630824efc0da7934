//! What the operations of one record share: the references, and the work that is left.

use std::cell::Cell;

use crate::ops::weight;
use crate::{Fault, References, Value};

/// Work of one record, in bytes of the values that operations take and give; reading it and
/// writing it have as much each.
///
/// Writing goes through the operations of a field up to nine times, to find what changes and to
/// make sure that it would be read again: four of them, with none within, on a megabyte come to
/// less than 48 MiB.
pub(crate) const WORK_MAX: usize = 64 << 20;

/// Work of an operation on the smallest value: about what others do to as many bytes.
const OPERATION: usize = 64;

/// Work of an operator: of a test, or of a step of an expression.
pub(crate) const OPERATOR: usize = 16;

/// Work of a search for a regular expression on each byte: the automaton may have to be walked
/// state by state.
pub(crate) const SEARCHED: usize = 16;

/// Reading, writing or showing one record.
pub(crate) struct Work<'r> {
    pub(crate) refs: &'r dyn References,
    /// `None` once more was asked for than there was: nothing is done from then on.
    left: Cell<Option<usize>>,
}

impl<'r> Work<'r> {
    pub(crate) fn new(refs: &'r dyn References) -> Self {
        Self { refs, left: Cell::new(Some(WORK_MAX)) }
    }

    /// Takes from what is left.
    pub(crate) fn spend(&self, bytes: usize) -> Result<(), Fault> {
        let left = self.left.get().and_then(|left| left.checked_sub(bytes));
        self.left.set(left);
        if left.is_some() { Ok(()) } else { Err(Self::fault()) }
    }

    /// Takes what an operation does to give or to take this value.
    pub(crate) fn spend_on(&self, value: &Value<'_>) -> Result<(), Fault> {
        self.spend(OPERATION + weight(value))
    }

    /// Whether the record has failed, whatever became of the fault.
    pub(crate) fn is_spent(&self) -> bool {
        self.left.get().is_none()
    }

    #[cold]
    pub(crate) fn fault() -> Fault {
        let message = format!(
            "the operations of the record take more work than {WORK_MAX} bytes of values; map \
             fewer or smaller ones"
        );
        Fault::new("mapping.budget", message)
    }

    #[cfg(test)]
    pub(crate) fn spent(&self) -> usize {
        WORK_MAX - self.left.get().unwrap_or(0)
    }
}
