//! Record types that follow what a provider says of its fields, and the schemas that fill them.
//!
//! The type and its conversion schema have one name, made of the connection, the entity and the
//! part, such that no two parts have the same. Asking again is safe: what has not changed is not
//! saved again.

mod draft;
mod name;
mod save;

use mapping::record_type::{Change, Contract, Discovered, Evolution, Policy, evolve};
use mapping::{RecordType, Schema, Types};
use model::adapter::{Adapter, Field, FieldKind};
use model::schema::{SchemaKind, SchemaStore, StoredSchema};
use model::store::RecordStore;
use model::{Connection, Error, Timestamp};
use serde::Serialize;
use serde_json::Value as Json;

use super::sample::{GUESSED_FROM, payloads, sample};
use super::{Mapping, MappingError, Origin, types};
use draft::Draft;

pub use save::Saved;

/// What to derive from.
pub struct Deriving<'a> {
    /// Whose account is asked.
    pub connection: &'a Connection,
    /// The entity.
    pub entity: &'a str,
    /// One instance of a dynamic entity.
    pub part: Option<&'a str>,
    /// What is different from the contract of the stored type, or from one that always evolves.
    pub contract: ContractEdit,
    /// The object in a record that has the fields, as a JSON Pointer; where it is left out, the
    /// one of stored records that has most of them.
    pub at: Option<&'a str>,
    /// Who asks, as an audit calls them.
    pub author: Option<String>,
    /// Now.
    pub now: Timestamp,
}

/// What deriving works with.
pub struct DerivePorts<'a> {
    /// The adapter of the connection.
    pub adapter: &'a mut dyn Adapter,
    /// Where types and schemas are kept.
    pub schemas: &'a dyn SchemaStore,
    /// Where records are kept.
    pub records: &'a dyn RecordStore,
}

/// Changes of a contract.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ContractEdit {
    /// Upon an entity that was not there before.
    pub object: Option<Policy>,
    /// Upon a field that was not there before, or is there no more.
    pub field: Option<Policy>,
    /// Upon a field of another type than before.
    pub kind: Option<Policy>,
}

/// What has become of a type.
#[derive(Clone, Debug, Serialize)]
pub struct Derived {
    /// The type in its newest version; nothing where the contract keeps a new entity out.
    pub record_type: Option<Saved>,
    /// Its conversion schema in its newest version, if there is one.
    pub schema: Option<Saved>,
    /// The contract that was held.
    pub contract: Contract,
    /// Whether a change waits for a person; then nothing was saved.
    pub frozen: bool,
    /// What is different at the provider from the type before, and what was done about it.
    pub changes: Vec<Change>,
}

/// Asks an account for the fields of an entity and saves the type that they make and the schema
/// that fills it, each as a next version if it has changed.
pub async fn derive(
    deriving: &Deriving<'_>,
    ports: DerivePorts<'_>,
) -> Result<Derived, MappingError> {
    let offered = offered(ports.adapter, deriving.entity, deriving.part).await?;
    let offered = offered.ok_or_else(|| {
        MappingError::Unsuitable(format!("the account does not offer {deriving}"))
    })?;
    let discovered: Vec<_> = offered.iter().map(discovered).collect();
    let name = deriving.name(&discovered)?;
    let tenant = &deriving.connection.tenant;
    let stored = ports.schemas.schema(tenant, SchemaKind::RecordType, &name, None).await?;
    let old = stored.as_ref().map(|stored| parsed(stored, &name)).transpose()?;
    let contract = deriving.contract.over(old.as_ref().map(|old| old.contract).unwrap_or_default());
    let evolution = evolve(old.as_ref(), &name, &discovered, contract);
    let frozen = evolution.is_frozen();
    let Evolution { record_type, changes } = evolution;
    let schema = ports.schemas.schema(tenant, SchemaKind::Conversion, &name, None).await?;
    let mut derived = Derived {
        record_type: stored.as_ref().map(Saved::as_it_was),
        schema: schema.as_ref().map(Saved::as_it_was),
        contract,
        frozen,
        changes,
    };
    let Some(next) = record_type.filter(|_| !frozen) else { return Ok(derived) };
    let next = with_contract(next, old.as_ref(), contract);
    let known = schema.as_ref().map(|stored| Schema::parse(&stored.text)).transpose();
    let known = known.map_err(|found| MappingError::refused(format!("schema {name}"), found))?;
    let payloads = deriving.payloads(ports.records).await?;
    let draft = Draft {
        deriving,
        offered: &offered,
        old: old.as_ref(),
        next: &next,
        known: known.as_ref(),
        payloads: &payloads,
    };
    let text = draft.schema()?;
    let types = types(ports.schemas, tenant).await?.with_version(next.clone());
    check(&text, &types.map_err(|found| MappingError::refused("the derived type", found))?)?;
    // The type first: a schema never names one that is not there.
    let (kind, text_of_type) = (SchemaKind::RecordType, next.to_json());
    let saved = deriving.save(ports.schemas, (kind, &name), text_of_type, stored.as_ref()).await?;
    derived.record_type = Some(saved);
    let kind = SchemaKind::Conversion;
    let saved = deriving.save(ports.schemas, (kind, &name), text, schema.as_ref()).await?;
    derived.schema = Some(saved);
    Ok(derived)
}

impl ContractEdit {
    fn over(self, contract: Contract) -> Contract {
        Contract {
            object: self.object.unwrap_or(contract.object),
            field: self.field.unwrap_or(contract.field),
            kind: self.kind.unwrap_or(contract.kind),
        }
    }
}

impl Deriving<'_> {
    async fn payloads(&self, store: &dyn RecordStore) -> Result<Vec<Json>, MappingError> {
        let of = (self.entity, self.part);
        Ok(payloads(&sample(store, self.connection, of, GUESSED_FROM).await?))
    }
}

impl std::fmt::Display for Deriving<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.part {
            Some(part) => write!(f, "entity {}, part {part:?}", self.entity),
            None => write!(f, "entity {}", self.entity),
        }
    }
}

/// What an account offers of the fields of an entity, or of one part of it; nothing where it does
/// not offer that.
pub async fn offered(
    adapter: &mut dyn Adapter,
    entity: &str,
    part: Option<&str>,
) -> Result<Option<Vec<Field>>, Error> {
    let entities = adapter.discover(Some(entity), part).await.outcome?;
    let meant = |found: &model::adapter::Entity| {
        found.name == entity && (part.is_none() || found.part.as_deref() == part)
    };
    Ok(entities.into_iter().find(meant).map(|found| found.fields))
}

fn discovered(field: &Field) -> Discovered {
    let kind = match field.kind {
        FieldKind::Text => "text",
        FieldKind::Integer => "integer",
        FieldKind::Decimal => "decimal",
        FieldKind::Boolean => "boolean",
        FieldKind::Date => "date",
        FieldKind::DateTime => "date-time",
        FieldKind::Choice => "choice",
        FieldKind::Choices => "choices",
        FieldKind::Reference => "reference",
        FieldKind::List => "list",
        FieldKind::Object => "object",
        FieldKind::Other => "other",
    };
    Discovered {
        name: field.name.clone(),
        label: field.label.clone(),
        kind: kind.to_owned(),
        required: field.required,
    }
}

/// A stored type, which must have been derived: one that a person has written is not overwritten.
fn parsed(stored: &StoredSchema, name: &str) -> Result<RecordType, MappingError> {
    let old = RecordType::parse(&stored.text)
        .map_err(|found| MappingError::refused(format!("record type {name}"), found))?;
    if old.fields.iter().all(|field| field.origin.is_none()) {
        return Err(MappingError::Unsuitable(format!(
            "record type {name} is there and was not derived: save yours under another name"
        )));
    }
    Ok(old)
}

/// The type with its contract; a new one makes a new version.
fn with_contract(next: RecordType, old: Option<&RecordType>, contract: Contract) -> RecordType {
    let version = match old {
        Some(old) if old.contract != contract => old.version.saturating_add(1),
        _ => next.version,
    };
    RecordType { contract, version, ..next }
}

/// What cannot map is not saved.
fn check(text: &str, types: &Types) -> Result<(), MappingError> {
    Mapping::new(text, Origin::Draft, types).map(drop)
}
