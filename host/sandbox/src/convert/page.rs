//! Pages and records from the guest; payload spans become slices of the answers that were kept.

use bytes::Bytes;
use model::Error;
use model::adapter::{CHECKPOINT_BYTES_MAX, Next, Page};
use model::record::{Content, Record, Reject, Removal, Source, Tombstone};

use super::outward::{self, at_most, name, optional, pairs, text, time, violation};
use crate::bindings::{guest, types};
use crate::call::Call;
use crate::limits::{PAGE_ITEMS_MAX, PAGE_PAYLOAD_BYTES_MAX, PAIRS_MAX};

/// Checks records on their way out and counts what they claim together.
pub(crate) struct Records<'a> {
    call: &'a Call,
    payload_bytes: u64,
}

impl<'a> Records<'a> {
    pub(crate) fn new(call: &'a Call) -> Self {
        Self { call, payload_bytes: 0 }
    }

    pub(crate) fn page(mut self, page: guest::Page) -> Result<Page, Error> {
        let items = page.records.len() + page.tombstones.len() + page.rejects.len();
        at_most("records, tombstones and rejects", items, PAGE_ITEMS_MAX)?;
        Ok(Page {
            next: next(page.next)?,
            records: self.each(page.records, Self::record)?,
            tombstones: page.tombstones.into_iter().map(tombstone).collect::<Result<_, _>>()?,
            rejects: self.each(page.rejects, Self::reject)?,
            details: pairs("details", page.details)?,
        })
    }

    fn each<T, U>(
        &mut self,
        items: Vec<T>,
        convert: fn(&mut Self, T) -> Result<U, Error>,
    ) -> Result<Vec<U>, Error> {
        items.into_iter().map(|item| convert(self, item)).collect()
    }

    pub(crate) fn record(&mut self, record: types::Record) -> Result<Record, Error> {
        let id = name("record id", record.id)?;
        let payload = match record.payload {
            types::Payload::Json(json) => self.json(json.into(), &id)?,
            types::Payload::Span(span) => self.span(span, &id)?,
        };
        at_most("contents of a record", record.contents.len(), PAIRS_MAX)?;
        Ok(Record {
            entity: name("entity name", record.entity)?,
            id,
            version: optional(name, "version", record.version)?,
            modified: optional_time("modified-ms", record.modified_ms)?,
            payload,
            contents: record.contents.into_iter().map(content).collect::<Result<_, _>>()?,
            details: pairs("details", record.details)?,
        })
    }

    fn span(&mut self, span: types::Span, id: &str) -> Result<Bytes, Error> {
        let types::Span { response, offset, length } = span;
        let wrong = |what: &str| {
            violation(
                "sandbox.span",
                format!(
                    "the payload of a record is {what}: {length} bytes at {offset} of response \
                 {response}"
                ),
            )
            .detail("id", id)
        };
        let slice = self.call.slice(response, offset, length);
        let payload = slice.ok_or_else(|| wrong("a span outside of this call's responses"))?;
        self.claim(&payload)?;
        if is_object(&payload) {
            Ok(payload)
        } else {
            Err(wrong("a span that is not one JSON object"))
        }
    }

    pub(crate) fn json(&mut self, payload: Bytes, id: &str) -> Result<Bytes, Error> {
        self.claim(&payload)?;
        if is_object(&payload) {
            Ok(payload)
        } else {
            let message = "the payload of a record is not one JSON object";
            Err(violation("sandbox.json", message).detail("id", id))
        }
    }

    fn claim(&mut self, payload: &Bytes) -> Result<(), Error> {
        self.payload_bytes += u64::try_from(payload.len()).unwrap_or(u64::MAX);
        if self.payload_bytes <= PAGE_PAYLOAD_BYTES_MAX {
            return Ok(());
        }
        Err(violation(
            "sandbox.answer",
            format!(
                "the payloads of one answer have more than {PAGE_PAYLOAD_BYTES_MAX} bytes: return \
             smaller pages"
            ),
        ))
    }

    fn reject(&mut self, reject: guest::Reject) -> Result<Reject, Error> {
        let payload = reject.payload.map(Bytes::from);
        payload.as_ref().map_or(Ok(()), |payload| self.claim(payload))?;
        Ok(Reject {
            entity: name("entity name", reject.entity)?,
            id: optional(name, "record id", reject.id)?,
            error: outward::error(reject.error, self.call),
            payload,
        })
    }
}

/// One JSON object and nothing else but space around it.
fn is_object(payload: &[u8]) -> bool {
    payload.trim_ascii_start().starts_with(b"{") && plughouse_scan::validate(payload).is_ok()
}

fn next(next: guest::Next) -> Result<Next, Error> {
    let check = |checkpoint: String| {
        if checkpoint.len() <= CHECKPOINT_BYTES_MAX {
            return Ok(checkpoint);
        }
        Err(violation(
            "sandbox.checkpoint",
            format!(
                "the adapter returned a checkpoint of {} bytes, at most {CHECKPOINT_BYTES_MAX} are kept",
                checkpoint.len()
            ),
        ))
    };
    Ok(match next {
        guest::Next::More(checkpoint) => Next::More(check(checkpoint)?),
        guest::Next::Done(checkpoint) => Next::Done(check(checkpoint)?),
        guest::Next::Partial(checkpoint) => Next::Partial(check(checkpoint)?),
    })
}

pub(crate) fn tombstone(tombstone: types::Tombstone) -> Result<Tombstone, Error> {
    Ok(Tombstone {
        entity: name("entity name", tombstone.entity)?,
        id: name("record id", tombstone.id)?,
        reason: match tombstone.reason {
            types::Removal::Deleted => Removal::Deleted,
            types::Removal::Archived => Removal::Archived,
            types::Removal::Merged => Removal::Merged,
            types::Removal::Hidden => Removal::Hidden,
            types::Removal::Other => Removal::Other,
        },
        successor: optional(name, "successor", tombstone.successor)?,
        deleted: optional_time("deleted-ms", tombstone.deleted_ms)?,
    })
}

fn content(content: types::Content) -> Result<Content, Error> {
    Ok(Content {
        key: name("content key", content.key)?,
        name: text("content name", content.name)?,
        media_type: name("media type", content.media_type)?,
        size: content.size,
        hash: optional(name, "hash", content.hash)?,
        source: content.source.map(source).transpose()?,
        base64: content.base64,
        expires: optional_time("expires-ms", content.expires_ms)?,
    })
}

/// A source is stored and used later, so it is held to the same sizes as everything that is stored.
fn source(source: types::Request) -> Result<Source, Error> {
    if source.body.is_some() {
        let message = "the source of a content has a body: name a request without one";
        return Err(violation("sandbox.answer", message));
    }
    Ok(Source {
        endpoint: name("endpoint", source.endpoint)?,
        method: name("method", source.method)?,
        path: text("path", source.path)?,
        query: pairs("query pairs", source.query)?,
        headers: pairs("headers", source.headers)?,
    })
}

fn optional_time(what: &str, millis: Option<u64>) -> Result<Option<model::Timestamp>, Error> {
    millis.map(|millis| time(what, millis)).transpose()
}
