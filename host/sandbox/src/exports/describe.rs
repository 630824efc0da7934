//! `describe`: what the component says it is, without network.

use model::Error;
use model::egress::Access;
use wasmtime::Store;

use super::{Export, Instance};
use crate::bindings::{guest, types};
use crate::call::Call;
use crate::context::Context;
use crate::convert::outward;
use crate::limits::ENTITIES_MAX;

/// What a component says it is; equal to its manifest, or it is not loaded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Descriptor {
    /// The provider.
    pub id: String,
    /// The version of the adapter.
    pub version: String,
    /// The entities that it serves.
    pub entities: Vec<String>,
    /// More facts.
    pub details: Vec<(String, String)>,
}

pub(crate) struct Describe;

impl Export for Describe {
    type Raw = guest::Descriptor;
    type Answer = Descriptor;

    fn access(&self) -> Option<Access> {
        None
    }

    async fn call(
        self,
        instance: &Instance,
        store: &mut Store<Context>,
    ) -> wasmtime::Result<Result<guest::Descriptor, types::Error>> {
        instance.base.plughouse_adapter_adapter().call_describe(store).await.map(Ok)
    }

    fn convert(raw: guest::Descriptor, _call: &Call) -> Result<Descriptor, Error> {
        outward::at_most("entities", raw.entities.len(), ENTITIES_MAX)?;
        let entity = |name| outward::name("entity name", name);
        Ok(Descriptor {
            id: outward::name("id", raw.id)?,
            version: outward::name("version", raw.version)?,
            entities: raw.entities.into_iter().map(entity).collect::<Result<_, _>>()?,
            details: outward::pairs("details", raw.details)?,
        })
    }
}
