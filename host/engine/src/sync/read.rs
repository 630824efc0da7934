//! The reading half of a run: an entity's parts, and the lanes of a part.

use std::collections::BTreeMap;

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

/// What reads.
pub(super) struct Reader<'a> {
    pub(super) adapter: &'a mut dyn Adapter,
    pub(super) store: &'a dyn RecordStore,
    pub(super) plan: &'a SyncPlan,
    pub(super) run: RunRef,
    pub(super) clock: &'a Clock,
    pub(super) cancel: &'a Cancel,
    /// The instant up to which this run reads: when it began. A clock that went on would give a
    /// lane something new to read after every page.
    pub(super) now: Timestamp,
    /// Where the lanes stood when the run began.
    pub(super) lanes: BTreeMap<Lane, LaneState>,
    /// What the account offers, once it was asked for.
    pub(super) offers: Option<Vec<Entity>>,
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
        let mut parts = match self.parts(entity).await {
            Ok(parts) => parts,
            Err(error) => {
                tally.fail(error);
                return Ok(tally.end(&entity.name));
            }
        };
        while let Some(part) = parts.next(self.store, &self.run).await? {
            let ended = self.part(entity, part, &out).await?;
            let stop = ended.cancelled
                || ended.error.as_ref().is_some_and(|e| status::ends_entity(e.kind));
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

    /// Reads the records of a part, then its list of deletions.
    async fn part(
        &mut self,
        entity: &EntityPlan,
        part: Option<String>,
        out: &Outbox,
    ) -> Result<Ended, StoreError> {
        let records = self.start(entity, part.clone(), LaneKind::Records);
        if !entity.lists_deletions {
            return self.lane(entity, records, out).await;
        }
        let mut deletions = self.start(entity, part, LaneKind::Deletions);
        if deletions.state == LaneState::default()
            && let Some(begin) = records.state.deletions(&entity.rule, self.now)
        {
            // An empty page that is committed before any of the records lane.
            deletions.state = begin;
            let page =
                self.commit(&deletions.lane, &deletions.state, nothing(), Receipt::default());
            out.send(page).await?;
        }
        let mut ended = self.lane(entity, records, out).await?;
        if ended.error.is_none() && !ended.cancelled {
            let gone = self.lane(entity, deletions, out).await?;
            ended = Ended {
                partial: ended.partial || gone.partial,
                complete_until: ended.complete_until.min(gone.complete_until),
                ..gone
            };
        }
        Ok(ended)
    }

    fn start(&mut self, entity: &EntityPlan, part: Option<String>, kind: LaneKind) -> LaneStart {
        let lane = Lane { entity: entity.name.clone(), part, kind };
        let state = self.lanes.remove(&lane).unwrap_or_default();
        LaneStart { lane, state }
    }
}

fn nothing() -> Page {
    Page {
        records: Vec::new(),
        tombstones: Vec::new(),
        rejects: Vec::new(),
        next: Next::Done(String::new()),
        details: Vec::new(),
    }
}
