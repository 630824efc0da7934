//! The API over the real store and the real vault, asked in memory.
#![cfg(test)]

mod abuse;
mod api_keys;
mod apps;
mod auth;
mod bindings;
mod conflicts;
mod connections;
mod dead_letters;
mod documented;
mod drafts;
mod events;
mod history;
mod idempotency;
mod integrations;
mod oauth;
mod open;
mod operations;
mod plugins;
mod previews;
mod providers;
mod queues;
mod record_types;
mod records;
mod roles;
mod runs;
mod schemas;
mod sessions;
mod support;
mod tasks;
mod tenancy;
mod tenants;
mod unknown;
