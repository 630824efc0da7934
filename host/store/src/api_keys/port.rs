//! The port: each method is one change handed to the writer, or one read of a snapshot.

use async_trait::async_trait;
use model::api_key::{ApiKey, ApiKeyId, ApiKeyStore, Session};
use model::store::StoreError;
use model::{TenantId, Timestamp};

use super::{Bootstrap, Put, Revoke, Use, all, find, logins};
use crate::Store;
use crate::tables::Table;

#[async_trait]
impl ApiKeyStore for Store {
    async fn put_api_key(&self, key: ApiKey) -> Result<(), StoreError> {
        self.write(Put { key, clock: self.clock() }).await
    }

    async fn bootstrap_api_key(&self, key: ApiKey) -> Result<bool, StoreError> {
        self.write(Bootstrap { key, clock: self.clock() }).await
    }

    fn changes(&self) -> u64 {
        self.commits()
    }

    async fn api_key(&self, id: &ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        let id = id.clone();
        self.read(move |snapshot| find(&Table::ApiKeys.read(snapshot)?, &id)).await
    }

    async fn api_keys(&self, tenant: Option<&TenantId>) -> Result<Vec<ApiKey>, StoreError> {
        let tenant = tenant.cloned();
        self.read(move |snapshot| {
            let order = Table::MadeApiKeys.read(snapshot)?;
            all(&order, &Table::ApiKeys.read(snapshot)?, tenant.as_ref())
        })
        .await
    }

    async fn revoke_api_key(
        &self,
        tenant: Option<&TenantId>,
        id: &ApiKeyId,
    ) -> Result<bool, StoreError> {
        let (tenant, id) = (tenant.cloned(), id.clone());
        self.write(Revoke { tenant, id, clock: self.clock() }).await
    }

    async fn use_api_keys(&self, used: Vec<(ApiKeyId, Timestamp)>) -> Result<(), StoreError> {
        self.write(Use(used)).await
    }

    async fn put_session(&self, session: Session) -> Result<(), StoreError> {
        self.write(logins::Put { session, clock: self.clock() }).await
    }

    async fn session(&self, hash: &[u8; 32]) -> Result<Option<(Session, ApiKey)>, StoreError> {
        let (hash, now) = (*hash, self.clock().now());
        self.read(move |snapshot| logins::get(snapshot, &hash, now)).await
    }

    async fn remove_session(&self, hash: &[u8; 32]) -> Result<bool, StoreError> {
        self.write(logins::Remove(*hash)).await
    }
}
