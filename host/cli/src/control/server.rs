//! The side of the server.

use std::fs::{File, Permissions};
use std::io::{self, IoSliceMut, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream as Blocking;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

use super::{REQUEST_BYTES_MAX, Request, socket};
use crate::Global;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::terminal::{Remote, Terminal};

/// Commands at work at the same time, each on a thread of its own; more wait their turn.
const COMMANDS_MAX: usize = 16;

/// How long a command has to state itself: it is on the same machine and has it ready.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(5);

/// The socket of a server; dropping it takes it away.
pub(crate) struct Server {
    listener: UnixListener,
    path: PathBuf,
}

impl Server {
    /// Opens the socket; call it only with the store open, for that proves there is no other
    /// server. What a killed one has left is replaced.
    pub(crate) fn open(data: &Path) -> Result<Self> {
        let path = socket(data);
        let failed = || format!("open the control socket {}", path.display());
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(failed);
            }
            _ => {}
        }
        let listener = UnixListener::bind(&path).with_context(failed)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).with_context(failed)?;
        Ok(Self { listener, path })
    }

    /// Runs commands until it is dropped, each as the server's own.
    pub(crate) async fn serve(&self, global: &Global) -> Result<()> {
        let room = Arc::new(Semaphore::new(COMMANDS_MAX));
        loop {
            let place = Arc::clone(&room).acquire_owned().await?;
            let (client, _) = self.listener.accept().await.context("accept a command")?;
            let global = global.clone();
            let runtime = tokio::runtime::Handle::current();
            // A thread, not a task: a command waits for its terminal where it writes.
            let command = move || {
                if let Err(error) = runtime.block_on(answer(client, global)) {
                    tracing::warn!(error = %format!("{error:#}"), "a command was not run");
                }
                drop(place);
            };
            std::thread::Builder::new()
                .name("command".to_owned())
                .spawn(command)
                .context("start a thread for a command")?;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that stays is replaced by the next server, and refuses connections until then.
        drop(std::fs::remove_file(&self.path));
    }
}

/// Takes a command, runs it, and answers how it ended.
async fn answer(client: UnixStream, mut global: Global) -> Result<()> {
    let blocking = client.into_std()?;
    let (request, streams) = receive(&blocking).context("take a command")?;
    blocking.set_nonblocking(true)?;
    let (mut wishes, mut reply) = UnixStream::from_std(blocking)?.into_split();
    let [stdin, stdout, stderr] = streams.map(File::from);
    let Request { version, args, dir, variables } = request;
    let remote = Remote { stdin, stdout, stderr, dir, variables };
    global.terminal = Terminal::Remote(Arc::new(remote));
    global.interrupt = Interrupt::default();
    let interrupt = global.interrupt.clone();
    let stop = async {
        let mut byte = [0];
        // A byte is Ctrl-C; the end is a command that nobody waits for any more.
        while wishes.read(&mut byte).await.is_ok_and(|read| read > 0) {
            interrupt.pressed();
        }
        interrupt.pressed();
        std::future::pending::<()>().await;
    };
    let code = tokio::select! {
        code = run(&version, &args, global) => code,
        () = stop => Exit::Interrupted.code(),
    };
    // Whoever asked may have gone.
    reply.write_all(&[code]).await.unwrap_or_default();
    Ok(())
}

async fn run(version: &str, args: &[String], global: Global) -> u8 {
    let output = global.output();
    let ours = env!("CARGO_PKG_VERSION");
    if version != ours {
        let error = anyhow::anyhow!(
            "the server of this data directory is plughouse {ours}, this command {version}: use \
             the server's, or stop the server"
        );
        return crate::exit::report(&error, &output).code();
    }
    crate::serve_command(args, global).await
}

/// Reads the request and the streams that come with its first bytes.
fn receive(client: &Blocking) -> Result<(Request, [OwnedFd; 3])> {
    client.set_nonblocking(false)?;
    client.set_read_timeout(Some(REQUEST_TIME_MAX))?;
    let mut length = [0; 4];
    let streams = receive_streams(client, &mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length))?;
    ensure!(length <= REQUEST_BYTES_MAX, "a request of {length} bytes is too long");
    let mut body = vec![0; length];
    (&mut &*client).read_exact(&mut body)?;
    Ok((serde_json::from_slice(&body)?, streams))
}

fn receive_streams(client: &Blocking, bytes: &mut [u8; 4]) -> Result<[OwnedFd; 3]> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::WAITALL;
    let received = recvmsg(client, &mut [IoSliceMut::new(bytes)], &mut ancillary, flags)?;
    ensure!(received.bytes == bytes.len(), "the request was cut");
    let mut streams = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = message {
            streams.extend(fds);
        }
    }
    match <[OwnedFd; 3]>::try_from(streams) {
        Ok(streams) => Ok(streams),
        Err(streams) => bail!("three streams were expected, {} came", streams.len()),
    }
}
