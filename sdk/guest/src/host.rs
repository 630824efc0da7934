//! What the host tells and hears: time, randomness, connection variables and the log.

#[cfg(target_family = "wasm")]
use crate::bindings::plughouse::adapter::host as imports;
#[cfg(not(target_family = "wasm"))]
use crate::native as imports;
use crate::{Level, Pair};

/// Writes a line to the log of the run; never put a payload into it.
pub fn log(level: Level, message: &str, fields: &[(&str, &str)]) {
    let pairs: Vec<Pair> = fields.iter().map(|&field| field.into()).collect();
    imports::log(level, message, &pairs);
}

/// Milliseconds since 1970 (UTC) by the host's clock.
pub fn now_ms() -> u64 {
    imports::now_ms()
}

/// Random bytes.
pub fn random(length: u32) -> Vec<u8> {
    imports::random(length)
}

/// A connection variable of the manifest; `auth` is the method in use.
pub fn variable(name: &str) -> Option<String> {
    imports::variable(name)
}
