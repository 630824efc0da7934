//! The parts that an entity is read in.

use model::Error;
use model::adapter::Entity;
use model::store::{RecordQuery, RecordStore, RunRef, StoreError};

use super::guard::check_id;

/// How many parent records are listed at a time: few enough to hold, many enough that listing
/// them costs nothing beside reading what belongs to them.
const PARENTS_LISTED_MAX: usize = 500;

/// Yields the parts of an entity one by one; the parent records are not held all at once.
pub(super) struct Parts {
    /// The parts known, in reverse.
    ready: Vec<Option<String>>,
    /// Where more come from.
    parents: Option<Parents>,
}

struct Parents {
    entity: String,
    after: Option<String>,
}

impl Parts {
    /// The entity as a whole.
    pub(super) fn whole() -> Self {
        Self { ready: vec![None], parents: None }
    }

    /// One part per stored record of the parent entity that is not gone.
    pub(super) fn of_parent(entity: &str) -> Self {
        let parents = Parents { entity: entity.to_owned(), after: None };
        Self { ready: Vec::new(), parents: Some(parents) }
    }

    /// One part per instance that the account offers of this entity.
    pub(super) fn offered(offers: &[Entity], name: &str) -> Result<Self, Error> {
        let parts = offers.iter().filter(|e| e.name == name).filter_map(|e| e.part.clone());
        let mut ready: Vec<_> = parts.map(Some).collect();
        ready.sort_unstable_by(|a, b| b.cmp(a));
        ready.dedup();
        ready.iter().flatten().try_for_each(|part| check_id(part))?;
        Ok(Self { ready, parents: None })
    }

    /// The next part.
    pub(super) async fn next(
        &mut self,
        store: &dyn RecordStore,
        run: &RunRef,
    ) -> Result<Option<Option<String>>, StoreError> {
        while self.ready.is_empty() {
            let Some(parents) = self.parents.take() else { return Ok(None) };
            let query = RecordQuery {
                tenant: run.tenant.clone(),
                connection: Some(run.connection.clone()),
                entity: Some(parents.entity.clone()),
                id: None,
                removed: false,
                after: parents.after,
                limit: PARENTS_LISTED_MAX,
            };
            let list = store.records(query).await?;
            self.ready = list.records.into_iter().rev().map(|record| Some(record.id)).collect();
            self.parents =
                list.next.map(|after| Parents { entity: parents.entity, after: Some(after) });
        }
        Ok(self.ready.pop())
    }
}
