//! The configuration: one file, read in one place.
//!
//! A flag wins over the environment, the environment over the file, the file over the default.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// The configuration file's name in the data directory.
pub(crate) const FILE: &str = "config.toml";

/// What the file may say. Unknown keys are refused.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// Limits of adapter calls; what is absent keeps its default.
    #[serde(default)]
    pub(crate) limits: Limits,
    /// How long an adapter's instance lives.
    #[serde(default)]
    pub(crate) instances: Instances,
    /// More NAT64 prefixes (`/96`) whose embedded addresses are judged.
    #[serde(default)]
    pub(crate) nat64: Vec<std::net::Ipv6Addr>,
}

/// How long an adapter's instance lives.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Instances {
    /// One run of one connection at most.
    #[default]
    PerRun,
    /// One call.
    PerCall,
}

/// The most that one adapter call may use; a manifest may ask for less.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    cpu_ms: Option<u64>,
    wall_s: Option<u64>,
    memory_mib: Option<usize>,
    host_calls: Option<u64>,
    http_calls: Option<u32>,
    response_mib: Option<u64>,
    instances: Option<u32>,
}

impl Limits {
    /// These limits over the defaults.
    pub(crate) fn over(self, mut limits: sandbox::Limits) -> sandbox::Limits {
        let set = |value: Option<u64>, unit: fn(u64) -> Duration, field: &mut Duration| {
            *field = value.map_or(*field, unit);
        };
        set(self.cpu_ms, Duration::from_millis, &mut limits.cpu);
        set(self.wall_s, Duration::from_secs, &mut limits.wall);
        let memory = self.memory_mib.map(|mib| mib.saturating_mul(1 << 20));
        limits.memory_bytes = memory.unwrap_or(limits.memory_bytes);
        limits.host_calls = self.host_calls.unwrap_or(limits.host_calls);
        limits.http_calls = self.http_calls.unwrap_or(limits.http_calls);
        let response = self.response_mib.map(|mib| mib.saturating_mul(1 << 20));
        limits.response_bytes = response.unwrap_or(limits.response_bytes);
        limits.instances = self.instances.unwrap_or(limits.instances);
        limits
    }
}

/// An environment variable that a flag names.
#[expect(clippy::disallowed_methods, reason = "this is the place that the rule points to")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Reads the file; a missing default file is an empty one, a missing named file an error.
pub(crate) fn read(data: &Path, named: Option<&Path>) -> Result<File> {
    let path = named.map_or_else(|| data.join(FILE), PathBuf::from);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => {
            return Ok(File::default());
        }
        Err(error) => {
            return Err(error).with_context(|| format!("read configuration {}", path.display()));
        }
    };
    toml::from_str(&text).with_context(|| format!("read configuration {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, refused_with: Option<&str>) {
        match (toml::from_str::<File>(text), refused_with) {
            (Ok(_), None) => {}
            (Err(error), Some(part)) => assert!(error.to_string().contains(part), "{error}"),
            (outcome, _) => panic!("{text:?}: {outcome:?}"),
        }
    }

    #[test]
    fn file_is_strict() {
        check("", None);
        check("instances = \"per-call\"\n[limits]\ncpu_ms = 500\n", None);
        check("instances = \"pooled\"", Some("per-run"));
        check("[limits]\ncpu = 5", Some("unknown field `cpu`"));
        check("limit = 3", Some("unknown field `limit`"));
        check("nat64 = [\"10.0.0.1\"]", Some("invalid IPv6"));
    }
}
