//! Ctrl-C and SIGTERM: they stop what is under way at its next page, or give it up; without
//! anything, or the second time, they end the process.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use engine::sync::Cancel;
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Exit;
use crate::output::Output;
use crate::wire::tasks::Tasks;

/// What Ctrl-C stops. There is one for the life of the process: tokio never gives the signal back
/// to the operating system, so a listener that came and went would leave a Ctrl-C without effect.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<Mutex<Option<(Cancel, &'static str)>>>);

/// What Ctrl-C stops; dropped when it has ended.
pub(crate) struct Stoppable<'a>(&'a Interrupt);

impl Interrupt {
    /// Lets Ctrl-C stop a sync.
    pub(crate) fn stops(&self, cancel: Cancel) -> Stoppable<'_> {
        self.set(Some((cancel, "stopping at the next page; what was read so far is kept")));
        Stoppable(self)
    }

    /// Lets Ctrl-C give up what nothing is kept of.
    pub(crate) fn gives_up(&self, cancel: Cancel) -> Stoppable<'_> {
        self.set(Some((cancel, "giving up")));
        Stoppable(self)
    }

    /// Waits for Ctrl-C and its like, again and again. Before it ends the process it waits for what
    /// must not be lost, unless it is told again.
    pub(crate) async fn listen(self, output: Output, tasks: Tasks) -> io::Result<()> {
        let mut interrupts = signal(SignalKind::interrupt())?;
        let mut terminations = signal(SignalKind::terminate())?;
        loop {
            tokio::select! {
                _ = interrupts.recv() => {}
                _ = terminations.recv() => {}
            }
            let Some(note) = self.pressed() else { break };
            output.note(note);
        }
        tokio::select! {
            () = tasks.finish() => {}
            _ = interrupts.recv() => {}
            _ = terminations.recv() => {}
        }
        end();
        Ok(())
    }

    /// Asks what is under way to stop, and answers what that means for it; nothing when there is
    /// none, or it has been asked before.
    pub(crate) fn pressed(&self) -> Option<&'static str> {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (cancel, note) = running.as_ref().filter(|(cancel, _)| !cancel.is_cancelled())?;
        cancel.cancel();
        Some(note)
    }

    fn set(&self, running: Option<(Cancel, &'static str)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = running;
    }
}

impl Drop for Stoppable<'_> {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

#[expect(clippy::exit, reason = "somebody wants the process to end at once")]
fn end() {
    std::process::exit(Exit::Interrupted.code().into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_press_stops_the_sync_and_the_second_is_not_for_it() {
        let interrupt = Interrupt::default();
        assert!(interrupt.pressed().is_none());
        let cancel = Cancel::default();
        let sync = interrupt.stops(cancel.clone());
        assert!(interrupt.pressed().is_some() && cancel.is_cancelled());
        assert!(interrupt.pressed().is_none());
        drop(sync);
        assert!(interrupt.pressed().is_none());
    }
}
