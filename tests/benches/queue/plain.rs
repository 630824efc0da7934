//! Plain commits of redb, one for each call of the queues.

use std::ops::Range;
use std::path::Path;
use std::time::Instant;

use redb::{Database, Table, TableDefinition, WriteTransaction};

use crate::{JOBS_PER_SESSION, PAYLOAD, Rates, session};

type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;
type Rows<'t> = Table<'t, &'static [u8], &'static [u8]>;

const JOBS: Definition = TableDefinition::new("jobs");
const SESSIONS: Definition = TableDefinition::new("sessions");
const DUE: Definition = TableDefinition::new("due");
const COUNTS: Definition = TableDefinition::new("counts");

/// What the queues keep of a job beside its payload, and of a session.
const JOB: [u8; 50] = [b'x'; 50];
const SESSION: [u8; 160] = [b'x'; 160];
const CLAIMED: [u8; 280] = [b'x'; 280];

/// One row for each job.
pub(crate) fn least(path: &Path, batch: usize, commits: usize) -> Rates {
    let database = open(path);
    let all = |step: &dyn Fn(&mut Rows<'_>, &[u8])| {
        rate(&database, batch, commits, |transaction, jobs| {
            let mut table = transaction.open_table(JOBS).unwrap();
            jobs.for_each(|number| step(&mut table, job(number).as_bytes()));
        })
    };
    let enqueue = all(&|jobs, key| drop(jobs.insert(key, PAYLOAD.as_slice()).unwrap()));
    let claim = all(&|jobs, key| drop(jobs.insert(key, &PAYLOAD[1..]).unwrap()));
    let ack = all(&|jobs, key| drop(jobs.remove(key).unwrap()));
    Rates([enqueue, claim, ack])
}

/// The rows that the queues put and remove. A session is claimed as a whole, unless jobs are
/// taken one by one.
pub(crate) fn same(path: &Path, batch: usize, commits: usize) -> Rates {
    let database = open(path);
    let single = batch == 1;
    let payload = [JOB.as_slice(), &PAYLOAD].concat();
    let enqueue = rows(&database, batch, commits, |tables, number| {
        put(&mut tables.jobs, &job(number), &payload);
        if single || is_first(number) {
            put(&mut tables.sessions, &line(number), &SESSION);
        }
        if is_first(number) {
            put(&mut tables.due, &due('1', number), &[]);
        }
    });
    let claim = rows(&database, batch, commits, |tables, number| {
        if single || is_first(number) {
            put(&mut tables.sessions, &line(number), &CLAIMED);
            remove(&mut tables.due, &due('1', number));
            put(&mut tables.due, &due('2', number), &[]);
        }
    });
    let ack = rows(&database, batch, commits, |tables, number| {
        remove(&mut tables.jobs, &job(number));
        if single || is_first(number) {
            remove(&mut tables.due, &due('2', number));
        }
        if is_first(number + 1) {
            remove(&mut tables.sessions, &line(number));
        } else if single {
            put(&mut tables.sessions, &line(number), &SESSION);
            put(&mut tables.due, &due('1', number), &[]);
        }
    });
    Rates([enqueue, claim, ack])
}

struct Tables<'t> {
    jobs: Rows<'t>,
    sessions: Rows<'t>,
    due: Rows<'t>,
}

/// Measures commits that change some rows for each job, and the counts once.
fn rows(
    database: &Database,
    batch: usize,
    commits: usize,
    step: impl Fn(&mut Tables<'_>, usize),
) -> f64 {
    rate(database, batch, commits, |transaction, jobs| {
        let mut tables = Tables {
            jobs: transaction.open_table(JOBS).unwrap(),
            sessions: transaction.open_table(SESSIONS).unwrap(),
            due: transaction.open_table(DUE).unwrap(),
        };
        jobs.for_each(|number| step(&mut tables, number));
        put(&mut transaction.open_table(COUNTS).unwrap(), "acme", &JOB);
    })
}

/// Measures commits, in jobs per second.
fn rate(
    database: &Database,
    batch: usize,
    commits: usize,
    work: impl Fn(&WriteTransaction, Range<usize>),
) -> f64 {
    let start = Instant::now();
    for first in (0..batch * commits).step_by(batch) {
        let transaction = database.begin_write().unwrap();
        work(&transaction, first..first + batch);
        transaction.commit().unwrap();
    }
    f64::from(u32::try_from(batch * commits).unwrap()) / start.elapsed().as_secs_f64()
}

fn open(path: &Path) -> Database {
    redb::Builder::new().set_cache_size(16 << 20).create(path).unwrap()
}

fn put(table: &mut Rows<'_>, key: &str, value: &[u8]) {
    table.insert(key.as_bytes(), value).unwrap();
}

fn remove(table: &mut Rows<'_>, key: &str) {
    table.remove(key.as_bytes()).unwrap();
}

fn is_first(number: usize) -> bool {
    number.is_multiple_of(JOBS_PER_SESSION)
}

fn line(number: usize) -> String {
    format!("acme\0{}", session(number / JOBS_PER_SESSION))
}

fn job(number: usize) -> String {
    format!("{}\0{number:08}", line(number))
}

/// When a session is due, among those of its connection.
fn due(at: char, number: usize) -> String {
    format!("acme\0acme/hub\0hub\0{at:016}{}", session(number / JOBS_PER_SESSION))
}
