//! A page in the writer: the fence, the verdicts, and everything that goes with the page.

use model::run::Run;
use model::store::{PageOutcome, StoreError};
use redb::ReadableTable as _;

use super::verdict::{Tally, Verdict, Word};
use super::{Item, News, Page};
use crate::codec::{self, Malformed, corrupt, key};
use crate::disk::Disk as _;
use crate::events::{Log, Subject};
use crate::tables::{Table, Tables};
use crate::writer::Change;
use crate::writes::Writes;
use crate::{rejects, runs};

impl Change for Page {
    type Answer = PageOutcome;

    fn decide(mut self, tables: &Tables<'_>) -> Result<(Writes, PageOutcome), StoreError> {
        let run = runs::writable(&tables.runs, &self.run)?;
        let prefix = key::connection(&self.run.tenant, &self.run.connection).len();
        let mut page = Decision {
            writes: Writes::over(std::mem::take(&mut self.bytes)),
            tally: Tally::default(),
            prefix,
        };
        for item in &self.items {
            page.weigh(item, &self, tables)?;
        }
        let Decision { mut writes, tally: Tally { mut outcome, events }, .. } = page;
        outcome.rejected = u64::try_from(self.rejects.len()).unwrap_or(u64::MAX);
        if !events.is_empty() {
            let mut log = Log::open(&tables.events, &self.run.tenant)?;
            let subject = Subject::run(&self.run.connection, self.run.id);
            for kind in events {
                log.push(&mut writes, &subject, self.at, kind)?;
            }
        }
        rejects::put(&mut writes, &tables.rejects, &self.run, &self.rejects)?;
        let lane = key::lane(&self.run.tenant, &self.run.connection, &self.lane);
        writes.put(Table::Lanes, &lane, &self.state);
        runs::put(&mut writes, &self.counted(run, &outcome))?;
        Ok((writes, outcome))
    }
}

impl Page {
    /// The run with this page in its counters. The lane's entity answers for all that its pages
    /// read, records of other entities included.
    fn counted(self, mut run: Run, outcome: &PageOutcome) -> Run {
        let report = run.entities.entry(self.lane.entity).or_default();
        report.add(self.read, outcome, &self.receipt);
        run.receipt += self.receipt;
        run
    }
}

struct Decision {
    writes: Writes,
    tally: Tally,
    /// Length of the part of a key that names the connection.
    prefix: usize,
}

impl Decision {
    fn weigh(&mut self, item: &Item, page: &Page, tables: &Tables<'_>) -> Result<(), StoreError> {
        let damaged = |malformed| corrupt(Table::Records, malformed);
        let key = self.writes.bytes(item.key.clone());
        let old = tables.records.get(key).disk()?;
        let fingerprint = old
            .as_ref()
            .map(|row| codec::record::fingerprint(row.value()))
            .transpose()
            .map_err(damaged)?;
        let word = match &item.news {
            News::Record { hash, .. } => Word::There(*hash),
            News::Gone(reason) => Word::Gone(*reason),
        };
        let verdict = Verdict::of(fingerprint, word);
        let (entity, id) = key::names(key, self.prefix).ok_or_else(|| damaged(Malformed::Shape))?;
        self.tally.count(verdict, entity, id);
        if !verdict.writes() {
            return Ok(());
        }
        let row = match (&item.news, &old) {
            (News::Record { row, .. }, _) => row.clone(),
            (News::Gone(reason), Some(old)) => {
                let row = self.writes.push(old.value());
                codec::record::set_removed(self.writes.bytes_mut(row.clone()), *reason, page.at);
                row
            }
            (News::Gone(_), None) => return Ok(()),
        };
        self.writes.put_at(Table::Records, item.key.clone(), row);
        Ok(())
    }
}
