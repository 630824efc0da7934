//! From a component's bytes to code that this process may run.

use std::sync::Arc;

use bytes::Bytes;
use model::{Error, ErrorKind};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::cache::{Cache, Origin};
use crate::compile::Compiler;
use crate::engine;
use crate::fault;
use crate::limits::Limits;

/// Compiles components, or takes what was compiled before.
pub(crate) struct Compilation {
    stock: Arc<Stock>,
    compiler: Compiler,
    limits: Limits,
    /// One compilation at a time: it uses every core. Who waits for the same component finds it
    /// in the cache afterwards.
    turn: Mutex<()>,
}

/// What has been compiled, and the engine it is for. Its work reads, hashes and syncs up to
/// 128 MiB, so it is done on threads that may block.
struct Stock {
    engine: Engine,
    cache: Cache,
}

impl Compilation {
    pub(crate) fn new(engine: Engine, cache: Cache, compiler: Compiler, limits: Limits) -> Self {
        let stock = Arc::new(Stock { engine, cache });
        Self { stock, compiler, limits, turn: Mutex::default() }
    }

    /// The code of `component`, which must be wasm: code that somebody else compiled is refused.
    pub(crate) async fn prepare(&self, component: &Bytes) -> Result<Component, Error> {
        let bytes = component.clone();
        let origin = self.work(move |stock| Ok(stock.origin(&bytes))).await?;
        let cached = move |stock: &Stock| Ok(stock.cached(&origin));
        if let Some(component) = self.work(cached).await? {
            return Ok(component);
        }
        let _turn = self.turn.lock().await;
        if let Some(component) = self.work(cached).await? {
            return Ok(component);
        }
        let engine = &self.stock.engine;
        let code = self.compiler.compile(engine, component.clone(), &self.limits).await?;
        self.work(move |stock| stock.put(&origin, &code)).await
    }

    async fn work<T: Send + 'static>(
        &self,
        task: impl FnOnce(&Stock) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let stock = Arc::clone(&self.stock);
        spawn_blocking(move || task(&stock)).await.unwrap_or_else(|error| {
            let message = format!("the compiled component was not prepared: {error}");
            Err(Error::new(ErrorKind::Other, "sandbox.compile", message))
        })
    }
}

impl Stock {
    fn origin(&self, component: &[u8]) -> Origin {
        Origin {
            component: blake3::hash(component).into(),
            engine: engine::compatibility(&self.engine),
        }
    }

    fn cached(&self, origin: &Origin) -> Option<Component> {
        let code = self.cache.load(origin)?;
        let loaded = self.deserialize(&code);
        loaded.inspect_err(|error| tracing::warn!(?error, "cached code does not load")).ok()
    }

    /// Keeps code that was compiled just now. The engine takes what fits its pool.
    fn put(&self, origin: &Origin, code: &[u8]) -> Result<Component, Error> {
        if let Err(error) = self.cache.store(origin, code) {
            tracing::warn!(%error, "compiled code is not kept, the next start compiles again");
        }
        self.deserialize(code).map_err(|error| fault::does_not_fit(&error))
    }

    fn deserialize(&self, code: &[u8]) -> wasmtime::Result<Component> {
        #[expect(
            unsafe_code,
            reason = "the code was compiled by this host's own worker from the verified component: \
                      it came through a pipe a moment ago, or from the cache with this host's MAC \
                      over it and its origin; it is read from memory, so it cannot change after \
                      the check"
        )]
        // SAFETY: `code` is what `precompile_component` of this wasmtime returned, unchanged.
        unsafe {
            Component::deserialize(&self.engine, code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Runtime;
    use crate::limits::CORE_INSTANCES_MAX;

    #[tokio::test]
    async fn component_that_no_slot_holds_is_told_what_it_needs() {
        let directory = tempfile::tempdir().unwrap();
        let limits = Limits { instances: 2, ..Limits::default() };
        let engine = Runtime::start(&limits).unwrap().engine;
        let cache = Cache::open(directory.path()).unwrap();
        let compilation = Compilation::new(engine, cache, Compiler::InProcess, limits);
        let prepare = async |instances: u32| {
            let each = "(core instance (instantiate $module))";
            let each = each.repeat(usize::try_from(instances).unwrap());
            let component = wat::parse_str(format!("(component (core module $module) {each})"));
            compilation.prepare(&component.unwrap().into()).await.map(|_| ())
        };
        assert_eq!(prepare(CORE_INSTANCES_MAX).await, Ok(()));
        let error = prepare(CORE_INSTANCES_MAX + 1).await.unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.kind),
            ("sandbox.needs", ErrorKind::BudgetExhausted)
        );
        assert!(error.message.contains("17 core module instances"), "{error}");
    }
}
