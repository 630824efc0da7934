//! Sessions of browsers, each by its hash; other tables have the order in which those of a key were
//! begun, and in which all expire.

use model::api_key::{ApiKey, ApiKeyId, SESSIONS_MAX, Session};
use model::store::{StoreError, StoreErrorKind};
use model::{Clock, Timestamp};
use redb::{ReadTransaction, ReadableTable as _};

use super::find as find_key;
use crate::check;
use crate::codec::{Malformed, corrupt, json, key};
use crate::disk::Disk as _;
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

/// Expired sessions that one more session forgets: several, so that none is left of many in the
/// end.
const FORGOTTEN_MAX: usize = 100;

/// Begins a session.
pub(super) struct Put {
    pub(super) session: Session,
    pub(super) clock: Clock,
}

impl Change for Put {
    type Answer = ();

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let Self { session, clock } = self;
        let now = clock.now();
        if session.expires <= now {
            let message = format!("a session is to end at {}; it is {now} now", session.expires);
            return Err(check::invalid(message));
        }
        let found = find_key(&tables.api_keys, &session.key)?;
        if !found.is_some_and(|key| key.works(now)) {
            let message = format!("there is no API key {} that works; use another", session.key);
            return Err(check::invalid(message));
        }
        if find(&tables.logins, &session.hash)?.is_some() {
            let message = "a session with this cookie has begun already; make another cookie";
            return Err(StoreError::new(StoreErrorKind::Conflict, message));
        }
        let mut writes = Writes::default();
        forget(&mut writes, tables, now)?;
        let mut own = of(tables, &session.key)?;
        own.retain(|old| old.expires > now);
        let surplus = (own.len() + 1).saturating_sub(SESSIONS_MAX);
        for oldest in own.iter().take(surplus) {
            remove(&mut writes, oldest);
        }
        writes.put(Table::Logins, &session.hash, &json::encode(&session)?);
        writes.put(Table::KeyLogins, &begun(&session), &[]);
        writes.put(Table::LoginEnds, &end_of(&session), &[]);
        Ok((writes, ()))
    }
}

/// Ends a session.
pub(super) struct Remove(pub(super) [u8; 32]);

impl Change for Remove {
    type Answer = bool;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, bool), StoreError> {
        let mut writes = Writes::default();
        let found = find(&tables.logins, &self.0)?;
        if let Some(session) = &found {
            remove(&mut writes, session);
        }
        Ok((writes, found.is_some()))
    }
}

/// The session of this hash with its key, unless one of both has ended.
pub(super) fn get(
    snapshot: &ReadTransaction,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<(Session, ApiKey)>, StoreError> {
    let found = find(&Table::Logins.read(snapshot)?, hash)?;
    let Some(session) = found.filter(|session| session.expires > now) else { return Ok(None) };
    let key = find_key(&Table::ApiKeys.read(snapshot)?, &session.key)?;
    Ok(key.filter(|key| key.works(now)).map(|key| (session, key)))
}

/// Ends all sessions of a key.
pub(super) fn end(
    writes: &mut Writes,
    tables: &Tables<'_>,
    key: &ApiKeyId,
) -> Result<(), StoreError> {
    for session in of(tables, key)? {
        remove(writes, &session);
    }
    Ok(())
}

/// Forgets sessions that have expired.
fn forget(writes: &mut Writes, tables: &Tables<'_>, now: Timestamp) -> Result<(), StoreError> {
    let behind = key::due_behind(now);
    for row in tables.login_ends.range(..behind.as_slice()).disk()?.take(FORGOTTEN_MAX) {
        remove(writes, &last(tables, Table::LoginEnds, row.disk()?.0.value())?);
    }
    Ok(())
}

/// The sessions of a key, by when they were begun.
fn of(tables: &Tables<'_>, id: &ApiKeyId) -> Result<Vec<Session>, StoreError> {
    let prefix = key_of(id);
    let behind = key::behind(&prefix);
    let rows = tables.key_logins.range(prefix.as_slice()..behind.as_slice()).disk()?;
    rows.map(|row| last(tables, Table::KeyLogins, row.disk()?.0.value())).collect()
}

/// The session at the end of a key of an index.
fn last(tables: &Tables<'_>, index: Table, key: &[u8]) -> Result<Session, StoreError> {
    let found = key.last_chunk().map(|hash| find(&tables.logins, hash)).transpose()?;
    found.flatten().ok_or_else(|| corrupt(index, Malformed::Shape))
}

fn remove(writes: &mut Writes, session: &Session) {
    writes.remove(Table::Logins, &session.hash);
    writes.remove(Table::KeyLogins, &begun(session));
    writes.remove(Table::LoginEnds, &end_of(session));
}

fn find(rows: &impl Rows, hash: &[u8; 32]) -> Result<Option<Session>, StoreError> {
    let row = rows.get(hash.as_slice()).disk()?;
    row.map(|row| json::decode(Table::Logins, row.value())).transpose()
}

fn begun(session: &Session) -> Vec<u8> {
    let key = key::with(key_of(&session.key), &key::instant(session.created));
    key::with(key, &session.hash)
}

fn end_of(session: &Session) -> Vec<u8> {
    key::with(key::instant(session.expires).to_vec(), &session.hash)
}

fn key_of(id: &ApiKeyId) -> Vec<u8> {
    let mut key = Vec::new();
    key::push_name(&mut key, id.as_str());
    key
}
