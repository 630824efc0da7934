//! The side of the server.

mod command;

use std::convert::Infallible;
use std::fs::{File, Permissions};
use std::io::{self, IoSliceMut, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream as Blocking;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use engine::sync::Cancel;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use serde::Deserialize;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{MESSAGE_BYTES_MAX, Message, Request, socket};
use crate::Global;
pub(crate) use command::Input;

/// Commands at work at the same time, each on a thread of its own: one whose output nobody reads
/// holds its place until its reader goes.
const COMMANDS_MAX: u16 = 64;

/// How long a command has to state itself: it is on the same machine and has it ready.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(5);

/// How long no command is taken after one that could not be: what is used up, as open files, comes
/// back when others end, and asking for it all the time would only fill the log.
const TAKE_WAIT: Duration = Duration::from_millis(200);

/// How long a server that stops waits for commands to hear of it.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(2);

/// The socket of a server; dropping it takes it away.
pub(crate) struct Server {
    listener: UnixListener,
    path: PathBuf,
    owner: u32,
    room: Arc<Semaphore>,
    closing: Cancel,
}

impl Server {
    /// Opens the socket; call it only with the store open, for that proves there is no other
    /// server. What a killed one has left is replaced.
    pub(crate) fn open(data: &Path) -> Result<Self> {
        let path = socket(data);
        let open = || {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let listener = UnixListener::bind(&path)?;
            std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
            Ok((listener, std::fs::metadata(&path)?.uid()))
        };
        let (listener, owner) = open().with_context(|| {
            let hint = "; sockets have short paths, give --data relative to the current directory";
            let hint = if path.as_os_str().len() > 100 { hint } else { "" };
            format!("open the control socket {}{hint}", path.display())
        })?;
        let room = Arc::new(Semaphore::new(COMMANDS_MAX.into()));
        Ok(Self { listener, path, owner, room, closing: Cancel::default() })
    }

    /// Runs commands until it is dropped, each as the server's own. What goes wrong with one, the
    /// end of threads and open files included, leaves the others and the server alone.
    pub(crate) async fn serve(&self, global: &Global) -> Infallible {
        loop {
            if let Err(error) = self.take(global).await {
                tracing::warn!(error = %format!("{error:#}"), "a command was not taken");
                tokio::time::sleep(TAKE_WAIT).await;
            }
        }
    }

    /// Takes the next command.
    async fn take(&self, global: &Global) -> Result<()> {
        let (client, _) = self.listener.accept().await.context("accept a command")?;
        // Before its mode was set, anybody could find the socket.
        let user = client.peer_cred().context("ask who gives a command")?.uid();
        if user != self.owner && user != 0 {
            tracing::warn!(user, "a command of another user is refused");
            return Ok(());
        }
        if let Ok(place) = Arc::clone(&self.room).try_acquire_owned() {
            return self.start(client, place, global);
        }
        refuse(client).await;
        Ok(())
    }

    /// Runs a command on a thread, not in a task: it waits for its terminal where it writes.
    fn start(
        &self,
        client: UnixStream,
        place: OwnedSemaphorePermit,
        global: &Global,
    ) -> Result<()> {
        let (global, closing) = (global.clone(), self.closing.clone());
        let runtime = tokio::runtime::Handle::current();
        let command = move || {
            if let Err(error) = runtime.block_on(answer(client, global, closing)) {
                tracing::warn!(error = %format!("{error:#}"), "a command was not run");
            }
            drop(place);
        };
        let thread = std::thread::Builder::new().name("command".to_owned());
        thread.spawn(command).context("start a thread for a command")?;
        Ok(())
    }

    /// Tells the commands that there is no server any more, and waits for them a little.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        let ended = self.room.acquire_many(COMMANDS_MAX.into());
        if tokio::time::timeout(CLOSE_TIME_MAX, ended).await.is_err() {
            tracing::warn!("commands whose output nobody reads are cut off");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that stays is replaced by the next server, and refuses connections until then.
        drop(std::fs::remove_file(&self.path));
    }
}

async fn refuse(mut client: UnixStream) {
    let why = format!(
        "the server runs {COMMANDS_MAX} commands already, which wait for somebody to read what \
         they print; end some of them"
    );
    // Whoever asked may have gone.
    Message::Refused(why).send(&mut client).await.unwrap_or_default();
}

/// Takes a command, runs it, and answers how it ended.
async fn answer(client: UnixStream, global: Global, closing: Cancel) -> Result<()> {
    let blocking = client.into_std()?;
    let (request, streams) = receive(&blocking).context("take a command")?;
    blocking.set_nonblocking(true)?;
    let mut client = UnixStream::from_std(blocking)?;
    match read(&request) {
        Ok(request) => command::run(client, (request, streams), global, closing).await,
        Err(error) => Message::Refused(error.to_string()).send(&mut client).await?,
    }
    Ok(())
}

/// Reads a request, if it is of this version.
fn read(request: &[u8]) -> Result<Request> {
    #[derive(Deserialize)]
    struct Of {
        version: String,
    }
    let (Of { version }, ours) = (serde_json::from_slice(request)?, env!("CARGO_PKG_VERSION"));
    ensure!(
        version == ours,
        "the server of this data directory is plughouse {ours}, this command {version}: use the \
         server's, or stop the server"
    );
    Ok(serde_json::from_slice(request)?)
}

/// Reads the request and the streams that come with its first bytes.
fn receive(client: &Blocking) -> Result<(Vec<u8>, [File; 2])> {
    client.set_nonblocking(false)?;
    client.set_read_timeout(Some(REQUEST_TIME_MAX))?;
    let mut length = [0; 4];
    let streams = receive_streams(client, &mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length))?;
    ensure!(length <= MESSAGE_BYTES_MAX, "a request of {length} bytes is too long");
    let mut body = vec![0; length];
    (&mut &*client).read_exact(&mut body)?;
    Ok((body, streams.map(File::from)))
}

fn receive_streams(client: &Blocking, bytes: &mut [u8; 4]) -> Result<[OwnedFd; 2]> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
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
    match <[OwnedFd; 2]>::try_from(streams) {
        Ok(streams) => Ok(streams),
        Err(streams) => bail!("two streams were expected, {} came", streams.len()),
    }
}
