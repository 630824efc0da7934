//! Verified adapters as sandboxed WASM components.
