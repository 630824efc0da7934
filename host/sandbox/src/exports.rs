//! The functions that a component exports, one file each: how to call it and what its answer is.

mod check;
mod describe;
mod discover;
mod handle;
mod pull;
mod push;
mod subscribe;

use std::future::Future;

use model::egress::Access;
use model::{Error, ErrorKind};
use wasmtime::Store;

pub(crate) use check::Check;
pub(crate) use describe::Describe;
pub use describe::Descriptor;
pub(crate) use discover::Discover;
pub(crate) use handle::Handle;
pub(crate) use pull::Pull;
pub(crate) use push::Push;
pub(crate) use subscribe::Subscribe;

use crate::bindings::{base, types, webhooks};
use crate::call::Call;
use crate::context::Context;

/// The instance of a component.
pub(crate) struct Instance {
    pub(crate) base: base::AdapterBase,
    /// Absent where the component takes no deliveries.
    pub(crate) webhooks: Option<webhooks::WebhooksOnly>,
}

/// One exported function, with its arguments.
pub(crate) trait Export: Send + Sized {
    /// What the guest answers.
    type Raw: Send;
    /// What leaves the sandbox.
    type Answer;

    /// The routes that the call may use; none at all for a pure one.
    fn access(&self) -> Option<Access>;

    /// Calls the guest. The outer error is a trap.
    fn call(
        self,
        instance: &Instance,
        store: &mut Store<Context>,
    ) -> impl Future<Output = wasmtime::Result<Result<Self::Raw, types::Error>>> + Send;

    /// Checks the answer and turns it into the model's words.
    fn convert(raw: Self::Raw, call: &Call) -> Result<Self::Answer, Error>;
}

/// What a component without webhooks answers in their place.
fn no_webhooks(store: &mut Store<Context>) -> types::Error {
    let message = "this adapter exports no webhooks";
    let error = Error::new(ErrorKind::Unsupported, "sandbox.no-webhooks", message);
    store.data_mut().imports().give(error)
}

/// Refuses an answer that does not have one item for each that was asked about.
fn one_for_each<T>(
    store: &mut Store<Context>,
    answers: Vec<T>,
    asked: usize,
) -> Result<Vec<T>, types::Error> {
    if answers.len() == asked {
        return Ok(answers);
    }
    let message = format!("the adapter gave {} answers to {asked} questions", answers.len());
    let error = Error::new(ErrorKind::Malformed, "sandbox.answer", message);
    Err(store.data_mut().imports().give(error))
}
