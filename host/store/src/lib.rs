//! The embedded store on redb: records and canonical records, schemas, checkpoints, runs, events,
//! queues, tasks, credentials and what is sealed of them.
//!
//! One thread writes; all changes that wait for it share one durable commit. Readers see
//! snapshots and wait for nobody. Invariants:
//! - a change decides everything before it writes anything, so one that is refused leaves no
//!   trace in a commit that it shares with others;
//! - an answer is given after the commit is on the disk;
//! - every key of what a tenant owns begins with the tenant, and every range that is read lies
//!   within one, but for what one process does for all: runs and claims that the process before has
//!   left, the order in which things become due or end, open breakers, apps that all share, flows
//!   that come back by their state alone, API keys, sessions and requests, which say themselves
//!   whose they are, and history that is forgotten;
//! - a disk that is nearly full refuses changes before they are written, intake first;
//! - every value begins with the version of its encoding, but for payloads of dead letters and
//!   empty rows, and a value that does not decode is an error that names its table, never an
//!   absence;
//! - no secret is here in the clear: it comes sealed, and leaves sealed.

mod absence;
mod access;
mod api_keys;
mod apps;
mod breakers;
mod canonical;
mod catalogue;
mod check;
mod codec;
mod conflicts;
mod consumers;
mod create;
mod credentials;
mod disk;
mod drafts;
mod events;
mod flows;
mod integrations;
mod keys;
mod lanes;
mod page;
mod ports;
mod queue;
mod records;
mod rejects;
mod requests;
mod retention;
mod room;
mod runs;
mod schemas;
mod store;
mod tables;
mod tasks;
mod tenants;
mod writer;
mod writes;

pub use store::Store;
