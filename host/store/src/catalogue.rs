//! Packages, connections and what is remembered of trust.

pub(crate) mod connections;
mod file;
pub(crate) mod packages;
pub(crate) mod pending;
pub(crate) mod states;
pub(crate) mod trust;
