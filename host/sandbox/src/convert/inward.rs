//! Towards the guest.

use std::time::Duration;

use model::adapter::{PullRequest, Selection, Window};
use model::webhook::{Action, Event, SubscribeRequest, Subscription};
use model::write::{Batch, Blob, Mode, Operation, Write};
use model::{Error, ErrorKind, Timestamp};

use crate::bindings::{guest, hooks, types};

pub(crate) fn error(error: Error) -> types::Error {
    types::Error {
        kind: kind(error.kind),
        code: error.code,
        message: error.message,
        retry_after_ms: error.retry_after.map(millis),
        request_sent: error.request_sent,
        details: pairs(error.details),
    }
}

fn kind(kind: ErrorKind) -> types::ErrorKind {
    use types::ErrorKind as Kind;
    match kind {
        ErrorKind::AuthRequired => Kind::AuthRequired,
        ErrorKind::Permission => Kind::Permission,
        ErrorKind::NotFound => Kind::NotFound,
        ErrorKind::Invalid => Kind::Invalid,
        ErrorKind::Conflict => Kind::Conflict,
        ErrorKind::RateLimited => Kind::RateLimited,
        ErrorKind::Unavailable => Kind::Unavailable,
        ErrorKind::Timeout => Kind::Timeout,
        ErrorKind::ExpiredCheckpoint => Kind::ExpiredCheckpoint,
        ErrorKind::Unsupported => Kind::Unsupported,
        ErrorKind::BudgetExhausted => Kind::BudgetExhausted,
        ErrorKind::Denied => Kind::Denied,
        ErrorKind::Malformed => Kind::Malformed,
        ErrorKind::Other => Kind::Other,
    }
}

pub(crate) fn pairs(pairs: Vec<(String, String)>) -> Vec<types::Pair> {
    pairs.into_iter().map(|(name, value)| types::Pair { name, value }).collect()
}

pub(crate) fn pull(request: PullRequest) -> guest::PullRequest {
    guest::PullRequest {
        entity: request.entity,
        part: request.part,
        selection: selection(request.selection),
        checkpoint: request.checkpoint,
        fields: request.fields,
        limit: request.limit,
    }
}

fn selection(selection: Selection) -> guest::Selection {
    match selection {
        Selection::All => guest::Selection::All,
        Selection::Changes => guest::Selection::Changes,
        Selection::Window(span) => guest::Selection::Window(window(span)),
        Selection::Deleted(span) => guest::Selection::Deleted(window(span)),
        Selection::Ids(ids) => guest::Selection::Ids(ids),
    }
}

fn window(window: Window) -> guest::Window {
    guest::Window { from_ms: epoch_millis(window.from), until_ms: epoch_millis(window.until) }
}

pub(crate) fn batch(batch: Batch) -> guest::Batch {
    guest::Batch {
        entity: batch.entity,
        part: batch.part,
        mode: match batch.mode {
            Mode::Apply => guest::WriteMode::Apply,
            Mode::Recover => guest::WriteMode::Recover,
        },
        writes: batch.writes.into_iter().map(write).collect(),
    }
}

fn write(write: Write) -> guest::Write {
    guest::Write {
        key: write.key,
        operation: match write.operation {
            Operation::Create => guest::Operation::Create,
            Operation::Update => guest::Operation::Update,
            Operation::Delete => guest::Operation::Delete,
            Operation::Other => guest::Operation::Other,
        },
        id: write.id,
        if_version: write.if_version,
        payload: write.payload.into(),
        blobs: write.blobs.into_iter().map(blob).collect(),
        details: pairs(write.details),
    }
}

fn blob(blob: Blob) -> guest::Blob {
    guest::Blob {
        handle: blob.handle,
        name: blob.name,
        media_type: blob.media_type,
        size: blob.size,
    }
}

pub(crate) fn subscribe(request: SubscribeRequest) -> hooks::SubscribeRequest {
    hooks::SubscribeRequest {
        entity: request.entity,
        part: request.part,
        action: match request.action {
            Action::Create => hooks::Action::Create,
            Action::Renew(current) => hooks::Action::Renew(subscription(current)),
            Action::Cancel(current) => hooks::Action::Cancel(subscription(current)),
        },
        key: request.key,
        callback_url: request.callback_url,
        expires_ms: epoch_millis(request.expires),
    }
}

fn subscription(subscription: Subscription) -> hooks::Subscription {
    hooks::Subscription {
        id: subscription.id,
        expires_ms: subscription.expires.map(epoch_millis),
        details: pairs(subscription.details),
    }
}

pub(crate) fn event(event: Event) -> hooks::Event {
    hooks::Event {
        id: event.id,
        subscription: event.subscription,
        entity: event.entity,
        part: event.part,
        received_ms: epoch_millis(event.received),
        headers: pairs(event.headers),
        body: event.body.into(),
    }
}

/// The contract's times begin in 1970; earlier ones become its first instant.
fn epoch_millis(time: Timestamp) -> u64 {
    u64::try_from(time.as_millisecond()).unwrap_or(0)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
