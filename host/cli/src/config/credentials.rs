//! `[credentials]` and `[app."publisher/id"]`: registrations of this host at providers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use engine::credential::IDLE_DAYS_DEFAULT;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The longest idle time: ten years are never.
const IDLE_DAYS_MAX: u32 = 3_650;

/// What holds for all credentials.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    /// Days after which a grant that nothing has used is suspended; 0 for never.
    #[serde(default = "idle_days")]
    idle_days: u32,
}

fn idle_days() -> u32 {
    IDLE_DAYS_DEFAULT
}

impl Default for Credentials {
    fn default() -> Self {
        Self { idle_days: idle_days() }
    }
}

impl Credentials {
    /// How long a grant may lie unused; nothing for as long as it likes.
    pub(crate) fn idle_max(&self) -> Option<Duration> {
        let hours = u64::from(self.idle_days) * 24;
        (hours > 0).then(|| Duration::from_hours(hours))
    }

    pub(super) fn check(&self) -> Result<()> {
        ensure!(
            self.idle_days <= IDLE_DAYS_MAX,
            "credentials.idle_days = {} is out of range: write 0 to {IDLE_DAYS_MAX}",
            self.idle_days
        );
        Ok(())
    }
}

/// The registration of this host, for all tenants without one of their own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct App {
    /// The client id.
    pub(crate) client_id: String,
    /// The file with the client secret; relative to the data directory.
    pub(crate) client_secret_file: Option<PathBuf>,
    /// Another origin of the provider.
    pub(crate) origin: Option<String>,
    /// Refused, but known, so that the refusal does not show the line.
    client_secret: Option<IgnoredAny>,
}

pub(super) fn check(apps: &BTreeMap<String, App>) -> Result<()> {
    for (package, app) in apps {
        ensure!(
            app.client_secret.is_none(),
            "the client secret of {package} stands in the configuration, which is no place for \
             secrets: write client_secret_file = \"…\", or use `plughouse app set`, and have the \
             provider issue another secret if anybody else has read this file"
        );
    }
    Ok(())
}
