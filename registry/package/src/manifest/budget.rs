//! `[budget]`: limits asked for, per call; the operator may grant less.

use serde::{Deserialize, Serialize};

/// What one call may spend.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// CPU time in milliseconds.
    pub cpu_ms: u32,
    /// Linear memory in MiB.
    pub memory_mib: u32,
    /// Wall time in seconds.
    pub wall_s: u32,
    /// HTTP requests.
    pub http_calls: u32,
    /// Bytes of responses in MiB.
    pub response_mib: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { cpu_ms: 200, memory_mib: 64, wall_s: 60, http_calls: 100, response_mib: 16 }
    }
}
