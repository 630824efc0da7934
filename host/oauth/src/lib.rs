//! OAuth 2.0 as manifests declare it: the address that a person is sent to, the requests to token
//! endpoints, and what their answers say.
//!
//! Nothing is sent here, no clock is read and nothing is kept: requests go out and answers come in
//! as the plain data of [`model::outbound`]. No error repeats what was secret in a request or in
//! an answer.

mod answer;
mod assertion;
mod callback;
mod form;
mod pkce;
mod refusal;
mod request;
mod start;
mod text;
mod values;

pub use answer::{TokenAnswer, parse};
pub use assertion::KeyError;
pub use callback::{Callback, CallbackError, Outcome, check_issuer, read_callback};
pub use pkce::digest;
pub use refusal::{TokenError, TokenErrorKind, check_revoked};
pub use request::{Held, grant, redeem, refresh, revoke};
pub use start::{Begun, begin};
pub use values::{Extent, RequestError, Values};
