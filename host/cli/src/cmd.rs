//! The subcommands, one file each.

pub(crate) mod adapter;
pub(crate) mod connect;
pub(crate) mod demo;
pub(crate) mod key;
pub(crate) mod plugin;
pub(crate) mod records;
pub(crate) mod runs;
pub(crate) mod serve;
pub(crate) mod sync;
