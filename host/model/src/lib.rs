//! The vocabulary of the host: plain data, pure rules, and the ports to the outside.
//!
//! Nothing here performs I/O. A type that crosses a crate boundary is defined in this crate, next
//! to the port that stores or moves it. No credential has a type here that can be printed,
//! compared or serialised: see [`Secret`].

pub mod absence;
pub mod adapter;
pub mod api_key;
pub mod breaker;
pub mod canonical;
pub mod catalogue;
pub mod clock;
pub mod conflict;
pub mod connection;
pub mod credential;
pub mod draft;
pub mod egress;
pub mod error;
pub mod errors;
pub mod event;
pub mod hex;
pub mod id;
pub mod idempotency;
pub mod integration;
pub mod masking;
pub mod outbound;
pub mod queue;
pub mod record;
pub mod retention;
pub mod retry;
pub mod run;
pub mod schema;
pub mod secret;
pub mod store;
pub mod stored;
pub mod task;
pub mod tenant;
pub mod trace;
pub mod vault;
pub mod webhook;
pub mod window;
pub mod write;

pub use clock::Clock;
pub use connection::{Connection, ConnectionState, ConnectionStatus};
pub use error::{Error, ErrorKind};
pub use id::{ConnectionId, RunId, TenantId};
pub use integration::IntegrationId;
pub use jiff::Timestamp;
pub use secret::Secret;
