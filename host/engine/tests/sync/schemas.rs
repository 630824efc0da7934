//! Conversion schemas and records for tests of what is made of them.

use engine::mapping::{Mapping, Mappings, Origin};
use mapping::Types;
use model::adapter::{Next, Page, PullRequest};
use model::canonical::{CanonicalQuery, CanonicalRecord, CanonicalStore as _};
use model::record::Record;
use serde_json::{Value, json};

use crate::provider::{page, record};
use crate::world::World;

/// A schema of these field maps.
pub(crate) fn mapping(entity: &str, record_type: &str, fields: &Value) -> Mapping {
    let name = format!("test.{entity}");
    let schema = json!({
        "format": 1, "name": name, "entity": entity, "type": record_type, "fields": fields,
    });
    Mapping::new(&schema.to_string(), Origin::Saved(1), &Types::built_in()).unwrap()
}

/// Companies by their name, contacts by their mail and the company that they refer to.
pub(crate) fn crm() -> Mappings {
    let company = json!([{"from": "/name", "to": "name", "on_error": "reject_record"}]);
    let contact = json!([
        {"from": "/email", "ops": ["trim", "lower"], "to": "email"},
        {"from": "/company", "ops": [{"op": "lookup_ref", "entity": "company"}], "to": "company"},
    ]);
    Mappings::default()
        .with("company", Some(mapping("company", "c_company", &company)))
        .with("contact", Some(mapping("contact", "c_contact", &contact)))
}

/// A record with this payload.
pub(crate) fn with(entity: &str, id: &str, payload: &Value) -> Record {
    Record { payload: payload.to_string().into(), ..record(entity, id) }
}

/// A page of those of the records that are of the entity asked for, in no parts.
pub(crate) fn all(request: &PullRequest, records: &[Record]) -> Page {
    let own = records.iter().filter(|record| record.entity == request.entity);
    page(own.cloned().collect(), Next::Done(String::new()))
}

impl World {
    /// All canonical records, the oldest of a type first.
    pub(crate) async fn canonical(&self) -> Vec<CanonicalRecord> {
        let query = CanonicalQuery {
            tenant: self.plan.tenant.clone(),
            record_type: None,
            removed: true,
            after: None,
            limit: 1000,
        };
        self.store.canonical_list(query).await.unwrap().records
    }

    /// The documents of all canonical records.
    pub(crate) async fn docs(&self) -> Vec<Value> {
        let records = self.canonical().await;
        records.iter().map(|record| serde_json::from_slice(&record.doc).unwrap()).collect()
    }
}
