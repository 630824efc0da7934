//! Records through their schemas, a page at a time.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use mapping::{Issue, Preview, Reading, References, Scratch};
use model::canonical::{
    CanonicalStore, DOC_BYTES_MAX, Mapped, Outcome, Rejected, SchemaDigest, URL_BYTES_MAX,
};
use model::record::Record;
use model::store::{StoreError, StoredRecord};
use model::{ConnectionId, Error, ErrorKind, TenantId};

use super::references::{Known, Noting, Reference, Told};
use super::waiting::Waiting;
use super::{Mapping, Mappings};

/// Issues of one record in the error of its reject; the first ones tell what is the matter.
const ISSUES_SHOWN_MAX: usize = 5;

/// Characters of a field's name in the error of a reject; it may be any text of a provider.
const FIELD_SHOWN_MAX: usize = 100;

/// A record as its provider has sent it.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a> {
    /// The entity.
    pub entity: &'a str,
    /// The dynamic instance or parent it was read under.
    pub part: Option<&'a str>,
    /// The JSON object.
    pub payload: &'a [u8],
}

impl<'a> Raw<'a> {
    /// A record that was read in this part.
    pub(crate) fn of(record: &'a Record, part: Option<&'a str>) -> Self {
        Self { entity: &record.entity, part, payload: &record.payload }
    }

    /// A record that lies in the store.
    pub fn stored(record: &'a StoredRecord) -> Self {
        Self { entity: &record.entity, part: record.part.as_deref(), payload: &record.payload }
    }
}

/// Maps the records of one connection, for one run.
pub struct Mapper {
    tenant: TenantId,
    connection: ConnectionId,
    mappings: Mappings,
    known: Known,
    scratch: Scratch,
    identity: plughouse_scan::Scratch,
    left_out: BTreeMap<String, LeftOut>,
    waiting: Waiting,
}

/// Fields of an entity that did not fit.
struct LeftOut {
    count: u64,
    first: Issue,
}

impl Mapper {
    /// A mapper that knows no record yet.
    pub fn new(tenant: &TenantId, connection: &ConnectionId, mappings: Mappings) -> Self {
        Self {
            tenant: tenant.clone(),
            connection: connection.clone(),
            mappings,
            known: Known::default(),
            scratch: Scratch::default(),
            identity: plughouse_scan::Scratch::default(),
            left_out: BTreeMap::new(),
            waiting: Waiting::default(),
        }
    }

    /// What the schemas make of records, in their order. Records that they refer to are found if
    /// they were committed before.
    pub async fn map(
        &mut self,
        store: &dyn CanonicalStore,
        records: &[Raw<'_>],
    ) -> Result<Vec<Outcome>, StoreError> {
        let (mut asked, mut again) = (BTreeSet::new(), Vec::new());
        let mut outcomes = Vec::with_capacity(records.len());
        for (place, raw) in records.iter().enumerate() {
            let Some(mapping) = self.mappings.get(raw.entity, raw.part).cloned() else {
                outcomes.push(Outcome::NoSchema);
                continue;
            };
            let noting = Noting { known: &self.known, asked: RefCell::default() };
            let read = read(&mapping, raw, &mut self.scratch, &noting);
            let noted = noting.asked.into_inner();
            if noted.is_empty() {
                outcomes.push(self.outcome(&mapping, raw, read, mapping.schema().digest));
            } else {
                asked.extend(noted);
                again.push(place);
                outcomes.push(Outcome::NoSchema);
            }
        }
        if !again.is_empty() {
            self.learn(store, asked).await?;
        }
        for place in again {
            if let (Some(raw), Some(outcome)) = (records.get(place), outcomes.get_mut(place)) {
                *outcome = self.told(raw);
            }
        }
        Ok(outcomes)
    }

    /// Shows what a schema makes of one record, step by step.
    pub async fn preview(
        &mut self,
        store: &dyn CanonicalStore,
        raw: Raw<'_>,
    ) -> Result<Option<Preview>, StoreError> {
        let Some(mapping) = self.mappings.get(raw.entity, raw.part).cloned() else {
            return Ok(None);
        };
        let noting = Noting { known: &self.known, asked: RefCell::default() };
        drop(read(&mapping, &raw, &mut self.scratch, &noting));
        let asked = noting.asked.into_inner().into_iter().collect();
        self.learn(store, asked).await?;
        let told = Told { known: &self.known, missing: RefCell::default() };
        Ok(Some(mapping::preview(mapping.program(), raw.payload, &told)))
    }

    /// The entities with records that were mapped before what they refer to, and whether some of
    /// that has come since.
    pub(crate) async fn waiting(
        &self,
        store: &dyn CanonicalStore,
    ) -> Result<BTreeMap<String, bool>, StoreError> {
        self.waiting.look(store, (&self.tenant, &self.connection)).await
    }

    /// Logs which fields of an entity did not fit and were left out, and forgets it.
    pub(crate) fn tell_left_out(&mut self, entity: &str) {
        if let Some(LeftOut { count, first }) = self.left_out.remove(entity) {
            tracing::info!(entity, count, %first, "fields that do not fit are left out");
        }
    }

    async fn learn(
        &mut self,
        store: &dyn CanonicalStore,
        asked: BTreeSet<Reference>,
    ) -> Result<(), StoreError> {
        self.known.learn(store, (&self.tenant, &self.connection), asked).await
    }

    /// The outcome of a record whose references have been asked for.
    fn told(&mut self, raw: &Raw<'_>) -> Outcome {
        let Some(mapping) = self.mappings.get(raw.entity, raw.part).cloned() else {
            return Outcome::NoSchema;
        };
        let told = Told { known: &self.known, missing: RefCell::default() };
        let read = read(&mapping, raw, &mut self.scratch, &told);
        let missing = told.missing.into_inner();
        let schema =
            if missing.is_empty() { mapping.schema().digest } else { mapping.incomplete() };
        self.waiting.note(raw.entity, missing);
        self.outcome(&mapping, raw, read, schema)
    }

    fn outcome(
        &mut self,
        mapping: &Mapping,
        raw: &Raw<'_>,
        read: Result<Document, Vec<Issue>>,
        schema: SchemaDigest,
    ) -> Outcome {
        let stranger =
            mapping.known().and_then(|known| known.stranger(raw.payload, &mut self.identity));
        if let Some(name) = stranger {
            let error = unknown_field(&name, mapping.record_type());
            return Outcome::Rejected(Box::new(Rejected { schema, error }));
        }
        let document = match read {
            Ok(document) if document.doc.len() > DOC_BYTES_MAX => {
                let error = too_large(document.doc.len());
                return Outcome::Rejected(Box::new(Rejected { schema, error }));
            }
            Ok(document) => document,
            Err(issues) => {
                return Outcome::Rejected(Box::new(Rejected { schema, error: rejected(&issues) }));
            }
        };
        let Document { doc, url, issues } = document;
        self.note(raw.entity, issues);
        Outcome::Mapped(Box::new(Mapped {
            record_type: mapping.record_type().to_owned(),
            schema,
            identities: mapping.identities().keys(&doc, &mut self.identity),
            doc,
            url: url.filter(|url| url.len() <= URL_BYTES_MAX),
            direction: mapping.direction(),
        }))
    }

    fn note(&mut self, entity: &str, issues: Vec<Issue>) {
        let more = u64::try_from(issues.len()).unwrap_or(u64::MAX);
        let Some(first) = issues.into_iter().next() else { return };
        match self.left_out.get_mut(entity) {
            Some(known) => known.count += more,
            None => {
                self.left_out.insert(entity.to_owned(), LeftOut { count: more, first });
            }
        }
    }
}

/// What a record was read as.
struct Document {
    doc: Bytes,
    url: Option<String>,
    issues: Vec<Issue>,
}

fn read(
    mapping: &Mapping,
    raw: &Raw<'_>,
    scratch: &mut Scratch,
    refs: &dyn References,
) -> Result<Document, Vec<Issue>> {
    match mapping.program().read(raw.payload, scratch, refs) {
        Reading::Mapped { doc, url, issues } => {
            Ok(Document { doc: Bytes::copy_from_slice(doc), url, issues })
        }
        Reading::Rejected { issues } => Err(issues),
    }
}

/// The error of a record that its schema does not take. A required field without a value is
/// always a reason; of other issues the first is as good as any.
fn rejected(issues: &[Issue]) -> Error {
    let required = issues.iter().find(|issue| issue.code == "mapping.required");
    let code = required.or(issues.first()).map_or("mapping.type", |issue| issue.code);
    let shown: Vec<_> = issues.iter().take(ISSUES_SHOWN_MAX).map(ToString::to_string).collect();
    let mut message = shown.join("; ");
    if issues.len() > ISSUES_SHOWN_MAX {
        message.push_str("; and more");
    }
    Error::new(ErrorKind::Invalid, code, message)
}

/// The error of a record with a field that its type does not know, if its contract minds.
fn unknown_field(name: &str, record_type: &str) -> Error {
    let name: String = name.chars().take(FIELD_SHOWN_MAX).collect();
    let message = format!(
        "type {record_type} has no field {name:?}, and its contract leaves out records with others"
    );
    Error::new(ErrorKind::Invalid, "mapping.contract", message)
}

fn too_large(bytes: usize) -> Error {
    let message = format!("the record becomes {bytes} bytes, {DOC_BYTES_MAX} are allowed");
    Error::new(ErrorKind::Invalid, "mapping.doc-size", message)
}
