//! Opening the data directory, and the first start.
//!
//! The database file appears under its name only when it is whole, so its presence means data.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use model::Timestamp;
use model::store::{StoreError, StoreErrorKind, TrustState};
use redb::{Builder, Database, DatabaseError, ReadableDatabase as _};
use serde::{Deserialize, Serialize};

use crate::catalogue::trust;
use crate::codec::{Malformed, corrupt, json};
use crate::disk::{self, Disk as _};
use crate::integrations;
use crate::tables::{Table, Tables};

const DATABASE: &str = "plughouse.redb";
const DATABASE_NEW: &str = "plughouse.redb.new";

/// What redb keeps in memory of the file. The operating system caches it as well, so more buys
/// little, and a host must stay small whatever it stores.
const CACHE_BYTES: usize = 16 << 20;

const STORE_ROW: &[u8] = b"store";

/// The layout of the whole store. Before the second one the store itself sealed the secrets, with
/// a key that was not wrapped by another.
const LAYOUT: u8 = 2;

/// Facts about the store, as JSON behind the number of the layout.
#[derive(Deserialize, Serialize)]
struct StoreRow {
    created: Timestamp,
}

/// Takes the directory for this process, and makes it if it is missing. The lock goes with the
/// file.
pub(crate) fn lock(dir: &Path) -> Result<File, StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|e| disk::file("make the data directory", dir, e))?;
    let handle = File::open(dir).map_err(|e| disk::file("open the data directory", dir, e))?;
    match handle.try_lock() {
        Ok(()) => Ok(handle),
        Err(TryLockError::WouldBlock) => Err(busy(dir)),
        Err(TryLockError::Error(e)) => Err(disk::file("lock the data directory", dir, e)),
    }
}

/// Opens the database, or makes it.
pub(crate) fn open_or_create(dir: &Path, now: Timestamp) -> Result<Database, StoreError> {
    let path = dir.join(DATABASE);
    let exists = path.try_exists().map_err(|e| disk::file("look for the database", &path, e))?;
    if !exists {
        create(dir, now)?;
    }
    let database =
        Builder::new().set_cache_size(CACHE_BYTES).open(&path).map_err(|e| open_error(dir, e))?;
    verify(dir, &database)?;
    complete(&database, now)?;
    Ok(database)
}

fn create(dir: &Path, now: Timestamp) -> Result<(), StoreError> {
    let new = dir.join(DATABASE_NEW);
    remove_leftover(&new)?;
    let failed = |e| disk::file("make the database", &new, e);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(failed)?;
    let database =
        Builder::new().set_cache_size(CACHE_BYTES).create(&new).map_err(|e| open_error(dir, e))?;
    fill(&database, now)?;
    drop(database);
    std::fs::rename(&new, dir.join(DATABASE)).map_err(failed)?;
    sync_dir(dir)
}

/// Removes what an interrupted first start has left behind.
fn remove_leftover(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(disk::file("remove the leftover", path, e))
        }
        _ => Ok(()),
    }
}

/// Makes new names in a directory durable.
fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir)
        .and_then(|handle| handle.sync_all())
        .map_err(|e| disk::file("write the data directory", dir, e))
}

fn fill(database: &Database, now: Timestamp) -> Result<(), StoreError> {
    let mut store = json::encode(&StoreRow { created: now })?;
    if let Some(layout) = store.first_mut() {
        *layout = LAYOUT;
    }
    let trust = json::encode(&TrustState::default())?;
    let transaction = database.begin_write().disk()?;
    let mut tables = Tables::open(&transaction).disk()?;
    tables.meta.insert(STORE_ROW, store.as_slice()).disk()?;
    tables.trust.insert(trust::ROW, trust.as_slice()).disk()?;
    drop(tables);
    transaction.commit().disk()
}

/// Refuses a store of another layout.
fn verify(dir: &Path, database: &Database) -> Result<(), StoreError> {
    let damaged = || corrupt(Table::Meta, Malformed::Shape);
    let snapshot = database.begin_read().disk()?;
    let row = Table::Meta.read(&snapshot)?.get(STORE_ROW).disk()?.ok_or_else(damaged)?;
    match row.value().split_first() {
        Some((&LAYOUT, facts)) => {
            serde_json::from_slice::<StoreRow>(facts).map(drop).map_err(|_ignored| damaged())
        }
        Some((layout, _)) if *layout < LAYOUT => Err(StoreError::new(
            StoreErrorKind::Corrupt,
            format!(
                "the data directory '{}' is one of an earlier program, which kept secrets in a way \
                 that this one does not know; use another directory, and install and connect there",
                dir.display()
            ),
        )),
        Some((layout, _)) => Err(corrupt(Table::Meta, Malformed::Version(*layout))),
        None => Err(damaged()),
    }
}

/// Makes the tables that a store of an earlier program lacks, for readers rely on all of them, and
/// the rows that go with what it has.
fn complete(database: &Database, now: Timestamp) -> Result<(), StoreError> {
    let tables = database.begin_read().disk()?.list_tables().disk()?.count();
    if tables >= Table::COUNT {
        return Ok(());
    }
    let transaction = database.begin_write().disk()?;
    let mut tables = Tables::open(&transaction).disk()?;
    integrations::adopt(&tables, now)?.apply(&mut tables).disk()?;
    drop(tables);
    transaction.commit().disk()
}

fn open_error(dir: &Path, error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => busy(dir),
        DatabaseError::Storage(redb::StorageError::Io(e))
            if e.kind() == std::io::ErrorKind::InvalidData =>
        {
            let message = format!(
                "'{}' is not a database; restore the data directory from a backup",
                dir.join(DATABASE).display()
            );
            StoreError::new(StoreErrorKind::Corrupt, message).because(e)
        }
        other => disk::failed(&std::sync::Arc::new(other.into())),
    }
}

fn busy(dir: &Path) -> StoreError {
    StoreError::new(
        StoreErrorKind::Busy,
        format!(
            "the data directory '{}' is in use by another process; stop that one first, or use \
             another directory",
            dir.display()
        ),
    )
}
