use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use redb::backends::InMemoryBackend;
use redb::{Builder, ReadableDatabase as _, StorageBackend};

use super::*;
use crate::tables::Table;

/// Memory that refuses to be synced when it is told to.
#[derive(Debug, Default)]
struct Flaky {
    memory: InMemoryBackend,
    fails: Arc<AtomicBool>,
    /// What would be left if the power failed now.
    synced: Arc<Mutex<Vec<u8>>>,
}

impl StorageBackend for Flaky {
    fn len(&self) -> Result<u64, std::io::Error> {
        self.memory.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), std::io::Error> {
        self.memory.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<(), std::io::Error> {
        self.memory.set_len(len)
    }

    fn sync_data(&self) -> Result<(), std::io::Error> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(std::io::Error::other("no space left"));
        }
        let mut synced = self.synced.lock().unwrap();
        synced.resize(usize::try_from(self.memory.len()?).unwrap(), 0);
        self.memory.read(0, &mut synced)
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), std::io::Error> {
        self.memory.write(offset, data)
    }
}

fn database() -> (Database, Arc<AtomicBool>) {
    let backend = Flaky::default();
    let fails = Arc::clone(&backend.fails);
    let database = Builder::new().create_with_backend(backend).unwrap();
    let transaction = database.begin_write().unwrap();
    drop(Tables::open(&transaction).unwrap());
    transaction.commit().unwrap();
    (database, fails)
}

fn unlimited() -> FreeBytes {
    Box::new(|| u64::MAX)
}

/// Puts a row, or is refused.
struct Put(&'static str, bool);

impl Change for Put {
    type Answer = &'static str;

    fn decide(self, _: &Tables<'_>) -> Result<(Writes, &'static str), StoreError> {
        if !self.1 {
            return Err(StoreError::new(StoreErrorKind::Fenced, "refused"));
        }
        let mut writes = Writes::default();
        writes.put(Table::Meta, self.0.as_bytes(), b"row");
        Ok((writes, self.0))
    }
}

/// Lets changes wait, then the thread's loop run; the commits and the answers.
fn written(
    database: &Database,
    changes: impl IntoIterator<Item = Put>,
) -> (u64, Vec<Result<&'static str, StoreErrorKind>>) {
    let (queue, waiting) = mpsc::channel(QUEUE_MAX);
    let mut answers = Vec::new();
    for change in changes {
        let (job, answer) = job(vec![change]);
        assert!(queue.try_send(job).is_ok());
        answers.push(answer);
    }
    drop(queue);
    let commits = AtomicU64::new(0);
    write(database, &unlimited(), waiting, &commits);
    let answers = answers.into_iter().map(|mut answer| match answer.try_recv().unwrap() {
        Ok(answers) => Ok(answers[0]),
        Err(error) => Err(error.kind()),
    });
    (commits.into_inner(), answers.collect())
}

fn has(database: &Database, row: &str) -> bool {
    let meta = Table::Meta.read(&database.begin_read().unwrap()).unwrap();
    meta.get(row.as_bytes()).unwrap().is_some()
}

#[test]
fn changes_that_wait_share_one_commit() {
    let (database, _) = database();
    let changes = || std::iter::repeat_with(|| Put("a", true));
    assert_eq!(written(&database, changes().take(BATCH_MAX)).0, 1);
    assert_eq!(written(&database, changes().take(BATCH_MAX + 1)).0, 2);
}

#[test]
fn refused_change_does_not_touch_those_that_share_its_commit() {
    let (database, _) = database();
    let (commits, answers) = written(&database, [Put("a", true), Put("b", false), Put("c", true)]);
    assert_eq!(commits, 1);
    assert_eq!(answers, [Ok("a"), Err(StoreErrorKind::Fenced), Ok("c")]);
    assert_eq!(
        (has(&database, "a"), has(&database, "b"), has(&database, "c")),
        (true, false, true)
    );
}

#[test]
fn changes_of_one_job_end_at_the_first_refusal() {
    let (database, _) = database();
    let (queue, waiting) = mpsc::channel(QUEUE_MAX);
    let (job, mut answer) = job(vec![Put("a", true), Put("b", false), Put("c", true)]);
    assert!(queue.try_send(job).is_ok());
    drop(queue);
    write(&database, &unlimited(), waiting, &AtomicU64::new(0));
    assert_eq!(answer.try_recv().unwrap().unwrap_err().kind(), StoreErrorKind::Fenced);
    let found = ["a", "b", "c"].map(|row| has(&database, row));
    assert_eq!(found, [true, false, false]);
}

#[test]
fn answered_change_survives_the_loss_of_all_that_is_not_synced() {
    let backend = Flaky::default();
    let synced = Arc::clone(&backend.synced);
    let database = Builder::new().create_with_backend(backend).unwrap();
    assert_eq!(written(&database, [Put("a", true)]).1, [Ok("a")]);
    let left = synced.lock().unwrap().clone();
    let memory = InMemoryBackend::new();
    memory.set_len(u64::try_from(left.len()).unwrap()).unwrap();
    memory.write(0, &left).unwrap();
    assert!(has(&Builder::new().create_with_backend(memory).unwrap(), "a"));
}

#[test]
fn refusals_alone_cost_no_commit() {
    let (database, _) = database();
    let (commits, answers) = written(&database, [Put("a", false), Put("b", false)]);
    assert_eq!((commits, answers), (0, vec![Err(StoreErrorKind::Fenced); 2]));
}

#[test]
fn failed_commit_is_heard_by_every_caller_and_leaves_nothing() {
    let (database, fails) = database();
    fails.store(true, Ordering::Relaxed);
    let (commits, answers) = written(&database, [Put("a", true), Put("b", false), Put("c", true)]);
    assert_eq!((commits, answers), (0, vec![Err(StoreErrorKind::Unavailable); 3]));
    assert!(!has(&database, "a") && !has(&database, "c"));
}

#[test]
fn dropped_writer_first_commits_what_was_handed_over() {
    let database = Arc::new(database().0);
    let writer = Writer::start(Arc::clone(&database), unlimited()).unwrap();
    let (work, mut answer) = job(vec![Put("a", true)]);
    assert!(writer.queue.as_ref().unwrap().try_send(work).is_ok());
    drop(writer);
    assert_eq!(answer.try_recv().unwrap().unwrap(), ["a"]);
    assert!(has(&database, "a"));
}

#[tokio::test]
async fn panic_of_a_change_is_heard_as_a_stopped_writer() {
    struct Panics;
    impl Change for Panics {
        type Answer = ();
        fn decide(self, _: &Tables<'_>) -> Result<(Writes, ()), StoreError> {
            panic!("expected by the test")
        }
    }
    let writer = Writer::start(Arc::new(database().0), unlimited()).unwrap();
    let error = writer.submit(Panics).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(writer.submit(Put("a", true)).await.is_err());
}
