//! The texts of a tenant: saved in versions, and in use.

use std::collections::BTreeMap;
use std::fmt;

use mapping::{Diagnostic, Types};
use model::schema::{NewSchema, SchemaHead, SchemaKind, SchemaStore};
use model::store::{Catalogue, StoreError};
use model::{ConnectionId, TenantId, Timestamp};

use super::check::{Checked, check};
use super::{Mapping, MappingError, Origin, types};

/// Where the texts of a tenant are kept, and what uses them.
pub struct Shelf<'a> {
    /// Whose.
    pub tenant: &'a TenantId,
    /// The texts, and what is bound.
    pub schemas: &'a dyn SchemaStore,
    /// The connections to which something may be bound.
    pub catalogue: &'a dyn Catalogue,
}

/// A text that may be saved.
#[derive(Debug)]
pub struct Ready {
    kind: SchemaKind,
    name: String,
    text: String,
    /// What may not be as it was meant.
    pub warnings: Vec<Diagnostic>,
}

/// Who saves a text, and over what.
#[derive(Debug)]
pub struct Signed {
    /// Who, as an audit calls them.
    pub author: Option<String>,
    /// The newest version by now, 0 if there must be none; nothing where that does not matter.
    pub expected: Option<u32>,
    /// Now.
    pub at: Timestamp,
}

/// A text that is saved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Kept {
    /// Its newest version.
    pub head: SchemaHead,
    /// Whether this version is new: the same text again makes none.
    pub is_new: bool,
}

/// A place where a schema is used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Use {
    /// The connection.
    pub connection: ConnectionId,
    /// The entity.
    pub entity: String,
    /// The part of it, where the schema maps that alone.
    pub part: Option<String>,
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.connection, self.entity)?;
        self.part.as_ref().map_or(Ok(()), |part| write!(f, " {part}"))
    }
}

impl Ready {
    /// How the text is called.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Shelf<'_> {
    /// Refuses a text that cannot be used, and a version of a type that a schema in use does not
    /// fit any more.
    pub async fn check(&self, kind: SchemaKind, text: String) -> Result<Ready, MappingError> {
        let checked = check(kind, &text, &types(self.schemas, self.tenant).await?);
        let refused = checked.is_refused();
        let Checked { name, diagnostics, types, .. } = checked;
        let Some(name) = name.clone().filter(|_| !refused) else {
            let name = name.map(|name| format!(" {name}")).unwrap_or_default();
            return Err(MappingError::refused(format!("{}{name}", kind.as_str()), diagnostics));
        };
        if let Some(types) = types {
            self.still_fit(&types).await?;
        }
        Ok(Ready { kind, name, text, warnings: diagnostics })
    }

    /// Saves a text as the next version; the same text again is no new version.
    pub async fn put(&self, ready: Ready, signed: Signed) -> Result<Kept, StoreError> {
        let Ready { kind, name, text, .. } = ready;
        let newest = self.schemas.schema(self.tenant, kind, &name, None).await?;
        let version = newest.as_ref().map_or(0, |newest| newest.head.version);
        let expected = signed.expected.unwrap_or(version);
        if let Some(newest) = newest.filter(|it| it.text == text && expected == version) {
            return Ok(Kept { head: newest.head, is_new: false });
        }
        let Signed { author, at, .. } = signed;
        let tenant = self.tenant.clone();
        let new = NewSchema { tenant, kind, name, text, author, expected, at };
        let head = self.schemas.put_schema(new).await?;
        Ok(Kept { head, is_new: true })
    }

    /// The schemas that are bound, in which versions, and to what.
    pub async fn uses(&self) -> Result<BTreeMap<(String, u32), Vec<Use>>, StoreError> {
        let mut uses: BTreeMap<_, Vec<Use>> = BTreeMap::new();
        for connection in self.catalogue.connections(self.tenant).await? {
            for binding in self.schemas.bindings(self.tenant, &connection.id).await? {
                let Some(schema) = binding.schema else { continue };
                let (connection, entity) = (binding.connection, binding.entity);
                uses.entry(schema).or_default().push(Use {
                    connection,
                    entity,
                    part: binding.part,
                });
            }
        }
        Ok(uses)
    }

    /// Refuses types that a schema in use does not fit.
    async fn still_fit(&self, types: &Types) -> Result<(), MappingError> {
        for ((name, version), uses) in self.uses().await? {
            let kind = SchemaKind::Conversion;
            let saved = self.schemas.schema(self.tenant, kind, &name, Some(version)).await?;
            let Some(saved) = saved else { continue };
            let fits = Mapping::new(&saved.text, Origin::Saved(version), types);
            let Err(MappingError::Refused { diagnostics, .. }) = fits else { continue };
            let uses: Vec<_> = uses.iter().map(Use::to_string).collect();
            let schema = format!("{name}@{version}, which maps {}", uses.join(", "));
            return Err(MappingError::InUse { schema, diagnostics });
        }
        Ok(())
    }
}
