//! The wasmtime engine, its clock of epochs and the instances it has room for.

use std::hash::{Hash as _, Hasher};

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::gate::Gate;
use crate::limits::{self, Limits};

/// An engine and a place for every instance it has room for.
#[derive(Clone)]
pub(crate) struct Runtime {
    pub(crate) engine: Engine,
    pub(crate) room: Gate,
}

impl Runtime {
    /// Starts an engine and its clock. Where the address space of a pool cannot be reserved (a
    /// container with `ulimit -v`), instances are allocated one by one: slower, never less safe.
    pub(crate) fn start(limits: &Limits) -> wasmtime::Result<Self> {
        let engine = Engine::new(&pooled(limits)).or_else(|error| {
            tracing::warn!(%error, "no address space for a pool of instances, going without");
            Engine::new(&compiling())
        })?;
        start_clock(&engine)?;
        Ok(Self { engine, room: Gate::new(limits.instances) })
    }
}

/// The settings that change compiled code; host and compile worker share them.
pub(crate) fn compiling() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .epoch_interruption(true)
        .memory_init_cow(true)
        .max_wasm_stack(limits::STACK_BYTES)
        .async_stack_size(limits::FIBER_STACK_BYTES)
        .wasm_memory64(false)
        // Guests see no difference between machines.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true);
    config
}

fn pooled(limits: &Limits) -> Config {
    let instances = limits.instances;
    let memories = instances.saturating_mul(limits::MEMORIES_MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(limits::CORE_INSTANCES_MAX))
        .total_memories(memories)
        .total_tables(instances.saturating_mul(limits::TABLES_MAX))
        .total_stacks(instances)
        .max_core_instances_per_component(limits::CORE_INSTANCES_MAX)
        .max_memories_per_component(limits::MEMORIES_MAX)
        .max_tables_per_component(limits::TABLES_MAX)
        .max_memory_size(limits.memory_bytes.max(limits::SLOT_BYTES_MIN))
        .table_elements(limits::TABLE_ELEMENTS_MAX)
        .max_core_instance_size(limits::INSTANCE_BYTES_MAX)
        .max_component_instance_size(limits::INSTANCE_BYTES_MAX)
        .linear_memory_keep_resident(limits::MEMORY_KEEP_BYTES)
        .table_keep_resident(limits::TABLE_KEEP_BYTES)
        .async_stack_keep_resident(limits::STACK_KEEP_BYTES)
        // Asks Linux 6.7 and later which pages a guest has written and clears those alone: a fresh
        // instance costs 17 us instead of 30. Elsewhere everything that is kept is cleared.
        .pagemap_scan(Enabled::Auto);
    let mut config = compiling();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// Ticks from a thread of its own: a stalled executor must not stop the clock that ends stalls.
/// The thread ends with the engine.
fn start_clock(engine: &Engine) -> wasmtime::Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new().name("epoch-clock".to_owned()).spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(limits::TICK);
        }
    })?;
    Ok(())
}

/// The length of an engine's fingerprint.
pub(crate) const FINGERPRINT_BYTES: usize = blake3::OUT_LEN;

/// Everything about the engine that decides whether compiled code fits it, the version of wasmtime
/// among it.
pub(crate) fn compatibility(engine: &Engine) -> [u8; FINGERPRINT_BYTES] {
    let mut hasher = Fingerprint(blake3::Hasher::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.finalize().into()
}

struct Fingerprint(blake3::Hasher);

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.finalize().as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worker_and_host_agree_on_what_fits() {
        let host = Engine::new(&pooled(&Limits::default())).unwrap();
        let worker = Engine::new(&compiling()).unwrap();
        assert_eq!(compatibility(&host), compatibility(&worker));
    }
}
