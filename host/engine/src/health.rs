//! How connections are: whether they are well, and what they are doing.
//!
//! Two answers, never one. Health is what the last run that has ended says, and what the provider
//! says of the account; a retry that begins makes nothing green, and one that waits nothing red.
//! Activity is what happens now, or what it waits for.

mod look;
mod rule;

use model::store::RunRef;
use model::{Connection, Error, Timestamp};

pub use look::{Looked, Ports, look};
pub use rule::{Facts, of_connection, of_entity, together};

use model::queue::{PauseScope, Queue};

use crate::work::job::session;

/// Whether something is well; the worse, the greater.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Health {
    /// Its last run has read everything.
    Healthy,
    /// No run has ended yet.
    NeverRun,
    /// Its last run has read something and not everything, or its credential ends soon.
    Degraded,
    /// Its last run has failed.
    Failed,
    /// The provider does not accept its credential any more.
    NeedsSignIn,
}

impl Health {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Healthy, Self::NeverRun, Self::Degraded, Self::Failed, Self::NeedsSignIn];
}

/// Whether something is well, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verdict {
    /// Whether it is.
    pub health: Health,
    /// Why it is not, for people.
    pub reason: Option<String>,
    /// The stable code of that.
    pub code: Option<String>,
    /// Since when that is known.
    pub since: Option<Timestamp>,
}

impl Verdict {
    /// Well or not, with nothing to say about it.
    fn plain(health: Health, since: Option<Timestamp>) -> Self {
        Self { health, reason: None, code: None, since }
    }

    fn because(health: Health, error: Option<&Error>, since: Option<Timestamp>) -> Self {
        let (reason, code) = error.map(|error| (error.message.clone(), error.code.clone())).unzip();
        Self { health, reason, code, since }
    }
}

/// What happens now; the more, the greater.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Activity {
    /// Nothing.
    Idle,
    /// Its work rests.
    Paused {
        /// When it goes on by itself.
        until: Option<Timestamp>,
        /// Why it rests.
        reason: String,
    },
    /// A job waits for its turn.
    Queued {
        /// Not before, where that is not yet.
        due: Option<Timestamp>,
    },
    /// A job has failed and is tried again.
    Retrying {
        /// When.
        at: Timestamp,
        /// Why it has failed.
        reason: String,
    },
    /// A job is at work.
    Running {
        /// Its run, once it has begun.
        run: Option<RunRef>,
    },
}

impl Activity {
    fn rank(&self) -> u8 {
        match self {
            Self::Idle => 0,
            Self::Paused { .. } => 1,
            Self::Queued { .. } => 2,
            Self::Retrying { .. } => 3,
            Self::Running { .. } => 4,
        }
    }
}

/// Whether the syncs of a connection rest under a pause.
pub fn holds(scope: &PauseScope, connection: &Connection) -> bool {
    let Connection { id, package, .. } = connection;
    match scope {
        PauseScope::Queue(queue) => *queue == Queue::InboundScheduled,
        PauseScope::Session(queue, name) => {
            *queue == Queue::InboundScheduled && *name == session(id)
        }
        PauseScope::Package(name) => name == package,
        PauseScope::Connection(other) | PauseScope::Unauthorised(other) => other == id,
    }
}
