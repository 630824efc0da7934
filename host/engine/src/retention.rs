//! Forgetting history that need not be kept.

use model::retention::{Retention, Swept};
use model::store::StoreError;

/// Rows in one step; between two steps others write.
const ROWS: usize = 500;

/// Steps of one sweep of either kind, so that it ends whatever has piled up. The next sweep begins
/// again from the oldest.
const STEPS_MAX: usize = 200;

/// Sweeps runs and events; how many rows it has removed.
pub async fn sweep(store: &dyn Retention) -> Result<u64, StoreError> {
    let mut removed = 0;
    let mut after = None;
    for _ in 0..STEPS_MAX {
        let Swept { removed: count, next } = store.sweep_runs(after, ROWS).await?;
        removed += count;
        after = next;
        if after.is_none() {
            break;
        }
    }
    let mut after = None;
    for _ in 0..STEPS_MAX {
        let Swept { removed: count, next } = store.sweep_events(after, ROWS).await?;
        removed += count;
        after = next;
        if after.is_none() {
            break;
        }
    }
    Ok(removed)
}
