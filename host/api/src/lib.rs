//! What the host answers over HTTP.
//!
//! A handler touches nothing before it has a [scope](auth::Scope): a tenant that is the caller's,
//! and a role that allows it. What goes wrong is a [`Problem`](problem::Problem). The forms on the
//! wire stand beside the routes that use them, and nowhere else.

#![expect(unused_qualifications, reason = "what describes routes to OpenAPI writes types out")]

pub mod answer;
mod api_keys;
mod apps;
pub mod auth;
mod breakers;
pub mod callback;
mod conflicts;
mod connections;
mod consumers;
mod dead_letters;
mod errors;
mod events;
mod drafts;
mod transformations;
mod schemas;
mod replays;
mod record_types;
mod bindings;
pub mod extract;
mod grants;
mod health;
mod held;
mod integrations;
mod idempotency;
pub mod list;
mod me;
mod metrics;
mod openapi;
pub mod operation;
mod packages;
pub mod ports;
pub mod problem;
mod providers;
mod queues;
mod rate;
mod records;
pub mod request;
mod router;
mod runs;
pub mod server;
mod session;
mod service;
mod sift;
mod slots;
mod tasks;
mod tenants;
mod vault;

pub use ports::{Adapters, Build, Installer, Keys, Package, Ports, Store};
pub use router::{document, router};
pub use vault::VaultStatus;
