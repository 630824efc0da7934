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
//! - numbers are exact decimals: nothing is calculated or kept in floating point;
//! - every error is a value that names the field, the operation and the path; nothing panics, and
//!   size, depth and steps of everything are bounded.
#![forbid(unsafe_code)]

mod chain;
mod class;
mod compile;
mod diagnostic;
mod exact;
mod fault;
mod issue;
mod kind;
mod lens;
mod members;
pub mod ops;
mod preview;
mod program;
pub mod record_type;
mod schema;
pub mod suggest;
mod value;
mod work;

pub use class::Class;
pub use compile::{Compiled, Source, compile};
pub use diagnostic::{Diagnostic, Severity};
pub use fault::Fault;
pub use issue::Issue;
pub use kind::Kind;
pub use lens::{NoReferences, References};
pub use preview::{FieldPreview, Preview, RoundTrip, StepPreview, preview};
pub use program::{Patch, Program, Reading, Row, Scratch};
pub use record_type::{RecordType, Types};
pub use schema::{Direction, FieldMap, OnError, Schema, json_schema};
pub use value::{DateTime, Money, Value};

pub(crate) use chain::{Chain, ChainFault, OPS_MAX};
pub(crate) use schema::Link;
