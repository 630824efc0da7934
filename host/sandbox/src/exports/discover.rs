//! `discover`: what the account offers.

use model::Error;
use model::adapter::Entity;
use model::egress::Access;
use wasmtime::Store;

use super::{Export, Instance};
use crate::bindings::{guest, types};
use crate::call::Call;
use crate::context::Context;
use crate::convert::outward;

pub(crate) struct Discover<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) part: Option<&'a str>,
}

impl Export for Discover<'_> {
    type Raw = Vec<guest::Entity>;
    type Answer = Vec<Entity>;

    fn access(&self) -> Option<Access> {
        Some(Access::Read)
    }

    async fn call(
        self,
        instance: &Instance,
        store: &mut Store<Context>,
    ) -> wasmtime::Result<Result<Vec<guest::Entity>, types::Error>> {
        instance.base.plughouse_adapter_adapter().call_discover(store, self.name, self.part).await
    }

    fn convert(raw: Vec<guest::Entity>, _call: &Call) -> Result<Vec<Entity>, Error> {
        outward::entities(raw)
    }
}
