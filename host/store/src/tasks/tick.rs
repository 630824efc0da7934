//! Ticks: jobs queued and tasks moved on, together.

use std::collections::BTreeSet;

use model::queue::{BATCH_MAX, Enqueued};
use model::store::StoreError;
use model::task::{Fence, Tick};
use model::{Clock, Timestamp};

use super::{find, lead, replace};
use crate::check;
use crate::queue::Ledger;
use crate::tables::Tables;
use crate::writer::Change;
use crate::writes::Writes;

/// Acts on ticks under a fence.
pub(super) struct Act {
    pub(super) fence: Fence,
    pub(super) ticks: Vec<Tick>,
    pub(super) clock: Clock,
}

impl Change for Act {
    type Answer = Vec<Option<Enqueued>>;

    const INTAKE: bool = true;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Self::Answer), StoreError> {
        let Self { fence, ticks, clock } = self;
        check::batch("ticks", ticks.len(), BATCH_MAX)?;
        lead::check(&tables.lead, fence)?;
        let now = clock.now();
        let mut ledger = Ledger::open(tables, now);
        let mut seen = BTreeSet::new();
        let mut answers = Vec::with_capacity(ticks.len());
        for tick in ticks {
            let first = seen.insert((tick.tenant.clone(), tick.task.clone()));
            answers.push(if first { act(&mut ledger, tables, tick, now)? } else { None });
        }
        Ok((ledger.close()?, answers))
    }
}

fn act(
    ledger: &mut Ledger<'_>,
    tables: &Tables<'_>,
    tick: Tick,
    now: Timestamp,
) -> Result<Option<Enqueued>, StoreError> {
    let Some(old) = find(&tables.tasks, &tick.tenant, &tick.task)? else { return Ok(None) };
    if old.revision != tick.revision || old.next_sync_at != Some(tick.due) {
        return Ok(None);
    }
    let queued = tick.job.map(|job| ledger.enqueue(job)).transpose()?;
    let mut task = old.clone();
    task.next_sync_at = tick.next;
    if let Some(Enqueued::New(_)) = queued {
        task.last_sync_at = Some(now);
    }
    replace(&mut ledger.writes, Some(&old), &task)?;
    Ok(queued)
}
