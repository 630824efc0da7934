//! From a component's bytes to code that this process may run.

use bytes::Bytes;
use model::{Error, ErrorKind};
use tokio::sync::Mutex;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::cache::{Cache, Origin};
use crate::compile::Compiler;
use crate::engine;
use crate::limits::Limits;

/// Compiles components, or takes what was compiled before.
pub(crate) struct Compilation {
    pub(crate) engine: Engine,
    pub(crate) cache: Cache,
    pub(crate) compiler: Compiler,
    pub(crate) limits: Limits,
    /// One compilation at a time: it uses every core. Who waits for the same component finds it
    /// in the cache afterwards.
    pub(crate) turn: Mutex<()>,
}

impl Compilation {
    /// The code of `component`, which must be wasm: code that somebody else compiled is refused.
    pub(crate) async fn prepare(&self, component: &Bytes) -> Result<Component, Error> {
        let origin = Origin {
            component: blake3::hash(component).into(),
            engine: engine::compatibility(&self.engine),
        };
        if let Some(component) = self.cached(&origin) {
            return Ok(component);
        }
        let _turn = self.turn.lock().await;
        if let Some(component) = self.cached(&origin) {
            return Ok(component);
        }
        let code = self.compiler.compile(&self.engine, component.clone(), &self.limits).await?;
        if let Err(error) = self.cache.store(&origin, &code) {
            tracing::warn!(%error, "compiled code is not kept, the next start compiles again");
        }
        self.deserialize(&code).map_err(|error| {
            let message = format!("the compiled component does not load: {error:#}");
            Error::new(ErrorKind::Other, "sandbox.compile", message)
        })
    }

    fn cached(&self, origin: &Origin) -> Option<Component> {
        let code = self.cache.load(origin)?;
        let loaded = self.deserialize(&code);
        loaded.inspect_err(|error| tracing::warn!(%error, "cached code does not load")).ok()
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
