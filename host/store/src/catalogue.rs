//! Packages, connections and what is remembered of trust.

pub(crate) mod connections;
pub(crate) mod packages;
pub(crate) mod states;
pub(crate) mod trust;
