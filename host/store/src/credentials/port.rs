//! The port: each method is one change handed to the writer, or one read of a snapshot.

use async_trait::async_trait;
use model::credential::{
    Credential, CredentialQuery, CredentialStore, Lease, Leased, NewSecrets, RefreshFailed,
    RefreshLease, Refreshed,
};
use model::store::StoreError;
use model::vault::Sealed;
use model::{Connection, ConnectionId, TenantId, Timestamp};

use super::authorise::Authorise;
use super::lease::{Intend, Release, Take};
use super::list;
use super::outcome::{Fail, Finish};
use super::remove::Remove;
use crate::Store;

#[async_trait]
impl CredentialStore for Store {
    async fn authorise(
        &self,
        connection: Connection,
        secrets: NewSecrets,
    ) -> Result<Credential, StoreError> {
        self.write(Authorise { connection, secrets, clock: self.clock() }).await
    }

    async fn remove_connection(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<bool, StoreError> {
        let (tenant, connection) = (tenant.clone(), connection.clone());
        self.write(Remove { tenant, connection, clock: self.clock() }).await
    }

    async fn credential(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<Option<(Credential, Vec<Sealed>)>, StoreError> {
        let (tenant, connection) = (tenant.clone(), connection.clone());
        self.read(move |snapshot| list::get(snapshot, &tenant, &connection)).await
    }

    async fn credentials(&self, query: CredentialQuery) -> Result<Vec<Credential>, StoreError> {
        self.read(move |snapshot| list::list(snapshot, &query)).await
    }

    async fn lease_refresh(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
        holder: &str,
        until: Timestamp,
    ) -> Result<Leased, StoreError> {
        let (tenant, connection) = (tenant.clone(), connection.clone());
        let lease = Lease { holder: holder.to_owned(), until };
        self.write(Take { tenant, connection, lease, clock: self.clock() }).await
    }

    async fn intend_refresh(
        &self,
        lease: &RefreshLease,
        generation: u64,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let (lease, clock) = (lease.clone(), self.clock());
        self.write(Intend { lease, generation, until, clock }).await
    }

    async fn finish_refresh(
        &self,
        lease: &RefreshLease,
        refreshed: Refreshed,
    ) -> Result<Credential, StoreError> {
        self.write(Finish { lease: lease.clone(), refreshed, clock: self.clock() }).await
    }

    async fn fail_refresh(
        &self,
        lease: &RefreshLease,
        failed: RefreshFailed,
    ) -> Result<(), StoreError> {
        self.write(Fail { lease: lease.clone(), failed, clock: self.clock() }).await
    }

    async fn release_refresh(&self, lease: &RefreshLease) -> Result<(), StoreError> {
        self.write(Release(lease.clone())).await
    }
}
