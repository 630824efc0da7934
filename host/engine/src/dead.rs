//! Dead letters, and what people do to many of them.

use std::collections::BTreeMap;

use model::queue::{DeadFilter, DeadLetter, JobId, JobQueue};
use model::store::StoreError;
use model::{ConnectionId, Timestamp};

/// Letters of a batch: whoever asks to stop waits for so many.
const BATCH: usize = 256;

/// The letters that a filter matched when it was given: one that is retried and dies again while
/// the others are worked off is not met twice.
#[derive(Debug)]
pub struct Chosen {
    filter: DeadFilter,
    ids: Vec<JobId>,
}

impl Chosen {
    /// Looks them up, the first `max`.
    pub async fn of(
        queue: &dyn JobQueue,
        filter: DeadFilter,
        max: usize,
    ) -> Result<Self, StoreError> {
        let mut ids = Vec::new();
        let more = |letter: DeadLetter| ids.push(letter.id);
        walk(queue, filter.clone(), max, more).await?;
        Ok(Self { filter, ids })
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        u64::try_from(self.ids.len()).unwrap_or(u64::MAX)
    }

    /// The letters batch by batch, in their order.
    pub fn batches(&self) -> impl Iterator<Item = DeadFilter> {
        self.ids.chunks(BATCH).map(|ids| {
            let ids = Some(ids.iter().copied().collect());
            DeadFilter { ids, limit: BATCH, ..self.filter.clone() }
        })
    }
}

/// Letters that have died of the same.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Group {
    /// The code of their last error.
    pub code: String,
    /// The connection that they worked for.
    pub connection: Option<ConnectionId>,
    /// How many they are.
    pub count: u64,
    /// When the first of them died,
    pub since: Timestamp,
    /// and the last.
    pub until: Timestamp,
}

/// The letters of a filter, the first `max`, by what they have died of: the most first. And how
/// many they are together.
pub async fn groups(
    queue: &dyn JobQueue,
    filter: DeadFilter,
    max: usize,
) -> Result<(Vec<Group>, u64), StoreError> {
    let mut groups = BTreeMap::<_, Group>::new();
    let add = |letter: DeadLetter| {
        let DeadLetter { connection, mut failures, died, .. } = letter;
        let code = failures.pop().map_or_else(String::new, |failure| failure.error.code);
        let key = (code.clone(), connection.clone());
        let group = groups.entry(key).or_insert_with(|| Group {
            code,
            connection,
            count: 0,
            since: died,
            until: died,
        });
        group.count += 1;
        group.since = group.since.min(died);
        group.until = group.until.max(died);
    };
    walk(queue, filter, max, add).await?;
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    let count = groups.iter().map(|group| group.count).sum();
    Ok((groups, count))
}

/// Shows the first `max` letters of a filter one after another; the store gives fewer at once
/// where they are large.
async fn walk(
    queue: &dyn JobQueue,
    mut filter: DeadFilter,
    max: usize,
    mut show: impl FnMut(DeadLetter),
) -> Result<(), StoreError> {
    let mut left = max;
    while left > 0 {
        let mut letters = queue.dead(&filter).await?;
        let Some(last) = letters.last() else { return Ok(()) };
        filter.after = Some(last.id);
        letters.truncate(left);
        left -= letters.len();
        letters.into_iter().for_each(&mut show);
    }
    Ok(())
}
