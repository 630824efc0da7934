//! `pull`: one page of records.

use model::Error;
use model::adapter::{Page, PullRequest};
use model::egress::Access;
use wasmtime::Store;

use super::{Export, Instance};
use crate::bindings::{guest, types};
use crate::call::Call;
use crate::context::Context;
use crate::convert::inward;
use crate::convert::page::Records;

pub(crate) struct Pull(pub(crate) PullRequest);

impl Export for Pull {
    type Raw = guest::Page;
    type Answer = Page;

    fn access(&self) -> Option<Access> {
        Some(Access::Read)
    }

    async fn call(
        self,
        instance: &Instance,
        store: &mut Store<Context>,
    ) -> wasmtime::Result<Result<guest::Page, types::Error>> {
        let request = inward::pull(self.0);
        instance.base.plughouse_adapter_adapter().call_pull(store, &request).await
    }

    fn convert(raw: guest::Page, call: &Call) -> Result<Page, Error> {
        Records::new(call).page(raw)
    }
}
