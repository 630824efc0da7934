//! The port: each method is one change handed to the writer, or one read of a snapshot.

use async_trait::async_trait;
use model::absence::{AbsenceCount, AbsenceQuery, AbsenceStore, Decision, HeldDeletions};
use model::store::StoreError;
use model::{ConnectionId, RunId, TenantId};

use super::held;
use crate::Store;

#[async_trait]
impl AbsenceStore for Store {
    async fn count_absent(&self, query: AbsenceQuery) -> Result<AbsenceCount, StoreError> {
        self.read(move |snapshot| super::count(snapshot, &query)).await
    }

    async fn absent(
        &self,
        query: AbsenceQuery,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        self.read(move |snapshot| super::list(snapshot, &query, after.as_deref(), limit)).await
    }

    async fn held(
        &self,
        tenant: &TenantId,
        connection: Option<&ConnectionId>,
    ) -> Result<Vec<HeldDeletions>, StoreError> {
        let (tenant, connection) = (tenant.clone(), connection.cloned());
        self.read(move |snapshot| held::list(snapshot, &tenant, connection.as_ref())).await
    }

    async fn decide_held(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
        run: RunId,
        decision: Decision,
    ) -> Result<Vec<HeldDeletions>, StoreError> {
        let (tenant, connection) = (tenant.clone(), connection.clone());
        self.write(held::Decide { tenant, connection, run, decision }).await
    }
}
