//! The codes of credentials.

use super::{Again, Code, Scope, Told};
use crate::error::ErrorKind::{
    AuthRequired, Conflict, Denied, Invalid, Malformed, Other, Permission, Unavailable,
};

const BEGIN: &str = "begin the authorisation again, in one browser";

pub(super) const CODES: &[Code] = &[
    Code::new(
        "credential.absent",
        AuthRequired,
        "the connection has no credential",
        "connect the account",
    ),
    Code::new(
        "credential.app",
        Denied,
        "this host is not registered as an app at the provider",
        "register it there and run `plughouse app set`",
    )
    .again(Again::Later)
    .told(Told::Operator),
    Code::new(
        "credential.app-refused",
        Denied,
        "the provider refuses the app of this host itself, to one connection or to all",
        "look at the app at the provider, and set its new secret with `plughouse app set`",
    )
    .again(Again::Later)
    .told(Told::Operator),
    Code::new(
        "credential.changed",
        Conflict,
        "the connection was changed while it was being authorised",
        "look at the connection, and authorise it again if that is still needed",
    )
    .scope(Scope::Connection)
    .told(Told::Tenant),
    Code::new(
        "credential.denied",
        Permission,
        "the account was not authorised: the person or the provider said no",
        "begin the authorisation again, as somebody who may say yes",
    )
    .scope(Scope::Connection),
    Code::new(
        "credential.doubted",
        Unavailable,
        "the provider has refused the authorisation once; it is asked again before that is believed",
        "nothing: it is tried again",
    )
    .again(Again::Later)
    .healthy()
    .scope(Scope::Connection),
    Code::new(
        "credential.ended",
        AuthRequired,
        "the provider does not accept the authorisation any more",
        "authorise the account again; all its work goes on from where it was",
    ),
    Code::new(
        "credential.flow",
        Denied,
        "what came back from the browser ends no authorisation that was begun in it",
        BEGIN,
    )
    .scope(Scope::Connection)
    .told(Told::Tenant),
    Code::new(
        "credential.later",
        Unavailable,
        "the access token has ended and a new one is not to be had yet",
        "nothing: it is tried again",
    )
    .again(Again::Later)
    .healthy()
    .scope(Scope::Connection),
    Code::new(
        "credential.package",
        Conflict,
        "the connection belongs to another package",
        "choose another name",
    )
    .scope(Scope::Connection)
    .told(Told::Tenant),
    Code::new(
        "credential.refused-input",
        Invalid,
        "what was entered cannot be kept",
        "correct what the message names",
    )
    .scope(Scope::Connection),
    Code::new(
        "credential.request",
        Invalid,
        "the request for a token cannot be written",
        "correct what the message names, and connect the account again",
    )
    .again(Again::Few)
    .scope(Scope::Connection),
    Code::new(
        "credential.resting",
        Denied,
        "the connection is switched off, or its grant was revoked",
        "run `plughouse connection enable`, or authorise the account again",
    )
    .again(Again::Later)
    .scope(Scope::Connection)
    .told(Told::Tenant),
    Code::new(
        "credential.sealed",
        Other,
        "a stored secret does not open",
        "put the key and the data of one day back together, or connect the account again",
    )
    .again(Again::Many)
    .scope(Scope::Connection)
    .told(Told::Operator),
    Code::new(
        "credential.token",
        Other,
        "the token endpoint of the provider does not give a token",
        "see the message; if it stays, report it to the adapter's author",
    )
    .again(Again::Many)
    .scope(Scope::Connection)
    .told(Told::Operator),
    Code::new(
        "credential.unchecked",
        Conflict,
        "nobody has asked whether the new credential opens the same account",
        "let the account be checked, or connect under another name",
    )
    .scope(Scope::Connection)
    .told(Told::Tenant),
    Code::new(
        "credential.variable",
        Malformed,
        "a token answer moves the connection to where its manifest does not let it go",
        "look at the account at the provider, and report it to the adapter's author",
    )
    .again(Again::Later)
    .scope(Scope::Connection)
    .told(Told::Operator),
    Code::new(
        "credential.vault",
        Unavailable,
        "the service that keeps the key of the secrets does not answer",
        "look at that service; work goes on by itself when it is back",
    )
    .again(Again::Later)
    .healthy()
    .scope(Scope::Host)
    .told(Told::Operator),
];
