//! What this process holds of credentials that are in use: the access token, and the one refresh
//! that is on its way.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use model::credential::{Grant, Token};
use model::masking::Masked;
use model::{ConnectionId, Error, ErrorKind, Secret, TenantId, Timestamp};
use tokio::sync::watch;
use tracing::Instrument as _;

use super::refresh::Doubt;
use super::{Inner, when};

/// Which credential.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Key {
    pub(super) tenant: TenantId,
    pub(super) connection: ConnectionId,
}

impl Key {
    pub(super) fn new(tenant: &TenantId, connection: &ConnectionId) -> Self {
        Self { tenant: tenant.clone(), connection: connection.clone() }
    }
}

/// An access token that was opened or has just been obtained.
pub(super) struct Fresh {
    pub(super) generation: u64,
    /// With the generation it tells one credential from another of the same name.
    pub(super) authorised: Timestamp,
    pub(super) grant: Grant,
    pub(super) secret: Secret,
    pub(super) variables: BTreeMap<String, String>,
    /// Keeps the token out of everything that is written.
    pub(super) _masked: Masked,
}

impl Fresh {
    /// The token as egress takes it.
    pub(super) fn token(&self) -> Token {
        Token {
            secret: self.secret.clone(),
            generation: self.generation,
            obtained: self.grant.obtained.unwrap_or(self.authorised),
            expires: self.grant.expires,
            variables: self.variables.clone(),
        }
    }
}

/// How a refresh ended.
type Landed = Result<Arc<Fresh>, Error>;

/// A refresh that is on its way.
type Flight = watch::Receiver<Option<Landed>>;

/// A credential that somebody uses. It is forgotten with its last user, and the token with it.
#[derive(Default)]
pub(super) struct Slot(Mutex<State>);

#[derive(Default)]
struct State {
    fresh: Option<Arc<Fresh>>,
    flight: Option<Flight>,
    /// After a refresh that failed, none is begun before for a token that still lives.
    rests_until: Option<Timestamp>,
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token that is held.
    pub(super) fn fresh(&self) -> Option<Arc<Fresh>> {
        self.state().fresh.clone()
    }

    /// Holds a token from now on.
    pub(super) fn hold(&self, fresh: Option<Arc<Fresh>>) {
        self.state().fresh = fresh;
    }

    /// Whether a refresh has just failed.
    pub(super) fn rests(&self, now: Timestamp) -> bool {
        self.state().rests_until.is_some_and(|until| until > now)
    }

    fn land(&self, flight: &Flight, landed: &Landed, now: Timestamp) {
        let mut state = self.state();
        // What was replaced or removed meanwhile has no say any more.
        if state.flight.take_if(|it| it.same_channel(flight)).is_none() {
            return;
        }
        match landed {
            Ok(fresh) => {
                state.fresh = Some(Arc::clone(fresh));
                state.rests_until = None;
            }
            Err(error) => {
                let wait = error.retry_after.unwrap_or(when::COOL_DOWN);
                state.rests_until = Some(when::after(now, wait));
            }
        }
    }
}

/// The credentials that are in use.
#[derive(Default)]
pub(super) struct Slots(Mutex<HashMap<Key, Weak<Slot>>>);

impl Slots {
    /// The slot of a credential.
    pub(super) fn get(&self, key: &Key) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(key).and_then(Weak::upgrade) {
            return slot;
        }
        slots.retain(|_, slot| slot.strong_count() > 0);
        let slot = Arc::new(Slot::default());
        slots.insert(key.clone(), Arc::downgrade(&slot));
        slot
    }

    /// Has the next user look at the store: the credential was replaced or removed, or rests.
    pub(super) fn forget(&self, key: &Key) {
        let slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(key).and_then(Weak::upgrade) {
            *slot.state() = State::default();
        }
    }
}

impl Inner {
    /// Refreshes a credential, unless it is another than the generation `seen` by now. All who ask
    /// at one time wait for one refresh, which goes on when they leave.
    pub(super) async fn refreshed(
        self: &Arc<Self>,
        key: &Key,
        slot: &Arc<Slot>,
        seen: u64,
        doubt: Doubt,
    ) -> Landed {
        loop {
            let mut flight = self.flight(key, slot, seen, doubt);
            let landed = match flight.wait_for(Option::is_some).await {
                Ok(landed) => landed.clone(),
                Err(_gone) => None,
            };
            match landed {
                None => return Err(interrupted()),
                // Somebody else's, who had seen an older one.
                Some(Ok(fresh)) if fresh.generation == seen => {}
                Some(landed) => return landed,
            }
        }
    }

    /// The refresh that is on its way, or a new one.
    fn flight(self: &Arc<Self>, key: &Key, slot: &Arc<Slot>, seen: u64, doubt: Doubt) -> Flight {
        let mut state = slot.state();
        // A flight whose task is gone never lands.
        if let Some(flight) = state.flight.as_ref().filter(|flight| flight.has_changed().is_ok()) {
            return flight.clone();
        }
        let (sender, receiver) = watch::channel(None);
        state.flight = Some(receiver.clone());
        drop(state);
        let (inner, key, slot) = (Arc::clone(self), key.clone(), Arc::clone(slot));
        let refresh = async move {
            let landed = inner.refresh(&key, seen, doubt).await;
            slot.land(&sender.subscribe(), &landed, inner.ports.clock.now());
            sender.send_replace(Some(landed));
        };
        // Under the span of who has begun it, for others may wait for it too.
        (self.ports.spawn)(Box::pin(refresh.in_current_span()));
        receiver
    }
}

fn interrupted() -> Error {
    let message = "the host stopped while the access token was being refreshed";
    Error::new(ErrorKind::Unavailable, "credential.later", message)
}
