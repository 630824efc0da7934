//! The embedded store: records, checkpoints, runs, events and sealed secrets on redb.
//!
//! One thread writes; all changes that wait for it share one durable commit. Readers see
//! snapshots and wait for nobody. Invariants:
//! - a change decides everything before it writes anything, so one that is refused leaves no
//!   trace in a commit that it shares with others;
//! - an answer is given after the commit is on the disk;
//! - every key begins with the tenant, and every range that is read lies within one tenant, but
//!   for what one process does for all: runs left unfinished, the order in which things become due
//!   or end, and history that is forgotten;
//! - a disk that is nearly full refuses changes before they are written, intake first;
//! - every value begins with the version of its encoding, and a value that does not decode is an
//!   error that names its table, never an absence;
//! - a secret is in the clear only between [`model::store::Vault`] and its caller.

mod absence;
mod breakers;
mod canonical;
mod catalogue;
mod check;
mod codec;
mod consumers;
mod create;
mod disk;
mod events;
mod lanes;
mod page;
mod ports;
mod queue;
mod records;
mod rejects;
mod retention;
mod room;
mod runs;
mod schemas;
mod store;
mod tables;
mod tasks;
mod vault;
mod writer;
mod writes;

pub use store::Store;
