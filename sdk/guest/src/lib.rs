//! What a Plughouse adapter is written with.
//!
//! An author implements one trait, [`Adapter`], and names the type once in [`adapter!`]. The types
//! are those of the contract (`plughouse:adapter`, see `wit/adapter.wit`), so nothing is converted
//! at the boundary. The same code runs as a WebAssembly component inside the host and natively
//! under `cargo test`: the host functions in [`http`], [`host`] and [`state`] reach the imports of
//! the component, or natively whatever [`native::with`] has put in place.
//!
//! A guest has no clock, no randomness, no environment and no sockets of its own. On
//! `wasm32-unknown-unknown` `std::time::SystemTime::now` and `Instant::now` panic: ask
//! [`host::now_ms`], and let clippy refuse the others (`disallowed-methods`, as the template does).
//!
//! Everything that parses text or JSON here is total: hostile input gives an [`Error`] or `None`,
//! never a panic.

mod adapter;
pub mod bindings;
pub mod checkpoint;
mod error;
pub mod host;
pub mod http;
pub mod json;
mod make;
#[cfg(not(target_family = "wasm"))]
pub mod native;
#[cfg(target_family = "wasm")]
mod panic;
pub mod percent;
mod request;
mod response;
pub mod state;
pub mod time;

#[doc(hidden)]
pub use adapter::Exported;
pub use adapter::{Adapter, unknown_entity, unsupported};
pub use bindings::exports::plughouse::adapter::adapter::{
    Account, Batch, Blob, Descriptor, Entity, Field, FieldKind, Next, Operation, Outcome, Page,
    PullRequest, Receipt, Reject, Selection, Window, Write, WriteMode,
};
pub use bindings::exports::plughouse::adapter::webhooks::{
    Action, Change, Event, Hint, SubscribeRequest, Subscription,
};
pub use bindings::plughouse::adapter::host::Level;
pub use bindings::plughouse::adapter::http::{Piece, Response, Slice, Target};
pub use bindings::plughouse::adapter::types::{
    Content, Error, ErrorKind, Pair, Payload, Record, Removal, Request, Span, Tombstone,
};
pub use error::{error_for_status, retry_after_ms};
