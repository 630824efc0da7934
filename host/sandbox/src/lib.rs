//! Verified adapters as sandboxed WASM components.
//!
//! Only a [`package::Verified`] is loaded, and only code that this host compiled itself from its
//! bytes is run. A guest reaches nothing but the contract's imports (`wit/adapter.wit`), and out of
//! the process nothing but the [`model::egress::Egress`] of its session. Every call has a budget of
//! CPU, wall time, memory, host calls and bytes, ends with an answer or with one classified
//! [`model::Error`], and tells what it cost. A trap or a limit ends one call: never the process,
//! never another session. An instance serves one connection, is replaced at random, and is dropped
//! on any error.
//!
//! No wasmtime type and no type of the contract leaves this crate.

mod bindings;
mod cache;
mod call;
mod code;
mod compile;
mod context;
mod contract;
mod convert;
mod engine;
mod exports;
mod fault;
mod gate;
mod imports;
mod limiter;
mod limits;
mod live;
mod loaded;
mod log;
mod meter;
mod random;
mod sandbox;
mod session;
mod state;
mod wasi;

pub use compile::{Compiler, WorkerError, compile_worker};
pub use contract::VERSION as CONTRACT;
pub use exports::Descriptor;
pub use limits::{Limits, TICK};
pub use loaded::Loaded;
pub use sandbox::{Config, Reuse, Sandbox, StartError};
pub use session::{Scope, Session};
