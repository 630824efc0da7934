//! Making the types of the contract with what they need; everything else is a field to set.

use crate::{
    Account, Entity, Error, Field, FieldKind, Next, Page, Payload, Record, Reject, Removal,
    Tombstone,
};

impl Record {
    /// A record of an entity; `id` is unique within it.
    pub fn new(entity: &str, id: &str, payload: Payload) -> Self {
        Self {
            entity: entity.to_owned(),
            id: id.to_owned(),
            version: None,
            modified_ms: None,
            payload,
            contents: Vec::new(),
            details: Vec::new(),
        }
    }
}

impl Tombstone {
    /// The word that a record is gone.
    pub fn new(entity: &str, id: &str, reason: Removal) -> Self {
        let (entity, id) = (entity.to_owned(), id.to_owned());
        Self { entity, id, reason, successor: None, deleted_ms: None }
    }
}

impl Reject {
    /// A record that could not be read, when its id at least could.
    pub fn new(entity: &str, id: Option<&str>, error: Error) -> Self {
        let id = id.map(ToOwned::to_owned);
        Self { entity: entity.to_owned(), id, error, payload: None }
    }
}

impl Page {
    /// A page of records.
    pub fn new(records: Vec<Record>, next: Next) -> Self {
        Self { records, tombstones: Vec::new(), rejects: Vec::new(), next, details: Vec::new() }
    }
}

impl Account {
    /// The account behind a connection; `id` is the provider's own key of it.
    pub fn new(id: &str, label: &str) -> Self {
        let (id, label) = (id.to_owned(), label.to_owned());
        Self { id, label, variables: Vec::new(), details: Vec::new() }
    }
}

impl Entity {
    /// An entity of the manifest, as this account has it.
    pub fn new(name: &str, label: &str, fields: Vec<Field>) -> Self {
        let (name, label) = (name.to_owned(), label.to_owned());
        Self { name, part: None, label, fields, details: Vec::new() }
    }
}

impl Field {
    /// A field that can be read.
    pub fn new(name: &str, label: &str, kind: FieldKind) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            kind,
            required: false,
            writable: false,
            unique: false,
            choices: Vec::new(),
            target: None,
            details: Vec::new(),
        }
    }
}
