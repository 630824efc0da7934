//! Reading `[webhook]`.

use std::collections::BTreeMap;

use super::{Ack, Challenge, Handshake, Hmac, Routing, TimestampRule, Verify, Webhook};
use crate::document::{Decode, FileError, Item, Table};
use crate::place::Place;
use crate::words::words;

words! {
    /// The kinds of proofs.
    enum VerifyKind {
        /// [`Verify::Hmac`].
        Hmac = "hmac",
        /// [`Verify::Token`].
        Token = "token",
        /// [`Verify::Jwt`].
        Jwt = "jwt",
    }
}

words! {
    /// The kinds of handshakes.
    enum HandshakeKind {
        /// [`Handshake::Echo`].
        Echo = "echo",
        /// [`Handshake::Challenge`].
        Challenge = "challenge",
        /// [`Handshake::Capture`].
        Capture = "capture",
    }
}

impl Decode for Webhook {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let webhook = Self {
            setup: table.required("setup")?,
            secret: table.required("secret")?,
            connection: table.optional("connection")?,
            items: table.optional("items")?,
            verify: table.or("verify", Vec::new())?,
            handshake: table.optional("handshake")?,
            dedupe: table.optional("dedupe")?,
            ack: table.optional("ack")?.unwrap_or_default(),
            lifetime: table.optional("lifetime")?,
            renew_before: table.optional("renew_before")?,
        };
        table.finish()?;
        Ok(webhook)
    }
}

impl Decode for Routing {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let routing = Self { at: table.required("at")?, variable: table.required("variable")? };
        table.finish()?;
        Ok(routing)
    }
}

impl Decode for Verify {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let verify = match table.required("kind")? {
            VerifyKind::Hmac => Self::Hmac(Hmac {
                at: table.required("at")?,
                prefix: table.or("prefix", String::new())?,
                encoding: table.required("encoding")?,
                message: table.required("message")?,
                timestamp: table.optional("timestamp")?,
            }),
            VerifyKind::Token => Self::Token { at: table.required("at")? },
            VerifyKind::Jwt => Self::Jwt {
                at: table.required("at")?,
                key: table.required("key")?,
                claims: table.or("claims", BTreeMap::new())?,
            },
        };
        table.finish()?;
        Ok(verify)
    }
}

impl Decode for TimestampRule {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let rule = Self {
            at: table.required("at")?,
            unit: table.required("unit")?,
            tolerance: table.required("tolerance")?,
        };
        if rule.tolerance.is_zero() {
            let message = "`tolerance` is no time at all";
            return Err(table.complain_at("tolerance", message, "write 1s or more"));
        }
        table.finish()?;
        Ok(rule)
    }
}

impl Decode for Handshake {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let handshake = match table.required("kind")? {
            HandshakeKind::Echo => Self::Echo { at: table.required("at")? },
            HandshakeKind::Capture => Self::Capture { at: table.required("at")? },
            HandshakeKind::Challenge => Self::Challenge(challenge(&table)?),
        };
        table.finish()?;
        Ok(handshake)
    }
}

fn challenge(table: &Table<'_>) -> Result<Challenge, FileError> {
    let When { at: when, equals } = table.required("when")?;
    Ok(Challenge {
        when,
        equals,
        at: table.required("at")?,
        reply: table.required("reply")?,
        signed: table.or("signed", false)?,
    })
}

struct When {
    at: Place,
    equals: String,
}

impl Decode for When {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let when = Self { at: table.required("at")?, equals: table.required("equals")? };
        table.finish()?;
        Ok(when)
    }
}

impl Default for Ack {
    fn default() -> Self {
        Self { status: 200, content_type: None, body: None }
    }
}

impl Decode for Ack {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let ack = Self {
            status: table.or("status", 200)?,
            content_type: table.optional("content_type")?,
            body: table.optional("body")?,
        };
        if !(200..300).contains(&ack.status) {
            let message = format!("status {} tells the provider to deliver again", ack.status);
            return Err(table.complain_at("status", message, "write a number from 200 to 299"));
        }
        if ack.body.is_some() != ack.content_type.is_some() {
            let message = "a body and its content type belong together";
            return Err(table.complain(message, "write both of content_type and body, or none"));
        }
        table.finish()?;
        Ok(ack)
    }
}
