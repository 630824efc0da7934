//! Ctrl-C and SIGTERM: they stop what is under way at its next page; without anything, or the
//! second time, they end the process.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use engine::sync::Cancel;
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Exit;
use crate::output::Output;

/// What Ctrl-C stops. There is one for the life of the process: tokio never gives the signal back
/// to the operating system, so a listener that came and went would leave a Ctrl-C without effect.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<Mutex<Option<Cancel>>>);

/// A sync that Ctrl-C stops; dropped when it has ended.
pub(crate) struct Stoppable<'a>(&'a Interrupt);

impl Interrupt {
    /// Lets Ctrl-C stop a sync.
    pub(crate) fn stops(&self, cancel: Cancel) -> Stoppable<'_> {
        self.set(Some(cancel));
        Stoppable(self)
    }

    /// Waits for Ctrl-C and its like, again and again.
    pub(crate) async fn listen(self, output: Output) -> io::Result<()> {
        let mut interrupts = signal(SignalKind::interrupt())?;
        let mut terminations = signal(SignalKind::terminate())?;
        loop {
            tokio::select! {
                _ = interrupts.recv() => {}
                _ = terminations.recv() => {}
            }
            if !self.pressed() {
                end();
            }
            output.note("stopping at the next page; what was read so far is kept");
        }
    }

    /// Asks what is under way to stop; false when there is none, or it has been asked before.
    pub(crate) fn pressed(&self) -> bool {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = running.as_ref().filter(|cancel| !cancel.is_cancelled());
        asked.inspect(|cancel| cancel.cancel()).is_some()
    }

    fn set(&self, cancel: Option<Cancel>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = cancel;
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
        assert!(!interrupt.pressed());
        let cancel = Cancel::default();
        let sync = interrupt.stops(cancel.clone());
        assert!(interrupt.pressed() && cancel.is_cancelled());
        assert!(!interrupt.pressed());
        drop(sync);
        assert!(!interrupt.pressed());
    }
}
