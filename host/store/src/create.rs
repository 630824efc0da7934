//! Opening the data directory, and the first start.
//!
//! The database file appears under its name only when it is whole, so its presence means data:
//! beside it the key must be the right one, without it a key may be made.

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
use crate::tables::{Table, Tables};
use crate::vault::{Key, Place};

const DATABASE: &str = "plughouse.redb";
const DATABASE_NEW: &str = "plughouse.redb.new";
const KEY: &str = "vault.key";

/// What redb keeps in memory of the file. The operating system caches it as well, so more buys
/// little, and a host must stay small whatever it stores.
const CACHE_BYTES: usize = 16 << 20;

const STORE_ROW: &[u8] = b"store";
const CANARY_ROW: &[u8] = b"canary";
const CANARY_TEXT: &[u8] = b"canary";

/// Facts about the store; the version of this row is that of the whole layout.
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

/// Opens the database and its key, or makes both.
pub(crate) fn open_or_create(dir: &Path, now: Timestamp) -> Result<(Database, Key), StoreError> {
    let (database, key) = (dir.join(DATABASE), dir.join(KEY));
    let exists =
        database.try_exists().map_err(|e| disk::file("look for the database", &database, e))?;
    if !exists {
        create(dir, now)?;
    }
    let database = Builder::new()
        .set_cache_size(CACHE_BYTES)
        .open(&database)
        .map_err(|e| open_error(dir, e))?;
    let Some(key) = Key::load(&key)? else {
        return Err(StoreError::new(
            StoreErrorKind::Corrupt,
            format!(
                "the data directory '{}' holds data but no {KEY}; put the key of this data back \
                 (no other key opens its secrets), or start with another directory",
                dir.display()
            ),
        ));
    };
    verify(dir, &database, &key)?;
    complete(&database)?;
    Ok((database, key))
}

fn create(dir: &Path, now: Timestamp) -> Result<(), StoreError> {
    let key_path = dir.join(KEY);
    let key = match Key::load(&key_path)? {
        Some(key) => key,
        None => Key::create(&key_path)?,
    };
    let new = dir.join(DATABASE_NEW);
    remove_leftover(&new)?;
    let failed = |e| disk::file("make the database", &new, e);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(failed)?;
    let database =
        Builder::new().set_cache_size(CACHE_BYTES).create(&new).map_err(|e| open_error(dir, e))?;
    fill(&database, &key, now)?;
    drop(database);
    std::fs::rename(&new, dir.join(DATABASE)).map_err(failed)?;
    sync_dir(dir)
}

/// Removes what an interrupted first start has left behind.
pub(crate) fn remove_leftover(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(disk::file("remove the leftover", path, e))
        }
        _ => Ok(()),
    }
}

/// Makes new names in a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir)
        .and_then(|handle| handle.sync_all())
        .map_err(|e| disk::file("write the data directory", dir, e))
}

fn fill(database: &Database, key: &Key, now: Timestamp) -> Result<(), StoreError> {
    let store = json::encode(&StoreRow { created: now })?;
    let canary = key.seal(&canary_place(), CANARY_TEXT)?;
    let trust = json::encode(&TrustState::default())?;
    let transaction = database.begin_write().disk()?;
    let mut tables = Tables::open(&transaction).disk()?;
    tables.meta.insert(STORE_ROW, store.as_slice()).disk()?;
    tables.meta.insert(CANARY_ROW, canary.as_slice()).disk()?;
    tables.trust.insert(trust::ROW, trust.as_slice()).disk()?;
    drop(tables);
    transaction.commit().disk()
}

fn verify(dir: &Path, database: &Database, key: &Key) -> Result<(), StoreError> {
    let snapshot = database.begin_read().disk()?;
    let meta = Table::Meta.read(&snapshot)?;
    let absent = || corrupt(Table::Meta, Malformed::Shape);
    let store = meta.get(STORE_ROW).disk()?.ok_or_else(absent)?;
    json::decode::<StoreRow>(Table::Meta, store.value())?;
    let canary = meta.get(CANARY_ROW).disk()?.ok_or_else(absent)?;
    if key.open(&canary_place(), canary.value()).is_some() {
        return Ok(());
    }
    Err(StoreError::new(
        StoreErrorKind::Corrupt,
        format!(
            "{KEY} in '{}' is not the key of the data beside it; put the right key back",
            dir.display()
        ),
    ))
}

/// Makes the tables that a store of an earlier program lacks: readers rely on all of them.
fn complete(database: &Database) -> Result<(), StoreError> {
    let tables = database.begin_read().disk()?.list_tables().disk()?.count();
    if tables >= Table::COUNT {
        return Ok(());
    }
    let transaction = database.begin_write().disk()?;
    drop(Tables::open(&transaction).disk()?);
    transaction.commit().disk()
}

fn canary_place() -> Place<'static> {
    Place { tenant: "", kind: "canary", object: "", field: "", generation: 0 }
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
