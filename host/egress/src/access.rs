//! The access log of a door: each use of the credential is known before it happens.
//!
//! An entry is durable before the credential first goes to an endpoint; how often it went there is
//! added when the door is closed. A host that stops in between loses the number, not the entry.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use model::credential::{Access, AccessLog, Actor};
use model::{Connection, Error, ErrorKind, Timestamp};
use package::Manifest;
use tokio::runtime::Handle;
use tokio::sync::{OnceCell, watch};
use tokio::time::{Instant, timeout_at};

/// The slot of the account's credential, the only one that requests are filled from.
const SLOT: &str = "account";

/// What one door has used.
pub(crate) struct Accesses {
    log: Arc<dyn AccessLog>,
    closings: Closings,
    uses: BTreeMap<String, Use>,
}

/// The uses at one endpoint.
struct Use {
    /// What they have in common.
    blank: Access,
    /// Where the entry is written, and the runtime that can add to it.
    written: OnceCell<(u64, Handle)>,
    tally: Mutex<Tally>,
}

#[derive(Clone, Copy)]
struct Tally {
    first: Timestamp,
    last: Timestamp,
    uses: u64,
}

impl Accesses {
    /// Nothing is used yet.
    pub(crate) fn new(
        (log, actor): (Arc<dyn AccessLog>, Actor),
        connection: &Connection,
        manifest: &Manifest,
        closings: Closings,
    ) -> Self {
        let endpoints = manifest.endpoints.iter().filter(|(_, endpoint)| endpoint.credential);
        let blank = |name: &String| Access {
            id: 0,
            tenant: connection.tenant.clone(),
            connection: connection.id.clone(),
            actor: actor.clone(),
            slot: SLOT.to_owned(),
            endpoint: name.clone(),
            first: Timestamp::UNIX_EPOCH,
            last: Timestamp::UNIX_EPOCH,
            uses: 0,
        };
        let uses = endpoints.map(|(name, _)| (name.clone(), Use::of(blank(name)))).collect();
        Self { log, closings, uses }
    }

    /// Counts a use; the first one of an endpoint waits until it is written down.
    pub(crate) async fn note(
        &self,
        endpoint: &str,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<(), Error> {
        let used = self.uses.get(endpoint).ok_or_else(|| unwritten("nobody counts them"))?;
        if !used.written.initialized() {
            let written = used.written.get_or_try_init(|| used.write(&*self.log, now));
            timeout_at(deadline, written)
                .await
                .map_err(|_elapsed| unwritten("it took until the call's deadline"))??;
        }
        used.count(now);
        Ok(())
    }
}

impl Use {
    fn of(blank: Access) -> Self {
        let never = Timestamp::UNIX_EPOCH;
        let tally = Tally { first: never, last: never, uses: 0 };
        Self { blank, written: OnceCell::new(), tally: Mutex::new(tally) }
    }

    async fn write(&self, log: &dyn AccessLog, now: Timestamp) -> Result<(u64, Handle), Error> {
        let entry = Access { first: now, last: now, uses: 1, ..self.blank.clone() };
        let id = log.note_access(entry).await.map_err(|error| unwritten(&error.to_string()))?;
        Ok((id, Handle::current()))
    }

    fn count(&self, now: Timestamp) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        if tally.uses == 0 {
            tally.first = now;
        }
        tally.last = now;
        tally.uses += 1;
    }

    /// The entry as it ends, where there is more to tell than when it was written.
    fn ended(&self) -> Option<(Access, &Handle)> {
        let (id, runtime) = self.written.get()?;
        let tally = *self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let Tally { first, last, uses } = tally;
        let entry = Access { id: *id, first, last, uses, ..self.blank.clone() };
        (uses > 1).then_some((entry, runtime))
    }
}

impl Drop for Accesses {
    fn drop(&mut self) {
        let ended = self.uses.values().filter_map(Use::ended);
        let (entries, runtimes): (Vec<_>, Vec<_>) = ended.unzip();
        if let Some(runtime) = runtimes.first() {
            self.closings.begin(Arc::clone(&self.log), entries, runtime);
        }
    }
}

/// Doors that are closed and whose entries are still being added to; its clones are one.
#[derive(Clone, Default)]
pub(crate) struct Closings(Arc<watch::Sender<usize>>);

impl Closings {
    fn begin(&self, log: Arc<dyn AccessLog>, entries: Vec<Access>, runtime: &Handle) {
        self.0.send_modify(|open| *open += 1);
        let open = Open(self.clone());
        runtime.spawn(async move {
            if let Err(error) = log.close_access(entries).await {
                tracing::warn!(%error, "how often a credential was used is not written down");
            }
            drop(open);
        });
    }

    /// Waits until none is left.
    pub(crate) async fn settled(&self) {
        let mut open = self.0.subscribe();
        // The sender is this one's, so that it does not end before.
        let _none = open.wait_for(|open| *open == 0).await;
    }
}

/// One of them; it ends as well where its task does not.
struct Open(Closings);

impl Drop for Open {
    fn drop(&mut self) {
        let Self(closings) = self;
        closings.0.send_modify(|open| *open -= 1);
    }
}

fn unwritten(why: &str) -> Error {
    let message = format!("the use of the credential could not be written down: {why}");
    Error::new(ErrorKind::Unavailable, "egress.access-log", message)
}
