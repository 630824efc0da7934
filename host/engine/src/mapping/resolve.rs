//! Which schema is active for which entity, and for which part of it.

use std::sync::Arc;

use mapping::{RecordType, Types};
use model::schema::{Binding, SchemaHead, SchemaKind, SchemaQuery, SchemaStore, StoredSchema};
use model::{Connection, Error, ErrorKind, TenantId};
use package::Verified;

use super::package::own;
use super::{Mapping, MappingError, Mappings, Origin, Slot};

/// Names listed at a time; a tenant has tens of types.
const LISTED_MAX: usize = 100;

/// Finds the schemas of one connection.
pub struct Resolver<'a> {
    /// Where tenants keep theirs.
    pub schemas: &'a dyn SchemaStore,
    /// The connection.
    pub connection: &'a Connection,
    /// Its package.
    pub package: &'a Verified,
}

impl Resolver<'_> {
    /// The active schemas of every entity: the tenant's where some are bound, else the package's.
    /// One that does not compile any more refuses its entity alone.
    pub async fn active(&self) -> Result<Mappings, MappingError> {
        let Connection { tenant, id, .. } = self.connection;
        let types = types(self.schemas, tenant).await?;
        let mut mappings = Mappings::default();
        for entity in self.package.manifest().entities.keys() {
            let own = own(self.package, &types, entity).transpose();
            mappings.put(entity, None, own.map(usable).transpose()?);
        }
        for binding in self.schemas.bindings(tenant, id).await? {
            let Some((name, version)) = binding.schema else { continue };
            let saved = usable(self.saved(&types, (&name, version)).await)?;
            mappings.put(&binding.entity, binding.part.as_deref(), Some(saved));
        }
        Ok(mappings)
    }

    /// The schema that maps an entity, or a part of it, where none is bound to it: the package's
    /// own, and of a part that of its entity.
    pub async fn default(
        &self,
        entity: &str,
        part: Option<&str>,
    ) -> Result<Option<Mapping>, MappingError> {
        let Connection { tenant, id, .. } = self.connection;
        let types = types(self.schemas, tenant).await?;
        if part.is_some() {
            let of_it = |binding: &Binding| binding.entity == entity && binding.part.is_none();
            let bound = self.schemas.bindings(tenant, id).await?.into_iter().find(of_it);
            if let Some((name, version)) = bound.and_then(|binding| binding.schema) {
                return self.saved(&types, (&name, version)).await.map(Some);
            }
        }
        own(self.package, &types, entity)
    }

    async fn saved(
        &self,
        types: &Types,
        (name, version): (&str, u32),
    ) -> Result<Mapping, MappingError> {
        let tenant = &self.connection.tenant;
        let found = self.schemas.schema(tenant, SchemaKind::Conversion, name, Some(version));
        let found = found.await?.ok_or_else(|| {
            MappingError::Unsuitable(format!("conversion schema {name}@{version} is not there"))
        })?;
        Mapping::new(&found.text, Origin::Saved(version), types)
    }
}

/// A schema, or why it maps nothing; what the store has to say is no matter of the schema.
fn usable(found: Result<Mapping, MappingError>) -> Result<Slot, MappingError> {
    match found {
        Ok(mapping) => Ok(Ok(Arc::new(mapping))),
        Err(MappingError::Store(error)) => Err(error.into()),
        Err(error) => {
            let message = error.to_string().replace("\n  ", "; ");
            Ok(Err(Error::new(ErrorKind::Invalid, "mapping.schema", message)))
        }
    }
}

/// Compiles a schema that a tenant has saved, in this version or its newest one.
pub async fn saved(
    schemas: &dyn SchemaStore,
    tenant: &TenantId,
    (name, version): (&str, Option<u32>),
) -> Result<Option<Mapping>, MappingError> {
    let found = schemas.schema(tenant, SchemaKind::Conversion, name, version).await?;
    let Some(StoredSchema { head, text }) = found else { return Ok(None) };
    let types = types(schemas, tenant).await?;
    Mapping::new(&text, Origin::Saved(head.version), &types).map(Some)
}

/// The record types of a tenant: the built-in ones and its own, each in its newest version.
pub async fn types(schemas: &dyn SchemaStore, tenant: &TenantId) -> Result<Types, MappingError> {
    let own = own_types(schemas, tenant).await?.into_iter().map(|(_, found)| found);
    Types::built_in()
        .with(own)
        .map_err(|diagnostics| MappingError::refused("the set of record types", diagnostics))
}

/// The record types that a tenant has saved, each in its newest version.
pub async fn own_types(
    schemas: &dyn SchemaStore,
    tenant: &TenantId,
) -> Result<Vec<(SchemaHead, RecordType)>, MappingError> {
    let mut own = Vec::new();
    let mut query = SchemaQuery {
        tenant: tenant.clone(),
        kind: SchemaKind::RecordType,
        name: None,
        after: None,
        limit: LISTED_MAX,
    };
    loop {
        let heads = schemas.schemas(query.clone()).await?;
        let Some(last) = heads.last() else { break };
        query.after = Some(last.name.clone());
        for head in heads {
            let found = schemas.schema(tenant, head.kind, &head.name, Some(head.version)).await?;
            let Some(StoredSchema { head, text }) = found else { continue };
            let what = || format!("record type {}@{}", head.name, head.version);
            let parsed = RecordType::parse(&text)
                .map_err(|diagnostics| MappingError::refused(what(), diagnostics))?;
            own.push((head, parsed));
        }
    }
    Ok(own)
}
