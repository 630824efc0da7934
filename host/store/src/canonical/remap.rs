//! What a new program makes of stored records, in the writer.

use model::canonical::{BATCH_MAX, Outcome, Remap, RemapItem};
use model::store::{PageOutcome, StoreError, StoredReject};
use redb::ReadableTable as _;

use super::{Ledger, Place};
use crate::codec::{self, corrupt, key};
use crate::disk::Disk as _;
use crate::events::{Log, Subject};
use crate::tables::{Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;
use crate::{check, rejects, runs};

/// A checked step of a replay.
pub(super) struct Step(Remap);

impl Step {
    pub(super) fn new(remap: Remap) -> Result<Self, StoreError> {
        check::entity(&remap.entity)?;
        check::batch("items", remap.items.len(), BATCH_MAX)?;
        for item in &remap.items {
            check::id(&item.id)?;
            check::outcome(&item.outcome)?;
        }
        Ok(Self(remap))
    }
}

impl Change for Step {
    type Answer = PageOutcome;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, PageOutcome), StoreError> {
        let Self(step) = self;
        let mut run = runs::writable(tables, &step.run)?;
        let mut decision = Decision {
            tables,
            step: &step,
            prefix: key::entity(&step.run.tenant, &step.run.connection, &step.entity),
            ledger: Ledger::open(tables, &run, step.at),
            writes: Writes::default(),
            outcome: PageOutcome::default(),
            rejects: Vec::new(),
        };
        for item in &step.items {
            decision.weigh(item)?;
        }
        let Decision { ledger, mut writes, outcome, rejects, .. } = decision;
        let events = ledger.close(&mut writes);
        if !events.is_empty() {
            let mut log = Log::open(&tables.events, &step.run.tenant)?;
            let subject = Subject::run(&step.run.connection, step.run.id);
            for kind in events {
                log.push(&mut writes, &subject, step.at, kind)?;
            }
        }
        rejects::put(&mut writes, &tables.rejects, &step.run, &rejects)?;
        let read = u64::try_from(step.items.len()).unwrap_or(u64::MAX);
        let report = run.entities.entry(step.entity.clone()).or_default();
        report.add(read, &outcome, &model::adapter::Receipt::default());
        runs::put(&mut writes, &run)?;
        Ok((writes, outcome))
    }
}

struct Decision<'a, 't> {
    tables: &'a Tables<'t>,
    step: &'a Remap,
    prefix: Vec<u8>,
    ledger: Ledger<'a, 't>,
    writes: Writes,
    outcome: PageOutcome,
    rejects: Vec<StoredReject>,
}

impl Decision<'_, '_> {
    fn weigh(&mut self, item: &RemapItem) -> Result<(), StoreError> {
        let damaged = |malformed| corrupt(Table::Records, malformed);
        let key = key::with(self.prefix.clone(), item.id.as_bytes());
        let Some(row) = self.tables.records.get(key.as_slice()).disk()? else {
            self.outcome.skipped += 1;
            return Ok(());
        };
        let (header, payload) = codec::record::decode(row.value()).map_err(damaged)?;
        // A record that is gone has the content that it had.
        if header.removed.is_some() || header.hash != item.hash.0 {
            self.outcome.skipped += 1;
            return Ok(());
        }
        let place = Place { entity: &self.step.entity, id: &item.id };
        let (link, effect) = self.ledger.take(place, header.link, &item.outcome)?;
        if let Outcome::Rejected(rejected) = &item.outcome {
            self.outcome.rejected += 1;
            let Remap { run, at, .. } = self.step;
            self.rejects.push(rejects::unmapped(run, place, &rejected.error, payload, *at));
        } else {
            effect.count(&mut self.outcome);
        }
        if link != header.link {
            let mut relinked = Vec::with_capacity(row.value().len());
            codec::record::relink(&mut relinked, row.value(), link).map_err(damaged)?;
            self.writes.put(Table::Records, &key, &relinked);
        }
        Ok(())
    }
}
