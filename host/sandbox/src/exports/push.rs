//! `push`: writes, or the search for the effect of earlier ones.

use bytes::Bytes;
use model::Error;
use model::egress::Access;
use model::write::{Applied, Batch, Mode, Outcome};
use wasmtime::Store;

use super::{Export, Instance, one_for_each};
use crate::bindings::{guest, types};
use crate::call::Call;
use crate::context::Context;
use crate::convert::page::Records;
use crate::convert::{inward, outward};
use crate::limits::PAGE_ITEMS_MAX;

pub(crate) struct Push(pub(crate) Batch);

impl Export for Push {
    type Raw = Vec<guest::Outcome>;
    type Answer = Vec<Outcome>;

    fn access(&self) -> Option<Access> {
        Some(match self.0.mode {
            Mode::Apply => Access::Write,
            Mode::Recover => Access::Read,
        })
    }

    async fn call(
        self,
        instance: &Instance,
        store: &mut Store<Context>,
    ) -> wasmtime::Result<Result<Vec<guest::Outcome>, types::Error>> {
        let asked = self.0.writes.len();
        let batch = inward::batch(self.0);
        let answer =
            instance.base.plughouse_adapter_adapter().call_push(&mut *store, &batch).await?;
        Ok(answer.and_then(|outcomes| one_for_each(store, outcomes, asked)))
    }

    fn convert(raw: Vec<guest::Outcome>, call: &Call) -> Result<Vec<Outcome>, Error> {
        outward::at_most("outcomes", raw.len(), PAGE_ITEMS_MAX)?;
        let mut records = Records::new(call);
        raw.into_iter().map(|raw| outcome(raw, call, &mut records)).collect()
    }
}

fn outcome(
    outcome: guest::Outcome,
    call: &Call,
    records: &mut Records<'_>,
) -> Result<Outcome, Error> {
    Ok(match outcome {
        guest::Outcome::Applied(receipt) => Outcome::Applied(applied(receipt, records)?),
        guest::Outcome::Rejected(error) => Outcome::Rejected(outward::error(error, call)),
        guest::Outcome::Uncertain(error) => Outcome::Uncertain(outward::error(error, call)),
    })
}

fn applied(receipt: guest::Receipt, records: &mut Records<'_>) -> Result<Applied, Error> {
    let id = outward::name("record id", receipt.id)?;
    let payload = receipt.payload.map(|json| records.json(Bytes::from(json), &id)).transpose()?;
    Ok(Applied {
        version: outward::optional(outward::name, "version", receipt.version)?,
        payload,
        details: outward::pairs("details", receipt.details)?,
        id,
    })
}
