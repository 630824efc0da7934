//! A disk that becomes full and has room again.

use std::collections::BTreeSet;
use std::io;
use std::sync::Mutex;

use redb::backends::InMemoryBackend;
use redb::{Builder, ReadableDatabase as _, ReadableTableMetadata as _, StorageBackend};

use super::*;
use crate::tables::Table;

const BLOCK: u64 = 4 << 10;
const MEBIBYTE: u64 = 1 << 20;

/// Memory that has no more blocks than its capacity allows, as a sparse file on a small disk.
#[derive(Clone, Debug)]
struct Small(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    memory: InMemoryBackend,
    blocks: Mutex<BTreeSet<u64>>,
    capacity: AtomicU64,
    failures: AtomicU64,
}

impl Small {
    fn new(capacity: u64) -> Self {
        Self(Arc::new(Inner {
            memory: InMemoryBackend::new(),
            blocks: Mutex::default(),
            capacity: AtomicU64::new(capacity),
            failures: AtomicU64::new(0),
        }))
    }

    fn free(&self) -> u64 {
        let used = u64::try_from(self.0.blocks.lock().unwrap().len()).unwrap() * BLOCK;
        self.0.capacity.load(Ordering::Relaxed).saturating_sub(used)
    }

    fn free_bytes(&self) -> FreeBytes {
        let disk = self.clone();
        Box::new(move || disk.free())
    }

    fn failures(&self) -> u64 {
        self.0.failures.load(Ordering::Relaxed)
    }
}

impl StorageBackend for Small {
    fn len(&self) -> Result<u64, io::Error> {
        self.0.memory.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.0.memory.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        drop(self.0.blocks.lock().unwrap().split_off(&len.div_ceil(BLOCK)));
        self.0.memory.set_len(len)
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        self.0.memory.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        let end = offset + u64::try_from(data.len()).unwrap();
        let mut blocks = self.0.blocks.lock().unwrap();
        let mut more = blocks.clone();
        more.extend(offset / BLOCK..end.div_ceil(BLOCK));
        let bytes = u64::try_from(more.len()).unwrap() * BLOCK;
        if bytes > self.0.capacity.load(Ordering::Relaxed) {
            self.0.failures.fetch_add(1, Ordering::Relaxed);
            return Err(io::ErrorKind::StorageFull.into());
        }
        *blocks = more;
        self.0.memory.write(offset, data)
    }
}

/// Puts a row of a mebibyte.
struct Put(u64);

impl Change for Put {
    type Answer = ();

    fn decide(self, _: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
        let mut writes = Writes::default();
        writes.put(Table::Meta, &self.0.to_be_bytes(), &vec![7; 1 << 20]);
        Ok((writes, ()))
    }
}

/// Puts rows from `first` on until one is refused; which one, and why.
async fn fill(writer: &Writer, first: u64) -> (u64, StoreError) {
    let mut number = first;
    loop {
        match writer.submit(Put(number)).await {
            Ok(()) => number += 1,
            Err(error) => return (number, error),
        }
    }
}

fn open(disk: &Small) -> Arc<Database> {
    let mut builder = Builder::new();
    builder.set_cache_size(1 << 20).set_repair_callback(|_| panic!("there is nothing to repair"));
    Arc::new(builder.create_with_backend(disk.clone()).unwrap())
}

#[tokio::test]
async fn full_disk_refuses_changes_and_goes_on_without_repair_once_there_is_room() {
    let disk = Small::new(40 * MEBIBYTE);
    let database = open(&disk);
    let writer = Writer::start(Arc::clone(&database), disk.free_bytes()).unwrap();
    let (refused, error) = fill(&writer, 0).await;
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("nearly full"), "{error}");
    assert!(refused > 10, "{refused}");
    assert!(writer.submit(Put(refused)).await.is_err());
    disk.0.capacity.fetch_add(8 * MEBIBYTE, Ordering::Relaxed);
    let (second, _) = fill(&writer, refused).await;
    assert!(second >= refused + 3, "{second}");
    drop((writer, database));
    let rows = Table::Meta.read(&open(&disk).begin_read().unwrap()).unwrap();
    assert_eq!((rows.len().unwrap(), disk.failures()), (second, 0));
}

/// What the question about the room is good for.
#[tokio::test]
async fn disk_that_is_not_asked_fails_in_a_commit_and_takes_nothing_more() {
    let disk = Small::new(8 * MEBIBYTE);
    let writer = Writer::start(open(&disk), Box::new(|| u64::MAX)).unwrap();
    let (refused, error) = fill(&writer, 0).await;
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(disk.failures() > 0);
    disk.0.capacity.fetch_add(8 * MEBIBYTE, Ordering::Relaxed);
    let error = writer.submit(Put(refused)).await.unwrap_err();
    assert!(error.to_string().contains("then start again"), "{error}");
}
