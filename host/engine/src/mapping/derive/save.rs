//! Texts as next versions.

use model::schema::{NewSchema, SchemaKind, SchemaStore, StoredSchema};
use model::store::StoreErrorKind;
use serde::Serialize;

use super::{Deriving, MappingError};

/// A text that is saved.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Saved {
    /// Its name.
    pub name: String,
    /// Its newest version.
    pub version: u32,
    /// Whether this version is new.
    pub changed: bool,
}

impl Saved {
    pub(super) fn as_it_was(stored: &StoredSchema) -> Self {
        let head = &stored.head;
        Self { name: head.name.clone(), version: head.version, changed: false }
    }
}

impl Deriving<'_> {
    /// Saves a text if it is another than the stored one.
    pub(super) async fn save(
        &self,
        store: &dyn SchemaStore,
        (kind, name): (SchemaKind, &str),
        text: String,
        stored: Option<&StoredSchema>,
    ) -> Result<Saved, MappingError> {
        if let Some(stored) = stored.filter(|stored| stored.text == text) {
            return Ok(Saved::as_it_was(stored));
        }
        let new = NewSchema {
            tenant: self.connection.tenant.clone(),
            kind,
            name: name.to_owned(),
            text,
            author: self.author.clone(),
            expected: stored.map_or(0, |stored| stored.head.version),
            at: self.now,
        };
        let head = store.put_schema(new).await.map_err(|error| match error.kind() {
            StoreErrorKind::Conflict => MappingError::Unsuitable(format!(
                "somebody else has just saved {} {name}: derive it again",
                kind.as_str()
            )),
            _ => error.into(),
        })?;
        Ok(Saved { name: head.name, version: head.version, changed: true })
    }
}
