//! `[webhook]`: how the provider calls us.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::place::Place;
use crate::pointer::Pointer;
use crate::template::Template;
use crate::words::words;

mod check;
mod decode;

pub(super) use check::check;

/// How deliveries are set up, proven, split and answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Webhook {
    /// Who creates the URL.
    pub setup: Setup,
    /// Where the secret comes from.
    pub secret: SecretSource,
    /// How a delivery finds its connections; only for `setup = "app"`.
    pub connection: Option<Routing>,
    /// The array of a batched delivery; the empty pointer is the whole body.
    pub items: Option<Pointer>,
    /// Proofs, all of which must hold.
    pub verify: Vec<Verify>,
    /// How the provider proves the URL.
    pub handshake: Option<Handshake>,
    /// Deliveries with an equal key are dropped for 72 hours.
    pub dedupe: Option<Template>,
    /// The answer after the event is stored.
    pub ack: Ack,
    /// How long a subscription lives.
    pub lifetime: Option<Duration>,
    /// How long before its end it is renewed.
    pub renew_before: Option<Duration>,
}

/// How a delivery finds its connections.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Routing {
    /// Where the delivery names the account.
    pub at: Place,
    /// The variable that must be equal.
    pub variable: String,
}

/// A proof that a delivery is the provider's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verify {
    /// HMAC-SHA256 with the secret.
    Hmac(Hmac),
    /// The secret itself, compared in constant time.
    Token {
        /// Where it stands.
        at: Place,
    },
    /// A JWT, RS256 only, `exp` required.
    Jwt {
        /// Where it stands; `Bearer ` is optional.
        at: Place,
        /// The base64 SPKI of the key.
        key: Template,
        /// Claims that must be equal.
        claims: BTreeMap<String, Template>,
    },
}

/// HMAC-SHA256 with the secret's UTF-8 bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hmac {
    /// Where the signature stands.
    pub at: Place,
    /// What stands before it.
    pub prefix: String,
    /// How it is written.
    pub encoding: Encoding,
    /// What is signed; any of these may match.
    pub message: Vec<Template>,
    /// The time, which the signature must cover.
    pub timestamp: Option<TimestampRule>,
}

/// How old a delivery may be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TimestampRule {
    /// Where the time stands.
    pub at: Place,
    /// How it is written.
    pub unit: TimeUnit,
    /// How far it may be off.
    pub tolerance: Duration,
}

/// How a provider proves that the URL is ours.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Handshake {
    /// The decoded value is the text/plain answer.
    Echo {
        /// Where the value stands.
        at: Place,
    },
    /// The answer is a JSON object over the value.
    Challenge(Challenge),
    /// The value is stored as the secret, only while the connection waits for it.
    Capture {
        /// Where the value stands.
        at: Place,
    },
}

/// A handshake whose answer is a JSON object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Challenge {
    /// Where a delivery says that it is a handshake.
    pub when: Place,
    /// What stands there.
    pub equals: String,
    /// Where the value stands.
    pub at: Place,
    /// The members of the answer over `{value}` and `{hmac_hex}`.
    pub reply: BTreeMap<String, Template>,
    /// Whether the handshake itself is signed.
    pub signed: bool,
}

/// The answer to a delivery.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ack {
    /// The status.
    pub status: u16,
    /// The media type of `body`.
    pub content_type: Option<String>,
    /// The body.
    pub body: Option<String>,
}

words! {
    /// Who creates the webhook's URL.
    pub enum Setup {
        /// One URL per app registration, entered by a person.
        App = "app",
        /// One URL per connection, entered by a person.
        Connection = "connection",
        /// The guest's `subscribe` creates it.
        Api = "api",
    }
}

words! {
    /// Where the webhook's secret comes from.
    pub enum SecretSource {
        /// The host makes it.
        Generated = "generated",
        /// It is the client secret of the app registration.
        ClientSecret = "client_secret",
        /// It is entered with the app registration.
        App = "app",
        /// The handshake brings it.
        Captured = "captured",
        /// There is none.
        None = "none",
    }
}

words! {
    /// How a signature is written.
    pub enum Encoding {
        /// Lower-case hex.
        Hex = "hex",
        /// Standard base64.
        Base64 = "base64",
    }
}

words! {
    /// How a time is written.
    pub enum TimeUnit {
        /// Seconds since 1970.
        Seconds = "s",
        /// Milliseconds since 1970.
        Milliseconds = "ms",
        /// RFC 3339.
        Rfc3339 = "rfc3339",
    }
}
