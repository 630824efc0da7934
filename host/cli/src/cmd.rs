//! The subcommands, one file each.

pub(crate) mod adapter;
pub(crate) mod api_key;
pub(crate) mod app;
pub(crate) mod breaker;
pub(crate) mod connect;
pub(crate) mod connection;
pub(crate) mod dead;
pub(crate) mod demo;
pub(crate) mod errors;
pub(crate) mod events;
pub(crate) mod key;
pub(crate) mod mapping;
pub(crate) mod plugin;
pub(crate) mod queue;
pub(crate) mod records;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod sync;
pub(crate) mod task;
pub(crate) mod tenant;
pub(crate) mod vault;
