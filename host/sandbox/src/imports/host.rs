//! `host`: log, time, randomness, variables.

use tracing::Level;

use crate::bindings::{host, types};
use crate::context::Imports;
use crate::fault::Fault;
use crate::limits::RANDOM_BYTES_MAX;
use crate::log;

impl host::Host for Imports<'_> {
    async fn log(
        &mut self,
        level: host::Level,
        message: String,
        fields: Vec<types::Pair>,
    ) -> wasmtime::Result<()> {
        self.enter()?;
        let fields: Vec<_> =
            fields.iter().map(|pair| (pair.name.as_str(), pair.value.as_str())).collect();
        let level = match level {
            host::Level::Debug => Level::DEBUG,
            host::Level::Info => Level::INFO,
            host::Level::Warn => Level::WARN,
            host::Level::Error => Level::ERROR,
        };
        self.call.write_log(level, &log::compose(&message, &fields));
        Ok(())
    }

    async fn now_ms(&mut self) -> wasmtime::Result<u64> {
        self.enter()?;
        Ok(u64::try_from(self.shared.clock.now().as_millisecond()).unwrap_or(0))
    }

    async fn random(&mut self, length: u32) -> wasmtime::Result<Vec<u8>> {
        self.enter()?;
        if length > RANDOM_BYTES_MAX {
            return Err(Fault::Random.into());
        }
        let mut bytes = vec![0; usize::try_from(length)?];
        self.shared.random.fill(&mut bytes);
        Ok(bytes)
    }

    async fn variable(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        self.enter()?;
        Ok(self.shared.variables.get(&name).cloned())
    }
}
