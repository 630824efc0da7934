//! A page on its way into the store.
//!
//! Everything that needs no look at the store happens here, on the caller's thread: checks,
//! hashes and encoding, all into one buffer. What is left to the writer is one look-up per record
//! and one insertion per record that changed.

mod commit;
mod verdict;

use std::ops::Range;

use model::adapter::Receipt;
use model::canonical::{Link, Outcome, PageRecord};
use model::record::{Record, Removal, Tombstone};
use model::store::{Lane, LaneKind, PageCommit, RunRef, StoreError, StoredReject};
use model::{Timestamp, record};

use crate::absence::Members;
use crate::check;
use crate::codec::record::{Hash, Header};
use crate::codec::{self, json, key};
use crate::{rejects, runs};

/// Key, fixed fields and texts of a row, roughly; a guess that saves growing the buffer.
const ROW_BYTES: usize = 128;

/// A page, checked and encoded.
pub(crate) struct Page {
    run: RunRef,
    lane: Lane,
    state: Vec<u8>,
    receipt: Receipt,
    at: Timestamp,
    /// Records, tombstones and rejects, as they came.
    read: u64,
    /// Keys and rows of [`Self::items`].
    bytes: Vec<u8>,
    /// In the order of their keys, each key once.
    items: Vec<Item>,
    rejects: Vec<StoredReject>,
    /// Who was met by the full read that the page belongs to.
    members: Option<Members>,
    /// Where the lane of records stands, for people.
    shown: Option<String>,
}

/// What the page says of one record.
struct Item {
    key: Range<usize>,
    news: News,
}

enum News {
    Record { row: Range<usize>, hash: Hash, outcome: Outcome },
    Gone(Removal),
}

impl Page {
    /// Checks and encodes a page. Of what it says twice about one record the last word counts,
    /// and a tombstone comes after a record.
    pub(crate) fn new(commit: PageCommit) -> Result<Self, StoreError> {
        let (members, read) = (Members::of_page(&commit), commit.read());
        let PageCommit { run, lane, state, records, tombstones, absent, .. } = commit;
        let PageCommit { rejects, receipt, at, .. } = commit;
        check::lane(&lane, &state)?;
        let mut buffer = Buffer::new(&run, &records, tombstones.len() + absent.len());
        for PageRecord { record, outcome } in records {
            buffer.record(&record, outcome, &lane, at)?;
        }
        for tombstone in tombstones.iter().chain(&absent) {
            buffer.tombstone(tombstone)?;
        }
        let (bytes, items) = buffer.finish();
        let rejects = rejects.into_iter().map(|reject| rejects::keep(&run, reject, at)).collect();
        Ok(Self {
            shown: (lane.kind == LaneKind::Records).then(|| runs::shown(&state)),
            state: json::encode(&(&lane, state))?,
            read,
            run,
            lane,
            receipt,
            at,
            bytes,
            items,
            rejects,
            members,
        })
    }
}

struct Buffer {
    prefix: Vec<u8>,
    bytes: Vec<u8>,
    items: Vec<Item>,
    contents: Vec<u8>,
}

impl Buffer {
    fn new(run: &RunRef, records: &[PageRecord], tombstones: usize) -> Self {
        let payloads: usize = records.iter().map(|record| record.record.payload.len()).sum();
        let items = records.len() + tombstones;
        Self {
            prefix: key::connection(&run.tenant, &run.connection),
            bytes: Vec::with_capacity(payloads + items * ROW_BYTES),
            items: Vec::with_capacity(items),
            contents: Vec::new(),
        }
    }

    fn record(
        &mut self,
        record: &Record,
        outcome: Outcome,
        lane: &Lane,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        check::payload(&record.payload)?;
        check::outcome(&outcome)?;
        let version = record.version.as_deref();
        version.map_or(Ok(()), check::version)?;
        self.encode_contents(&record.contents)?;
        let key = self.key(&record.entity, &record.id)?;
        let hash = codec::record::hash(&record.payload, version, &self.contents);
        let header = Header {
            hash,
            stored: at,
            modified: record.modified,
            removed: None,
            // The writer adds the canonical record.
            link: Link { schema: outcome.schema(), ..Link::default() },
            part: lane.part.as_deref(),
            version,
            contents: &self.contents,
        };
        let start = self.bytes.len();
        codec::record::encode(&mut self.bytes, &header, &record.payload);
        let row = start..self.bytes.len();
        self.items.push(Item { key, news: News::Record { row, hash, outcome } });
        Ok(())
    }

    fn tombstone(&mut self, tombstone: &Tombstone) -> Result<(), StoreError> {
        let key = self.key(&tombstone.entity, &tombstone.id)?;
        self.items.push(Item { key, news: News::Gone(tombstone.reason) });
        Ok(())
    }

    fn encode_contents(&mut self, contents: &[record::Content]) -> Result<(), StoreError> {
        self.contents.clear();
        if contents.is_empty() {
            return Ok(());
        }
        serde_json::to_writer(&mut self.contents, contents)
            .map_err(|e| check::invalid("the contents have no form in JSON").because(e))?;
        check::contents(&self.contents)
    }

    fn key(&mut self, entity: &str, id: &str) -> Result<Range<usize>, StoreError> {
        check::entity(entity)?;
        check::id(id)?;
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&self.prefix);
        key::push_name(&mut self.bytes, entity);
        self.bytes.extend_from_slice(id.as_bytes());
        Ok(start..self.bytes.len())
    }

    /// Brings the items into the order of the table, which also brings those of one entity
    /// together, and keeps the last of each key.
    fn finish(self) -> (Vec<u8>, Vec<Item>) {
        let Self { bytes, mut items, .. } = self;
        let key = |item: &Item| bytes.get(item.key.clone()).unwrap_or_default();
        items.sort_by(|a, b| key(a).cmp(key(b)));
        items.dedup_by(|later, kept| {
            let same = key(later) == key(kept);
            if same {
                std::mem::swap(later, kept);
            }
            same
        });
        (bytes, items)
    }
}
