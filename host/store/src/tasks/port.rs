//! The port to the tasks.

use std::time::Duration;

use async_trait::async_trait;
use model::queue::Enqueued;
use model::store::StoreError;
use model::task::{Fence, Task, TaskId, TaskStore, Tick};
use model::{TenantId, Timestamp};

use super::{Put, Remove, by_due, get, lead, list, place, tick};
use crate::Store;
use crate::codec::key;

#[async_trait]
impl TaskStore for Store {
    async fn put_task(&self, task: Task, expected: Option<u64>) -> Result<Task, StoreError> {
        self.write(Put { task, expected }).await
    }

    async fn task(&self, tenant: &TenantId, id: &TaskId) -> Result<Option<Task>, StoreError> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.read(move |snapshot| get(snapshot, &tenant, &id)).await
    }

    async fn tasks(
        &self,
        tenant: &TenantId,
        after: Option<&TaskId>,
        limit: usize,
    ) -> Result<Vec<Task>, StoreError> {
        let (tenant, after) = (tenant.clone(), after.cloned());
        self.read(move |snapshot| list(snapshot, &tenant, after.as_ref(), limit)).await
    }

    async fn remove_task(&self, tenant: &TenantId, id: &TaskId) -> Result<bool, StoreError> {
        self.write(Remove { tenant: tenant.clone(), id: id.clone() }).await
    }

    async fn due_tasks(&self, limit: usize) -> Result<Vec<Task>, StoreError> {
        let behind = key::due_behind(self.clock().now());
        self.read(move |snapshot| by_due(snapshot, ..behind.as_slice(), limit)).await
    }

    async fn planned_tasks(
        &self,
        after: Option<&Task>,
        limit: usize,
    ) -> Result<Vec<Task>, StoreError> {
        let from = after
            .and_then(place)
            .map_or_else(|| key::due_behind(self.clock().now()), |place| key::with(place, &[0]));
        self.read(move |snapshot| by_due(snapshot, from.as_slice().., limit)).await
    }

    async fn tick(
        &self,
        fence: Fence,
        ticks: Vec<Tick>,
    ) -> Result<Vec<Option<Enqueued>>, StoreError> {
        self.write(tick::Act { fence, ticks, clock: self.clock() }).await
    }

    async fn lead(&self, holder: &str, lease: Duration) -> Result<Option<Fence>, StoreError> {
        let holder = holder.to_owned();
        self.write(lead::Take { holder, lease, clock: self.clock() }).await
    }

    async fn led_until(&self) -> Result<Option<Timestamp>, StoreError> {
        let now = self.clock().now();
        self.read(move |snapshot| lead::until(snapshot, now)).await
    }
}
