//! Conversion schemas: one typed, reversible mapping between a provider's record and a canonical
//! one, for both directions.
//!
//! A schema is a list of field maps: source path → operations → target path. The set of
//! operations is closed ([`ops`]); every operation is a lens, so that what maps a record in also
//! writes it back. Invariants:
//! - what compiles is typed: an operation never meets a value of a type that it did not agree to,
//!   but for sources whose type nobody knows, and those are checked when they are read;
//! - **GetPut** `put(get(s), s) = s` and **PutGet** `get(put(v, s)) = v` hold for every operation
//!   on its declared domain;
//! - numbers are exact decimals: there is no floating point anywhere;
//! - every error is a value that names the field, the operation and the path; nothing panics, and
//!   size, depth and steps of everything are bounded.
#![forbid(unsafe_code)]

mod chain;
mod class;
mod exact;
mod fault;
mod kind;
mod lens;
pub mod ops;
mod value;

pub use chain::{Chain, ChainFault, OPS_MAX};
pub use class::Class;
pub use fault::Fault;
pub use kind::Kind;
pub use lens::{NoReferences, References};
pub use value::{DateTime, Money, Value};
