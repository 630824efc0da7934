//! The reading half of a run: an entity's parts, and the lanes of a part.

use std::collections::BTreeMap;

use model::absence::HeldDeletions;
use model::adapter::{Adapter, Entity, Next, Page, Receipt};
use model::store::{EntityEnd, Lane, LaneKind, RecordStore, RunRef, StoreError};
use model::window::LaneState;
use model::{Clock, Error, Timestamp};

use super::cancel::Cancel;
use super::commit::Outbox;
use super::lane::LaneStart;
use super::parts::Parts;
use super::plan::{EntityPlan, PartsFrom, SyncPlan};
use super::status::{self, Ended, Tally};
use crate::mapping::Mapper;
use crate::metrics::Metrics;

/// What reads.
pub(super) struct Reader<'a> {
    pub(super) adapter: &'a mut dyn Adapter,
    pub(super) store: &'a dyn RecordStore,
    pub(super) plan: &'a SyncPlan,
    pub(super) run: RunRef,
    pub(super) clock: &'a Clock,
    pub(super) metrics: &'a Metrics,
    pub(super) cancel: &'a Cancel,
    /// What maps its records.
    pub(super) mapper: Mapper,
    /// The instant up to which this run reads: when it began. A clock that went on would give a
    /// lane something new to read after every page.
    pub(super) now: Timestamp,
    /// Where the lanes stood when the run began.
    pub(super) lanes: BTreeMap<Lane, LaneState>,
    /// What the account offers, once it was asked for.
    pub(super) offers: Option<Vec<Entity>>,
    /// Deletions of the connection that were held before, by entity.
    pub(super) held: BTreeMap<String, HeldDeletions>,
    /// Full reads of the entity in work on which nobody has acted yet.
    pub(super) unsettled: BTreeMap<Lane, LaneState>,
    /// Whether one of them has ended in this run.
    pub(super) ended_one: bool,
    /// Whether a lane that has failed had come a page further before.
    pub(super) progressed: bool,
    /// Cost of calls that no page accounts for.
    pub(super) lost: Receipt,
}

impl Reader<'_> {
    /// Reads an entity: every lane of every part, one after another.
    pub(super) async fn entity(
        &mut self,
        entity: &EntityPlan,
        out: Outbox,
    ) -> Result<EntityEnd, StoreError> {
        let mut tally = Tally::default();
        let mut brought = entity.yields.iter().chain([&entity.name]);
        if let Some(error) = brought.find_map(|name| self.plan.mappings.refused(name)) {
            tally.fail(error.clone());
            return Ok(tally.end(&entity.name));
        }
        let mut parts = match self.parts(entity).await {
            Ok(parts) => parts,
            Err(error) => {
                tally.fail(error);
                return Ok(tally.end(&entity.name));
            }
        };
        while let Some(part) = parts.next(self.store, &self.run).await? {
            let ended = self.part(entity, part, &out).await?;
            let stop = ended.cancelled || ended.error.as_ref().is_some_and(status::ends_entity);
            tally.add(ended);
            if stop {
                break;
            }
        }
        Ok(tally.end(&entity.name))
    }

    async fn parts(&mut self, entity: &EntityPlan) -> Result<Parts, Error> {
        match &entity.parts {
            PartsFrom::Whole => Ok(Parts::whole()),
            PartsFrom::Parent(parent) => Ok(Parts::of_parent(parent)),
            PartsFrom::Discovery => {
                if self.offers.is_none() {
                    let called = self.adapter.discover(None, None).await;
                    self.lost += called.receipt;
                    self.offers = Some(called.outcome?);
                }
                Parts::offered(self.offers.as_deref().unwrap_or_default(), &entity.name)
            }
        }
    }

    /// Reads what is recent of a part, then its records, then its list of deletions.
    async fn part(
        &mut self,
        entity: &EntityPlan,
        part: Option<String>,
        out: &Outbox,
    ) -> Result<Ended, StoreError> {
        let mut records = self.start(entity, part.clone(), LaneKind::Records);
        let mut deletions = None;
        if entity.lists_deletions {
            let lane = self.start(entity, part.clone(), LaneKind::Deletions);
            deletions = Some(self.begin_deletions(entity, &mut records, lane, out).await?);
        }
        let mut ended = Ended::default();
        if entity.rule.reads_recent(&records.state) {
            let recent = self.start(entity, part, LaneKind::Recent);
            let recent = LaneStart { generation: records.generation, ..recent };
            ended = self.lane(entity, recent, out).await?;
            ended.complete_until = records.state.complete_until;
            if ended.cancelled || ended.error.as_ref().is_some_and(status::ends_entity) {
                return Ok(ended);
            }
        }
        let generation = records.generation;
        let read = self.lane(entity, records, out).await?;
        ended = ended.and(read);
        if let Some(deletions) = deletions
            && ended.error.is_none()
            && !ended.cancelled
        {
            let deletions = LaneStart { generation, ..deletions };
            let gone = self.lane(entity, deletions, out).await?;
            let complete_until = ended.complete_until.min(gone.complete_until);
            ended = Ended { complete_until, ..ended.and(gone) };
        }
        Ok(ended)
    }

    /// The lane of deletions, begun where it has yet to begin. Where the list may have lost some
    /// that this lane has not seen, the records are read in full again: what is gone is absent.
    async fn begin_deletions(
        &mut self,
        entity: &EntityPlan,
        records: &mut LaneStart,
        mut deletions: LaneStart,
        out: &Outbox,
    ) -> Result<LaneStart, StoreError> {
        let lapsed = |seen| entity.rule.has_lapsed(seen, self.now);
        if deletions.state.complete_until.is_some_and(lapsed) {
            records.state = records.state.afresh();
            let page = self.commit(&records.lane, &records.state, nothing(), Receipt::default());
            out.send(page).await?;
            deletions.state = LaneState::default();
        }
        if deletions.state == LaneState::default()
            && let Some(begin) = records.state.deletions(&entity.rule, self.now)
        {
            // An empty page that is committed before any of the records lane.
            deletions.state = begin;
            let page =
                self.commit(&deletions.lane, &deletions.state, nothing(), Receipt::default());
            out.send(page).await?;
        }
        Ok(deletions)
    }

    fn start(&mut self, entity: &EntityPlan, part: Option<String>, kind: LaneKind) -> LaneStart {
        let lane = Lane { entity: entity.name.clone(), part, kind };
        let state = self.lanes.remove(&lane).unwrap_or_default();
        let generation = state.generation.map(|generation| generation.id);
        LaneStart { lane, state, generation }
    }
}

/// A page that holds nothing but where its lane stands.
pub(super) fn nothing() -> Page {
    Page {
        records: Vec::new(),
        tombstones: Vec::new(),
        rejects: Vec::new(),
        next: Next::Done(String::new()),
        details: Vec::new(),
    }
}
