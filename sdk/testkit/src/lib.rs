//! What an adapter is tested with: fake providers, faults, a native host and recorded exchanges.
//!
//! A [`Provider`] answers requests and keeps state. The same one is served over real HTTP on
//! loopback by [`Server`] and driven in-process by [`native::TestHost`]; [`Faulty`] makes either
//! misbehave by rules that are plain data. [`HubSpot`] and [`News`] are the two built ones, an
//! [`AuthServer`] gives out tokens for them, a [`Cassette`] replays what a real one said, and [`late`] is an index that is behind. Nothing here sleeps, reads a clock or draws
//! entropy, except for the latency that a benchmark asks for: the same seed gives the same bytes.

pub mod case;
pub mod cassette;
pub mod fault;
pub mod hubspot;
pub mod late;
pub mod material;
pub mod message;
pub mod native;
pub mod news;
pub mod oauth;
pub mod provider;
mod random;
pub mod server;
#[cfg(test)]
mod shapes;
mod text;
mod time;

pub use case::Case;
pub use cassette::Cassette;
pub use fault::{Fault, Faults, Faulty, Rule};
pub use hubspot::HubSpot;
pub use message::{Answer, Delivery, Request};
pub use news::News;
pub use oauth::AuthServer;
pub use provider::{Provider, Shared, from_fn};
pub use server::Server;
