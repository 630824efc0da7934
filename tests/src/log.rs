//! What was logged, for tests of one thread.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

/// What guests log at `info` and above, as long as this lives.
pub struct Lines {
    bytes: Writer,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Writer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Listens to what this thread logs.
    pub fn listen() -> Self {
        let bytes = Writer::default();
        let writer = bytes.clone();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .with_filter(Targets::new().with_target("adapter", Level::INFO));
        let subscriber = tracing_subscriber::registry().with(layer);
        Self { bytes, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// Takes what was logged since the last time.
    pub fn take(&self) -> String {
        let bytes =
            std::mem::take(&mut *self.bytes.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
