//! The open store.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use model::Clock;
use model::store::{StoreError, StoreErrorKind};
use redb::{Database, ReadTransaction, ReadableDatabase as _};

use crate::disk::Disk as _;
use crate::writer::{Change, Writer};
use crate::{create, credentials, queue, room, runs};

/// The embedded store; clones are the same store.
///
/// Dropping the last clone waits for the changes that were handed over, then lets go of the
/// directory. All methods of its ports need a tokio runtime.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

/// In the order in which they are dropped.
struct Inner {
    writer: Writer,
    database: Arc<Database>,
    clock: Clock,
    _lock: File,
}

impl Store {
    /// Opens the store in `dir`, or makes one where there is none. The directory belongs to one
    /// process at a time; it is made if it is missing, for its owner alone. Runs that the process
    /// before has left unfinished are marked interrupted, and its claims and leases run out.
    pub fn open(dir: &Path, clock: Clock) -> Result<Self, StoreError> {
        let lock = create::lock(dir)?;
        let database = create::open_or_create(dir, clock.now())?;
        runs::interrupt(&database, clock.now())?;
        queue::lapse(&database, clock.now())?;
        credentials::lapse(&database)?;
        let database = Arc::new(database);
        let writer = Writer::start(Arc::clone(&database), room::free_bytes(dir))?;
        Ok(Self(Arc::new(Inner { writer, database, clock, _lock: lock })))
    }

    /// How many durable commits this process has made; changes that come together share one.
    pub fn commits(&self) -> u64 {
        self.0.writer.commits()
    }

    /// The time of all that the store decides by time.
    pub(crate) fn clock(&self) -> Clock {
        self.0.clock.clone()
    }

    pub(crate) async fn write<C: Change>(&self, change: C) -> Result<C::Answer, StoreError> {
        self.0.writer.submit(change).await
    }

    pub(crate) async fn write_all<C: Change>(
        &self,
        changes: Vec<C>,
    ) -> Result<Vec<C::Answer>, StoreError> {
        self.0.writer.submit_all(changes).await
    }

    /// Reads from a snapshot, on a blocking thread: a read may wait for the disk and may be long,
    /// and none is frequent enough for the hop to matter.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let database = Arc::clone(&self.0.database);
        tokio::task::spawn_blocking(move || read(&database.begin_read().disk()?)).await.map_err(
            |e| {
                StoreError::new(StoreErrorKind::Unavailable, "a read of the store was cut short")
                    .because(e)
            },
        )?
    }
}

#[cfg(test)]
mod tests;
