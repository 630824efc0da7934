//! What `wit-bindgen` makes of `wit/adapter.wit`; the crate root re-exports it under short names.
#![expect(missing_docs, reason = "generated from the contract, which holds the docs")]
#![expect(clippy::same_length_and_capacity, reason = "the canonical ABI makes them the same")]

wit_bindgen::generate!({
    path: "../../wit",
    world: "adapter-full",
    pub_export_macro: true,
    default_bindings_module: "plughouse_sdk::bindings",
    runtime_path: "::wit_bindgen::rt",
    additional_derives: [PartialEq, Eq, Hash],
    generate_unused_types: true,
});
