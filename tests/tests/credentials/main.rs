//! Credentials through the binary, over real HTTP on loopback; the test is the person with the
//! browser.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod canary;
mod keys;
mod killed;
mod peer;
mod revoked;
mod search;
mod story;
mod swapped;
mod world;
