//! The second profile: WASI with nothing in it, for guests in languages that cannot do without.
//!
//! No arguments, no environment, no directories; sockets are not even linked. The clocks are the
//! host's [`Clock`] in steps of a millisecond, the randomness is the session's, and what the guest
//! prints becomes log lines.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use model::Clock;
use rand_core::TryRng;
use tokio::io::AsyncWrite;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream, WasiCliView as _};
use wasmtime_wasi::filesystem::WasiFilesystemView as _;
use wasmtime_wasi::p2::bindings::{cli, filesystem, random};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::random::WasiRandomView as _;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

use crate::context::{Context, Shared};
use crate::limits::{HANDLES_MAX, PRINT_BYTES_MAX, RANDOM_BYTES_MAX};

/// The WASI side of one instance.
pub(crate) struct Wasi {
    context: WasiCtx,
    table: ResourceTable,
    printed: Printer,
}

impl Wasi {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        let printed = Printer::default();
        let context = WasiCtx::builder()
            .stdout(printed.clone())
            .stderr(printed.clone())
            .wall_clock(Wall(shared.clock.clone()))
            .monotonic_clock(Monotonic::new(shared.clock.clone()))
            .secure_random(Seeded(Arc::clone(shared)))
            .insecure_random(Seeded(Arc::clone(shared)))
            .max_random_size(RANDOM_BYTES_MAX.into())
            .insecure_random_seed(shared.random.map_seed())
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES_MAX);
        Self { context, table, printed }
    }

    /// Takes what the guest has printed since the last time.
    pub(crate) fn take_printed(&self) -> Vec<u8> {
        std::mem::take(&mut *self.printed.lock())
    }
}

impl WasiView for Context {
    /// Every function of WASI comes through here, once per call.
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.call.count_host_call();
        // Only linkers of the WASI profile have functions that come here.
        let shared = &self.shared;
        let wasi = self.wasi.get_or_insert_with(|| Box::new(Wasi::new(shared)));
        WasiCtxView { ctx: &mut wasi.context, table: &mut wasi.table }
    }
}

/// Links the interfaces of the closed set; sockets and http are not among them.
pub(crate) fn add_to_linker(linker: &mut Linker<Context>) -> wasmtime::Result<()> {
    use wasmtime_wasi::cli::WasiCli;
    use wasmtime_wasi::filesystem::WasiFilesystem;
    use wasmtime_wasi::random::WasiRandom;

    // Streams, clocks, `random` and the three standard streams.
    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(linker)?;
    filesystem::types::add_to_linker::<_, WasiFilesystem>(linker, Context::filesystem)?;
    filesystem::preopens::add_to_linker::<_, WasiFilesystem>(linker, Context::filesystem)?;
    random::insecure::add_to_linker::<_, WasiRandom>(linker, Context::random)?;
    random::insecure_seed::add_to_linker::<_, WasiRandom>(linker, Context::random)?;
    cli::exit::add_to_linker::<_, WasiCli>(linker, Context::cli)?;
    cli::environment::add_to_linker::<_, WasiCli>(linker, Context::cli)?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(linker, Context::cli)?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(linker, Context::cli)?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(linker, Context::cli)?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(linker, Context::cli)?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(linker, Context::cli)
}

struct Wall(Clock);

impl HostWallClock for Wall {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(millis(&self.0))
    }
}

/// The same time, counted from the first look at it and never backwards.
struct Monotonic {
    clock: Clock,
    start: u64,
    latest: AtomicU64,
}

impl Monotonic {
    fn new(clock: Clock) -> Self {
        let start = millis(&clock);
        Self { clock, start, latest: AtomicU64::new(0) }
    }
}

impl HostMonotonicClock for Monotonic {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        let passed = millis(&self.clock).saturating_sub(self.start).saturating_mul(1_000_000);
        self.latest.fetch_max(passed, Ordering::Relaxed).max(passed)
    }
}

fn millis(clock: &Clock) -> u64 {
    u64::try_from(clock.now().as_millisecond()).unwrap_or(0)
}

/// The session's randomness in the shape that WASI wants.
struct Seeded(Arc<Shared>);

impl TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.random.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.random.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.random.fill(bytes);
        Ok(())
    }
}

/// Where prints go: a bounded buffer. What does not fit is dropped, as the log drops lines; an
/// error would only turn a talkative guest into a crashed one.
#[derive(Clone, Default)]
struct Printer(Arc<Mutex<Vec<u8>>>);

impl Printer {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn print(&self, bytes: &[u8]) {
        let mut printed = self.lock();
        let room = PRINT_BYTES_MAX.saturating_sub(printed.len());
        printed.extend(bytes.iter().take(room));
    }
}

impl IsTerminal for Printer {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printer {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Printer {
    async fn ready(&mut self) {}
}

impl OutputStream for Printer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.print(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PRINT_BYTES_MAX)
    }
}

impl AsyncWrite for Printer {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Poller<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.print(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Poller<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Poller<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn print_ends_where_the_buffer_does() {
        let printer = Printer::default();
        (0..3).for_each(|_| printer.print(&vec![b'x'; PRINT_BYTES_MAX - 1]));
        assert_eq!(printer.lock().len(), PRINT_BYTES_MAX);
    }
}
