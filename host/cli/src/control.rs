//! How commands reach a server that has the data directory.
//!
//! The store belongs to one process. A command that finds a server's socket in the data directory
//! hands over its arguments, its directory, its environment and its three streams, and the server
//! runs it as if it had been given there. The socket is for the owner of the directory alone.

mod client;
mod server;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub(crate) use client::forward;
pub(crate) use server::Server;

/// The socket's name in the data directory.
const SOCKET: &str = "plughouse.sock";

/// The longest request, in bytes: arguments and environment of a process are 2 MiB at most where
/// systems have their usual limits.
const REQUEST_BYTES_MAX: usize = 4 << 20;

/// A command on its way to the server; its streams come beside it.
#[derive(Deserialize, Serialize)]
struct Request {
    /// The version of the program that asks.
    version: String,
    args: Vec<String>,
    dir: PathBuf,
    variables: BTreeMap<String, String>,
}

fn socket(data: &Path) -> PathBuf {
    data.join(SOCKET)
}
