//! What the host answers over HTTP.
//!
//! A handler touches nothing before it has a [scope](auth::Scope): a tenant that is the caller's,
//! and a role that allows it. What goes wrong is a [`Problem`](problem::Problem). The forms on the
//! wire stand beside the routes that use them, and nowhere else.

#![expect(unused_qualifications, reason = "what describes routes to OpenAPI writes types out")]

mod answer;
mod api_keys;
mod apps;
pub mod auth;
mod bindings;
mod breakers;
pub mod callback;
mod conflicts;
mod connections;
mod consumers;
mod dead_letters;
mod drafts;
mod errors;
mod events;
mod extract;
mod grants;
mod health;
mod held;
mod idempotency;
mod integrations;
mod list;
mod me;
mod metrics;
pub mod oauth;
mod openapi;
pub mod operation;
mod packages;
pub mod ports;
pub mod problem;
mod providers;
mod queues;
mod random;
mod rate;
mod record_types;
mod records;
mod replays;
pub mod request;
mod router;
mod runs;
mod schemas;
pub mod server;
mod service;
mod session;
mod sift;
mod slots;
mod tasks;
mod tenants;
mod transformations;
mod vault;

pub use ports::{Adapters, Build, Installer, Keys, Package, Ports, Store};
pub use router::{document, router};
pub use vault::VaultStatus;
