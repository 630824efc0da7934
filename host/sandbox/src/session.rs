//! One run of one connection.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use model::adapter::{Account, Adapter, Called, Entity, Page, PullRequest};
use model::egress::{Access, Egress, HttpBudget};
use model::webhook::{Change, Event, SubscribeRequest, Subscription};
use model::write::{Batch, Outcome};
use model::{Clock, ConnectionId, TenantId};
use tokio::time::Instant;

use crate::call::{Call, Door};
use crate::context::Shared;
use crate::exports::{Check, Discover, Export, Handle, Pull, Push, Subscribe};
use crate::live::{Live, Terms};
use crate::loaded::Package;
use crate::log::{GuestLog, Speaker};

/// What a session belongs to.
pub struct Scope {
    /// The connection's way out.
    pub egress: Arc<dyn Egress>,
    /// The connection's variables, with `auth` = the method in use.
    pub variables: BTreeMap<String, String>,
    /// Whose connection it is.
    pub state_key: (TenantId, ConnectionId),
    /// The time that guests are told.
    pub clock: Clock,
    /// Makes `random` repeatable, for tests.
    pub seed: Option<u64>,
}

/// An adapter at work for one connection.
///
/// An instance of it serves several calls, is replaced after a random number of them, and is
/// dropped after any error, so that nothing a guest keeps in memory is worth anything.
pub struct Session {
    package: Arc<Package>,
    egress: Arc<dyn Egress>,
    shared: Arc<Shared>,
    speaker: Arc<Speaker>,
    live: Option<Live>,
}

impl Session {
    pub(crate) fn new(package: Arc<Package>, scope: Scope) -> Self {
        let (tenant, connection) = &scope.state_key;
        let speaker = Speaker {
            package: package.name.clone(),
            tenant: tenant.to_string(),
            connection: connection.to_string(),
        };
        let shared = package.share(scope.variables, scope.state_key, scope.clock, scope.seed);
        Self { package, egress: scope.egress, shared, speaker: Arc::new(speaker), live: None }
    }

    /// Writes a batch, or looks for the effect of earlier writes with the write routes closed.
    pub async fn push(&mut self, batch: Batch) -> Called<Vec<Outcome>> {
        self.run(Push(batch)).await
    }

    /// Makes, renews or cancels a subscription.
    pub async fn subscribe(&mut self, request: SubscribeRequest) -> Called<Option<Subscription>> {
        self.run(Subscribe(request)).await
    }

    /// Turns verified deliveries into changes: one answer per event, in the same order.
    pub async fn handle(
        &mut self,
        events: Vec<Event>,
    ) -> Called<Vec<Result<Vec<Change>, model::Error>>> {
        self.run(Handle(events)).await
    }

    async fn run<E: Export>(&mut self, export: E) -> Called<E::Answer> {
        let limits = &self.package.limits;
        let started = Instant::now();
        let budget = HttpBudget {
            calls: limits.http_calls,
            request_bytes: limits.request_bytes,
            response_bytes: limits.response_bytes,
            deadline: (started + limits.wall).into_std(),
        };
        let door = if let Some(access) = export.access() {
            Door::Open(self.egress.open(access, budget))
        } else {
            Door::Shut(self.egress.open(Access::Read, HttpBudget { calls: 0, ..budget }))
        };
        let log = GuestLog::new(Arc::clone(&self.speaker));
        let call = Call::new(limits, door, log);
        let terms = Terms { limits, started, uses: self.package.draw_uses() };
        self.package.mold.serve(&mut self.live, &self.shared, (call, export, terms)).await
    }
}

#[async_trait]
impl Adapter for Session {
    async fn check(&mut self) -> Called<Account> {
        self.run(Check).await
    }

    async fn discover(&mut self, name: Option<&str>, part: Option<&str>) -> Called<Vec<Entity>> {
        self.run(Discover { name, part }).await
    }

    async fn pull(&mut self, request: PullRequest) -> Called<Page> {
        self.run(Pull(request)).await
    }
}
