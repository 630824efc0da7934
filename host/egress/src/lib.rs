//! The one door out: every HTTP request of an adapter passes here, and nothing else has a client.
//!
//! A [`Gateway`] opens a door per connection; a call passes its requests through the pipeline of
//! `call.rs`, each step of which is a file of its own.
//!
//! Invariants:
//! - No secret is handed to a guest: credentials go in after the guest has let go of the request,
//!   and an answer that repeats one, or a token of before, is thrown away, in the forms in which
//!   that happens by itself (`needle.rs` lists them; a provider that disguises it is not stopped).
//!   No type here prints one, and the [`Redactor`] masks those of every open door.
//! - A use of a credential that the access log does not know does not happen.
//! - A token that ends is replaced before it is sent; one that is refused is replaced once, and its
//!   request sent once more. Whatever comes with a new token is checked as if the door were opened.
//! - A guest cannot name a host. Origins come from the manifest, the connection's checked
//!   variables or the operator's override; hosts by pattern are proven within the call.
//! - Manifest and grant must both allow a request; a denial names the layer and the line that
//!   would allow it, and nothing was sent.
//! - Every dialled address was judged, and a name with one forbidden address is not dialled.
//! - The raw path reaches the wire byte for byte, or the request is refused.
//! - Everything is bounded: requests, bytes before and after decompression, headers, redirects,
//!   time to connect, to answer, between two bytes, and altogether.
//! - No proxy, no cookie, no other retry, no redirect that the manifest does not list; for the
//!   host's own requests none at all.

mod access;
mod audit;
mod body;
mod budget;
mod call;
mod credential;
mod denial;
mod door;
mod endpoint;
mod escape;
mod gateway;
mod guard;
mod header;
mod health;
mod limit;
mod link;
mod live;
mod locate;
mod needle;
mod origin;
mod outbound;
mod permission;
mod provenance;
mod redactor;
mod redirect;
mod resolve;
mod token;
mod transport;
mod variable;
mod wire;

pub use gateway::{Gateway, Opening, Options, main_host};
pub use guard::Nat64;
pub use needle::SECRET_BYTES_MIN;
pub use redactor::{Masker, Redactor};
pub use transport::{Body, Transport};
