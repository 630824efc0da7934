//! `check`: which account stands behind the connection.

use model::Error;
use model::adapter::Account;
use model::egress::Access;
use wasmtime::Store;

use super::{Export, Instance};
use crate::bindings::{guest, types};
use crate::call::Call;
use crate::context::Context;
use crate::convert::outward;

pub(crate) struct Check;

impl Export for Check {
    type Raw = guest::Account;
    type Answer = Account;

    fn access(&self) -> Option<Access> {
        Some(Access::Read)
    }

    async fn call(
        self,
        instance: &Instance,
        store: &mut Store<Context>,
    ) -> wasmtime::Result<Result<guest::Account, types::Error>> {
        instance.base.plughouse_adapter_adapter().call_check(store).await
    }

    fn convert(raw: guest::Account, _call: &Call) -> Result<Account, Error> {
        outward::account(raw)
    }
}
