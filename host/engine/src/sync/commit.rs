//! The committing half of a run: takes pages from the reading half and makes them durable.
//!
//! A page carries the checkpoint that passes over all pages before it, so a page must never be
//! stored when one before it is not. One call of the store is outstanding at a time; it holds
//! every page that has come in meanwhile, in order, and `commit_pages` stops at the first that
//! fails. After a failure this half ends, and with it the queue. So no kind of failure, and no
//! way in which a store groups its commits, can let a later page pass an earlier one.

use std::sync::Arc;

use model::run::EntityReport;
use model::store::{PageCommit, PageOutcome, RecordStore, StoreError, StoreErrorKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// How many pages may wait to be committed, and how many go into one commit. One would be enough
/// to read the next page while the last one commits; with four a disk that is slower than the
/// provider pays for one sync per four pages, and more would only be lost by a crash.
pub(super) const PAGES_QUEUED_MAX: usize = 4;

/// How many bytes of payload may wait to be committed. One page may be larger, as large as the
/// package's budget for responses; it then waits alone. Usual pages are 50 to 500 KiB.
pub(super) const BYTES_QUEUED_MAX: u32 = 8 << 20;

/// The reading half's end of the queue.
pub(super) struct Outbox {
    queue: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
}

/// The committing half's end of the queue.
pub(super) struct Inbox(mpsc::Receiver<Queued>);

struct Queued {
    page: PageCommit,
    room: OwnedSemaphorePermit,
}

/// A queue between the two halves of a run.
pub(super) fn queue() -> (Outbox, Inbox) {
    let (sender, receiver) = mpsc::channel(PAGES_QUEUED_MAX);
    let room = Arc::new(Semaphore::new(usize::try_from(BYTES_QUEUED_MAX).unwrap_or(usize::MAX)));
    (Outbox { queue: sender, room }, Inbox(receiver))
}

impl Outbox {
    /// Hands a page over as soon as there is room for it.
    pub(super) async fn send(&self, page: PageCommit) -> Result<(), StoreError> {
        let bytes = page.records.iter().map(|r| r.record.payload.len()).sum::<usize>();
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(BYTES_QUEUED_MAX);
        // Neither end closes while the other works; the answer is for a future change.
        let room = self.room.clone().acquire_many_owned(bytes).await.map_err(stopped)?;
        self.queue.send(Queued { page, room }).await.map_err(|_page| stopped("queue closed"))
    }
}

fn stopped(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "nothing commits pages any more").because(cause)
}

/// Commits what comes in until the reading half is done, and tells after each page what it did and
/// what the entity's counters are.
pub(super) async fn commit(
    store: &dyn RecordStore,
    Inbox(mut queue): Inbox,
    report: &mut EntityReport,
    tell: &(dyn Fn(&PageOutcome, &EntityReport) + Send + Sync),
) -> Result<(), StoreError> {
    let mut batch = Vec::with_capacity(PAGES_QUEUED_MAX);
    while queue.recv_many(&mut batch, PAGES_QUEUED_MAX).await > 0 {
        let read: Vec<_> = batch.iter().map(|q: &Queued| (q.page.read(), q.page.receipt)).collect();
        let (pages, room): (Vec<_>, Vec<_>) = batch.drain(..).map(|q| (q.page, q.room)).unzip();
        let outcomes = store.commit_pages(pages).await?;
        drop(room);
        for ((read, cost), outcome) in read.into_iter().zip(&outcomes) {
            report.add(read, outcome, &cost);
            tell(outcome, report);
        }
    }
    Ok(())
}
