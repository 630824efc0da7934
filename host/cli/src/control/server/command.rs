//! One command of another process.

use std::fs::File;
use std::io;
use std::sync::mpsc as blocking;
use std::sync::{Arc, Mutex, PoisonError};

use engine::sync::Cancel;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use super::super::{Message, Request};
use crate::Global;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::terminal::{Remote, Terminal};

/// What the server says when it goes before the command has ended.
const STOPPED: &str = "the server was stopped before the command ended; what is queued is kept, \
and goes on when it serves again";

/// The input of the process that gave the command.
#[derive(Debug)]
pub(crate) struct Input {
    ask: mpsc::UnboundedSender<Message>,
    read: Mutex<blocking::Receiver<Vec<u8>>>,
}

impl Input {
    /// One line.
    pub(crate) fn line(&self) -> io::Result<String> {
        self.read(Message::WantsLine)
    }

    /// Everything.
    pub(crate) fn all(&self) -> io::Result<String> {
        self.read(Message::WantsAll)
    }

    fn read(&self, wish: Message) -> io::Result<String> {
        let gone = || io::Error::new(io::ErrorKind::UnexpectedEof, "nobody is there to answer");
        self.ask.send(wish).map_err(|_gone| gone())?;
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = read.recv().map_err(|_gone| gone())?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }
}

/// Runs a command and tells whoever gave it how it ended.
pub(super) async fn run(
    client: UnixStream,
    (request, streams): (Request, [File; 2]),
    mut global: Global,
    closing: Cancel,
) {
    let (from, to) = client.into_split();
    let (say, said) = mpsc::unbounded_channel();
    let (typed, read) = blocking::channel();
    let (interrupt, left) = (Interrupt::default(), Cancel::default());
    let teller = tokio::spawn(tell(to, said));
    let listener = tokio::spawn(listen(from, typed, interrupt.clone(), left.clone()));
    let Request { args, tenant, dir, variables, answers, .. } = request;
    let [stdout, stderr] = streams;
    let input = Input { ask: say.clone(), read: Mutex::new(read) };
    let remote = Remote { input, stdout, stderr, dir, variables, answers };
    global.terminal = Terminal::Remote(Arc::new(remote));
    global.tenant = tenant;
    global.interrupt = interrupt;
    let end = tokio::select! {
        biased;
        code = crate::serve_command(&args, global) => Message::Ended(code),
        () = left.cancelled() => Message::Ended(Exit::Interrupted.code()),
        () = closing.cancelled() => Message::Refused(STOPPED.to_owned()),
    };
    // Whoever asked may have gone.
    say.send(end).unwrap_or_default();
    drop(say);
    listener.abort();
    drop(teller.await);
}

/// Sends what there is to say, until there is nothing more.
async fn tell(mut to: OwnedWriteHalf, mut said: mpsc::UnboundedReceiver<Message>) {
    while let Some(message) = said.recv().await {
        let last = matches!(message, Message::Ended(_) | Message::Refused(_));
        if message.send(&mut to).await.is_err() || last {
            break;
        }
    }
}

/// Hears what the other process wishes. Ctrl-C stops what can be stopped, and otherwise leaves the
/// command, as does a process that goes.
async fn listen(
    mut from: OwnedReadHalf,
    typed: blocking::Sender<Vec<u8>>,
    interrupt: Interrupt,
    left: Cancel,
) {
    while let Ok(Some(message)) = Message::receive(&mut from).await {
        match message {
            Message::Input(bytes) => typed.send(bytes).unwrap_or_default(),
            _ if interrupt.pressed().is_some() => {}
            _ => break,
        }
    }
    if interrupt.pressed().is_none() {
        left.cancel();
    }
}
