//! A small cache of the connection, which the host may empty at any time.

use crate::Error;
#[cfg(target_family = "wasm")]
use crate::bindings::plughouse::adapter::state as imports;
#[cfg(not(target_family = "wasm"))]
use crate::native as imports;

/// Reads a value of the cache.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
    imports::get(key)
}

/// Writes a value, for good or for `ttl_ms`.
pub fn put(key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<(), Error> {
    imports::put(key, value, ttl_ms)
}
