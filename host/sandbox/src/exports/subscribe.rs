//! `subscribe`: makes, renews or cancels a subscription.

use model::Error;
use model::egress::Access;
use model::webhook::{SubscribeRequest, Subscription};
use wasmtime::Store;

use super::{Export, Instance, no_webhooks};
use crate::bindings::{hooks, types};
use crate::call::Call;
use crate::context::Context;
use crate::convert::{inward, outward};

pub(crate) struct Subscribe(pub(crate) SubscribeRequest);

impl Export for Subscribe {
    type Raw = Option<hooks::Subscription>;
    type Answer = Option<Subscription>;

    fn access(&self) -> Option<Access> {
        Some(Access::Write)
    }

    async fn call(
        self,
        instance: &Instance,
        store: &mut Store<Context>,
    ) -> wasmtime::Result<Result<Self::Raw, types::Error>> {
        let Some(webhooks) = &instance.webhooks else { return Ok(Err(no_webhooks(store))) };
        let request = inward::subscribe(self.0);
        webhooks.plughouse_adapter_webhooks().call_subscribe(store, &request).await
    }

    fn convert(raw: Self::Raw, _call: &Call) -> Result<Option<Subscription>, Error> {
        raw.map(subscription).transpose()
    }
}

fn subscription(raw: hooks::Subscription) -> Result<Subscription, Error> {
    Ok(Subscription {
        id: outward::name("subscription id", raw.id)?,
        expires: raw.expires_ms.map(|ms| outward::time("expires-ms", ms)).transpose()?,
        details: outward::pairs("details", raw.details)?,
    })
}
