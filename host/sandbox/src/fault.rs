//! How a call ends when the guest does not end it: one classified error.

use std::time::Duration;

use model::{Error, ErrorKind};
use wasmtime::Trap;

use crate::limits::{Limits, MESSAGE_BYTES_MAX, RANDOM_BYTES_MAX};
use crate::log::shown;

/// A limit that the host enforces by ending the call.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the CPU budget is used up")]
    Cpu,
    #[error("too many calls of host functions")]
    HostCalls,
    #[error("too many random bytes at once")]
    Random,
}

/// Marks what went wrong while an instance was made, before any of its code ran.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("making the instance")]
pub(crate) struct Making;

/// The error of a component that the engine has no room for, in the engine's own words.
pub(crate) fn does_not_fit(error: &wasmtime::Error) -> Error {
    exhausted(
        "sandbox.needs",
        format!(
            "the component does not fit this host: {}; build it smaller",
            shown(&error.root_cause().to_string(), MESSAGE_BYTES_MAX)
        ),
    )
}

/// Turns what wasmtime reports into the error of the call.
pub(crate) fn classify(error: &wasmtime::Error, limits: &Limits, memory_denied: bool) -> Error {
    if let Some(fault) = error.downcast_ref::<Fault>() {
        return limit(*fault, limits);
    }
    if is_transfer(error) {
        return exhausted(
            "sandbox.list-size",
            format!(
                "the adapter handed over more than {} MiB at once: return smaller pages, or spans \
                 instead of copies",
                limits.transfer_bytes >> 20
            ),
        );
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => limit(Fault::Cpu, limits),
        Some(Trap::StackOverflow) => exhausted(
            "sandbox.stack",
            "the adapter recursed too deep: its stack is used up".to_owned(),
        ),
        None if error.downcast_ref::<Making>().is_some() => does_not_fit(error),
        // A guest that gets no memory traps by itself a moment later.
        _ if memory_denied => exhausted(
            "sandbox.memory",
            format!(
                "the adapter needs more than {} MiB of memory: raise memory_mib in [budget], or \
                 work on smaller pages",
                limits.memory_bytes >> 20
            ),
        ),
        Some(trap) => {
            let message = format!("the adapter crashed: {}", describe(*trap));
            Error::new(ErrorKind::Other, "sandbox.trap", message)
        }
        None if error.downcast_ref::<wasmtime_wasi::I32Exit>().is_some() => {
            Error::new(ErrorKind::Other, "sandbox.trap", "the adapter ended its process")
        }
        None => {
            let message = "the adapter returned what its contract does not allow: rebuild it with \
                           the current SDK";
            Error::new(ErrorKind::Malformed, "sandbox.abi", message)
        }
    }
}

/// The error of a call that ran out of wall time.
pub(crate) fn timed_out(wall: Duration) -> Error {
    Error::new(
        ErrorKind::Timeout,
        "sandbox.wall",
        format!(
            "the call took longer than {} s: raise wall_s in [budget], or read smaller pages",
            wall.as_secs_f32()
        ),
    )
}

fn limit(fault: Fault, limits: &Limits) -> Error {
    match fault {
        Fault::Cpu => exhausted(
            "sandbox.cpu",
            format!(
                "the adapter used more than {} ms of CPU in one call: raise cpu_ms in [budget], or read \
             smaller pages",
                limits.cpu.as_millis()
            ),
        ),
        Fault::HostCalls => exhausted(
            "sandbox.host-calls",
            format!(
                "the adapter called the host more than {} times in one call",
                limits.host_calls
            ),
        ),
        Fault::Random => exhausted(
            "sandbox.random",
            format!("the adapter asked for more than {RANDOM_BYTES_MAX} random bytes at once"),
        ),
    }
}

fn exhausted(code: &str, message: String) -> Error {
    Error::new(ErrorKind::BudgetExhausted, code, message)
}

/// Whether the guest handed over too much at once. Wasmtime keeps that error's type to itself, so
/// only its name is left to go by; under another name it would be reported as `sandbox.abi`.
fn is_transfer(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| format!("{cause:?}") == "HostcallFuelExhausted")
}

fn describe(trap: Trap) -> String {
    match trap {
        Trap::UnreachableCodeReached => "it panicked or aborted".to_owned(),
        Trap::MemoryOutOfBounds => "it left its memory, or recursed too deep".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: &wasmtime::Error, code: &str, word: &str) {
        let error = classify(error, &Limits::default(), false);
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(word), "{error}");
    }

    #[test]
    fn instance_that_cannot_be_made_is_told_from_an_answer_that_cannot_be_read() {
        let refusal = || wasmtime::format_err!("17 instances, at most 16 fit");
        check(&refusal().context(Making), "sandbox.needs", "17 instances, at most 16 fit");
        check(&refusal(), "sandbox.abi", "current SDK");
        // Start functions are code of the guest.
        check(&wasmtime::Error::from(Fault::Cpu).context(Making), "sandbox.cpu", "CPU");
        check(&wasmtime::Error::from(Trap::StackOverflow).context(Making), "sandbox.stack", "deep");
    }
}
