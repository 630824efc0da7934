//! What is being done in this process, and what came of it lately.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use engine::sync::Cancel;
use model::{Clock, TenantId};
use serde_json::Value;

use super::{Operation, OperationStatus, Progress};
use crate::problem::Problem;

/// Operations of a tenant at the same time: each holds memory and reads the store.
const RUNNING_MAX: usize = 8;

/// How long an operation that has ended is shown: long enough for who went to lunch.
const KEPT: Duration = Duration::from_hours(1);

/// Ended operations of a tenant that are kept.
const KEPT_MAX: usize = 100;

/// The operations of this process; clones are the same ones.
#[derive(Clone)]
pub struct Operations {
    clock: Clock,
    all: Arc<Mutex<BTreeMap<(TenantId, u64), Entry>>>,
}

struct Entry {
    operation: Operation,
    cancel: Cancel,
}

/// What an operation tells of itself while it is at work.
#[derive(Clone)]
pub struct Step {
    operations: Operations,
    key: (TenantId, u64),
    /// The wish to stop; to be looked at between steps.
    pub cancel: Cancel,
}

impl Step {
    /// Says how far it is.
    pub fn progress(&self, done: u64, total: Option<u64>) {
        if let Some(entry) = self.operations.lock().get_mut(&self.key) {
            entry.operation.progress = Progress { done, total };
        }
    }
}

impl Operations {
    /// None so far.
    pub fn new(clock: Clock) -> Self {
        Self { clock, all: Arc::default() }
    }

    /// Begins an operation, which goes on without whoever has asked for it.
    pub fn begin<F>(
        &self,
        tenant: &TenantId,
        kind: &str,
        work: impl FnOnce(Step) -> F,
    ) -> Result<Operation, Problem>
    where
        F: Future<Output = Result<Value, Problem>> + Send + 'static,
    {
        let (cancel, started) = (Cancel::default(), self.clock.now());
        let (key, operation) = {
            let mut all = self.lock();
            self.forget(&mut all, tenant);
            let of_tenant = || all.range((tenant.clone(), 0)..=(tenant.clone(), u64::MAX));
            let running = of_tenant().filter(|(_, it)| it.operation.ended.is_none()).count();
            if running >= RUNNING_MAX {
                let detail =
                    format!("{running} operations are at work already; wait, or stop some of them");
                let status = StatusCode::TOO_MANY_REQUESTS;
                let wait = Duration::from_secs(10);
                return Err(Problem::new(status, "api.rate-limited", detail).retry_after(wait));
            }
            // Ids of before a restart are not given out again: they name nothing.
            let last = of_tenant().next_back().map_or(0, |((_, number), _)| *number);
            let number = u64::try_from(started.as_microsecond()).unwrap_or(0).max(last + 1);
            let operation = Operation {
                id: format!("op-{number}"),
                kind: kind.to_owned(),
                status: OperationStatus::Running,
                progress: Progress::default(),
                started,
                ended: None,
                result: None,
                problem: None,
            };
            let key = (tenant.clone(), number);
            let entry = Entry { operation: operation.clone(), cancel: cancel.clone() };
            all.insert(key.clone(), entry);
            (key, operation)
        };
        let work = work(Step { operations: self.clone(), key: key.clone(), cancel });
        let (operations, work) = (self.clone(), tokio::spawn(work));
        tokio::spawn(async move {
            let outcome = work.await.unwrap_or_else(|error| Err(Problem::internal(&error)));
            operations.end(&key, outcome);
        });
        Ok(operation)
    }

    /// The operation of this id.
    pub fn get(&self, tenant: &TenantId, id: &str) -> Option<Operation> {
        let number = number(id)?;
        self.lock().get(&(tenant.clone(), number)).map(|entry| entry.operation.clone())
    }

    /// All of a tenant.
    pub(super) fn all(&self, tenant: &TenantId) -> Vec<Operation> {
        let range = (tenant.clone(), 0)..=(tenant.clone(), u64::MAX);
        self.lock().range(range).map(|(_, entry)| entry.operation.clone()).collect()
    }

    /// Asks an operation to stop.
    pub fn stop(&self, tenant: &TenantId, id: &str) -> Option<Operation> {
        let number = number(id)?;
        let all = self.lock();
        let entry = all.get(&(tenant.clone(), number))?;
        entry.cancel.cancel();
        Some(entry.operation.clone())
    }

    /// Asks all to stop: the process ends.
    pub fn close(&self) {
        for entry in self.lock().values() {
            entry.cancel.cancel();
        }
    }

    fn end(&self, key: &(TenantId, u64), outcome: Result<Value, Problem>) {
        let ended = self.clock.now();
        let mut all = self.lock();
        let Some(Entry { operation, cancel }) = all.get_mut(key) else { return };
        operation.ended = Some(ended);
        match outcome {
            Ok(result) => {
                let stopped = cancel.is_cancelled();
                operation.status =
                    if stopped { OperationStatus::Stopped } else { OperationStatus::Succeeded };
                operation.result = Some(result);
            }
            Err(problem) => {
                operation.status = OperationStatus::Failed;
                operation.problem = Some(problem);
            }
        }
    }

    /// Forgets what ended long ago, and the oldest of many.
    fn forget(&self, all: &mut BTreeMap<(TenantId, u64), Entry>, tenant: &TenantId) {
        let until = self.clock.now().saturating_sub(KEPT).unwrap_or_default();
        all.retain(|_, entry| entry.operation.ended.is_none_or(|ended| ended > until));
        let range = (tenant.clone(), 0)..=(tenant.clone(), u64::MAX);
        let ended = all.range(range).filter(|(_, entry)| entry.operation.ended.is_some());
        let ended: Vec<_> = ended.map(|(key, _)| key.clone()).collect();
        for key in ended.iter().take(ended.len().saturating_sub(KEPT_MAX)) {
            all.remove(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(TenantId, u64), Entry>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn number(id: &str) -> Option<u64> {
    id.strip_prefix("op-")?.parse().ok()
}
