//! The durable queues.
//!
//! One row says all that is needed about a session: when it becomes due, who has it, and what is
//! known of the jobs at its head. A claim rewrites this row and never a job, so a job is written
//! once and removed once, however often it is tried.
//!
//! What becomes due is found by two indexes: `ready` orders the sessions of each connection, and
//! `heads` orders the connections of each package of a tenant by their first session. So a claim
//! passes over a package that has enough to do with one look, and over a paused connection with
//! none, however many sessions wait there.
//!
//! Epochs come from a counter of the queue, not of the session: the row of a session without jobs
//! is removed, and a worker of long ago must not hold the session that is made again.

mod check;
mod claim;
mod counts;
mod dead;
mod dedupe;
mod draft;
mod due;
mod enqueue;
mod finish;
mod index;
mod keys;
mod lapse;
mod ledger;
mod pause;
mod port;
mod renew;
mod rows;
mod session;
mod states;
mod view;

pub(crate) use lapse::lapse;
pub(crate) use ledger::Ledger;
pub(crate) use session::fence;
