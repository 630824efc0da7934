//! Records that were mapped before what they refer to.

use std::collections::{BTreeMap, BTreeSet};

use model::canonical::{BATCH_MAX, CanonicalStore};
use model::store::StoreError;
use model::{ConnectionId, TenantId};

use super::references::Reference;

/// References remembered for a run, some megabytes; of an entity with more of them it is taken for
/// granted that something has come.
const REMEMBERED_MAX: usize = 10_000;

/// What the records of a run refer to and was not there, by their entity.
#[derive(Default)]
pub(super) struct Waiting {
    by_entity: BTreeMap<String, Missing>,
    count: usize,
}

#[derive(Default)]
struct Missing {
    references: BTreeSet<Reference>,
    /// There are others, which were not remembered.
    more: bool,
}

impl Waiting {
    /// Notes what a record of an entity refers to.
    pub(super) fn note(&mut self, entity: &str, missing: Vec<Reference>) {
        for reference in missing {
            let known = self.by_entity.entry(entity.to_owned()).or_default();
            if self.count == REMEMBERED_MAX {
                known.more = true;
            } else if known.references.insert(reference) {
                self.count += 1;
            }
        }
    }

    /// The entities with such records, and whether some of what they refer to has come since.
    pub(super) async fn look(
        &self,
        store: &dyn CanonicalStore,
        (tenant, connection): (&TenantId, &ConnectionId),
    ) -> Result<BTreeMap<String, bool>, StoreError> {
        let mut found = BTreeMap::new();
        for (entity, Missing { references, more }) in &self.by_entity {
            let references: Vec<_> = references.iter().cloned().collect();
            let mut has_come = *more;
            for batch in references.chunks(BATCH_MAX) {
                if has_come {
                    break;
                }
                let ids = store.record_ids(tenant, connection, batch.to_vec()).await?;
                has_come = ids.iter().any(Option::is_some);
            }
            found.insert(entity.clone(), has_come);
        }
        Ok(found)
    }
}
