//! The API of the binary, over real HTTP on loopback: its whole story, and what it does with input
//! that is bad.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod bad;
mod events;
mod fuzzed;
mod restarted;
mod session;
mod slow;
mod story;
mod world;
