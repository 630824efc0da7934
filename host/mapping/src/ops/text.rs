//! Operations on text.

use super::Spec;

pub(super) const SPECS: &[Spec] = &[];
