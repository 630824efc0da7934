//! Subscriptions and deliveries: what the contract's `webhooks` takes and answers.

use bytes::Bytes;

use crate::Timestamp;
use crate::record::{Record, Tombstone};

/// A provider's promise to call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Subscription {
    /// The provider's id.
    pub id: String,
    /// When it ends unless renewed.
    pub expires: Option<Timestamp>,
    /// What the adapter needs to renew or cancel it.
    pub details: Vec<(String, String)>,
}

/// What to do with a subscription.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// Make one.
    Create,
    /// Keep it for longer.
    Renew(Subscription),
    /// End it.
    Cancel(Subscription),
}

/// A subscription, please.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SubscribeRequest {
    /// An entity of the manifest.
    pub entity: String,
    /// The dynamic instance or the parent record.
    pub part: Option<String>,
    /// Make, keep or end.
    pub action: Action,
    /// A fresh UUID.
    pub key: String,
    /// Where the provider shall call.
    pub callback_url: String,
    /// How long it shall last.
    pub expires: Timestamp,
}

/// One verified delivery, or one item of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    /// The provider's id of the delivery.
    pub id: String,
    /// The subscription it belongs to.
    pub subscription: Option<String>,
    /// The entity as subscribed.
    pub entity: Option<String>,
    /// The part as subscribed.
    pub part: Option<String>,
    /// When it arrived.
    pub received: Timestamp,
    /// Headers that the manifest lets through.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub body: Bytes,
}

/// What a delivery means.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// A record, whole.
    Record(Record),
    /// A record that is gone.
    Tombstone(Tombstone),
    /// Read these ids; without ids, the entity's changes.
    Hint {
        /// An entity of the manifest.
        entity: String,
        /// The part.
        part: Option<String>,
        /// The ids.
        ids: Vec<String>,
    },
    /// The subscription is gone or about to go.
    Resubscribe(String),
    /// The account removed the app.
    Revoked,
}
