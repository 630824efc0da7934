//! What the host does with adapters: install them, connect accounts, sync, map, now and by schedule.
//!
//! Kept here: one commit per page of work (a lane's checkpoint never passes a page that is not
//! stored), one way in for code (nothing is synced with that was not verified again at this
//! load), and an error ends as little as possible — a record, a part, an entity, before a run.

pub mod breaker;
pub mod connect;
pub mod credential;
pub mod dead;
pub mod health;
pub mod install;
pub mod mapping;
pub mod metrics;
pub mod otlp;
pub mod policy;
pub mod replay;
pub mod retention;
pub mod schedule;
pub mod sync;
pub mod work;
