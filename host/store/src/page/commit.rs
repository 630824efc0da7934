//! A page in the writer: the fence, the verdicts, and everything that goes with the page.

use std::ops::Range;

use model::canonical::{Link, Outcome};
use model::run::{EntityReport, Run};
use model::store::{PageOutcome, StoreError, StoredReject};
use redb::ReadableTable as _;

use super::verdict::{Tally, Verdict, Word};
use super::{Item, News, Page};
use crate::canonical::{Ledger, Place};
use crate::codec::{self, Malformed, corrupt, key};
use crate::disk::Disk as _;
use crate::events::{Log, Subject};
use crate::tables::{Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;
use crate::{lanes, rejects, runs};

impl Change for Page {
    type Answer = PageOutcome;

    const INTAKE: bool = true;

    fn decide(mut self, tables: &Tables<'_>) -> Result<(Writes, PageOutcome), StoreError> {
        let run = runs::writable(tables, &self.run)?;
        let rejects = std::mem::take(&mut self.rejects);
        let mut page = Decision {
            tables,
            ledger: Ledger::open(tables, &run, self.at),
            writes: Writes::over(std::mem::take(&mut self.bytes)),
            tally: Tally::default(),
            prefix: key::connection(&self.run.tenant, &self.run.connection).len(),
            rejects,
        };
        page.tally.outcome.rejected = u64::try_from(page.rejects.len()).unwrap_or(u64::MAX);
        for item in &self.items {
            page.weigh(item, &self)?;
        }
        let Decision { ledger, mut writes, tally, rejects, .. } = page;
        let Tally { outcome, mut events } = tally;
        events.extend(ledger.close(&mut writes));
        if !events.is_empty() {
            let mut log = Log::open(&tables.events, &self.run.tenant)?;
            let subject = Subject::run(&self.run.connection, self.run.id);
            for kind in events {
                log.push(&mut writes, &subject, self.at, kind)?;
            }
        }
        rejects::put(&mut writes, &tables.rejects, &self.run, &rejects)?;
        if let Some(members) = &self.members {
            members.note(&mut writes, &tables.members)?;
        }
        let lane = key::lane(&self.run.tenant, &self.run.connection, &self.lane);
        let before = self.before(&run, &lane, tables)?;
        writes.put(Table::Lanes, &lane, &self.state);
        runs::put(&mut writes, &self.counted(run, before, &outcome))?;
        Ok((writes, outcome))
    }
}

impl Page {
    /// Where the lane stood, if the run has yet to tell that of its entity.
    fn before(
        &self,
        run: &Run,
        lane: &[u8],
        tables: &Tables<'_>,
    ) -> Result<Option<String>, StoreError> {
        let told = |report: &EntityReport| report.checkpoint_before.is_some();
        if self.shown.is_none() || run.entities.get(&self.lane.entity).is_some_and(told) {
            return Ok(None);
        }
        let row = tables.lanes.get(lane).disk()?;
        let state = row.map(|row| lanes::state(row.value())).transpose()?;
        Ok(Some(runs::shown(&state.unwrap_or_default())))
    }

    /// Whether an unchanged record has come from another part than before. It matters where
    /// absence from a part tells deletions.
    fn moves(&self, old: &[u8]) -> Result<bool, Malformed> {
        if self.members.is_none() || self.lane.part.is_none() {
            return Ok(false);
        }
        let (header, _) = codec::record::decode(old)?;
        Ok(header.part != self.lane.part.as_deref())
    }

    /// The run with this page in its counters. The lane's entity answers for all that its pages
    /// read, records of other entities included.
    fn counted(self, mut run: Run, before: Option<String>, outcome: &PageOutcome) -> Run {
        let report = run.entities.entry(self.lane.entity).or_default();
        report.checkpoint_before = report.checkpoint_before.take().or(before);
        report.checkpoint_after = self.shown.or_else(|| report.checkpoint_after.take());
        report.add(self.read, outcome, &self.receipt);
        run.receipt += self.receipt;
        run
    }
}

struct Decision<'a, 't> {
    tables: &'a Tables<'t>,
    ledger: Ledger<'a, 't>,
    writes: Writes,
    tally: Tally,
    /// Length of the part of a key that names the connection.
    prefix: usize,
    rejects: Vec<StoredReject>,
}

impl Decision<'_, '_> {
    fn weigh(&mut self, item: &Item, page: &Page) -> Result<(), StoreError> {
        let damaged = |malformed| corrupt(Table::Records, malformed);
        let key = self.writes.bytes(item.key.clone());
        let old = self.tables.records.get(key).disk()?;
        let before = old
            .as_ref()
            .map(|row| codec::record::fingerprint(row.value()))
            .transpose()
            .map_err(damaged)?;
        let link = before.map(|before| before.link).unwrap_or_default();
        let (entity, id) = key::names(key, self.prefix).ok_or_else(|| damaged(Malformed::Shape))?;
        let place = Place { entity, id };
        let verdict = Verdict::of(before, item.news.word());
        self.tally.tell(verdict, entity, id);
        let outcome = &mut self.tally.outcome;
        let row = match (&item.news, &old) {
            (News::Record { row, outcome: mapped, .. }, old) => {
                let moves = match old {
                    Some(old) if !verdict.writes() => page.moves(old.value()).map_err(damaged)?,
                    _ => false,
                };
                if !verdict.writes() && !moves && link.schema == mapped.schema() {
                    verdict.count(outcome);
                    return Ok(());
                }
                let (link, effect) = self.ledger.take(place, link, mapped)?;
                if let Outcome::Rejected(rejected) = mapped {
                    outcome.rejected += 1;
                    let (_, payload) =
                        codec::record::decode(self.writes.bytes(row.clone())).map_err(damaged)?;
                    let reject =
                        rejects::unmapped(&page.run, place, &rejected.error, payload, page.at);
                    self.rejects.push(reject);
                } else if verdict.writes() {
                    verdict.count(outcome);
                } else {
                    effect.count(outcome);
                }
                settle(&mut self.writes, row.clone(), link).map_err(damaged)?
            }
            (News::Gone(reason), Some(old)) if verdict.writes() => {
                verdict.count(outcome);
                if verdict == Verdict::Deleted {
                    self.ledger.remove(place, link)?;
                }
                let row = self.writes.push(old.value());
                codec::record::set_removed(self.writes.bytes_mut(row.clone()), *reason, page.at);
                row
            }
            (News::Gone(_), _) => {
                verdict.count(outcome);
                return Ok(());
            }
        };
        self.writes.put_at(Table::Records, item.key.clone(), row);
        Ok(())
    }
}

impl News {
    fn word(&self) -> Word {
        match self {
            Self::Record { hash, .. } => Word::There(*hash),
            Self::Gone(reason) => Word::Gone(*reason),
        }
    }
}

/// The encoded row with its link. Only a row that was mapped has room for it; what has lost its
/// schema keeps the record that it was mapped to, and is rare.
fn settle(writes: &mut Writes, row: Range<usize>, link: Link) -> Result<Range<usize>, Malformed> {
    if link.schema.is_some() {
        codec::record::set_link(writes.bytes_mut(row.clone()), link);
    } else if link.record.is_some() {
        let mut relinked = Vec::new();
        codec::record::relink(&mut relinked, writes.bytes(row), link)?;
        return Ok(writes.push(&relinked));
    }
    Ok(row)
}
