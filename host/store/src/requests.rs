//! Requests that may be repeated, and what was answered.

use async_trait::async_trait;
use bytes::Bytes;
use model::idempotency::{
    ANSWER_BYTES_MAX, ANSWER_KEPT, Asked, Heard, IDEMPOTENCY_KEY_BYTES_MAX, IdempotencyStore,
    KeptAnswer, SCOPE_BYTES_MAX,
};
use model::store::StoreError;
use model::{Clock, Timestamp};
use redb::ReadableTable as _;
use serde::{Deserialize, Serialize};

use crate::codec::{Malformed, attached, corrupt, key};
use crate::disk::Disk as _;
use crate::tables::{Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;
use crate::{Store, check};

/// Old requests that one more request forgets: several, so that none is left of many in the end,
/// and few, for each may have an answer of [`ANSWER_BYTES_MAX`].
const FORGOTTEN_MAX: usize = 20;

/// What is known of a request, beside the content of its answer.
#[derive(Deserialize, Serialize)]
struct Facts {
    content: [u8; 32],
    at: Timestamp,
    answer: Option<Head>,
}

/// An answer without its content.
#[derive(Deserialize, Serialize)]
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
}

/// Notes a request that was not heard before.
struct Hear {
    asked: Asked,
    content: [u8; 32],
    clock: Clock,
}

impl Change for Hear {
    type Answer = Heard;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Heard), StoreError> {
        let Self { asked, content, clock } = self;
        check::in_key("who asks", &asked.scope, SCOPE_BYTES_MAX)?;
        check::length("an idempotency key", asked.key.len(), 1, IDEMPOTENCY_KEY_BYTES_MAX)?;
        let now = clock.now();
        let row_key = row_key(&asked);
        let mut writes = Writes::default();
        if let Some((facts, body)) = find(tables, &row_key)? {
            if !is_old(facts.at, now) {
                return Ok((writes, heard(facts, body, &content)));
            }
            remove(&mut writes, &row_key, facts.at);
        }
        forget(&mut writes, tables, now)?;
        let facts = Facts { content, at: now, answer: None };
        writes.put(Table::Requests, &row_key, &attached::encode(&facts, &[])?);
        writes.put(Table::HeardRequests, &heard_at(&row_key, now), &[]);
        Ok((writes, Heard::New))
    }
}

fn heard(facts: Facts, body: Bytes, content: &[u8; 32]) -> Heard {
    match facts.answer {
        _ if facts.content != *content => Heard::Other,
        Some(Head { status, headers }) => Heard::Answered(KeptAnswer { status, headers, body }),
        None => Heard::Begun(facts.at),
    }
}

/// Keeps the answer to a request.
struct Answer {
    asked: Asked,
    answer: KeptAnswer,
}

impl Change for Answer {
    type Answer = ();

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let KeptAnswer { status, headers, body } = self.answer;
        let bytes = headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        check::length("an answer", bytes + body.len(), 0, ANSWER_BYTES_MAX)?;
        let row_key = row_key(&self.asked);
        let mut writes = Writes::default();
        if let Some((facts, _)) =
            find(tables, &row_key)?.filter(|(facts, _)| facts.answer.is_none())
        {
            let facts = Facts { answer: Some(Head { status, headers }), ..facts };
            writes.put(Table::Requests, &row_key, &attached::encode(&facts, &body)?);
        }
        Ok((writes, ()))
    }
}

/// Forgets a request that was not answered.
struct Unhear(Asked);

impl Change for Unhear {
    type Answer = ();

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let row_key = row_key(&self.0);
        let mut writes = Writes::default();
        if let Some((facts, _)) =
            find(tables, &row_key)?.filter(|(facts, _)| facts.answer.is_none())
        {
            remove(&mut writes, &row_key, facts.at);
        }
        Ok((writes, ()))
    }
}

/// Forgets some of the requests that are old.
fn forget(writes: &mut Writes, tables: &Tables<'_>, now: Timestamp) -> Result<(), StoreError> {
    let behind = key::due_behind(oldest(now));
    for row in tables.heard_requests.range(..behind.as_slice()).disk()?.take(FORGOTTEN_MAX) {
        let row = row.disk()?;
        let request = row.0.value().get(size_of::<u64>()..);
        let request = request.ok_or_else(|| corrupt(Table::HeardRequests, Malformed::Shape))?;
        writes.remove(Table::Requests, request);
        writes.remove(Table::HeardRequests, row.0.value());
    }
    Ok(())
}

fn is_old(at: Timestamp, now: Timestamp) -> bool {
    at <= oldest(now)
}

/// When the newest request was heard that is old.
fn oldest(now: Timestamp) -> Timestamp {
    now.saturating_sub(ANSWER_KEPT).unwrap_or(Timestamp::MIN)
}

fn remove(writes: &mut Writes, row_key: &[u8], at: Timestamp) {
    writes.remove(Table::Requests, row_key);
    writes.remove(Table::HeardRequests, &heard_at(row_key, at));
}

fn find(tables: &Tables<'_>, row_key: &[u8]) -> Result<Option<(Facts, Bytes)>, StoreError> {
    let Some(row) = tables.requests.get(row_key).disk()? else { return Ok(None) };
    let (facts, body) = attached::decode(Table::Requests, row.value())?;
    Ok(Some((facts, Bytes::copy_from_slice(body))))
}

fn row_key(asked: &Asked) -> Vec<u8> {
    let mut key = Vec::new();
    key::push_name(&mut key, &asked.scope);
    key::with(key, asked.key.as_bytes())
}

fn heard_at(row_key: &[u8], at: Timestamp) -> Vec<u8> {
    key::with(key::instant(at).to_vec(), row_key)
}

#[async_trait]
impl IdempotencyStore for Store {
    async fn hear(&self, asked: &Asked, content: [u8; 32]) -> Result<Heard, StoreError> {
        self.write(Hear { asked: asked.clone(), content, clock: self.clock() }).await
    }

    async fn answer(&self, asked: &Asked, answer: KeptAnswer) -> Result<(), StoreError> {
        self.write(Answer { asked: asked.clone(), answer }).await
    }

    async fn unhear(&self, asked: &Asked) -> Result<(), StoreError> {
        self.write(Unhear(asked.clone())).await
    }
}
