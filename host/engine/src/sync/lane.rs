//! The reading half of a run for one lane: page by page until there is nothing more to read.

use model::adapter::{Next, Page, PullRequest, Receipt, Selection};
use model::canonical::PageRecord;
use model::store::{Lane, PageCommit, StoreError};
use model::window::{LaneState, Progress};
use model::{Error, ErrorKind, RunId};

use super::commit::Outbox;
use super::guard::Guard;
use super::paging::Paging;
use super::plan::EntityPlan;
use super::read::{Reader, nothing};
use super::redact::redact;
use super::sift::sift;
use super::status::Ended;
use crate::mapping::Raw;

/// A lane and where it stands.
pub(super) struct LaneStart {
    /// What is read.
    pub(super) lane: Lane,
    /// Where it stands.
    pub(super) state: LaneState,
    /// The full read that its records belong to.
    pub(super) generation: Option<RunId>,
}

impl Reader<'_> {
    /// Reads a lane from where it stands and hands its pages over in order.
    ///
    /// An error of the adapter, but for a time-out and a forgotten checkpoint, ends the lane and is
    /// part of the answer; the pages before it are
    /// committed, and the next run goes on behind them.
    pub(super) async fn lane(
        &mut self,
        entity: &EntityPlan,
        start: LaneStart,
        out: &Outbox,
    ) -> Result<Ended, StoreError> {
        let LaneStart { lane, mut state, mut generation } = start;
        let mut paging = Paging::new(entity.page, state.page);
        let (mut guard, mut ended) = (Guard::default(), Ended::default());
        let (mut expired, mut moved) = (None, false);
        while let Some(progress) = state.next(&entity.rule, lane.kind, self.now) {
            if self.cancel.is_cancelled() {
                ended.cancelled = true;
                break;
            }
            if entity.tells_absence(&progress) {
                state.begin_generation(self.run.id, self.now);
                self.unsettled.remove(&lane);
                generation = Some(self.run.id);
            }
            let called = self.adapter.pull(request(entity, &lane, &progress, paging.size())).await;
            let page = called.outcome.and_then(|page| {
                guard.check(entity, &progress.selection, &page)?;
                redact(page, &self.plan.redact).map(sift)
            });
            match page {
                Ok(page) => {
                    ended.partial |= matches!(page.next, Next::Partial(_));
                    note_unnamed(&mut state, &page);
                    paging.came();
                    state.page = paging.recorded();
                    state = state.after(&entity.rule, &progress, &page.next);
                    let mut page = self.commit(&lane, &state, page, called.receipt);
                    self.map(lane.part.as_deref(), &mut page.records).await?;
                    out.send(PageCommit { generation, ..page }).await?;
                    moved = true;
                }
                Err(error) => {
                    self.lost += called.receipt;
                    if error.kind == ErrorKind::Timeout && paging.timed_out() {
                        continue;
                    }
                    if !may_restart(&error, &progress, expired.as_ref()) {
                        ended.error = Some(error);
                        self.progressed |= moved;
                        break;
                    }
                    state = state.expired(&progress);
                    guard.restart();
                    expired = Some(progress.selection);
                }
            }
        }
        let page = std::mem::replace(&mut state.page, paging.recorded());
        if page != state.page {
            out.send(self.commit(&lane, &state, nothing(), Receipt::default())).await?;
        }
        ended.complete_until = state.complete_until;
        if state.unsettled().is_some() {
            self.unsettled.insert(lane, state);
            self.ended_one = true;
        }
        Ok(ended)
    }

    /// Says of each record of a part what its schema makes of it.
    async fn map(
        &mut self,
        part: Option<&str>,
        records: &mut [PageRecord],
    ) -> Result<(), StoreError> {
        if self.plan.mappings.is_empty() {
            return Ok(());
        }
        let raw: Vec<_> = records.iter().map(|page| Raw::of(&page.record, part)).collect();
        let outcomes = self.mapper.map(self.store, &raw).await?;
        for (page, outcome) in records.iter_mut().zip(outcomes) {
            page.outcome = outcome;
        }
        Ok(())
    }

    pub(super) fn commit(
        &self,
        lane: &Lane,
        state: &LaneState,
        page: Page,
        receipt: Receipt,
    ) -> PageCommit {
        PageCommit {
            run: self.run.clone(),
            lane: lane.clone(),
            state: state.clone(),
            records: page.records.into_iter().map(Into::into).collect(),
            tombstones: page.tombstones,
            absent: Vec::new(),
            rejects: page.rejects,
            generation: state.generation.map(|generation| generation.id),
            receipt,
            at: self.clock.now(),
        }
    }
}

/// Whether the provider has refused a checkpoint that a fresh start can do without. Once per
/// selection: a provider that refuses what it has just handed out would keep the run for ever.
fn may_restart(error: &Error, progress: &Progress, expired: Option<&Selection>) -> bool {
    error.kind == ErrorKind::ExpiredCheckpoint
        && progress.checkpoint.is_some()
        && expired != Some(&progress.selection)
}

/// Notes where a page has met something that cannot be told from what is absent.
fn note_unnamed(state: &mut LaneState, page: &Page) {
    if page.rejects.iter().any(|reject| reject.id.as_deref().is_none_or(str::is_empty)) {
        state.break_proof();
    }
}

fn request(entity: &EntityPlan, lane: &Lane, progress: &Progress, limit: u32) -> PullRequest {
    PullRequest {
        entity: lane.entity.clone(),
        part: lane.part.clone(),
        selection: progress.selection.clone(),
        checkpoint: progress.checkpoint.clone(),
        fields: entity.fields.clone(),
        limit,
    }
}
