//! The codes of conversion schemas: why a value of a record does not fit.

use super::Code;

pub(super) const CODES: &[Code] = &[];
