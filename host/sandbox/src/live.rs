//! A living instance and the calls it serves.

use std::sync::Arc;
use std::time::Duration;

use model::Error;
use model::adapter::{Called, Receipt};
use tokio::time::{Instant, timeout_at};
use tracing::Level;
use wasmtime::component::InstancePre;
use wasmtime::{Store, UpdateDeadline};

use crate::bindings::{base, webhooks};
use crate::call::Call;
use crate::context::{Context, Shared};
use crate::convert::outward;
use crate::engine::Runtime;
use crate::exports::{Export, Instance};
use crate::fault::{self, Making};
use crate::gate::{Gate, Place};
use crate::limiter::MemoryMeter;
use crate::limits::{HANDLES_MAX, Limits};
use crate::wasi::Wasi;

/// What instances are made of.
pub(crate) struct Mold {
    pub(crate) runtime: Runtime,
    /// The package's share of the places.
    pub(crate) share: Gate,
    pub(crate) pre: InstancePre<Context>,
    pub(crate) base: base::AdapterBaseIndices,
    pub(crate) webhooks: Option<webhooks::WebhooksOnlyIndices>,
    pub(crate) wasi: bool,
}

/// A store with its instance, and its places in the package's share and in the pool.
pub(crate) struct Live {
    store: Store<Context>,
    instance: Option<Instance>,
    uses_left: u32,
    _places: [Place; 2],
}

/// The terms of one call.
pub(crate) struct Terms<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) started: Instant,
    /// Calls that a fresh instance serves.
    pub(crate) uses: u32,
}

impl Terms<'_> {
    fn deadline(&self) -> Instant {
        self.started + self.limits.wall
    }
}

impl Mold {
    /// Serves one call with the instance in `slot`, or with a fresh one. The instance goes back
    /// into the slot only if the call went well and it may serve more.
    pub(crate) async fn serve<E: Export>(
        &self,
        slot: &mut Option<Live>,
        shared: &Arc<Shared>,
        (call, export, terms): (Call, E, Terms<'_>),
    ) -> Called<E::Answer> {
        let taken = match slot.take() {
            Some(live) => Ok(live.with(call)),
            None => self.make(shared, call, &terms).await,
        };
        let mut live = match taken {
            Ok(live) => live,
            Err(error) => {
                let receipt = Receipt { wall: terms.started.elapsed(), ..Receipt::default() };
                return Called { outcome: Err(error), receipt };
            }
        };
        let meter = Arc::clone(live.store.data().call.meter());
        let invoked = meter.watch(live.invoke(self, export));
        let ended = timeout_at(terms.deadline(), invoked).await;
        let outcome = match ended {
            Ok(Ok(Ok(raw))) => E::convert(raw, &live.store.data().call),
            Ok(Ok(Err(error))) => Err(outward::error(error, &live.store.data().call)),
            Ok(Err(trap)) => Err(live.classify(&trap, terms.limits)),
            Err(_elapsed) => Err(fault::timed_out(terms.limits.wall)),
        };
        let receipt = live.finish(terms.started.elapsed());
        live.uses_left = live.uses_left.saturating_sub(1);
        if outcome.is_ok() && live.uses_left > 0 {
            *slot = Some(live);
        }
        let sent = receipt.http_calls > 0;
        let outcome = outcome.map_err(|error| if sent { error.sent() } else { error });
        Called { outcome, receipt }
    }

    async fn make(
        &self,
        shared: &Arc<Shared>,
        call: Call,
        terms: &Terms<'_>,
    ) -> Result<Live, Error> {
        let share = self.share.enter(terms.deadline()).await?;
        let places = [share, self.runtime.room.enter(terms.deadline()).await?];
        let context = Context {
            memory: MemoryMeter::new(terms.limits.memory_bytes),
            call,
            shared: Arc::clone(shared),
            wasi: self.wasi.then(|| Box::new(Wasi::new(shared))),
        };
        let mut store = Store::new(&self.runtime.engine, context);
        store.limiter(|context| &mut context.memory);
        store.set_hostcall_fuel(terms.limits.transfer_bytes);
        store.set_max_component_handles(HANDLES_MAX);
        store.epoch_deadline_callback(|store| {
            store.data().call.tick()?;
            // Not `Yield`: that would put the guest back in front of everybody who waits.
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        });
        Ok(Live { store, instance: None, uses_left: terms.uses, _places: places })
    }
}

impl Live {
    fn with(mut self, call: Call) -> Self {
        self.store.data_mut().call = call;
        self
    }

    /// Calls the guest, after making it if it does not exist yet: its start functions run at the
    /// expense of the call.
    async fn invoke<E: Export>(
        &mut self,
        mold: &Mold,
        export: E,
    ) -> wasmtime::Result<Result<E::Raw, crate::bindings::types::Error>> {
        let Self { store, instance, .. } = self;
        store.data_mut().memory.begin();
        store.set_epoch_deadline(1);
        let instance = match instance {
            Some(instance) => instance,
            None => instance.insert(instantiate(mold, store).await?),
        };
        export.call(instance, store).await
    }

    fn classify(&self, error: &wasmtime::Error, limits: &Limits) -> Error {
        tracing::debug!(error = format!("{error:?}"), "a guest ended badly");
        fault::classify(error, limits, self.store.data().memory.is_denied())
    }

    /// Ends the call: what it cost, and nothing of it stays.
    fn finish(&mut self, wall: Duration) -> Receipt {
        let Context { memory, call, wasi, .. } = self.store.data_mut();
        if let Some(wasi) = wasi {
            let printed = wasi.take_printed();
            for line in String::from_utf8_lossy(&printed).lines() {
                call.write_log(Level::INFO, line);
            }
        }
        let http = call.http();
        let receipt = Receipt {
            cpu: call.meter().used(),
            memory_bytes: u64::try_from(memory.peak()).unwrap_or(u64::MAX),
            host_calls: call.host_calls(),
            http_calls: http.calls.into(),
            bytes_in: http.bytes_in,
            bytes_out: http.bytes_out,
            throttled: http.throttled,
            wall,
        };
        call.close();
        receipt
    }
}

async fn instantiate(mold: &Mold, store: &mut Store<Context>) -> wasmtime::Result<Instance> {
    let made = mold.pre.instantiate_async(&mut *store).await;
    let instance = made.map_err(|error| error.context(Making))?;
    let base = mold.base.load(&mut *store, &instance)?;
    let webhooks = mold.webhooks.as_ref().map(|indices| indices.load(&mut *store, &instance));
    Ok(Instance { base, webhooks: webhooks.transpose()? })
}
