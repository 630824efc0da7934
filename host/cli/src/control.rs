//! How commands reach a server that has the data directory.
//!
//! The store belongs to one process. A command that finds a server's socket in the data directory
//! hands over its arguments, its directory, its environment and the two streams that it writes to,
//! and the server runs it as if it had been given there. Input is read by the command itself, when
//! the server asks for it: a terminal belongs to whoever sits at it. The socket is for the owner of
//! the directory alone.

mod client;
mod server;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use model::TenantId;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

pub(crate) use client::forward;
pub(crate) use server::{Input, Server};

/// The socket's name in the data directory.
const SOCKET: &str = "plughouse.sock";

/// The longest message, in bytes: arguments and environment of a process are 2 MiB at most where
/// systems have their usual limits, and no input of a command is longer.
const MESSAGE_BYTES_MAX: usize = 4 << 20;

/// A command on its way to the server; its streams come beside it.
#[derive(Deserialize, Serialize)]
struct Request {
    /// The version of the program that asks.
    version: String,
    args: Vec<String>,
    /// Whose things, as the command's environment says where its arguments do not.
    tenant: TenantId,
    dir: PathBuf,
    variables: BTreeMap<String, String>,
    /// Whether somebody is there to answer.
    answers: bool,
}

/// What follows the request, to either side.
#[derive(Debug, Deserialize, Serialize)]
enum Message {
    /// To the server: Ctrl-C.
    Stop,
    /// To the server: what was read.
    Input(Vec<u8>),
    /// To the command: read a line.
    WantsLine,
    /// To the command: read everything.
    WantsAll,
    /// To the command: it has ended with this exit code.
    Ended(u8),
    /// To the command: it was not run to its end, and why.
    Refused(String),
}

impl Message {
    async fn send(&self, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let body = serde_json::to_vec(self)?;
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.extend(body);
        to.write_all(&bytes).await
    }

    /// Nothing at the end.
    async fn receive(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        let mut length = [0; 4];
        match from.read_exact(&mut length).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        };
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
        if length > MESSAGE_BYTES_MAX {
            return Err(io::Error::other(format!("a message of {length} bytes is too long")));
        }
        let mut body = vec![0; length];
        from.read_exact(&mut body).await?;
        Ok(Some(serde_json::from_slice(&body)?))
    }
}

fn socket(data: &Path) -> PathBuf {
    data.join(SOCKET)
}
