//! The ports: each method is one change handed to the writer, or one read of a snapshot.

use std::collections::BTreeMap;

use async_trait::async_trait;
use model::catalogue::PendingPackage;
use model::run::Run;
use model::store::{
    Catalogue, Event, Installed, Lane, PageCommit, PageOutcome, RecordList, RecordQuery,
    RecordStore, RejectQuery, RunEnd, RunQuery, RunRef, RunStart, StoreError, StoredReject,
    TrustState,
};
use model::window::LaneState;
use model::{Connection, ConnectionId, ConnectionState, ConnectionStatus, RunId, TenantId};

use crate::catalogue::{connections, packages, pending, states, trust};
use crate::page::Page;
use crate::{Store, events, lanes, records, rejects, runs};

#[async_trait]
impl RecordStore for Store {
    async fn begin_run(&self, start: RunStart) -> Result<Run, StoreError> {
        self.write(runs::Begin(start)).await
    }

    async fn commit_page(&self, page: PageCommit) -> Result<PageOutcome, StoreError> {
        self.write(Page::new(page)?).await
    }

    /// In one commit, up to the first page that is refused.
    async fn commit_pages(&self, pages: Vec<PageCommit>) -> Result<Vec<PageOutcome>, StoreError> {
        let mut ready = Vec::with_capacity(pages.len());
        let mut refused = Ok(());
        for page in pages {
            match Page::new(page) {
                Ok(page) => ready.push(page),
                Err(error) => {
                    refused = Err(error);
                    break;
                }
            }
        }
        let outcomes = self.write_all(ready).await?;
        refused.map(|()| outcomes)
    }

    async fn finish_run(&self, end: RunEnd) -> Result<Run, StoreError> {
        self.write(runs::Finish(end)).await
    }

    async fn lanes(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<Vec<(Lane, LaneState)>, StoreError> {
        let (tenant, connection) = (tenant.clone(), connection.clone());
        self.read(move |snapshot| lanes::list(snapshot, &tenant, &connection)).await
    }

    async fn reset_lanes(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<(), StoreError> {
        let (tenant, connection) = (tenant.clone(), connection.clone());
        self.write(lanes::Reset { tenant, connection }).await
    }

    async fn records(&self, query: RecordQuery) -> Result<RecordList, StoreError> {
        self.read(move |snapshot| records::list(snapshot, &query)).await
    }

    async fn run(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
        id: RunId,
    ) -> Result<Option<Run>, StoreError> {
        let (tenant, connection) = (tenant.clone(), connection.clone());
        self.read(move |snapshot| runs::get(snapshot, &tenant, &connection, id)).await
    }

    async fn run_list(&self, query: RunQuery) -> Result<Vec<Run>, StoreError> {
        self.read(move |snapshot| runs::list(snapshot, &query)).await
    }

    async fn last_runs(
        &self,
        tenant: &TenantId,
        connections: Vec<ConnectionId>,
        each: usize,
    ) -> Result<Vec<Vec<Run>>, StoreError> {
        let tenant = tenant.clone();
        let of = move |connection| RunQuery {
            tenant: tenant.clone(),
            connection: Some(connection),
            before: None,
            limit: each,
        };
        self.read(move |snapshot| {
            connections.into_iter().map(|id| runs::list(snapshot, &of(id))).collect()
        })
        .await
    }

    async fn reject_list(
        &self,
        query: RejectQuery,
    ) -> Result<Vec<(u64, StoredReject)>, StoreError> {
        self.read(move |snapshot| rejects::list(snapshot, &query)).await
    }

    async fn reject_codes(&self, run: &RunRef) -> Result<BTreeMap<String, u64>, StoreError> {
        let run = run.clone();
        self.read(move |snapshot| rejects::codes(snapshot, &run)).await
    }

    async fn events(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Event>, StoreError> {
        let tenant = tenant.clone();
        self.read(move |snapshot| events::list(snapshot, &tenant, after, limit)).await
    }
}

#[async_trait]
impl Catalogue for Store {
    async fn put_package(&self, package: Installed, trust: TrustState) -> Result<(), StoreError> {
        self.write(packages::Put { package, trust }).await
    }

    async fn package(&self, name: &str) -> Result<Option<Installed>, StoreError> {
        let name = name.to_owned();
        self.read(move |snapshot| packages::get(snapshot, &name)).await
    }

    async fn packages(&self) -> Result<Vec<Installed>, StoreError> {
        self.read(packages::list).await
    }

    async fn package_names(&self) -> Result<Vec<String>, StoreError> {
        self.read(packages::names).await
    }

    async fn remove_package(&self, name: &str) -> Result<bool, StoreError> {
        self.write(packages::Remove(name.to_owned())).await
    }

    async fn set_package_disabled(
        &self,
        name: &str,
        disabled: Option<String>,
    ) -> Result<bool, StoreError> {
        self.write(packages::Disable { name: name.to_owned(), disabled }).await
    }

    async fn put_pending(&self, pending: PendingPackage) -> Result<(), StoreError> {
        self.write(pending::Put(pending)).await
    }

    async fn pending(&self) -> Result<Vec<PendingPackage>, StoreError> {
        self.read(pending::list).await
    }

    async fn remove_pending(&self, name: &str, digest: &str) -> Result<bool, StoreError> {
        let (name, digest) = (name.to_owned(), digest.to_owned());
        self.write(pending::Remove { name, digest }).await
    }

    async fn trust_state(&self) -> Result<TrustState, StoreError> {
        self.read(trust::get).await
    }

    async fn put_trust_state(&self, trust: TrustState) -> Result<(), StoreError> {
        self.write(trust::Put(trust)).await
    }

    async fn put_connection(&self, connection: Connection) -> Result<(), StoreError> {
        self.write(connections::Put { connection, clock: self.clock() }).await
    }

    async fn connection(
        &self,
        tenant: &TenantId,
        id: &ConnectionId,
    ) -> Result<Option<Connection>, StoreError> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.read(move |snapshot| connections::get(snapshot, &tenant, &id)).await
    }

    async fn connections(&self, tenant: &TenantId) -> Result<Vec<Connection>, StoreError> {
        let tenant = tenant.clone();
        self.read(move |snapshot| connections::list(snapshot, &tenant)).await
    }

    async fn connection_status(
        &self,
        tenant: &TenantId,
        id: &ConnectionId,
    ) -> Result<Option<ConnectionStatus>, StoreError> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.read(move |snapshot| states::get(snapshot, &tenant, &id)).await
    }

    async fn connection_statuses(
        &self,
        tenant: &TenantId,
        ids: Vec<ConnectionId>,
    ) -> Result<Vec<Option<ConnectionStatus>>, StoreError> {
        let tenant = tenant.clone();
        self.read(move |snapshot| ids.iter().map(|id| states::get(snapshot, &tenant, id)).collect())
            .await
    }

    async fn set_connection_state(
        &self,
        tenant: &TenantId,
        id: &ConnectionId,
        state: ConnectionState,
        reason: &str,
    ) -> Result<(), StoreError> {
        let (tenant, id, since) = (tenant.clone(), id.clone(), self.clock().now());
        let to = ConnectionStatus { state, reason: reason.to_owned(), since };
        self.write(states::Set { tenant, id, to }).await
    }
}
