//! The tamper matrix: every part of a package changed in every way that we could think of, and
//! each change refused for its own reason.

#![cfg(test)]

#[path = "tamper/archive.rs"]
mod archive;
#[path = "tamper/history.rs"]
mod history;
#[path = "tamper/signatures.rs"]
mod signatures;
#[path = "tamper/support.rs"]
mod support;
