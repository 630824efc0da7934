//! The codes of answers over HTTP.

use super::Code;
use crate::error::ErrorKind::{
    AuthRequired, Conflict, Denied, Invalid, NotFound, Other, Permission, RateLimited, Timeout,
    Unavailable, Unsupported,
};

pub(super) const CODES: &[Code] = &[
    Code::new(
        "api.conflict",
        Conflict,
        "there is one of that name already, or it is in use, or it has changed meanwhile",
        "read it again and decide anew",
    ),
    Code::new(
        "api.csrf",
        Denied,
        "a request with a cookie came without the token of its session, or from another origin",
        "send the token of `POST /api/session` as `X-CSRF-Token`, from the console's own origin",
    ),
    Code::new(
        "api.cursor",
        Invalid,
        "the cursor is not one that this list has given",
        "begin the list again, or send the cursor as it was given and with the same filters",
    ),
    Code::new(
        "api.forbidden",
        Permission,
        "the API key does not allow that",
        "use a key with the role that the error names",
    ),
    Code::new(
        "api.forgotten",
        Invalid,
        "what follows an event is not in the log any more",
        "read what you follow anew, then go on from where the log was when you began",
    ),
    Code::new(
        "api.idempotency",
        Conflict,
        "the key of a repeated request was used for another one, or its first try is not answered",
        "use a new key for a new request; look whether what the first try was to make is there",
    ),
    Code::new(
        "api.insecure",
        Denied,
        "a browser was to be signed in over a connection that others can read",
        "serve TLS, or name the proxy that does, or use a loopback address",
    ),
    Code::new(
        "api.internal",
        Other,
        "the host could not do what it was asked for",
        "look for the request id in the host's log; report it if it happens again",
    ),
    Code::new(
        "api.invalid",
        Invalid,
        "the request says something that cannot be",
        "correct what the error names",
    ),
    Code::new(
        "api.locked-out",
        RateLimited,
        "too many wrong keys came from one address",
        "wait as long as `Retry-After` says, and use the right key",
    ),
    Code::new(
        "api.malformed",
        Invalid,
        "the request is not what it says to be: its content is cut, no JSON, or no UTF-8",
        "correct it at the place that the error names",
    ),
    Code::new(
        "api.media-type",
        Unsupported,
        "the content is of a type that is not taken here, or the answer of one that is not given",
        "send the type that the error names",
    ),
    Code::new(
        "api.method",
        Unsupported,
        "there is something at the address, but it does not do that",
        "use a method that `Allow` names",
    ),
    Code::new(
        "api.not-found",
        NotFound,
        "there is nothing at the address that the API key may see",
        "look at the list above it",
    ),
    Code::new(
        "api.precondition-failed",
        Conflict,
        "somebody has changed it since it was read",
        "read it again, bring both changes together, and send the new `ETag` as `If-Match`",
    ),
    Code::new(
        "api.precondition-required",
        Invalid,
        "a change did not say what it changes",
        "send the `ETag` of what was read as `If-Match`",
    ),
    Code::new(
        "api.rate-limited",
        RateLimited,
        "the API key asks too often, or does too much at once",
        "wait as long as `Retry-After` says",
    ),
    Code::new(
        "api.tenant",
        Invalid,
        "the request does not say whose things it is about",
        "name the tenant in `Plughouse-Tenant`",
    ),
    Code::new("api.timeout", Timeout, "the request took too long", "ask for less, or ask again")
        .healthy(),
    Code::new(
        "api.too-large",
        Invalid,
        "the content is larger than what is taken here",
        "send less; the error names the limit",
    ),
    Code::new(
        "api.unauthenticated",
        AuthRequired,
        "the request shows no API key that works, and no session",
        "send `Authorization: Bearer ph_…` with a key that is neither revoked nor expired",
    ),
    Code::new(
        "api.unavailable",
        Unavailable,
        "the host cannot answer now: its store is not there, or it is about to stop",
        "ask again after a moment",
    )
    .healthy(),
];
