//! One call of an adapter: what it may still use and what it has used.

use bytes::Bytes;
use model::egress::{EgressCall, HttpUsage};
use model::{Error, ErrorKind};
use tracing::Level;

use crate::engine::Ticks;
use crate::fault::Fault;
use crate::limits::Limits;
use crate::log::GuestLog;

/// The budget, the door and the answers of the call that an instance is serving.
pub(crate) struct Call {
    /// The way out; none for calls that are pure.
    door: Option<Box<dyn EgressCall>>,
    /// Bodies that spans may refer to, by id.
    bodies: Vec<Bytes>,
    log: GuestLog,
    ticks: Ticks,
    cpu_ticks: u64,
    cpu_ticks_max: u64,
    /// The epoch passed while the guest was waiting for us; its next tick is not its own.
    waited: bool,
    host_calls: u64,
    host_calls_max: u64,
}

impl Call {
    pub(crate) fn new(
        limits: &Limits,
        ticks: Ticks,
        door: Option<Box<dyn EgressCall>>,
        log: GuestLog,
    ) -> Self {
        Self {
            door,
            bodies: Vec::new(),
            log,
            ticks,
            cpu_ticks: 0,
            cpu_ticks_max: limits.cpu_ticks(),
            waited: false,
            host_calls: 0,
            host_calls_max: limits.host_calls,
        }
    }

    /// Counts one tick of the guest's CPU.
    pub(crate) fn tick(&mut self) -> Result<(), Fault> {
        if std::mem::take(&mut self.waited) {
            return Ok(());
        }
        self.cpu_ticks += 1;
        if self.cpu_ticks > self.cpu_ticks_max { Err(Fault::Cpu) } else { Ok(()) }
    }

    /// Counts one call of a host function.
    pub(crate) fn enter_host(&mut self) -> Result<(), Fault> {
        self.host_calls += 1;
        if self.host_calls > self.host_calls_max { Err(Fault::HostCalls) } else { Ok(()) }
    }

    /// Writes a line of the guest's log.
    pub(crate) fn write_log(&mut self, level: Level, line: &str) {
        let door = self.door.as_deref();
        let scrub = |text: &str| door.map_or_else(|| text.to_owned(), |door| door.scrub(text));
        self.log.write(level, line, scrub);
    }

    /// The tick at which the guest begins to wait for the host.
    pub(crate) fn pause(&self) -> u64 {
        self.ticks.now()
    }

    /// Ends a wait that began at `paused`: the ticks in between were not the guest's.
    pub(crate) fn resume(&mut self, paused: u64) {
        self.waited |= self.ticks.now() != paused;
    }

    /// The way out, or why there is none.
    pub(crate) fn door(&self) -> Result<&dyn EgressCall, Error> {
        self.door.as_deref().ok_or_else(|| {
            let message = "`describe` and `handle` are pure: no requests, return a hint instead";
            Error::new(ErrorKind::Denied, "sandbox.pure", message).detail("layer", "contract")
        })
    }

    /// Keeps a body for spans and tells its id.
    pub(crate) fn keep(&mut self, body: Bytes) -> u64 {
        self.bodies.push(body);
        u64::try_from(self.bodies.len()).unwrap_or(u64::MAX)
    }

    /// The part of a kept body that a span names.
    pub(crate) fn slice(&self, response: u64, offset: u32, length: u32) -> Option<Bytes> {
        let index = usize::try_from(response).ok()?.checked_sub(1)?;
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        let body = self.bodies.get(index)?;
        (end <= body.len()).then(|| body.slice(start..end))
    }

    /// What was spent on HTTP.
    pub(crate) fn http(&self) -> HttpUsage {
        self.door.as_deref().map(EgressCall::usage).unwrap_or_default()
    }

    /// Takes the connection's secrets out of a text.
    pub(crate) fn scrub(&self, text: &str) -> String {
        self.door.as_deref().map_or_else(|| text.to_owned(), |door| door.scrub(text))
    }

    pub(crate) fn cpu_ticks(&self) -> u64 {
        self.cpu_ticks
    }

    pub(crate) fn host_calls(&self) -> u64 {
        self.host_calls
    }

    /// Lets go of the answers and of the door when the call is over.
    pub(crate) fn close(&mut self) {
        self.door = None;
        self.bodies = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(call: &Call, span: (u64, u32, u32), expected: Option<&[u8]>) {
        assert_eq!(call.slice(span.0, span.1, span.2).as_deref(), expected, "{span:?}");
    }

    fn call(limits: Limits) -> Call {
        Call::new(&limits, Ticks::default(), None, GuestLog::default())
    }

    #[test]
    fn tick_during_a_wait_is_not_the_guests() {
        let ticks = Ticks::default();
        let mut call = Call::new(&Limits::default(), ticks.clone(), None, GuestLog::default());
        let paused = call.pause();
        ticks.advance();
        ticks.advance();
        call.resume(paused);
        call.tick().unwrap();
        assert_eq!(call.cpu_ticks(), 0, "the guest waited");
        call.tick().unwrap();
        assert_eq!(call.cpu_ticks(), 1, "the guest ran");
    }

    #[test]
    fn budgets_end_at_their_number() {
        let mut call =
            call(Limits { cpu: crate::limits::TICK * 2, host_calls: 2, ..Limits::default() });
        assert_eq!([call.tick(), call.tick(), call.tick()], [Ok(()), Ok(()), Err(Fault::Cpu)]);
        let calls = [call.enter_host(), call.enter_host(), call.enter_host()];
        assert_eq!(calls, [Ok(()), Ok(()), Err(Fault::HostCalls)]);
    }

    #[test]
    fn span_lies_within_a_body_of_this_call() {
        let mut call = call(Limits::default());
        let id = call.keep(Bytes::from_static(b"0123456789"));
        check(&call, (id, 2, 3), Some(b"234"));
        check(&call, (id, 0, 10), Some(b"0123456789"));
        check(&call, (id, 10, 0), Some(b""));
        check(&call, (id, 0, 11), None);
        check(&call, (id, u32::MAX, u32::MAX), None);
        check(&call, (id + 1, 0, 1), None);
        check(&call, (0, 0, 1), None);
        call.close();
        check(&call, (id, 2, 3), None);
    }
}
