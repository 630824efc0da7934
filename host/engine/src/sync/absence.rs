//! Acting on full reads: what they have not met is deleted, unless it is so much that a person is
//! asked first.
//!
//! The lane remembers a full read that has ended until it is acted on, so a run that stops in
//! between leaves it to the next one. All lanes of an entity are judged together, or an account
//! of many small parts would pass the valve part by part.

use std::time::Duration;

use model::absence::{AbsenceCount, AbsenceQuery, Fate, Judged};
use model::adapter::Receipt;
use model::record::{Removal, Tombstone};
use model::store::{Lane, LaneKind, PageCommit, StoreError};
use model::window::{Generation, LaneState};
use model::{RunId, Timestamp};

use super::commit::Outbox;
use super::plan::EntityPlan;
use super::read::{Reader, nothing};

/// Records deleted in one commit, which others wait for: as many as a large page changes.
const DELETED_MAX: usize = 500;

impl Reader<'_> {
    /// Acts on what earlier runs have left: full reads that nobody has judged, and those about
    /// which a person has decided since.
    pub(super) async fn judge_earlier(
        &mut self,
        entity: &EntityPlan,
        out: Outbox,
    ) -> Result<Option<Judged>, StoreError> {
        self.unsettled.clear();
        self.ended_one = false;
        if entity.absent.is_empty() {
            return Ok(None);
        }
        let own = |lane: &Lane| lane.entity == entity.name && lane.kind == LaneKind::Records;
        let unsettled =
            self.lanes.iter().filter(|(lane, state)| own(lane) && state.unsettled().is_some());
        self.unsettled = unsettled.map(|(lane, state)| (lane.clone(), state.clone())).collect();
        self.judge(entity, out).await
    }

    /// Judges the full reads of an entity on which nobody has acted yet. Those about which a person
    /// has yet to decide are not counted again unless another one has ended since.
    pub(super) async fn judge(
        &mut self,
        entity: &EntityPlan,
        out: Outbox,
    ) -> Result<Option<Judged>, StoreError> {
        let asked = self.held.get(&entity.name);
        let waits = asked.is_some_and(|held| held.decision.is_none()) && !self.ended_one;
        if self.unsettled.is_empty() || waits || self.cancel.is_cancelled() {
            return Ok(None);
        }
        let mut count = AbsenceCount::default();
        for (lane, state) in &self.unsettled {
            for query in self.queries(entity, lane, state) {
                count = count.and(self.store.count_absent(query).await?);
            }
        }
        let fate = count.fate(asked);
        if fate != Fate::Held && !self.settle(entity, fate, &out).await? {
            return Ok(None);
        }
        if fate == Fate::Deleted {
            // What a person has approved is spent.
            self.held.remove(&entity.name);
        }
        let AbsenceCount { live, absent } = count;
        Ok(Some(Judged { live, absent, fate }))
    }

    /// Acts on the full reads. False if somebody has asked to stop.
    async fn settle(
        &mut self,
        entity: &EntityPlan,
        fate: Fate,
        out: &Outbox,
    ) -> Result<bool, StoreError> {
        for (lane, mut state) in std::mem::take(&mut self.unsettled) {
            if fate == Fate::Deleted && !self.delete(entity, (&lane, &state), out).await? {
                return Ok(false);
            }
            state.settle();
            out.send(self.commit(&lane, &state, nothing(), Receipt::default())).await?;
            if let Some(known) = self.lanes.get_mut(&lane) {
                *known = state;
            }
        }
        Ok(true)
    }

    /// Deletes what a full read has not met. False if somebody has asked to stop.
    async fn delete(
        &mut self,
        entity: &EntityPlan,
        (lane, state): (&Lane, &LaneState),
        out: &Outbox,
    ) -> Result<bool, StoreError> {
        for query in self.queries(entity, lane, state) {
            let mut after = None;
            loop {
                if self.cancel.is_cancelled() {
                    return Ok(false);
                }
                let ids = self.store.absent(query.clone(), after, DELETED_MAX).await?;
                let Some(last) = ids.last().cloned() else { break };
                after = Some(last);
                let absent = ids.into_iter().map(|id| gone(&query.entity, id)).collect();
                let page = self.commit(lane, state, nothing(), Receipt::default());
                out.send(PageCommit { absent, ..page }).await?;
            }
        }
        Ok(true)
    }

    fn queries(&self, entity: &EntityPlan, lane: &Lane, state: &LaneState) -> Vec<AbsenceQuery> {
        let Some(Generation { id, since, .. }) = state.unsettled() else { return Vec::new() };
        let margin = entity.rule.margin();
        let of = |name: &String| self.query(lane, name, (id, back(since, margin)));
        entity.absent.iter().map(of).collect()
    }

    fn query(&self, lane: &Lane, entity: &str, (id, before): (RunId, Timestamp)) -> AbsenceQuery {
        AbsenceQuery {
            tenant: self.run.tenant.clone(),
            connection: self.run.connection.clone(),
            lane: lane.clone(),
            entity: entity.to_owned(),
            generation: id,
            stored_before: before,
        }
    }
}

/// The provider does not show it any more, whether it is deleted or hidden from this account.
fn gone(entity: &str, id: String) -> Tombstone {
    let reason = Removal::Hidden;
    Tombstone { entity: entity.to_owned(), id, reason, successor: None, deleted: None }
}

fn back(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_sub(by).unwrap_or(Timestamp::MIN)
}
