//! The trait that an author implements, and the macro that exports it.

use std::marker::PhantomData;

use crate::bindings::exports::plughouse::adapter::{adapter, webhooks};
use crate::{
    Account, Batch, Change, Descriptor, Entity, Error, ErrorKind, Event, Outcome, Page,
    PullRequest, SubscribeRequest, Subscription,
};

/// A provider adapter.
///
/// Nothing in memory outlives a call for certain: an instance serves one run of one connection at
/// most and is replaced at random. What must last goes into the checkpoint.
pub trait Adapter {
    /// The provider, equal to `id` of the manifest.
    const ID: &'static str;

    /// The version of the adapter, equal to `version` of the manifest; write
    /// `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;

    /// The entities of the manifest.
    const ENTITIES: &'static [&'static str];

    /// Asks the provider which account stands behind the connection.
    fn check() -> Result<Account, Error>;

    /// Lists what the account offers, or describes the one entity (and part) that is named.
    fn discover(name: Option<&str>, part: Option<&str>) -> Result<Vec<Entity>, Error>;

    /// Reads one page.
    fn pull(request: PullRequest) -> Result<Page, Error>;

    /// Writes a batch: one outcome per write, in the same order.
    fn push(batch: Batch) -> Result<Vec<Outcome>, Error> {
        Err(unsupported(&format!("{} does not write {}", Self::ID, batch.entity)))
    }

    /// Creates, renews or cancels a subscription.
    fn subscribe(request: SubscribeRequest) -> Result<Option<Subscription>, Error> {
        Err(unsupported(&format!("{} has no subscriptions for {}", Self::ID, request.entity)))
    }

    /// Turns verified deliveries into changes: one list per event, in the same order, without http.
    fn handle(events: Vec<Event>) -> Vec<Result<Vec<Change>, Error>> {
        let refuse = |_| Err(unsupported(&format!("{} takes no deliveries", Self::ID)));
        events.into_iter().map(refuse).collect()
    }
}

/// An [`ErrorKind::Unsupported`]: this account cannot do that at all.
pub fn unsupported(message: &str) -> Error {
    Error {
        kind: ErrorKind::Unsupported,
        code: "sdk.unsupported".to_owned(),
        message: message.to_owned(),
        retry_after_ms: None,
        request_sent: false,
        details: Vec::new(),
    }
}

/// The answer to an entity that the adapter does not have.
pub fn unknown_entity(name: &str) -> Error {
    Error {
        code: "sdk.unknown-entity".to_owned(),
        ..unsupported(&format!("there is no entity `{name}` in this adapter"))
    }
}

/// Carries an [`Adapter`] to the exports of the component.
pub struct Exported<A>(PhantomData<A>);

impl<A: Adapter> adapter::Guest for Exported<A> {
    fn describe() -> Descriptor {
        Descriptor {
            id: A::ID.to_owned(),
            version: A::VERSION.to_owned(),
            entities: A::ENTITIES.iter().map(|&name| name.to_owned()).collect(),
            details: Vec::new(),
        }
    }

    fn check() -> Result<Account, Error> {
        A::check()
    }

    fn discover(name: Option<String>, part: Option<String>) -> Result<Vec<Entity>, Error> {
        A::discover(name.as_deref(), part.as_deref())
    }

    fn pull(request: PullRequest) -> Result<Page, Error> {
        A::pull(request)
    }

    fn push(batch: Batch) -> Result<Vec<Outcome>, Error> {
        A::push(batch)
    }
}

impl<A: Adapter> webhooks::Guest for Exported<A> {
    fn subscribe(request: SubscribeRequest) -> Result<Option<Subscription>, Error> {
        A::subscribe(request)
    }

    fn handle(events: Vec<Event>) -> Vec<Result<Vec<Change>, Error>> {
        A::handle(events)
    }
}

/// Exports an [`Adapter`] as the component; once per crate.
///
/// Natively it only checks that the type implements the trait.
#[macro_export]
macro_rules! adapter {
    ($adapter:ty) => {
        type PlughouseExports = $crate::Exported<$adapter>;
        #[cfg(target_family = "wasm")]
        $crate::bindings::export!(PlughouseExports with_types_in $crate::bindings);
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            fn is_adapter<A: $crate::Adapter>(_: Option<$crate::Exported<A>>) {}
            is_adapter(None::<PlughouseExports>);
        };
    };
}
