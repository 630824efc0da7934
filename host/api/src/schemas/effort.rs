//! How much of the host's processors a tenant may have at once for its schemas.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use model::TenantId;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use crate::problem::Problem;

/// Costly requests of a tenant that are worked on at the same time. The largest schema takes a
/// processor for seconds; with two, a preview does not wait behind somebody's save.
const RUNNING_MAX: usize = 2;

/// How long a request waits for its turn: a person who previews does not look at it any longer.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// The shares of all tenants.
#[derive(Clone, Default)]
pub(super) struct Effort(Arc<Mutex<BTreeMap<TenantId, Arc<Semaphore>>>>);

impl Effort {
    /// Works on a thread that may block, once it is the tenant's turn. Work that was begun goes on
    /// when nobody waits for it any more, and keeps its place until it is done.
    pub(super) async fn spend<T: Send + 'static>(
        &self,
        tenant: &TenantId,
        work: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        let share = self.share(tenant);
        let turn = tokio::time::timeout(WAIT_MAX, share.acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            let detail = format!(
                "{RUNNING_MAX} schemas of the tenant are being worked on already; ask again after \
                 a moment"
            );
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "api.rate-limited", detail);
            return Err(problem.retry_after(WAIT_MAX));
        };
        let (runtime, work) = (Handle::current(), work.in_current_span());
        let done = tokio::task::spawn_blocking(move || {
            let done = runtime.block_on(work);
            drop(turn);
            done
        });
        done.await.unwrap_or_else(|error| Err(Problem::internal(&error)))
    }

    fn share(&self, tenant: &TenantId) -> Arc<Semaphore> {
        let mut shares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever works or waits holds the share too.
        shares.retain(|_, share| Arc::strong_count(share) > 1);
        let share = shares.entry(tenant.clone());
        Arc::clone(share.or_insert_with(|| Arc::new(Semaphore::new(RUNNING_MAX))))
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    /// Work that has begun and ends when it is told to.
    async fn begun(effort: &Effort, tenant: &TenantId) -> oneshot::Sender<()> {
        let (end, told) = oneshot::channel();
        let (begin, at_work) = oneshot::channel();
        let (effort, tenant) = (effort.clone(), tenant.clone());
        tokio::spawn(async move {
            let work = async move {
                begin.send(()).unwrap();
                told.await.map_err(|error| Problem::internal(&error))
            };
            effort.spend(&tenant, work).await
        });
        at_work.await.unwrap();
        end
    }

    #[tokio::test(start_paused = true)]
    async fn tenant_waits_for_itself_alone() {
        let (acme, globex) = ("acme".parse().unwrap(), "globex".parse().unwrap());
        let effort = Effort::default();
        let (first, second) = (begun(&effort, &acme).await, begun(&effort, &acme).await);
        // Time does not pass by itself while somebody works.
        let late = async {
            tokio::join!(effort.spend(&acme, async { Ok(()) }), tokio::time::advance(WAIT_MAX)).0
        };
        assert_eq!(late.await.unwrap_err().status(), StatusCode::TOO_MANY_REQUESTS);
        effort.spend(&globex, async { Ok(()) }).await.unwrap();
        first.send(()).unwrap();
        effort.spend(&acme, async { Ok(()) }).await.unwrap();
        second.send(()).unwrap();
    }

    #[tokio::test]
    async fn work_that_panics_is_a_problem_and_gives_its_place_back() {
        let (effort, acme) = (Effort::default(), "acme".parse().unwrap());
        for _ in 0..=RUNNING_MAX {
            let work = async { panic!("a bug") };
            let problem = effort.spend::<()>(&acme, work).await.unwrap_err();
            assert_eq!(problem.code(), "api.internal");
        }
    }
}
