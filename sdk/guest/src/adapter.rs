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
    Error::new(ErrorKind::Unsupported, "sdk.unsupported", message).unsent()
}

/// The answer to an entity that the adapter does not have.
pub fn unknown_entity(name: &str) -> Error {
    let message = format!("there is no entity `{name}` in this adapter");
    Error::new(ErrorKind::Unsupported, "sdk.unknown-entity", &message).unsent()
}

/// Carries an [`Adapter`] to the exports of the component.
pub struct Exported<A>(PhantomData<A>);

impl<A> Exported<A> {
    fn enter() {
        #[cfg(target_family = "wasm")]
        crate::panic::log_panics();
    }
}

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
        Self::enter();
        A::check()
    }

    fn discover(name: Option<String>, part: Option<String>) -> Result<Vec<Entity>, Error> {
        Self::enter();
        A::discover(name.as_deref(), part.as_deref())
    }

    fn pull(request: PullRequest) -> Result<Page, Error> {
        Self::enter();
        A::pull(request)
    }

    fn push(batch: Batch) -> Result<Vec<Outcome>, Error> {
        Self::enter();
        A::push(batch)
    }
}

impl<A: Adapter> webhooks::Guest for Exported<A> {
    fn subscribe(request: SubscribeRequest) -> Result<Option<Subscription>, Error> {
        Self::enter();
        A::subscribe(request)
    }

    fn handle(events: Vec<Event>) -> Vec<Result<Vec<Change>, Error>> {
        Self::enter();
        A::handle(events)
    }
}

/// Exports an [`Adapter`] as the component; once per crate.
///
/// Natively it only checks that the type implements the trait: the symbols of a component would
/// collide as soon as a test links two adapters.
///
/// ```
/// use plughouse_sdk::{Account, Adapter, Entity, Error, Next, Page, PullRequest, Request};
/// use plughouse_sdk::{Record, json, unknown_entity};
///
/// struct Shop;
///
/// impl Adapter for Shop {
///     const ID: &'static str = "shop";
///     const VERSION: &'static str = env!("CARGO_PKG_VERSION");
///     const ENTITIES: &'static [&'static str] = &["order"];
///
///     fn check() -> Result<Account, Error> {
///         let me = Request::get("api", "/me").send()?.ok()?;
///         let me = json::values(["/id"]).read(&me)?;
///         let id = me.text(0).ok_or_else(|| Error::malformed("the account has no id"))?;
///         Ok(Account::new(&id, &id))
///     }
///
///     fn discover(name: Option<&str>, _part: Option<&str>) -> Result<Vec<Entity>, Error> {
///         match name {
///             None | Some("order") => Ok(vec![Entity::new("order", "Order", Vec::new())]),
///             Some(name) => Err(unknown_entity(name)),
///         }
///     }
///
///     fn pull(request: PullRequest) -> Result<Page, Error> {
///         let orders = Request::get("api", "/orders").send()?.ok()?;
///         let orders = json::list("/orders", ["/id"]).read(&orders)?;
///         let record = |item: &json::Item| Ok(Record::new("order", &item.id(0)?, item.payload()));
///         let records: Result<_, Error> = orders.items().iter().map(record).collect();
///         Ok(Page::new(records?, Next::finished()))
///     }
/// }
///
/// plughouse_sdk::adapter!(Shop);
/// # fn main() {}
/// ```
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

#[cfg(test)]
mod tests {
    use super::*;

    struct Silent;

    impl Adapter for Silent {
        const ID: &'static str = "silent";
        const VERSION: &'static str = "1.2.3";
        const ENTITIES: &'static [&'static str] = &["thing"];

        fn check() -> Result<Account, Error> {
            Ok(Account::new("1", "one"))
        }

        fn discover(_: Option<&str>, _: Option<&str>) -> Result<Vec<Entity>, Error> {
            Ok(Vec::new())
        }

        fn pull(request: PullRequest) -> Result<Page, Error> {
            Err(unknown_entity(&request.entity))
        }
    }

    #[test]
    fn what_an_adapter_leaves_out_is_unsupported() {
        use adapter::Guest as _;
        use webhooks::Guest as _;
        let batch = Batch {
            entity: "thing".to_owned(),
            part: None,
            mode: crate::WriteMode::Apply,
            writes: Vec::new(),
        };
        let refused = Exported::<Silent>::push(batch).unwrap_err();
        assert_eq!((refused.kind, refused.request_sent), (ErrorKind::Unsupported, false));
        assert_eq!(refused.message, "silent does not write thing");
        let event = Event {
            id: "1".to_owned(),
            subscription: None,
            entity: None,
            part: None,
            received_ms: 0,
            headers: Vec::new(),
            body: Vec::new(),
        };
        let answers = Exported::<Silent>::handle(vec![event.clone(), event]);
        assert_eq!(answers.len(), 2);
        assert!(answers.iter().all(Result::is_err));
    }

    #[test]
    fn the_descriptor_repeats_the_constants() {
        let descriptor = <Exported<Silent> as adapter::Guest>::describe();
        assert_eq!((descriptor.id.as_str(), descriptor.version.as_str()), ("silent", "1.2.3"));
        assert_eq!(descriptor.entities, ["thing"]);
    }
}
