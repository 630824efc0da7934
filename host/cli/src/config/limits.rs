//! `[limits]`: every limit of the sandbox, each within bounds that make sense.

use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Deserialize;

/// The most that one adapter call may use; a manifest may ask for less.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    cpu_ms: Option<u64>,
    wall_s: Option<u64>,
    memory_mib: Option<u64>,
    host_calls: Option<u64>,
    http_calls: Option<u64>,
    response_mib: Option<u64>,
    request_mib: Option<u64>,
    transfer_mib: Option<u64>,
    instances: Option<u64>,
    component_mib: Option<u64>,
    compile_s: Option<u64>,
}

/// From one tick of the clock that budgets are measured with to ten minutes: longer is a hang.
const CPU_MS: RangeInclusive<u64> = 5..=600_000;
/// Up to an hour; longer waits are the engine's, which can persist them.
const WALL_S: RangeInclusive<u64> = 1..=3_600;
/// Up to all that a 32-bit guest can address.
const MEMORY_MIB: RangeInclusive<u64> = 1..=4_096;
/// Up to a thousand times the default.
const HOST_CALLS: RangeInclusive<u64> = 1..=10_000_000;
/// Up to a thousand times the default.
const HTTP_CALLS: RangeInclusive<u64> = 1..=100_000;
/// Bodies and results are held in memory while a call lasts.
const BYTES_MIB: RangeInclusive<u64> = 1..=1_024;
/// Each reserves 8 GiB of address space, of which there are 128 TiB.
const INSTANCES: RangeInclusive<u64> = 1..=10_000;
/// Compiling takes a hundred times the memory of the component.
const COMPONENT_MIB: RangeInclusive<u64> = 1..=256;
/// Up to ten minutes.
const COMPILE_S: RangeInclusive<u64> = 1..=600;

impl Limits {
    /// Refuses a value with which nothing works, or which limits nothing.
    pub(super) fn check(&self) -> Result<()> {
        for (key, value, range) in [
            ("cpu_ms", self.cpu_ms, CPU_MS),
            ("wall_s", self.wall_s, WALL_S),
            ("memory_mib", self.memory_mib, MEMORY_MIB),
            ("host_calls", self.host_calls, HOST_CALLS),
            ("http_calls", self.http_calls, HTTP_CALLS),
            ("response_mib", self.response_mib, BYTES_MIB),
            ("request_mib", self.request_mib, BYTES_MIB),
            ("transfer_mib", self.transfer_mib, BYTES_MIB),
            ("instances", self.instances, INSTANCES),
            ("component_mib", self.component_mib, COMPONENT_MIB),
            ("compile_s", self.compile_s, COMPILE_S),
        ] {
            let (low, high) = range.clone().into_inner();
            ensure!(
                value.is_none_or(|value| range.contains(&value)),
                "limits.{key} = {} is out of range: write {low} to {high}",
                value.unwrap_or_default()
            );
        }
        Ok(())
    }

    /// These limits over the defaults.
    pub(crate) fn over(self, limits: sandbox::Limits) -> sandbox::Limits {
        let millis = |value: Option<u64>, default| value.map_or(default, Duration::from_millis);
        let seconds = |value: Option<u64>, default| value.map_or(default, Duration::from_secs);
        let mebibytes = |value: Option<u64>, default: u64| value.map_or(default, |mib| mib << 20);
        sandbox::Limits {
            cpu: millis(self.cpu_ms, limits.cpu),
            wall: seconds(self.wall_s, limits.wall),
            memory_bytes: size(self.memory_mib, limits.memory_bytes),
            host_calls: self.host_calls.unwrap_or(limits.host_calls),
            http_calls: count(self.http_calls, limits.http_calls),
            response_bytes: mebibytes(self.response_mib, limits.response_bytes),
            request_bytes: mebibytes(self.request_mib, limits.request_bytes),
            transfer_bytes: size(self.transfer_mib, limits.transfer_bytes),
            instances: count(self.instances, limits.instances),
            component_bytes: size(self.component_mib, limits.component_bytes),
            compile: seconds(self.compile_s, limits.compile),
        }
    }
}

fn count(value: Option<u64>, default: u32) -> u32 {
    value.map_or(default, |value| u32::try_from(value).unwrap_or(u32::MAX))
}

fn size(mib: Option<u64>, default: usize) -> usize {
    mib.map_or(default, |mib| usize::try_from(mib << 20).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Limits {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn every_limit_can_be_set() {
        let limits = read(
            "cpu_ms = 50\nwall_s = 2\nmemory_mib = 3\nhost_calls = 4\nhttp_calls = 5\n\
             response_mib = 6\nrequest_mib = 7\ntransfer_mib = 8\ninstances = 9\n\
             component_mib = 10\ncompile_s = 11\n",
        );
        limits.check().unwrap();
        let expected = sandbox::Limits {
            cpu: Duration::from_millis(50),
            wall: Duration::from_secs(2),
            memory_bytes: 3 << 20,
            host_calls: 4,
            http_calls: 5,
            response_bytes: 6 << 20,
            request_bytes: 7 << 20,
            transfer_bytes: 8 << 20,
            instances: 9,
            component_bytes: 10 << 20,
            compile: Duration::from_secs(11),
        };
        assert_eq!(limits.over(sandbox::Limits::default()), expected);
    }

    #[test]
    fn absent_limits_keep_their_defaults_which_are_in_range() {
        let defaults = sandbox::Limits::default();
        assert_eq!(read("").over(defaults), defaults);
        read("cpu_ms = 2000\nmemory_mib = 64\nhost_calls = 10000\ninstances = 1000")
            .check()
            .unwrap();
    }
}
