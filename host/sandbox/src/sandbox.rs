//! The sandbox itself: one engine, and the way from a verified package to a loaded one.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use model::{Error, ErrorKind};
use package::Verified;
use package::manifest::Profile;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::bindings::{base, webhooks};
use crate::cache::Cache;
use crate::code::Compilation;
use crate::compile::Compiler;
use crate::context::{Context, HasImports};
use crate::contract::Surface;
use crate::engine::Runtime;
use crate::gate::Gate;
use crate::limits::{self, Limits, MESSAGE_BYTES_MAX};
use crate::live::Mold;
use crate::loaded::{Loaded, Package};
use crate::log::shown;
use crate::random::Random;
use crate::state::States;
use crate::wasi;

/// How a sandbox is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// What every call may use at most.
    pub limits: Limits,
    /// Where compiled components are kept; made with mode 0700.
    pub cache_dir: PathBuf,
    /// Where components are compiled.
    pub compiler: Compiler,
    /// How long instances live.
    pub reuse: Reuse,
}

/// How long an instance lives. It never outlives its session, nor an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reuse {
    /// Several calls of one run, a random number of them: saves a tenth to a fifth of the CPU of a
    /// sync, and no adapter can count on it.
    PerRun {
        /// The fewest calls.
        uses_min: u32,
        /// The most calls.
        uses_max: u32,
    },
    /// One call.
    PerCall,
}

impl Default for Reuse {
    fn default() -> Self {
        Self::PerRun { uses_min: 32, uses_max: 128 }
    }
}

/// Why a sandbox does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The engine refuses the settings or the machine.
    #[error("the WebAssembly engine does not start: {0:#}")]
    Engine(wasmtime::Error),
    /// The cache directory or its key cannot be used.
    #[error("the cache of compiled components in {} cannot be opened", path.display())]
    Cache {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system has no randomness.
    #[error("the system gives no randomness: {0}")]
    Random(getrandom::Error),
}

/// Loads verified packages.
pub struct Sandbox {
    runtime: Runtime,
    compilation: Compilation,
    limits: Limits,
    reuse: Reuse,
    states: Arc<States>,
    random: Arc<Random>,
}

impl Sandbox {
    /// Starts an engine.
    pub fn new(config: Config) -> Result<Self, StartError> {
        let Config { limits, cache_dir, compiler, reuse } = config;
        let runtime = Runtime::start(&limits).map_err(StartError::Engine)?;
        let cache = Cache::open(&cache_dir)
            .map_err(|source| StartError::Cache { path: cache_dir, source })?;
        let random = Random::from_system().map_err(StartError::Random)?;
        let engine = runtime.engine.clone();
        Ok(Self {
            compilation: Compilation::new(engine, cache, compiler, limits),
            runtime,
            limits,
            reuse,
            states: Arc::default(),
            random: Arc::new(random),
        })
    }

    /// Makes a package ready to run.
    ///
    /// In this order: size, contract version, imports, compilation, needs, links, and whether the
    /// component is what its manifest says. The first step that fails ends it.
    pub async fn load(&self, package: &Verified) -> Result<Loaded, Error> {
        let (wasm, manifest) = (package.wasm(), package.manifest());
        let limits = self.limits.within(&manifest.budget);
        check_bytes(wasm, &limits)?;
        let surface = Surface::read(wasm)?;
        let profile = manifest.adapter.profile;
        surface.audit(profile)?;
        let component = self.compilation.prepare(wasm).await?;
        check_needs(&component, &limits)?;
        let mold = self.mold(&component, &surface, profile).map_err(|error| {
            Error::new(
                ErrorKind::Malformed,
                "sandbox.contract",
                format!(
                    "the component does not follow the contract it names: {}",
                    shown(&format!("{error:#}"), MESSAGE_BYTES_MAX)
                ),
            )
        })?;
        let package = Package {
            name: package.name().to_owned(),
            limits,
            mold,
            reuse: self.reuse,
            states: Arc::clone(&self.states),
            random: Arc::clone(&self.random),
        };
        Loaded::introduce(package, manifest).await
    }

    fn mold(
        &self,
        component: &Component,
        surface: &Surface,
        profile: Profile,
    ) -> wasmtime::Result<Mold> {
        let mut linker = Linker::<Context>::new(&self.runtime.engine);
        base::AdapterBase::add_to_linker::<_, HasImports>(&mut linker, Context::imports)?;
        let wasi = profile == Profile::Wasi;
        if wasi {
            wasi::add_to_linker(&mut linker)?;
        }
        let pre = linker.instantiate_pre(component)?;
        let hooks = surface.has_webhooks().then(|| webhooks::WebhooksOnlyIndices::new(&pre));
        Ok(Mold {
            runtime: self.runtime.clone(),
            share: Gate::new(self.limits.package_instances()),
            base: base::AdapterBaseIndices::new(&pre)?,
            webhooks: hooks.transpose()?,
            pre,
            wasi,
        })
    }
}

fn check_bytes(wasm: &[u8], limits: &Limits) -> Result<(), Error> {
    if wasm.len() > limits.component_bytes {
        return Err(Error::new(
            ErrorKind::BudgetExhausted,
            "sandbox.component-size",
            format!(
                "the component has {} bytes, this host takes {}: build it for size",
                wasm.len(),
                limits.component_bytes
            ),
        ));
    }
    if Engine::detect_precompiled(wasm).is_some() {
        let message = "this is compiled code, not wasm: no host takes code that it did not compile \
                       itself";
        return Err(Error::new(ErrorKind::Denied, "sandbox.precompiled", message));
    }
    Ok(())
}

/// The pool would refuse at every instantiation what does not fit; better said once, here.
fn check_needs(component: &Component, limits: &Limits) -> Result<(), Error> {
    let too_big = |what: String| {
        Err(Error::new(
            ErrorKind::BudgetExhausted,
            "sandbox.needs",
            format!("the component {what}: build it smaller, or raise memory_mib in [budget]"),
        ))
    };
    let Some(needs) = component.resources_required() else {
        return too_big("imports modules, whose needs nobody knows".to_owned());
    };
    // In pages, unlike what its name says.
    let initial = needs.max_initial_memory_size.unwrap_or(0).saturating_mul(64 << 10);
    let granted = u64::try_from(limits.memory_bytes).unwrap_or(u64::MAX);
    if needs.num_memories > limits::MEMORIES_MAX || needs.num_tables > limits::TABLES_MAX {
        return too_big(format!(
            "has {} memories and {} tables, at most {} and {} fit",
            needs.num_memories,
            needs.num_tables,
            limits::MEMORIES_MAX,
            limits::TABLES_MAX
        ));
    }
    if initial > granted {
        return too_big(format!("starts with {initial} bytes of memory, {granted} are granted"));
    }
    let table = needs.max_initial_table_size.unwrap_or(0);
    if usize::try_from(table).map_or(true, |table| table > limits::TABLE_ELEMENTS_MAX) {
        return too_big(format!("has a table of {table}, {} fit", limits::TABLE_ELEMENTS_MAX));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::compiling;

    #[test]
    fn compiled_code_is_not_taken_for_a_component() {
        let empty_component = b"\0asm\x0d\0\x01\0";
        let engine = Engine::new(&compiling()).unwrap();
        let code = engine.precompile_component(empty_component).unwrap();
        let limits = Limits::default();
        assert_eq!(check_bytes(&code, &limits).unwrap_err().code, "sandbox.precompiled");
        assert!(check_bytes(empty_component, &limits).is_ok());
    }
}
