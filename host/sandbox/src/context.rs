//! What an instance carries: its call, its memory, and whose it is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::{Clock, Error};
use wasmtime::component::HasData;

use crate::bindings::types;
use crate::call::Call;
use crate::convert::inward;
use crate::fault::Fault;
use crate::limiter::MemoryMeter;
use crate::random::Random;
use crate::state::{Owner, States};
use crate::wasi::Wasi;

/// What all instances of a session share.
pub(crate) struct Shared {
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) owner: Owner,
    pub(crate) states: Arc<States>,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    /// Responses so far. Ids run on from call to call, so that one which a guest has kept from an
    /// earlier call never names an answer of a later one.
    pub(crate) responses: AtomicU64,
}

impl Shared {
    /// An id for a response.
    pub(crate) fn next_response(&self) -> u64 {
        self.responses.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// The data of a store.
pub(crate) struct Context {
    pub(crate) memory: MemoryMeter,
    pub(crate) call: Call,
    pub(crate) shared: Arc<Shared>,
    /// Present in the WASI profile alone.
    pub(crate) wasi: Option<Box<Wasi>>,
}

/// The view of a store's data that the contract's imports get: no limiter, no WASI.
pub(crate) struct Imports<'a> {
    pub(crate) call: &'a mut Call,
    pub(crate) shared: &'a Shared,
}

/// Names [`Imports`] to the linker.
pub(crate) struct HasImports;

impl HasData for HasImports {
    type Data<'a> = Imports<'a>;
}

impl Context {
    pub(crate) fn imports(&mut self) -> Imports<'_> {
        Imports { call: &mut self.call, shared: &self.shared }
    }
}

impl Imports<'_> {
    /// An error as the guest gets it; it may pass that on.
    pub(crate) fn give(&mut self, error: Error) -> types::Error {
        self.call.give(&error);
        inward::error(error)
    }

    /// Counts a host call; an error ends the guest.
    pub(crate) fn enter(&mut self) -> Result<(), Fault> {
        self.call.count_host_call();
        self.call.check_host_calls()
    }
}
