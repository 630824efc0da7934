//! Keys of the queues, built like all others (see [`crate::codec::key`]).

use model::queue::{JobId, LeaseRef, NewJob, PauseScope, Queue};
use model::{ConnectionId, TenantId, Timestamp};

use crate::codec::Cursor;
use crate::codec::key::{push_name, tenant, with};

/// One session of one queue.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Line {
    pub(super) tenant: TenantId,
    pub(super) queue: Queue,
    pub(super) session: String,
}

impl Line {
    pub(super) fn of(lease: &LeaseRef) -> Self {
        Self { tenant: lease.tenant.clone(), queue: lease.queue, session: lease.session.clone() }
    }

    pub(super) fn of_job(job: &NewJob) -> Self {
        Self { tenant: job.tenant.clone(), queue: job.queue, session: job.session.clone() }
    }

    /// Its row, and what the keys of its jobs begin with.
    pub(super) fn key(&self) -> Vec<u8> {
        let mut key = queue(&self.tenant, self.queue);
        push_name(&mut key, &self.session);
        key
    }

    /// A job in it.
    pub(super) fn job(&self, number: i64) -> Vec<u8> {
        with(self.key(), &(number.cast_unsigned() ^ (1 << 63)).to_be_bytes())
    }
}

/// The queue of a key of [`queue`].
pub(super) fn queue_of(key: &[u8]) -> Option<Queue> {
    let byte = key.last()?;
    Queue::ALL.into_iter().find(|queue| code(*queue) == *byte)
}

/// Reads a key of [`Line::key`].
pub(super) fn line(key: &[u8]) -> Option<Line> {
    let mut rest = Cursor(key);
    let tenant = name(&mut rest)?.parse().ok()?;
    let queue = queue_of(&[rest.byte()?])?;
    Some(Line { tenant, queue, session: name(&mut rest)?.to_owned() })
}

/// The number of a key of [`Line::job`].
pub(super) fn number(key: &[u8]) -> Option<i64> {
    let number = crate::codec::key::number(key)?;
    Some((number ^ (1 << 63)).cast_signed())
}

/// What is skipped or paused as one: the sessions of a connection that one package works off.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Group {
    pub(super) queue: Queue,
    pub(super) tenant: TenantId,
    pub(super) package: Option<String>,
    pub(super) connection: Option<ConnectionId>,
}

impl Group {
    /// What the keys of its sessions begin with.
    pub(super) fn key(&self) -> Vec<u8> {
        let mut key = package(self.queue, &self.tenant, self.package.as_deref());
        push_name(&mut key, self.connection.as_ref().map_or("", ConnectionId::as_str));
        key
    }

    /// A session of it in the order of what is ready.
    pub(super) fn ready(&self, due: Timestamp, session: &str) -> Vec<u8> {
        let mut key = self.key();
        key.extend_from_slice(&instant(due));
        with(key, session.as_bytes())
    }

    /// Itself among the connections of its package.
    pub(super) fn head(&self, due: Timestamp) -> Vec<u8> {
        let mut key = package(self.queue, &self.tenant, self.package.as_deref());
        key.extend_from_slice(&instant(due));
        with(key, self.connection.as_ref().map_or("", ConnectionId::as_str).as_bytes())
    }
}

/// What a key of [`Group::head`] says.
pub(super) struct Head {
    pub(super) group: Group,
    pub(super) due: Timestamp,
}

/// Reads a key of [`Group::head`].
pub(super) fn head(queue: Queue, key: &[u8]) -> Option<Head> {
    let mut rest = Cursor(key);
    rest.byte().filter(|&byte| byte == code(queue))?;
    let tenant = name(&mut rest)?.parse().ok()?;
    let package = name(&mut rest)?;
    let due = read_instant(&mut rest)?;
    let connection = std::str::from_utf8(rest.0).ok()?;
    let connection = if connection.is_empty() { None } else { Some(connection.parse().ok()?) };
    let package = (!package.is_empty()).then(|| package.to_owned());
    Some(Head { group: Group { queue, tenant, package, connection }, due })
}

/// Due and session of a key of [`Group::ready`], whose first `prefix` bytes are its group.
pub(super) fn ready(key: &[u8], prefix: usize) -> Option<(Timestamp, &str)> {
    let mut rest = Cursor(key.get(prefix..)?);
    let due = read_instant(&mut rest)?;
    Some((due, std::str::from_utf8(rest.0).ok()?))
}

/// The package of a key of [`Group::ready`], whose first `prefix` bytes are its tenant.
pub(super) fn ready_package(key: &[u8], prefix: usize) -> Option<&str> {
    name(&mut Cursor(key.get(prefix..)?))
}

/// Everything of a queue in the order of what becomes due.
pub(super) fn due(queue: Queue) -> Vec<u8> {
    vec![code(queue)]
}

/// Everything of a tenant in it.
pub(super) fn due_tenant(queue: Queue, tenant: &TenantId) -> Vec<u8> {
    let mut key = due(queue);
    push_name(&mut key, tenant.as_str());
    key
}

/// Everything of a package of a tenant in it.
pub(super) fn package(queue: Queue, tenant: &TenantId, package: Option<&str>) -> Vec<u8> {
    let mut key = due_tenant(queue, tenant);
    push_name(&mut key, package.unwrap_or_default());
    key
}

/// Everything of a queue of a tenant.
pub(super) fn queue(tenant: &TenantId, queue: Queue) -> Vec<u8> {
    with(self::tenant(tenant), &[code(queue)])
}

/// One dedupe key.
pub(super) fn dedupe(tenant: &TenantId, queue: Queue, key: &str) -> Vec<u8> {
    with(self::queue(tenant, queue), key.as_bytes())
}

/// One dedupe key among those that end by themselves.
pub(super) fn dedupe_end(end: Timestamp, dedupe: &[u8]) -> Vec<u8> {
    with(instant(end).to_vec(), dedupe)
}

/// End and dedupe key of a key of [`dedupe_end`].
pub(super) fn ended(key: &[u8]) -> Option<(Timestamp, &[u8])> {
    let mut rest = Cursor(key);
    Some((read_instant(&mut rest)?, rest.0))
}

/// One dead letter.
pub(super) fn letter(tenant: &TenantId, job: JobId) -> Vec<u8> {
    with(self::tenant(tenant), &job.0.to_be_bytes())
}

/// One pause.
pub(super) fn pause(tenant: &TenantId, scope: &PauseScope) -> Vec<u8> {
    let mut key = self::tenant(tenant);
    match scope {
        PauseScope::Queue(queue) => key.extend_from_slice(&[1, code(*queue)]),
        PauseScope::Session(queue, session) => {
            key.extend_from_slice(&[2, code(*queue)]);
            key.extend_from_slice(session.as_bytes());
        }
        PauseScope::Connection(connection) => {
            key.push(3);
            key.extend_from_slice(connection.as_str().as_bytes());
        }
        PauseScope::Unauthorised(connection) => {
            key.push(4);
            key.extend_from_slice(connection.as_str().as_bytes());
        }
        PauseScope::Package(package) => {
            key.push(5);
            key.extend_from_slice(package.as_bytes());
        }
    }
    key
}

/// Never changes: it lies in keys on the disk.
fn code(queue: Queue) -> u8 {
    match queue {
        Queue::InboundWebhook => 1,
        Queue::InboundScheduled => 2,
        Queue::Outbound => 3,
        Queue::Delivery => 4,
    }
}

/// An instant to the nanosecond; the flipped sign bit makes the order of the bytes that of time.
fn instant(at: Timestamp) -> [u8; 16] {
    (at.as_nanosecond().cast_unsigned() ^ (1 << 127)).to_be_bytes()
}

fn read_instant(rest: &mut Cursor<'_>) -> Option<Timestamp> {
    let nanosecond = u128::from_be_bytes(rest.array()?) ^ (1 << 127);
    Timestamp::from_nanosecond(nanosecond.cast_signed()).ok()
}

fn name<'a>(rest: &mut Cursor<'a>) -> Option<&'a str> {
    let end = rest.0.iter().position(|&byte| byte == 0)?;
    let name = rest.take(end)?;
    rest.byte()?;
    std::str::from_utf8(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn group(package: Option<&str>, connection: Option<&str>) -> Group {
        Group {
            queue: Queue::Outbound,
            tenant: "acme".parse().unwrap(),
            package: package.map(str::to_owned),
            connection: connection.map(|name| name.parse().unwrap()),
        }
    }

    #[test]
    fn heads_of_a_package_are_ordered_by_time_before_1970_too() {
        let group = group(Some("acme/hub"), Some("hub"));
        let key = |second| group.head(Timestamp::new(second, 5).unwrap());
        assert!(key(-2) < key(-1) && key(-1) < key(0) && key(0) < key(9));
        assert!(key(-9).starts_with(&package(Queue::Outbound, &group.tenant, Some("acme/hub"))));
    }

    #[test]
    fn keys_say_what_they_were_made_of() {
        for group in [group(Some("a/b"), Some("hub")), group(None, None), group(None, Some("x"))] {
            for at in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
                let found = head(Queue::Outbound, &group.head(at)).unwrap();
                assert_eq!((found.group, found.due), (group.clone(), at));
                let key = group.ready(at, "deal/7");
                assert_eq!(ready(&key, group.key().len()), Some((at, "deal/7")));
                assert_eq!(ended(&dedupe_end(at, b"key")), Some((at, &b"key"[..])));
            }
        }
        let tenant: TenantId = "acme".parse().unwrap();
        for queue in Queue::ALL {
            let session = "deal/7".to_owned();
            let line = Line { tenant: tenant.clone(), queue, session };
            assert_eq!(self::line(&line.key()), Some(line));
        }
        assert!(head(Queue::Delivery, &group(None, None).head(Timestamp::MIN)).is_none());
    }

    proptest! {
        #[test]
        fn arbitrary_keys_do_not_panic(key: Vec<u8>, prefix: usize) {
            drop((head(Queue::Outbound, &key), ready(&key, prefix), ended(&key)));
        }
    }
}
