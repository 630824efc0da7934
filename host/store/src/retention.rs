//! Forgetting history that need not be kept, a bounded step at a time.

mod access;
mod events;
mod runs;

use async_trait::async_trait;
use model::hex;
use model::retention::{Retention, Swept};
use model::store::StoreError;

use crate::{Store, check};

/// Rows that one step may look at: a millisecond or two of the writer.
const STEP_MAX: usize = 1_000;

/// With fewer a step might get nowhere: a run is a few rows.
const STEP_MIN: usize = 10;

#[async_trait]
impl Retention for Store {
    async fn sweep_runs(&self, after: Option<String>, limit: usize) -> Result<Swept, StoreError> {
        let (now, from) = (self.clock().now(), place(after)?);
        self.write(runs::Sweep { now, from, limit: limit.clamp(STEP_MIN, STEP_MAX) }).await
    }

    async fn sweep_events(&self, after: Option<String>, limit: usize) -> Result<Swept, StoreError> {
        let (now, from) = (self.clock().now(), place(after)?);
        self.write(events::Sweep { now, from, limit: limit.clamp(STEP_MIN, STEP_MAX) }).await
    }

    async fn sweep_accesses(
        &self,
        after: Option<String>,
        limit: usize,
    ) -> Result<Swept, StoreError> {
        let (now, from) = (self.clock().now(), place(after)?);
        self.write(access::Sweep { now, from, limit: limit.clamp(STEP_MIN, STEP_MAX) }).await
    }
}

/// The key at which a step goes on.
fn place(after: Option<String>) -> Result<Vec<u8>, StoreError> {
    hex::decode(after.unwrap_or_default().as_bytes())
        .ok_or_else(|| check::invalid("`after` is not where a step ended; pass `next` unchanged"))
}

/// The tenant that a key begins with, as the prefix of all its keys.
fn tenant_prefix(key: &[u8]) -> &[u8] {
    let end = key.iter().position(|&byte| byte == 0).map_or(key.len(), |end| end + 1);
    key.get(..end).unwrap_or_default()
}
