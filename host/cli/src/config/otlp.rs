//! `[otlp]`: the collector that figures and spans are sent to.

use std::time::Duration;

use anyhow::{Result, ensure};
use engine::otlp::Endpoint;
use serde::Deserialize;

/// The shortest time between exports, in seconds: figures change little in less.
const INTERVAL_S_MIN: u32 = 5;

/// The longest: collectors take a sender that is silent for longer for gone.
const INTERVAL_S_MAX: u32 = 600;

/// A collector.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Otlp {
    /// Where it takes OTLP over HTTP, without the path of a signal.
    pub(crate) endpoint: Endpoint,
    /// Seconds between exports.
    #[serde(default = "interval_s")]
    interval_s: u32,
}

/// Collectors and charts mostly count in half minutes.
fn interval_s() -> u32 {
    30
}

impl Otlp {
    /// The time between exports.
    pub(crate) fn every(&self) -> Duration {
        Duration::from_secs(self.interval_s.into())
    }

    pub(super) fn check(&self) -> Result<()> {
        ensure!(
            (INTERVAL_S_MIN..=INTERVAL_S_MAX).contains(&self.interval_s),
            "otlp.interval_s = {} is out of range: write {INTERVAL_S_MIN} to {INTERVAL_S_MAX}",
            self.interval_s
        );
        Ok(())
    }
}
