//! The API over the real store and the real vault, asked in memory.
#![cfg(test)]

mod api_keys;
mod apps;
mod auth;
mod conflicts;
mod dead_letters;
mod events;
mod history;
mod idempotency;
mod open;
mod plugins;
mod queues;
mod records;
mod runs;
mod roles;
mod sessions;
mod support;
mod tasks;
mod tenants;
mod tenancy;
mod unknown;
