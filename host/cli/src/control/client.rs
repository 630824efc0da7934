//! The side of the command.

use std::ffi::OsString;
use std::io::{self, BufRead as _, IoSlice, IsTerminal as _, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::AsFd as _;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::{MESSAGE_BYTES_MAX, Message, Request, socket};
use crate::exit::Exit;
use crate::{Global, config};

/// Lets the server of the data directory run the command, if there is one; the exit code.
pub(crate) async fn forward(global: &Global, args: &[OsString]) -> Result<Option<u8>> {
    use io::ErrorKind::{ConnectionRefused, InvalidInput, NotFound};
    let path = socket(&global.data);
    let server = match UnixStream::connect(&path).await {
        Ok(server) => server,
        // Nobody serves, or somebody who was killed has, or the path is longer than any socket's.
        Err(error) if matches!(error.kind(), NotFound | ConnectionRefused | InvalidInput) => {
            return Ok(None);
        }
        Err(error) => {
            return Err(error).with_context(|| format!("reach the server at {}", path.display()));
        }
    };
    run(server, &request(global, args)?).await.map(Some)
}

fn request(global: &Global, args: &[OsString]) -> Result<Vec<u8>> {
    let args = args.iter().map(|arg| arg.to_str().map(str::to_owned)).collect::<Option<_>>();
    let request = Request {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        args: args.context("an argument is not UTF-8: a server takes only arguments that are")?,
        tenant: global.tenant.clone(),
        dir: std::env::current_dir().context("find the current directory")?,
        variables: config::variables(),
        answers: io::stdin().is_terminal(),
    };
    Ok(serde_json::to_vec(&request)?)
}

/// Sends the command, then waits for its end. The first Ctrl-C asks it to stop, the second leaves
/// it to itself: the server sees the connection close and asks it once more.
async fn run(mut server: UnixStream, request: &[u8]) -> Result<u8> {
    const TALK: &str = "talk to the server of this data directory";
    let mut interrupts = signal(SignalKind::interrupt())?;
    let length = u32::try_from(request.len())?.to_be_bytes();
    server.writable().await.context(TALK)?;
    send_streams(&server, &length).context(TALK)?;
    server.write_all(request).await.context(TALK)?;
    let (from, mut to) = server.into_split();
    let mut messages = listen(from);
    let (typed, mut input) = mpsc::channel(1);
    let mut presses = 0;
    loop {
        tokio::select! {
            message = messages.recv() => match message {
                Some(Message::Ended(code)) => return Ok(code),
                Some(Message::Refused(why)) => bail!(why),
                Some(Message::WantsLine) => read(false, typed.clone()),
                Some(Message::WantsAll) => read(true, typed.clone()),
                _ => bail!("the server has ended before the command did; see its log"),
            },
            Some(read) = input.recv() => {
                let bytes = read.context("read standard input")?;
                ensure!(bytes.len() < MESSAGE_BYTES_MAX / 4, "standard input is too long");
                Message::Input(bytes).send(&mut to).await.context(TALK)?;
            }
            _ = interrupts.recv() => {
                presses += 1;
                if presses > 1 {
                    return Ok(Exit::Interrupted.code());
                }
                Message::Stop.send(&mut to).await.context(TALK)?;
            }
        }
    }
}

/// What the server says, until it says nothing more.
fn listen(mut server: OwnedReadHalf) -> mpsc::Receiver<Message> {
    let (said, messages) = mpsc::channel(1);
    tokio::spawn(async move {
        while let Ok(Some(message)) = Message::receive(&mut server).await {
            if said.send(message).await.is_err() {
                break;
            }
        }
    });
    messages
}

/// Reads on a thread that may be left waiting when the command ends.
fn read(all: bool, to: mpsc::Sender<io::Result<Vec<u8>>>) {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut stdin = io::stdin().lock();
        let read =
            if all { stdin.read_to_end(&mut bytes) } else { stdin.read_until(b'\n', &mut bytes) };
        to.blocking_send(read.map(|_| bytes)).unwrap_or_default();
    });
}

/// Sends the two streams that this process writes to along with the first bytes.
fn send_streams(server: &UnixStream, bytes: &[u8]) -> Result<()> {
    let (stdout, stderr) = (io::stdout(), io::stderr());
    let streams = [stdout.as_fd(), stderr.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ensure!(ancillary.push(SendAncillaryMessage::ScmRights(&streams)), "no room for the streams");
    let sent = sendmsg(server, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::empty())?;
    ensure!(sent == bytes.len(), "the request was cut");
    Ok(())
}
