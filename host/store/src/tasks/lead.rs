//! The lead: one row, and the fence that grows with it.

use std::time::Duration;

use model::store::{StoreError, StoreErrorKind};
use model::task::{Fence, LEAD_MAX};
use model::{Clock, Timestamp};
use redb::ReadTransaction;
use serde::{Deserialize, Serialize};

use crate::check;
use crate::codec::json;
use crate::disk::Disk as _;
use crate::tables::{Rows, Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;

/// The key of the row; there is one lead.
const KEY: &[u8] = b"lead";

#[derive(Deserialize, Serialize)]
struct Row {
    fence: Fence,
    holder: String,
    until: Timestamp,
}

/// Takes or keeps the lead.
pub(super) struct Take {
    pub(super) holder: String,
    pub(super) lease: Duration,
    pub(super) clock: Clock,
}

impl Change for Take {
    type Answer = Option<Fence>;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Option<Fence>), StoreError> {
        let Self { holder, lease, clock } = self;
        check::lead(&holder, lease)?;
        let now = clock.now();
        let after = |time| now.saturating_add(time).unwrap_or(Timestamp::MAX);
        let (end, longest) = (after(lease), after(LEAD_MAX));
        let old = row(&tables.lead)?;
        let fence = match old {
            // Nobody takes the lead for so long: the clock was set back.
            Some(old) if old.until > now && old.until <= longest => {
                if old.holder != holder {
                    return Ok((Writes::default(), None));
                }
                old.fence
            }
            Some(old) => Fence(old.fence.0.saturating_add(1)),
            None => Fence(1),
        };
        let mut writes = Writes::default();
        writes.put(Table::Lead, KEY, &json::encode(&Row { fence, holder, until: end })?);
        Ok((writes, Some(fence)))
    }
}

/// Refuses a fence that is not the newest.
pub(super) fn check(rows: &impl Rows, fence: Fence) -> Result<(), StoreError> {
    let newest = row(rows)?.map(|row| row.fence);
    if newest == Some(fence) {
        return Ok(());
    }
    let message = match newest {
        Some(newest) => format!(
            "the lead number {} is over: number {} has begun; take the lead again",
            fence.0, newest.0
        ),
        None => "nobody has the lead; take it first".to_owned(),
    };
    Err(StoreError::new(StoreErrorKind::Fenced, message))
}

/// Until when somebody has the lead now.
pub(super) fn until(
    snapshot: &ReadTransaction,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let row = row(&Table::Lead.read(snapshot)?)?;
    Ok(row.map(|row| row.until).filter(|until| *until > now))
}

fn row(rows: &impl Rows) -> Result<Option<Row>, StoreError> {
    let row = rows.get(KEY).disk()?;
    row.map(|row| json::decode(Table::Lead, row.value())).transpose()
}
