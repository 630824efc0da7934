//! The door of one connection: everything about it that does not depend on the request.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderValue;
use model::Clock;
use model::egress::{Access, Egress, EgressCall, HttpBudget};

use crate::call::Call;
use crate::credential::Credential;
use crate::endpoint::Endpoint;
use crate::guard::Ranges;
use crate::health::Health;
use crate::limit::Limits;
use crate::needle::Needles;
use crate::transport::Transport;

/// Policy, credential, limits and pools of one connection, made ready when it was opened.
pub(crate) struct Door {
    pub(crate) tenant: String,
    pub(crate) connection: String,
    pub(crate) endpoints: BTreeMap<String, Endpoint>,
    pub(crate) credential: Credential,
    pub(crate) needles: Needles,
    /// Query parameters that the guest may not set at any endpoint.
    pub(crate) owned_query: Vec<String>,
    pub(crate) limits: Limits,
    pub(crate) health: Health,
    pub(crate) clock: Clock,
    pub(crate) ranges: Arc<Ranges>,
    pub(crate) user_agent: HeaderValue,
    pub(crate) transport: Arc<dyn Transport>,
}

impl Door {
    /// True when hosts must be proven, so that answers have to be remembered.
    pub(crate) fn has_patterns(&self) -> bool {
        self.endpoints.values().any(|endpoint| !endpoint.is_fixed())
    }

    /// True when a pattern covers the host, so that it matters who has named it.
    pub(crate) fn has_host(&self, host: &str) -> bool {
        self.endpoints.values().any(|endpoint| endpoint.has_host(host))
    }
}

/// The port's side of a door.
pub(crate) struct Handle(pub(crate) Arc<Door>);

impl Egress for Handle {
    fn open(&self, access: Access, budget: HttpBudget) -> Box<dyn EgressCall> {
        Box::new(Call::new(Arc::clone(&self.0), access, budget))
    }
}
