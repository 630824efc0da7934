//! What the host answers over HTTP.
//!
//! A handler touches nothing before it has a [scope](auth::Scope): a tenant that is the caller's,
//! and a role that allows it. What goes wrong is a [`Problem`](problem::Problem). The forms on the
//! wire stand beside the routes that use them, and nowhere else.

#![expect(unused_qualifications, reason = "what describes routes to OpenAPI writes types out")]

pub mod answer;
pub mod auth;
pub mod callback;
pub mod extract;
pub mod list;
mod openapi;
pub mod operation;
pub mod ports;
pub mod problem;
pub mod request;
mod router;
pub mod server;
mod tasks;

pub use ports::{Adapters, Package, Ports, Store};
pub use router::{document, router};
