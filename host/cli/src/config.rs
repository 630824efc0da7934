//! The configuration: one file, read in one place.
//!
//! A flag wins over the environment, the environment over the file, the file over the default.

mod limits;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use self::limits::Limits;

/// The configuration file's name in the data directory.
pub(crate) const FILE: &str = "config.toml";

/// What the file may say. Unknown keys are refused.
#[derive(Clone, Debug, Default, Deserialize)]
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

/// An environment variable that a flag names.
#[expect(clippy::disallowed_methods, reason = "this is the place that the rule points to")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The whole environment, but for what is not UTF-8.
pub(crate) fn variables() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
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
    parse(&text).with_context(|| format!("read configuration {}", path.display()))
}

fn parse(text: &str) -> Result<File> {
    let file: File = toml::from_str(text)?;
    file.limits.check()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, refused_with: Option<&str>) {
        match (parse(text), refused_with) {
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
        check("[limits]\ncpu_ms = 0", Some("limits.cpu_ms = 0 is out of range: write 5 to 600000"));
        check("[limits]\nmemory_mib = 9999999", Some("write 1 to 4096"));
        check("[limits]\nhttp_calls = -1", Some("http_calls = -1"));
        check("nat64 = [\"10.0.0.1\"]", Some("invalid IPv6"));
    }
}
