//! Keys: names that end in NUL, which no name holds, and big-endian numbers, so that the order of
//! the bytes is the order of the parts. Only the last part may hold NUL, for nothing follows it, and
//! one whose length stands before it.

use model::canonical::{IdentityKey, RecordId};
use model::store::{Lane, LaneKind};
use model::task::TaskId;
use model::{ConnectionId, RunId, TenantId, Timestamp};

use super::Cursor;

const END: u8 = 0;

/// Everything of a tenant.
pub(crate) fn tenant(tenant: &TenantId) -> Vec<u8> {
    let mut key = Vec::with_capacity(tenant.as_str().len() + 1);
    push_name(&mut key, tenant.as_str());
    key
}

/// Everything of a connection.
pub(crate) fn connection(tenant: &TenantId, connection: &ConnectionId) -> Vec<u8> {
    let mut key = self::tenant(tenant);
    push_name(&mut key, connection.as_str());
    key
}

/// One connection, where the key has no further part.
pub(crate) fn connection_row(tenant: &TenantId, connection: &ConnectionId) -> Vec<u8> {
    with(self::tenant(tenant), connection.as_str().as_bytes())
}

/// One run.
pub(crate) fn run(tenant: &TenantId, connection: &ConnectionId, run: RunId) -> Vec<u8> {
    with(self::connection(tenant, connection), &run.0.to_be_bytes())
}

/// One run among those of its tenant, by the instant it began.
pub(crate) fn start(
    tenant: &TenantId,
    at: Timestamp,
    connection: &ConnectionId,
    run: RunId,
) -> Vec<u8> {
    let mut key = self::tenant(tenant);
    key.extend_from_slice(&instant(at));
    key.extend_from_slice(&run.0.to_be_bytes());
    with(key, connection.as_str().as_bytes())
}

/// The run that a key of [`start`] names.
pub(crate) fn started(tenant: &TenantId, key: &[u8]) -> Option<(ConnectionId, RunId)> {
    let mut rest = Cursor(key);
    rest.take(tenant.as_str().len() + 1)?;
    rest.array::<8>()?;
    let run = RunId(u64::from_be_bytes(rest.array()?));
    let connection = std::str::from_utf8(rest.0).ok()?.parse().ok()?;
    Some((connection, run))
}

/// One task.
pub(crate) fn task(tenant: &TenantId, task: &TaskId) -> Vec<u8> {
    with(self::tenant(tenant), task.as_str().as_bytes())
}

/// One task among those of all tenants, by the instant it is due.
pub(crate) fn due_task(at: Timestamp, tenant: &TenantId, task: &TaskId) -> Vec<u8> {
    with(instant(at).to_vec(), &self::task(tenant, task))
}

/// The key of the task that a key of [`due_task`] names.
pub(crate) fn task_of_due(key: &[u8]) -> Option<&[u8]> {
    key.get(size_of::<u64>()..)
}

/// The first key behind all that begin with this instant or an earlier one.
pub(crate) fn due_behind(at: Timestamp) -> Vec<u8> {
    behind(&instant(at))
}

/// An instant, to the microsecond.
pub(crate) fn instant(at: Timestamp) -> [u8; 8] {
    // The flipped sign bit makes the order of the bytes the order of the numbers.
    (at.as_microsecond().cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

/// One lane.
pub(crate) fn lane(tenant: &TenantId, connection: &ConnectionId, lane: &Lane) -> Vec<u8> {
    let mut key = self::connection(tenant, connection);
    push_name(&mut key, &lane.entity);
    key.push(match lane.kind {
        LaneKind::Records => 0,
        LaneKind::Deletions => 1,
        LaneKind::Recent => 2,
    });
    if let Some(part) = &lane.part {
        // Tells an empty part from none.
        key.push(1);
        key.extend_from_slice(part.as_bytes());
    }
    key
}

/// The members of a lane, records and what is recent alike.
pub(crate) fn members(tenant: &TenantId, connection: &ConnectionId, lane: &Lane) -> Vec<u8> {
    let mut key = self::connection(tenant, connection);
    push_name(&mut key, &lane.entity);
    // A part may hold any byte, so its length goes before it; none is told from an empty one.
    let part = lane.part.as_deref();
    let length = part.map_or(0, |part| part.len() + 1);
    key.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
    with(key, part.unwrap_or_default().as_bytes())
}

/// Entity and id of a record's key, whose first `prefix` bytes are its connection.
pub(crate) fn names(key: &[u8], prefix: usize) -> Option<(&str, &str)> {
    let rest = key.get(prefix..)?;
    let end = rest.iter().position(|&byte| byte == END)?;
    let (entity, id) = rest.split_at_checked(end)?;
    Some((std::str::from_utf8(entity).ok()?, std::str::from_utf8(id.get(1..)?).ok()?))
}

/// Connection, entity and id of a record's key of this tenant.
pub(crate) fn record(tenant: &TenantId, key: &[u8]) -> Option<(ConnectionId, String, String)> {
    let start = tenant.as_str().len() + 1;
    let rest = key.get(start..)?;
    let end = rest.iter().position(|&byte| byte == END)?;
    let connection = std::str::from_utf8(rest.get(..end)?).ok()?.parse().ok()?;
    let (entity, id) = names(rest, end + 1)?;
    Some((connection, entity.to_owned(), id.to_owned()))
}

/// All records of an entity of a connection.
pub(crate) fn entity(tenant: &TenantId, connection: &ConnectionId, entity: &str) -> Vec<u8> {
    let mut key = self::connection(tenant, connection);
    push_name(&mut key, entity);
    key
}

/// One canonical record.
pub(crate) fn canonical(tenant: &TenantId, id: RecordId) -> Vec<u8> {
    with(self::tenant(tenant), id.as_bytes())
}

/// All canonical records of a type.
pub(crate) fn record_type(tenant: &TenantId, name: &str) -> Vec<u8> {
    let mut key = self::tenant(tenant);
    push_name(&mut key, name);
    key
}

/// All canonical records that are known by an identity.
pub(crate) fn identity(tenant: &TenantId, identity: IdentityKey) -> Vec<u8> {
    with(self::tenant(tenant), identity.as_bytes())
}

/// The canonical record at the end of a key.
pub(crate) fn record_id(key: &[u8]) -> Option<RecordId> {
    key.last_chunk().map(|bytes| RecordId::from_bytes(*bytes))
}

/// The number at the end of a key.
pub(crate) fn number(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The key with one more part.
pub(crate) fn with(mut key: Vec<u8>, last: &[u8]) -> Vec<u8> {
    key.extend_from_slice(last);
    key
}

/// The first key behind all that begin with `prefix`.
pub(crate) fn behind(prefix: &[u8]) -> Vec<u8> {
    let mut key = prefix.to_vec();
    while let Some(last) = key.pop() {
        if let Some(next) = last.checked_add(1) {
            key.push(next);
            break;
        }
    }
    key
}

/// Appends a name that ends in NUL; the caller has checked that it holds none.
pub(crate) fn push_name(key: &mut Vec<u8>, name: &str) {
    key.extend_from_slice(name.as_bytes());
    key.push(END);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record_key(names: &(String, String, String, String)) -> Vec<u8> {
        let mut key = connection(&names.0.parse().unwrap(), &names.1.parse().unwrap());
        push_name(&mut key, &names.2);
        with(key, names.3.as_bytes())
    }

    prop_compose! {
        fn four_names()(
            tenant in "[a-c][a-c.]{0,2}",
            connection in "[a-c][a-c-]{0,2}",
            entity in "[a-c\u{1}é]{1,3}",
            id in "[a-c\u{0}\u{1}é]{1,3}",
        ) -> (String, String, String, String) {
            (tenant, connection, entity, id)
        }
    }

    proptest! {
        #[test]
        fn keys_are_unambiguous_and_keep_the_order_of_their_parts(a in four_names(), b in four_names()) {
            prop_assert_eq!(record_key(&a).cmp(&record_key(&b)), a.cmp(&b));
        }

        #[test]
        fn record_key_splits_into_what_it_was_made_of(names in four_names()) {
            let (connection, entity, id) =
                record(&names.0.parse().unwrap(), &record_key(&names)).unwrap();
            prop_assert_eq!((connection.as_str(), entity, id), (&*names.1, names.2, names.3));
        }

        #[test]
        fn arbitrary_keys_do_not_panic(key: Vec<u8>, prefix: usize) {
            let tenant = "acme".parse().unwrap();
            drop((record(&tenant, &key), started(&tenant, &key), names(&key, prefix)));
        }

        #[test]
        fn behind_comes_after_all_that_begin_with_the_prefix(
            prefix in prop::collection::vec(any::<u8>(), 1..4), tail: Vec<u8>,
        ) {
            prop_assume!(prefix.iter().any(|&byte| byte != u8::MAX));
            prop_assert!(with(prefix.clone(), &tail) < behind(&prefix));
            prop_assert!(behind(&prefix) > prefix);
        }
    }

    #[test]
    fn runs_are_ordered_by_their_start_before_1970_too() {
        let (tenant, hub) = ("acme".parse().unwrap(), "hub".parse().unwrap());
        let key = |second| start(&tenant, Timestamp::new(second, 0).unwrap(), &hub, RunId(7));
        assert!(key(-5) < key(-1) && key(-1) < key(0) && key(0) < key(5));
        assert_eq!(started(&tenant, &key(-5)), Some((hub.clone(), RunId(7))));
    }
}
