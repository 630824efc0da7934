//! What the store refuses before it is asked to hold it.

use std::fmt::Display;
use std::time::Duration;

use model::adapter::CHECKPOINT_BYTES_MAX;
use model::canonical::{DOC_BYTES_MAX, IDENTITIES_MAX, Outcome, TYPE_BYTES_MAX, URL_BYTES_MAX};
use model::event::CONSUMER_BYTES_MAX;
use model::record::{CONTENTS_BYTES_MAX, ENTITY_BYTES_MAX, ID_BYTES_MAX, PAYLOAD_BYTES_MAX};
use model::schema::SCHEMA_NAME_BYTES_MAX;
use model::store::{Lane, StoreError, StoreErrorKind};
use model::task::{LEAD_MAX, Schedule, TEXT_BYTES_MAX, Task};
use model::tenant::TITLE_BYTES_MAX;
use model::window::LaneState;
use serde_json::value::RawValue;

/// The longest name of a secret or a package, in bytes; they stand in keys.
const NAME_BYTES_MAX: usize = 128;

/// The most entities that a task names; a manifest has fewer.
const ENTITIES_MAX: usize = 1_024;

/// The names of a task's entities together, in bytes: even if JSON escapes each byte, the job of
/// the task is no larger than a job may be, so that no task can hold up the ticks of others.
const ENTITIES_BYTES_MAX: usize = 32 << 10;

/// The longest secret, in bytes: a private key or a token is far below.
pub(crate) const SECRET_BYTES_MAX: usize = 64 << 10;

/// The longest text of what surrounds a secret, in bytes: an address, a client id.
const TEXT_MAX: usize = 4 << 10;

/// The largest row of a connection, in bytes; the texts of consents are most of it.
pub(crate) const CONNECTION_BYTES_MAX: usize = 256 << 10;

/// The largest row of a credential, in bytes: the scopes of a grant are most of it.
pub(crate) const CREDENTIAL_BYTES_MAX: usize = 64 << 10;

/// The largest data key when it is wrapped, in bytes; services answer it in a few hundred.
const WRAPPED_BYTES_MAX: usize = 4 << 10;

/// The largest package file, in bytes; it is held in memory when it is verified.
const PACKAGE_BYTES_MAX: usize = 64 << 20;

pub(crate) fn entity(name: &str) -> Result<(), StoreError> {
    in_key("the name of an entity", name, ENTITY_BYTES_MAX)
}

pub(crate) fn id(id: &str) -> Result<(), StoreError> {
    length("the id of a record", id.len(), 1, ID_BYTES_MAX)
}

pub(crate) fn version(version: &str) -> Result<(), StoreError> {
    length("the version of a record", version.len(), 0, ID_BYTES_MAX)
}

pub(crate) fn payload(payload: &[u8]) -> Result<(), StoreError> {
    length("the payload of a record", payload.len(), 0, PAYLOAD_BYTES_MAX)
}

pub(crate) fn contents(json: &[u8]) -> Result<(), StoreError> {
    length("the list of contents of a record", json.len(), 0, CONTENTS_BYTES_MAX)
}

pub(crate) fn batch(what: &str, items: usize, max: usize) -> Result<(), StoreError> {
    if items > max {
        return Err(invalid(format!("the call has {items} {what}; send at most {max}")));
    }
    Ok(())
}

/// Nothing here is what a provider can bring about: who maps bounds what comes of it.
pub(crate) fn outcome(outcome: &Outcome) -> Result<(), StoreError> {
    let Outcome::Mapped(mapped) = outcome else { return Ok(()) };
    record_type(&mapped.record_type)?;
    length("the document of a record", mapped.doc.len(), 0, DOC_BYTES_MAX)?;
    if !is_object(&mapped.doc) {
        return Err(invalid("the document of a record is no JSON object; send one"));
    }
    let url = mapped.url.as_deref().unwrap_or_default();
    length("the link to a record", url.len(), 0, URL_BYTES_MAX)?;
    let identities = mapped.identities.len();
    if identities > IDENTITIES_MAX {
        let message = format!("the record has {identities} identities; send {IDENTITIES_MAX}");
        return Err(invalid(message));
    }
    Ok(())
}

fn is_object(doc: &[u8]) -> bool {
    doc.first() == Some(&b'{') && serde_json::from_slice::<&RawValue>(doc).is_ok()
}

pub(crate) fn schema_name(name: &str) -> Result<(), StoreError> {
    in_key("the name of a schema", name, SCHEMA_NAME_BYTES_MAX)
}

pub(crate) fn record_type(name: &str) -> Result<(), StoreError> {
    in_key("the name of a record type", name, TYPE_BYTES_MAX)
}

pub(crate) fn lane(lane: &Lane, state: &LaneState) -> Result<(), StoreError> {
    entity(&lane.entity)?;
    if let Some(part) = &lane.part {
        length("the part of a lane", part.len(), 0, ID_BYTES_MAX)?;
    }
    let checkpoint = state.progress.as_ref().and_then(|progress| progress.checkpoint.as_ref());
    for text in [checkpoint, state.feed.as_ref()].into_iter().flatten() {
        length("the checkpoint of a lane", text.len(), 0, CHECKPOINT_BYTES_MAX)?;
    }
    Ok(())
}

pub(crate) fn consumer(name: &str) -> Result<(), StoreError> {
    length("the name of a consumer", name.len(), 1, CONSUMER_BYTES_MAX)
}

/// What people call a thing.
pub(crate) fn title(what: &str, text: &str) -> Result<(), StoreError> {
    length(what, text.len(), 1, TITLE_BYTES_MAX)
}

/// A name that stands in keys.
pub(crate) fn name(what: &str, name: &str) -> Result<(), StoreError> {
    in_key(what, name, NAME_BYTES_MAX)
}

/// A text that stands in keys, where NUL ends it.
pub(crate) fn in_key(what: &str, text: &str, bytes_max: usize) -> Result<(), StoreError> {
    length(what, text.len(), 1, bytes_max)?;
    if text.contains('\0') {
        return Err(invalid(format!("{what} holds a NUL; send text without it")));
    }
    Ok(())
}

pub(crate) fn text(what: &str, text: &str) -> Result<(), StoreError> {
    length(what, text.len(), 1, TEXT_MAX)
}

pub(crate) fn wrapped(wrapper: &str, key: &[u8]) -> Result<(), StoreError> {
    text("the name of what wraps a data key", wrapper)?;
    length("a wrapped data key", key.len(), 1, WRAPPED_BYTES_MAX)
}

pub(crate) fn package(name: &str, file: &[u8]) -> Result<(), StoreError> {
    length("the name of a package", name.len(), 1, NAME_BYTES_MAX)?;
    length("the file of a package", file.len(), 0, PACKAGE_BYTES_MAX)
}

pub(crate) fn task(task: &Task) -> Result<(), StoreError> {
    let window = task.window.as_ref().map(|window| &window.zone);
    let schedule = match &task.schedule {
        Schedule::Every(_) => [None, None],
        Schedule::Cron { expression, zone } => [Some(expression), Some(zone)],
    };
    for text in schedule.into_iter().chain([window, task.paused.as_ref()]).flatten() {
        length("a text of a task", text.len(), 1, TEXT_BYTES_MAX)?;
    }
    if task.entities.len() > ENTITIES_MAX {
        return Err(invalid(format!(
            "a task names more than {ENTITIES_MAX} entities; name none for all"
        )));
    }
    let bytes = task.entities.iter().map(String::len).sum();
    length("the list of entities of a task", bytes, 0, ENTITIES_BYTES_MAX)?;
    task.entities.iter().map(String::as_str).try_for_each(entity)
}

pub(crate) fn lead(holder: &str, lease: Duration) -> Result<(), StoreError> {
    length("the name of who takes the lead", holder.len(), 1, NAME_BYTES_MAX)?;
    if lease > LEAD_MAX {
        return Err(invalid(format!(
            "the lead is taken for {lease:?}; take it for at most {LEAD_MAX:?}"
        )));
    }
    Ok(())
}

/// Refuses a change of what has another revision than is expected; 0 is that of nothing.
pub(crate) fn revision(
    what: impl Display,
    stored: u64,
    expected: Option<u64>,
) -> Result<(), StoreError> {
    let Some(expected) = expected.filter(|expected| *expected != stored) else { return Ok(()) };
    let message = match (stored, expected) {
        (0, _) => format!("{what} is not there any more; make it anew"),
        (_, 0) => format!("{what} is there already; choose another id, or change that one"),
        _ => format!("{what} has revision {stored} by now; read it again and repeat the change"),
    };
    Err(StoreError::new(StoreErrorKind::Conflict, message))
}

/// The error of a value that the store does not hold.
pub(crate) fn invalid(message: impl Display) -> StoreError {
    StoreError::new(StoreErrorKind::Invalid, message.to_string())
}

pub(crate) fn length(what: &str, bytes: usize, min: usize, max: usize) -> Result<(), StoreError> {
    if bytes < min {
        return Err(invalid(format!("{what} is empty; send one")));
    }
    if bytes > max {
        return Err(invalid(format!("{what} has {bytes} bytes; send at most {max}")));
    }
    Ok(())
}
