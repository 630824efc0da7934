//! One call of an adapter: what it may still use and what it has used.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use model::egress::{EgressCall, HttpUsage};
use model::{Error, ErrorKind};
use tracing::Level;

use crate::fault::Fault;
use crate::limits::Limits;
use crate::log::GuestLog;
use crate::meter::Meter;

/// What a call sees of its connection's door.
pub(crate) enum Door {
    /// The call belongs to no connection: there is no door, and no secret either.
    None,
    /// The call is pure: the door sends nothing and still takes secrets out of texts.
    Shut(Box<dyn EgressCall>),
    /// The way out.
    Open(Box<dyn EgressCall>),
}

impl Door {
    fn scrub(&self, text: &str) -> String {
        match self {
            Self::None => text.to_owned(),
            Self::Shut(door) | Self::Open(door) => door.scrub(text),
        }
    }
}

/// The budget, the door and the answers of the call that an instance is serving.
pub(crate) struct Call {
    door: Door,
    /// Bodies that spans may refer to, by id.
    bodies: BTreeMap<u64, Bytes>,
    /// The errors that the host has given to the guest. The host has few codes, so they are few.
    given: HashMap<(ErrorKind, String), Error>,
    log: GuestLog,
    meter: Arc<Meter>,
    cpu_max: Duration,
    host_calls: u64,
    host_calls_max: u64,
}

impl Call {
    pub(crate) fn new(limits: &Limits, door: Door, log: GuestLog) -> Self {
        Self {
            door,
            bodies: BTreeMap::new(),
            given: HashMap::new(),
            log,
            meter: Arc::default(),
            cpu_max: limits.cpu,
            host_calls: 0,
            host_calls_max: limits.host_calls,
        }
    }

    /// What polls of this call are charged to.
    pub(crate) fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Looks at what was used, once per tick.
    pub(crate) fn tick(&self) -> Result<(), Fault> {
        if self.meter.charge() > self.cpu_max {
            return Err(Fault::Cpu);
        }
        self.check_host_calls()
    }

    /// Counts one call of a host function. Where no error can be returned, the next tick ends a
    /// guest that has made too many.
    pub(crate) fn count_host_call(&mut self) {
        self.host_calls += 1;
    }

    /// Whether there were too many calls of host functions.
    pub(crate) fn check_host_calls(&self) -> Result<(), Fault> {
        if self.host_calls > self.host_calls_max { Err(Fault::HostCalls) } else { Ok(()) }
    }

    /// Writes a line of the guest's log.
    pub(crate) fn write_log(&mut self, level: Level, line: &str) {
        let door = &self.door;
        self.log.write(level, line, |text| door.scrub(text));
    }

    /// The way out, or why there is none.
    pub(crate) fn door(&self) -> Result<&dyn EgressCall, Error> {
        if let Door::Open(door) = &self.door {
            return Ok(door.as_ref());
        }
        let message = "`describe` and `handle` are pure: no requests, return a hint instead";
        Err(Error::new(ErrorKind::Denied, "sandbox.pure", message).detail("layer", "contract"))
    }

    /// Keeps a body for spans under an id that no other call of the session has used.
    pub(crate) fn keep(&mut self, id: u64, body: Bytes) {
        self.bodies.insert(id, body);
    }

    /// The part of a kept body that a span names.
    pub(crate) fn slice(&self, response: u64, offset: u32, length: u32) -> Option<Bytes> {
        let body = self.bodies.get(&response)?;
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        (end <= body.len()).then(|| body.slice(start..end))
    }

    /// Notes an error that the host gives to the guest.
    pub(crate) fn give(&mut self, error: &Error) {
        let known = self.given.entry((error.kind, error.code.clone()));
        let known = known.or_insert_with(|| error.clone());
        known.retry_after = known.retry_after.max(error.retry_after);
    }

    /// What the host has given to the guest in this call under a kind and code, with the longest
    /// wait that it had.
    pub(crate) fn given(&self, kind: ErrorKind, code: &str) -> Option<&Error> {
        self.given.get(&(kind, code.to_owned()))
    }

    /// What was spent on HTTP.
    pub(crate) fn http(&self) -> HttpUsage {
        if let Door::Open(door) = &self.door { door.usage() } else { HttpUsage::default() }
    }

    /// Takes the connection's secrets out of a text.
    pub(crate) fn scrub(&self, text: &str) -> String {
        self.door.scrub(text)
    }

    pub(crate) fn host_calls(&self) -> u64 {
        self.host_calls
    }

    /// Lets go of the answers and of the door when the call is over.
    pub(crate) fn close(&mut self) {
        self.door = Door::None;
        self.bodies = BTreeMap::new();
        self.given = HashMap::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(call: &Call, span: (u64, u32, u32), expected: Option<&[u8]>) {
        assert_eq!(call.slice(span.0, span.1, span.2).as_deref(), expected, "{span:?}");
    }

    #[test]
    fn host_calls_end_at_their_number() {
        let limits = Limits { host_calls: 2, ..Limits::default() };
        let mut call = Call::new(&limits, Door::None, GuestLog::default());
        let calls = [0; 3].map(|_| {
            call.count_host_call();
            call.check_host_calls()
        });
        assert_eq!(calls, [Ok(()), Ok(()), Err(Fault::HostCalls)]);
        assert_eq!(call.tick(), Err(Fault::HostCalls), "wherever they were counted");
    }

    #[test]
    fn span_lies_within_a_body_of_this_call() {
        let mut call = Call::new(&Limits::default(), Door::None, GuestLog::default());
        call.keep(7, Bytes::from_static(b"0123456789"));
        check(&call, (7, 2, 3), Some(b"234"));
        check(&call, (7, 0, 10), Some(b"0123456789"));
        check(&call, (7, 10, 0), Some(b""));
        check(&call, (7, 0, 11), None);
        check(&call, (7, u32::MAX, u32::MAX), None);
        check(&call, (8, 0, 1), None);
        check(&call, (1, 0, 1), None);
        check(&call, (0, 0, 1), None);
        call.close();
        check(&call, (7, 2, 3), None);
    }
}
