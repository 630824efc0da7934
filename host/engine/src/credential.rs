//! Credentials: entered or authorised, kept alive, watched, revoked.
//!
//! Kept here: a refresh token that rotates is never sent by two at a time, is never forgotten
//! before its successor is committed, and an answer is committed before anything else happens. No
//! provider's "no" is believed at once. Nothing that this module says, logs or answers holds a
//! secret.

mod app;
mod enter;
mod error;
mod flow;
mod handle;
mod inventory;
mod keep;
mod party;
mod ports;
mod refresh;
mod review;
mod revoke;
mod sealing;
mod secrets;
mod slot;
mod state;
mod sweep;
mod when;

use std::sync::Arc;

use tokio::sync::Mutex;

pub use app::NewApp;
pub use flow::{Begun, Finished};
pub use inventory::{GrantView, Scopes};
pub use ports::{Check, Material, Packages, Ports, Provider, Spawn};
pub use review::{IDLE_DAYS_DEFAULT, IdleRule, Reviewed};
pub use revoke::{Ended, Revocation, Whose};
pub use sweep::Swept;

use slot::{Key, Slots};

/// All that is done with credentials. Clones share what is held in memory.
#[derive(Clone)]
pub struct Credentials(Arc<Inner>);

struct Inner {
    ports: Ports,
    slots: Slots,
    /// Held by who decides whether an app is to be tried again.
    probing: Mutex<()>,
}

impl Credentials {
    /// Credentials over these ports.
    pub fn new(ports: Ports) -> Self {
        Self(Arc::new(Inner { ports, slots: Slots::default(), probing: Mutex::default() }))
    }
}
