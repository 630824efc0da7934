//! The door of one connection: everything about it that does not depend on the request.

use std::sync::{Arc, PoisonError, RwLock};

use http::HeaderValue;
use model::Clock;
use model::egress::{Access, Egress, EgressCall, HttpBudget};
use package::Manifest;

use crate::access::Accesses;
use crate::call::Call;
use crate::guard::Ranges;
use crate::health::Health;
use crate::limit::Limits;
use crate::live::Live;
use crate::redactor::Redactor;
use crate::token::Source;
use crate::transport::Transport;

/// Policy, credential, limits and pools of one connection, made ready when it was opened.
pub(crate) struct Door {
    pub(crate) tenant: String,
    pub(crate) connection: String,
    pub(crate) manifest: Arc<Manifest>,
    /// What is replaced with the token. Nobody waits for anything while it is locked.
    pub(crate) live: RwLock<Arc<Live>>,
    /// Nothing, where the credential does not change.
    pub(crate) source: Option<Source>,
    pub(crate) accesses: Option<Accesses>,
    /// Query parameters that the guest may not set at any endpoint.
    pub(crate) owned_query: Vec<String>,
    pub(crate) limits: Limits,
    pub(crate) health: Health,
    pub(crate) redactor: Redactor,
    pub(crate) clock: Clock,
    pub(crate) ranges: Arc<Ranges>,
    pub(crate) user_agent: HeaderValue,
    pub(crate) transport: Arc<dyn Transport>,
}

impl Door {
    /// The live part as it is now.
    pub(crate) fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The port's side of a door.
pub(crate) struct Handle(pub(crate) Arc<Door>);

impl Egress for Handle {
    fn open(&self, access: Access, budget: HttpBudget) -> Box<dyn EgressCall> {
        Box::new(Call::new(Arc::clone(&self.0), access, budget))
    }
}
