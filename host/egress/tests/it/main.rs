//! The door as its users see it: through the port, against memory and against real sockets.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod corpus;
mod faults;
mod limits;
mod links;
mod policy;
mod redirects;
mod secrets;
mod support;
