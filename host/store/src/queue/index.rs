//! The order in which sessions become due.

use std::collections::BTreeSet;

use model::Timestamp;
use model::queue::{Pause, PauseScope};
use model::store::StoreError;

use super::draft::Draft;
use super::keys::{self, Group};
use super::session::Halt;
use crate::codec::{Malformed, corrupt, key};
use crate::tables::Table;

/// The groups of which something has changed.
#[derive(Default)]
pub(super) struct Index {
    touched: BTreeSet<Group>,
}

/// Where a session stands: its group, and when it is due.
pub(super) type Place = (Group, Timestamp);

impl Index {
    /// Moves a session.
    pub(super) fn shift(
        &mut self,
        draft: &mut Draft<'_>,
        session: &str,
        before: Option<Place>,
        after: Option<Place>,
    ) {
        if before == after {
            return;
        }
        if let Some((group, due)) = before {
            draft.remove(Table::Ready, group.ready(due, session));
            self.touched.insert(group);
        }
        if let Some((group, due)) = after {
            draft.put(Table::Ready, group.ready(due, session), Vec::new());
            self.touched.insert(group);
        }
    }

    /// Notes that the pause of a group has changed.
    pub(super) fn touch(&mut self, group: Group) {
        self.touched.insert(group);
    }

    /// Moves the groups to where their first sessions are now.
    pub(super) fn close(self, draft: &mut Draft<'_>) -> Result<(), StoreError> {
        let tables = Draft::new(draft.tables());
        for group in self.touched {
            let (before, after) = (first(&tables, &group)?, first(draft, &group)?);
            if before == after {
                continue;
            }
            if let Some(due) = before {
                draft.remove(Table::Heads, group.head(due));
            }
            if let Some(due) = after {
                draft.put(Table::Heads, group.head(due), Vec::new());
            }
        }
        Ok(())
    }
}

/// When the first session of a group is due, the pauses of its connection considered.
fn first(draft: &Draft<'_>, group: &Group) -> Result<Option<Timestamp>, StoreError> {
    let prefix = group.key();
    let Some((row, _)) = draft.next(Table::Ready, &prefix, &key::behind(&prefix))? else {
        return Ok(None);
    };
    let (due, _) =
        keys::ready(&row, prefix.len()).ok_or_else(|| corrupt(Table::Ready, Malformed::Shape))?;
    let Some(connection) = &group.connection else { return Ok(Some(due)) };
    let mut due = Some(due);
    for scope in [PauseScope::Connection, PauseScope::Unauthorised] {
        let key = keys::pause(&group.tenant, &scope(connection.clone()));
        let pause: Option<Pause> = draft.read(Table::Pauses, &key)?;
        due = due.and_then(|due| Halt::delay(pause.map(|pause| Halt { until: pause.until }), due));
    }
    Ok(due)
}
