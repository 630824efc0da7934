//! What `bindgen!` makes of `wit/adapter.wit`; nothing outside this crate sees these types.

/// The part that every adapter exports.
pub(crate) mod base {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "adapter-base",
        imports: { default: async | trappable },
        exports: { default: async },
    });
}

/// The optional part, bound alone: its types are those of the base.
pub(crate) mod webhooks {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "webhooks-only",
        exports: { default: async },
        with: { "plughouse:adapter/types": super::base::plughouse::adapter::types },
    });
}

pub(crate) use base::exports::plughouse::adapter::adapter as guest;
pub(crate) use base::plughouse::adapter::{host, http, state, types};
pub(crate) use webhooks::exports::plughouse::adapter::webhooks as hooks;
