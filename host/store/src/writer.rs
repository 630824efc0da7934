//! The one thread that writes, with group commit.
//!
//! A durable commit costs milliseconds, so all changes that wait share one. The commit is redb's
//! one-phase: two phases would guard against somebody who writes rows, knows the file and stops
//! the machine inside `fsync`, at 20 to 60 % of the throughput.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use model::store::{StoreError, StoreErrorKind};
use redb::Database;
use tokio::sync::{mpsc, oneshot};

use crate::disk;
use crate::room::{FreeBytes, Room};
use crate::tables::Tables;
use crate::writes::Writes;

/// Changes that wait; a caller beyond that waits for its place. Two batches: the next one gathers
/// while the thread commits.
const QUEUE_MAX: usize = 2 * BATCH_MAX;

/// Changes in one commit. At 128 the commit is a small part of the cost of each, and what a crash
/// undoes, and what waits in memory, stays small.
const BATCH_MAX: usize = 128;

/// A change of the store, as data.
pub(crate) trait Change: Send + 'static {
    /// What the caller hears.
    type Answer: Send + 'static;

    /// Whether it brings something in from outside. On a disk that is nearly full such changes are
    /// refused first, so that what is there can still be worked off.
    const INTAKE: bool = false;

    /// Reads what it needs, in the state that the changes before it have left, and decides what
    /// to write. An error refuses this change alone.
    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Self::Answer), StoreError>;
}

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// A change on its way, whatever its answer.
trait Work: Send {
    /// Tells whether anything was written.
    fn apply(&mut self, tables: &mut Tables<'_>, room: &mut Room) -> Result<bool, redb::Error>;

    fn answer(self: Box<Self>, failure: Option<&Arc<redb::Error>>);
}

/// Changes of one caller, to be made in their order.
struct Job<C: Change> {
    changes: Vec<C>,
    outcome: Result<Vec<C::Answer>, StoreError>,
    reply: Reply<Vec<C::Answer>>,
}

impl<C: Change> Work for Job<C> {
    /// Each change sees those before it; the first that is refused ends the job, and those before
    /// it stand.
    fn apply(&mut self, tables: &mut Tables<'_>, room: &mut Room) -> Result<bool, redb::Error> {
        let mut answers = Vec::with_capacity(self.changes.len());
        let mut wrote = false;
        for change in self.changes.drain(..) {
            let decided = room.admit(C::INTAKE).and_then(|()| change.decide(tables));
            match decided.and_then(|(writes, answer)| room.take(&writes).map(|()| (writes, answer)))
            {
                Ok((writes, answer)) => {
                    writes.apply(tables)?;
                    wrote |= !writes.is_empty();
                    answers.push(answer);
                }
                Err(refusal) => {
                    self.outcome = Err(refusal);
                    return Ok(wrote);
                }
            }
        }
        self.outcome = Ok(answers);
        Ok(wrote)
    }

    fn answer(self: Box<Self>, failure: Option<&Arc<redb::Error>>) {
        // A refusal too may rest on a change that has now not happened.
        let outcome = match failure {
            Some(error) => Err(disk::failed(error)),
            None => self.outcome,
        };
        // A caller that has stopped waiting does not hear what happened.
        drop(self.reply.send(outcome));
    }
}

/// The way to the thread; dropping it waits until all that was handed over is committed.
pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Work>>>,
    thread: Option<JoinHandle<()>>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(database: Arc<Database>, disk: FreeBytes) -> Result<Self, StoreError> {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let commits = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&commits);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || write(&database, &disk, waiting, &count))
            .map_err(|e| {
                StoreError::new(StoreErrorKind::Unavailable, "cannot start the writer thread")
                    .because(e)
            })?;
        Ok(Self { queue: Some(queue), thread: Some(thread), commits })
    }

    /// Hands a change over and waits until it is on the disk. A caller that stops waiting after
    /// the change is handed over does not stop it.
    pub(crate) async fn submit<C: Change>(&self, change: C) -> Result<C::Answer, StoreError> {
        self.submit_all(vec![change]).await?.pop().ok_or_else(stopped)
    }

    /// Hands changes over together: they are made in their order, in one commit, up to the first
    /// that is refused.
    pub(crate) async fn submit_all<C: Change>(
        &self,
        changes: Vec<C>,
    ) -> Result<Vec<C::Answer>, StoreError> {
        let Some(queue) = &self.queue else { return Err(stopped()) };
        let (job, answer) = job(changes);
        queue.send(job).await.map_err(|_returned| stopped())?;
        answer.await.map_err(|_closed| stopped())?
    }

    /// Durable commits since the start.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // Its panic has been printed, and its callers have heard that it stopped.
            drop(thread.join());
        }
    }
}

type Answered<T> = oneshot::Receiver<Result<T, StoreError>>;

fn job<C: Change>(changes: Vec<C>) -> (Box<dyn Work>, Answered<Vec<C::Answer>>) {
    let (reply, answer) = oneshot::channel();
    (Box::new(Job { changes, outcome: Err(stopped()), reply }), answer)
}

fn stopped() -> StoreError {
    StoreError::new(
        StoreErrorKind::Unavailable,
        "the writer of the store has stopped after a panic; see the log, then start again",
    )
}

fn write(
    database: &Database,
    disk: &FreeBytes,
    mut waiting: mpsc::Receiver<Box<dyn Work>>,
    commits: &AtomicU64,
) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while waiting.blocking_recv_many(&mut batch, BATCH_MAX) > 0 {
        let failure = match commit(database, Room::of(disk), &mut batch) {
            Ok(wrote) => {
                commits.fetch_add(u64::from(wrote), Ordering::Relaxed);
                None
            }
            Err(error) => Some(Arc::new(error)),
        };
        for work in batch.drain(..) {
            work.answer(failure.as_ref());
        }
    }
}

fn commit(
    database: &Database,
    mut room: Room,
    batch: &mut [Box<dyn Work>],
) -> Result<bool, redb::Error> {
    let transaction = database.begin_write()?;
    let mut wrote = false;
    let mut tables = Tables::open(&transaction)?;
    for work in batch {
        wrote |= work.apply(&mut tables, &mut room)?;
    }
    drop(tables);
    if wrote {
        transaction.commit()?;
    } else {
        transaction.abort()?;
    }
    Ok(wrote)
}

#[cfg(test)]
mod full;
#[cfg(test)]
mod tests;
