//! The configuration: one file, read in one place.
//!
//! A flag wins over the environment, the environment over the file, the file over the default.

mod credentials;
mod limits;
mod otlp;
mod server;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use serde::Deserialize;
use vault::WrapperConfig;

pub(crate) use self::credentials::App;
use self::credentials::Credentials;
use self::limits::Limits;
use self::otlp::Otlp;
pub(crate) use self::server::{Server, check_url};

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
    /// Who keeps the key of the secrets; without it a file of the data directory.
    pub(crate) vault: Option<WrapperConfig>,
    /// Who kept it before, as long as a change of it has not come to its end.
    #[serde(rename = "vault-before")]
    pub(crate) vault_before: Option<WrapperConfig>,
    /// What holds for all credentials.
    #[serde(default)]
    pub(crate) credentials: Credentials,
    /// How the API is reached.
    #[serde(default)]
    pub(crate) server: Server,
    /// Where figures and spans are sent; without it they are not.
    pub(crate) otlp: Option<Otlp>,
    /// Registrations at providers, by package.
    #[serde(default, rename = "app")]
    pub(crate) apps: BTreeMap<String, App>,
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
    let mut file =
        parse(&text).with_context(|| format!("read configuration {}", path.display()))?;
    for secret in file.apps.values_mut().filter_map(|app| app.client_secret_file.as_mut()) {
        *secret = data.join(&secret);
    }
    Ok(file)
}

fn parse(text: &str) -> Result<File> {
    let file: File = toml::from_str(text).map_err(|error| placed(&error, text))?;
    file.limits.check()?;
    file.credentials.check()?;
    file.server.check()?;
    file.otlp.as_ref().map_or(Ok(()), Otlp::check)?;
    credentials::check(&file.apps)?;
    Ok(file)
}

/// The error with the line and the key, but without what stands there: it may be what should not be
/// in the file at all.
fn placed(error: &toml::de::Error, text: &str) -> anyhow::Error {
    let message = without_text(error.message());
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else {
        return anyhow!("{message}");
    };
    let line = before.matches('\n').count();
    let key = text.lines().nth(line).and_then(|line| Some(line.split_once('=')?.0.trim()));
    let is_key = |key: &&str| key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let key = key.filter(is_key).map(|key| format!(", `{key}`")).unwrap_or_default();
    anyhow!("line {}{key}: {message}", line + 1)
}

/// The message without the text that it quotes, as it does where a number was expected.
fn without_text(message: &str) -> String {
    let Some((start, rest)) = message.split_once("string \"") else { return message.to_owned() };
    let end = rest.rfind("\", expected").map_or("", |at| rest.get(at + 1..).unwrap_or_default());
    format!("{start}text{end}")
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
        check(
            "[limits]\nhttp_calls = -1",
            Some("line 2, `http_calls`: invalid value: integer `-1`"),
        );
        check("nat64 = [\"10.0.0.1\"]", Some("invalid IPv6"));
        check("\n\nx = 1", Some("line 3, `x`: unknown field `x`"));
        check("[vault]\nkind = \"file\"\npath = \"k\"\n[vault-before]\nkind = \"file\"", None);
        check("[vault]\nkind = \"paper\"", Some("unknown variant `paper`"));
        check("[credentials]\nidle_days = 4000", Some("write 0 to 3650"));
        let otlp = "[otlp]\nendpoint = \"http://127.0.0.1:4318\"";
        check(otlp, None);
        check(&format!("{otlp}\ninterval_s = 1"), Some("write 5 to 600"));
        check("[otlp]\nendpoint = \"hunter2@host\"", Some("write scheme, host, port"));
        check("[otlp]\ninterval_s = 30", Some("missing field `endpoint`"));
    }

    #[test]
    fn secrets_in_the_file_are_refused_and_not_repeated() {
        let app = |line: &str| format!("[app.\"acme/desk\"]\nclient_id = \"c\"\n{line}\n");
        check(&app("client_secret_file = \"secret\"\norigin = \"http://localhost:1\""), None);
        check(&app(""), None);
        for line in [
            "client_secret = \"hunter2\"",
            "secret = \"hunter2\"",
            "client_secret = hunter2",
            "client_id = 5 # hunter2",
            "[credentials]\nidle_days = \"hunter2\"",
        ] {
            let text = format!("{:#}", parse(&app(line)).unwrap_err());
            assert!(!text.contains("hunter2"), "{text}");
        }
        check(&app("client_secret = \"hunter2\""), Some("write client_secret_file"));
    }

    #[test]
    fn unused_grants_are_suspended_after_a_month_unless_the_file_says_otherwise() {
        let idle =
            |text| parse(text).unwrap().credentials.idle_max().map(|max| max.as_secs() / 86_400);
        assert_eq!(idle(""), Some(30));
        assert_eq!(idle("[credentials]\nidle_days = 7"), Some(7));
        assert_eq!(idle("[credentials]\nidle_days = 0"), None);
    }
}
