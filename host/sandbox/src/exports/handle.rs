//! `handle`: turns verified deliveries into changes, without network.

use model::Error;
use model::egress::Access;
use model::webhook::{Change, Event};
use wasmtime::Store;

use super::{Export, Instance, no_webhooks, one_for_each};
use crate::bindings::{hooks, types};
use crate::call::Call;
use crate::context::Context;
use crate::convert::page::{self, Records};
use crate::convert::{inward, outward};
use crate::limits::PAGE_ITEMS_MAX;

pub(crate) struct Handle(pub(crate) Vec<Event>);

type Raw = Vec<Result<Vec<hooks::Change>, types::Error>>;

impl Export for Handle {
    type Raw = Raw;
    type Answer = Vec<Result<Vec<Change>, Error>>;

    fn access(&self) -> Option<Access> {
        None
    }

    async fn call(
        self,
        instance: &Instance,
        store: &mut Store<Context>,
    ) -> wasmtime::Result<Result<Raw, types::Error>> {
        let Some(webhooks) = &instance.webhooks else { return Ok(Err(no_webhooks(store))) };
        let asked = self.0.len();
        let events: Vec<_> = self.0.into_iter().map(inward::event).collect();
        let lists = webhooks.plughouse_adapter_webhooks().call_handle(&mut *store, &events).await?;
        Ok(one_for_each(store, lists, asked))
    }

    fn convert(raw: Raw, call: &Call) -> Result<Self::Answer, Error> {
        let count = raw.iter().flatten().map(Vec::len).sum();
        outward::at_most("changes", count, PAGE_ITEMS_MAX)?;
        let mut records = Records::new(call);
        let mut list = |changes: Vec<hooks::Change>| {
            changes.into_iter().map(|raw| change(raw, &mut records)).collect::<Result<Vec<_>, _>>()
        };
        raw.into_iter()
            .map(|result| match result {
                Ok(changes) => list(changes).map(Ok),
                Err(error) => Ok(Err(outward::error(error, call))),
            })
            .collect()
    }
}

fn change(raw: hooks::Change, records: &mut Records<'_>) -> Result<Change, Error> {
    Ok(match raw {
        hooks::Change::Record(record) => Change::Record(records.record(record)?),
        hooks::Change::Tombstone(gone) => Change::Tombstone(page::tombstone(gone)?),
        hooks::Change::Hint(hint) => {
            outward::at_most("ids of a hint", hint.ids.len(), PAGE_ITEMS_MAX)?;
            let id = |id| outward::name("record id", id);
            Change::Hint {
                entity: outward::name("entity name", hint.entity)?,
                part: outward::optional(outward::name, "part", hint.part)?,
                ids: hint.ids.into_iter().map(id).collect::<Result<_, _>>()?,
            }
        }
        hooks::Change::Resubscribe(id) => {
            Change::Resubscribe(outward::name("subscription id", id)?)
        }
        hooks::Change::Revoked => Change::Revoked,
    })
}
