//! The port to schemas, record types and bindings.

use async_trait::async_trait;
use model::schema::{
    Binding, NewSchema, SchemaHead, SchemaKind, SchemaQuery, SchemaStore, StoredSchema,
};
use model::store::StoreError;
use model::{ConnectionId, TenantId};

use super::bindings;
use crate::Store;

#[async_trait]
impl SchemaStore for Store {
    async fn put_schema(&self, schema: NewSchema) -> Result<SchemaHead, StoreError> {
        super::check(&schema)?;
        self.write(super::Put(schema)).await
    }

    async fn schema(
        &self,
        tenant: &TenantId,
        kind: SchemaKind,
        name: &str,
        version: Option<u32>,
    ) -> Result<Option<StoredSchema>, StoreError> {
        let (tenant, name) = (tenant.clone(), name.to_owned());
        self.read(move |snapshot| super::get(snapshot, &tenant, kind, &name, version)).await
    }

    async fn schemas(&self, query: SchemaQuery) -> Result<Vec<SchemaHead>, StoreError> {
        self.read(move |snapshot| super::list(snapshot, &query)).await
    }

    async fn put_binding(
        &self,
        binding: Binding,
        expected: Option<u64>,
    ) -> Result<Binding, StoreError> {
        bindings::check(&binding)?;
        self.write(bindings::Put { binding, expected }).await
    }

    async fn bindings(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<Vec<Binding>, StoreError> {
        let (tenant, connection) = (tenant.clone(), connection.clone());
        self.read(move |snapshot| bindings::list(snapshot, &tenant, &connection)).await
    }
}
