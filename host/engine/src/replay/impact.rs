//! What a replay would change, told before it does.

use std::collections::BTreeMap;

use model::Error;
use model::canonical::{Outcome, ReplayQuery, ReplayRecord};
use model::store::{RecordStore, StoreError};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{BATCH, ReplayPlan, outcomes};
use crate::mapping::Mapper;
use crate::sync::Cancel;

/// Examples of each kind of change: enough to see whether it is what was meant.
const EXAMPLES_MAX: usize = 3;

/// Fields shown of one example.
const FIELDS_MAX: usize = 10;

/// What a replay would do, by entity.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Impact {
    /// The entities.
    pub entities: BTreeMap<String, EntityImpact>,
    /// Somebody asked to stop before all was looked at.
    pub stopped: bool,
}

/// What a replay would do to the records of one entity.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EntityImpact {
    /// The schemas that would map them.
    pub schema: Option<String>,
    /// Why they would not be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    /// Records that their schema has mapped already.
    pub current: u64,
    /// Records that were not mapped before.
    pub new: u64,
    /// Records whose document would change.
    pub changed: u64,
    /// Records that would be mapped to what they are.
    pub unchanged: u64,
    /// Records that their schema does not take.
    pub rejected: u64,
    /// Records that would not be mapped any more.
    pub unmapped: u64,
    /// A few of them.
    pub examples: Vec<Example>,
}

/// A record that a replay would change.
#[derive(Clone, Debug, Serialize)]
pub struct Example {
    /// The provider's id.
    pub id: String,
    /// Fields that would change; none of a record that would be rejected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// Why it would be rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

/// A field of a document before and after.
#[derive(Clone, Debug, Serialize)]
pub struct FieldChange {
    /// The field.
    pub name: String,
    /// Its value by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<RawValue>>,
    /// The value that it would have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Box<RawValue>>,
}

impl Impact {
    /// Whether a replay would change nothing.
    pub fn is_nothing(&self) -> bool {
        self.entities.values().all(|e| e.new + e.changed + e.rejected + e.unmapped == 0)
    }
}

/// Maps what a replay would map, and keeps nothing of it. After every batch it is told how many
/// records were seen so far.
pub async fn impact(
    plan: &ReplayPlan,
    store: &dyn RecordStore,
    cancel: &Cancel,
    told: &(dyn Fn(u64) + Send + Sync),
) -> Result<Impact, StoreError> {
    let mut mapper = Mapper::new(&plan.tenant, &plan.connection, plan.mappings.clone());
    let (mut impact, mut seen) = (Impact::default(), 0);
    for entity in &plan.entities {
        let mut found =
            EntityImpact { schema: plan.mappings.shown(entity), ..EntityImpact::default() };
        if let Some(error) = plan.mappings.refused(entity) {
            found.error = Some(error.clone());
            impact.entities.insert(entity.clone(), found);
            continue;
        }
        let mut query = plan.query(entity, BATCH);
        loop {
            if cancel.is_cancelled() {
                impact.stopped = true;
                return Ok(impact);
            }
            let list = store.replayable(query.clone()).await?;
            found.current += list.current;
            seen += list.current + u64::try_from(list.records.len()).unwrap_or_default();
            told(seen);
            let records = plan.wanted(entity, list.records);
            let outcomes = outcomes(&mut mapper, store, &records).await?;
            records.iter().zip(&outcomes).for_each(|(record, outcome)| found.add(record, outcome));
            match list.next {
                Some(next) => query = ReplayQuery { after: Some(next), ..query },
                None => break,
            }
        }
        impact.entities.insert(entity.clone(), found);
    }
    Ok(impact)
}

impl EntityImpact {
    fn add(&mut self, record: &ReplayRecord, outcome: &Outcome) {
        let id = &record.record.id;
        match outcome {
            Outcome::NoSchema => self.unmapped += 1,
            Outcome::Rejected(rejected) => {
                let error = Some(rejected.error.clone());
                self.show(self.rejected, || Example { id: id.clone(), fields: Vec::new(), error });
                self.rejected += 1;
            }
            Outcome::Mapped(mapped) => match record.doc.as_deref() {
                None => self.new += 1,
                Some(doc) if doc == &*mapped.doc => self.unchanged += 1,
                Some(doc) => {
                    let fields = || changes(doc, &mapped.doc);
                    self.show(self.changed, || Example {
                        id: id.clone(),
                        fields: fields(),
                        error: None,
                    });
                    self.changed += 1;
                }
            },
        }
    }

    /// Keeps one of the first of its kind.
    fn show(&mut self, before: u64, example: impl FnOnce() -> Example) {
        if usize::try_from(before).is_ok_and(|before| before < EXAMPLES_MAX) {
            self.examples.push(example());
        }
    }
}

/// The members in which two documents differ.
fn changes(before: &[u8], after: &[u8]) -> Vec<FieldChange> {
    let members = |doc| serde_json::from_slice::<BTreeMap<String, Box<RawValue>>>(doc);
    let (before, after) = (members(before).unwrap_or_default(), members(after).unwrap_or_default());
    let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let text = |value: Option<&Box<RawValue>>| value.map(|value| value.get().to_owned());
    names
        .into_iter()
        .map(|name| (name, before.get(name), after.get(name)))
        .filter(|(_, before, after)| text(*before) != text(*after))
        .take(FIELDS_MAX)
        .map(|(name, before, after)| FieldChange {
            name: name.clone(),
            before: before.cloned(),
            after: after.cloned(),
        })
        .collect()
}
