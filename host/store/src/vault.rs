//! Secrets at rest: the key and what it seals.

mod key;
mod seal;

pub(crate) use key::Key;
pub(crate) use seal::Place;
