//! An adapter whose calls are counted, and logged within a span of their own.

use std::ops::DerefMut;

use async_trait::async_trait;
use model::adapter::{Account, Adapter, Called, Entity, Page, PullRequest};
use tracing::{Instrument as _, info_span};

use super::Metrics;

/// Counts the calls of an adapter. What adapter and egress log stands under the call's span, and
/// so under the job that it is made for.
pub struct Metered<A> {
    adapter: A,
    package: String,
    metrics: Metrics,
}

impl<A> Metered<A> {
    /// The adapter of this package, borrowed or in a box, its calls counted.
    pub fn new(adapter: A, package: &str, metrics: &Metrics) -> Self {
        Self { adapter, package: package.to_owned(), metrics: metrics.clone() }
    }

    fn count<T>(&self, call: &str, called: Called<T>) -> Called<T> {
        self.metrics.call(&self.package, call, &called.receipt, called.outcome.as_ref().err());
        called
    }
}

#[async_trait]
impl<A> Adapter for Metered<A>
where
    A: DerefMut<Target: Adapter> + Send,
{
    async fn check(&mut self) -> Called<Account> {
        let span = info_span!("call", package = self.package.as_str(), call = "check");
        let called = self.adapter.check().instrument(span).await;
        self.count("check", called)
    }

    async fn discover(&mut self, name: Option<&str>, part: Option<&str>) -> Called<Vec<Entity>> {
        let span =
            info_span!("call", package = self.package.as_str(), call = "discover", entity = name);
        let called = self.adapter.discover(name, part).instrument(span).await;
        self.count("discover", called)
    }

    async fn pull(&mut self, request: PullRequest) -> Called<Page> {
        let entity = request.entity.as_str();
        let span = info_span!("call", package = self.package.as_str(), call = "pull", entity);
        let called = self.adapter.pull(request).instrument(span).await;
        self.count("pull", called)
    }
}
