//! `[budget]`: limits asked for, per call; the operator may grant less.

use serde::{Deserialize, Serialize};

use crate::document::{Decode, FileError, Item};

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

/// The most that a manifest may ask for of each: an hour of wall time, what 32-bit memory can
/// address, and numbers beyond which a typing error is likelier than a need.
const BUDGET_MAX: Budget = Budget {
    cpu_ms: 60_000,
    memory_mib: 4096,
    wall_s: 3600,
    http_calls: 10_000,
    response_mib: 1024,
};

impl Budget {
    /// The keys with what they hold, in the order of the documentation.
    pub(crate) fn entries(&self) -> [(&'static str, u32); 5] {
        [
            ("cpu_ms", self.cpu_ms),
            ("memory_mib", self.memory_mib),
            ("wall_s", self.wall_s),
            ("http_calls", self.http_calls),
            ("response_mib", self.response_mib),
        ]
    }
}

impl Decode for Budget {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let absent = Self::default();
        let budget = Self {
            cpu_ms: table.or("cpu_ms", absent.cpu_ms)?,
            memory_mib: table.or("memory_mib", absent.memory_mib)?,
            wall_s: table.or("wall_s", absent.wall_s)?,
            http_calls: table.or("http_calls", absent.http_calls)?,
            response_mib: table.or("response_mib", absent.response_mib)?,
        };
        for ((key, asked), (_, most)) in budget.entries().into_iter().zip(BUDGET_MAX.entries()) {
            // No calls at all is a budget: an adapter may only handle deliveries.
            if asked > most || asked == 0 && key != "http_calls" {
                let help = format!("write a number from 1 to {most}");
                return Err(table.complain_at(key, format!("`{key}` is {asked}"), help));
            }
        }
        table.finish()?;
        Ok(budget)
    }
}
