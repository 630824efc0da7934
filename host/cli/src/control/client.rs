//! The side of the command.

use std::ffi::OsString;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::AsFd as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::{Request, socket};
use crate::config;

/// Lets the server of the data directory run the command, if there is one; the exit code.
pub(crate) async fn forward(data: &Path, args: &[OsString]) -> Result<Option<u8>> {
    let path = socket(data);
    let server = match UnixStream::connect(&path).await {
        Ok(server) => server,
        // Nobody serves, or somebody who was killed has.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => {
            return Err(error).with_context(|| format!("reach the server at {}", path.display()));
        }
    };
    let request = request(args)?;
    run(server, &request).await.context("talk to the server of this data directory").map(Some)
}

fn request(args: &[OsString]) -> Result<Vec<u8>> {
    let args = args.iter().map(|arg| arg.to_str().map(str::to_owned)).collect::<Option<_>>();
    let request = Request {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        args: args.context("an argument is not UTF-8: a server takes only arguments that are")?,
        dir: std::env::current_dir().context("find the current directory")?,
        variables: config::variables(),
    };
    Ok(serde_json::to_vec(&request)?)
}

/// Sends the command, then waits for its end. The first Ctrl-C asks it to stop, the second leaves
/// it to itself: the server sees the connection close and asks it once more.
async fn run(mut server: UnixStream, request: &[u8]) -> Result<u8> {
    let length = u32::try_from(request.len())?.to_be_bytes();
    server.writable().await?;
    send_streams(&server, &length)?;
    server.write_all(request).await?;
    let mut presses = 0;
    let mut code = [0];
    loop {
        tokio::select! {
            read = server.read(&mut code) => match read? {
                0 => bail!("the server has ended before the command did; see its log"),
                _ => return Ok(code[0]),
            },
            _ = tokio::signal::ctrl_c() => {
                presses += 1;
                if presses > 1 {
                    return Ok(crate::exit::Exit::Interrupted.code());
                }
                server.write_all(&[1]).await?;
            }
        }
    }
}

/// Sends the three streams of this process along with the first bytes.
fn send_streams(server: &UnixStream, bytes: &[u8]) -> Result<()> {
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let streams = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(&streams)) {
        bail!("no room for the streams");
    }
    let sent = sendmsg(server, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::empty())?;
    if sent != bytes.len() {
        bail!("the request was cut");
    }
    Ok(())
}
