//! The port to canonical records.

use async_trait::async_trait;
use model::canonical::{
    CanonicalList, CanonicalQuery, CanonicalRecord, CanonicalStore, RecordId, Remap, ReplayList,
    ReplayQuery,
};
use model::store::{PageOutcome, StoreError};
use model::{ConnectionId, TenantId};

use super::remap::Step;
use super::{read, replay};
use crate::Store;
use crate::codec::{cursor, key};

#[async_trait]
impl CanonicalStore for Store {
    async fn canonical(
        &self,
        tenant: &TenantId,
        ids: Vec<RecordId>,
    ) -> Result<Vec<Option<CanonicalRecord>>, StoreError> {
        let tenant = tenant.clone();
        self.read(move |snapshot| read::get(snapshot, &tenant, &ids)).await
    }

    async fn canonical_list(&self, query: CanonicalQuery) -> Result<CanonicalList, StoreError> {
        self.read(move |snapshot| read::list(snapshot, &query)).await
    }

    fn canonical_behind(&self, tenant: &TenantId, record_type: &str, id: RecordId) -> String {
        cursor::next(tenant, &key::with(key::record_type(tenant, record_type), id.as_bytes()))
    }

    async fn canonical_count(
        &self,
        tenant: &TenantId,
        record_type: &str,
        max: u64,
    ) -> Result<u64, StoreError> {
        let (tenant, record_type) = (tenant.clone(), record_type.to_owned());
        self.read(move |snapshot| read::count(snapshot, &tenant, &record_type, max)).await
    }

    async fn record_ids(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
        records: Vec<(String, String)>,
    ) -> Result<Vec<Option<RecordId>>, StoreError> {
        let (tenant, connection) = (tenant.clone(), connection.clone());
        self.read(move |snapshot| read::record_ids(snapshot, &tenant, &connection, &records)).await
    }

    async fn replayable(&self, query: ReplayQuery) -> Result<ReplayList, StoreError> {
        self.read(move |snapshot| replay::list(snapshot, &query)).await
    }

    async fn remap(&self, remap: Remap) -> Result<PageOutcome, StoreError> {
        self.write(Step::new(remap)?).await
    }
}
