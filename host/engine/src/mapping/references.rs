//! Which canonical records a page refers to, asked of the store once for the whole page.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use mapping::References;
use model::canonical::{BATCH_MAX, CanonicalStore, RecordId};
use model::record::{ENTITY_BYTES_MAX, ID_BYTES_MAX};
use model::store::StoreError;
use model::{ConnectionId, TenantId};

/// References kept for a run. Companies of contacts come again and again; some ten megabytes of
/// them are all that a run may hold, and who has more asks for them again.
const KNOWN_MAX: usize = 100_000;

/// An entity and the provider's id of a record of it.
pub(super) type Reference = (String, String);

/// What the run has been told.
#[derive(Default)]
pub(super) struct Known {
    by_entity: HashMap<String, HashMap<String, RecordId>>,
    count: usize,
}

impl Known {
    fn get(&self, entity: &str, id: &str) -> Option<RecordId> {
        self.by_entity.get(entity)?.get(id).copied()
    }

    /// The provider's id of a record that was asked for; this is for one record at a time.
    fn external(&self, entity: &str, id: &str) -> Option<String> {
        let known = self.by_entity.get(entity)?;
        known.iter().find(|(_, found)| found.to_string() == id).map(|(id, _)| id.clone())
    }

    /// Asks the store. Records that are not there are asked for again by the next page, for that
    /// is when they may be.
    pub(super) async fn learn(
        &mut self,
        store: &dyn CanonicalStore,
        (tenant, connection): (&TenantId, &ConnectionId),
        asked: BTreeSet<Reference>,
    ) -> Result<(), StoreError> {
        if self.count + asked.len() > KNOWN_MAX {
            *self = Self::default();
        }
        let asked: Vec<_> = asked.into_iter().filter(can_be).collect();
        for batch in asked.chunks(BATCH_MAX) {
            let found = store.record_ids(tenant, connection, batch.to_vec()).await?;
            for ((entity, id), found) in batch.iter().zip(found) {
                let Some(found) = found else { continue };
                self.count += 1;
                self.by_entity.entry(entity.clone()).or_default().insert(id.clone(), found);
            }
        }
        Ok(())
    }
}

/// Whether a record can have this name at all; what a provider writes into a reference may be
/// anything.
fn can_be((entity, id): &Reference) -> bool {
    let named = |text: &str, max| (1..=max).contains(&text.len());
    named(entity, ENTITY_BYTES_MAX) && !entity.contains('\0') && named(id, ID_BYTES_MAX)
}

/// The first look at a record: notes what it refers to, and lets everything pass, so that all of
/// its references are met.
pub(super) struct Noting<'a> {
    pub(super) known: &'a Known,
    pub(super) asked: RefCell<Vec<Reference>>,
}

impl References for Noting<'_> {
    fn local(&self, entity: &str, id: &str) -> Option<String> {
        let known = self.known.get(entity, id).map(|id| id.to_string());
        known.or_else(|| {
            self.asked.borrow_mut().push((entity.to_owned(), id.to_owned()));
            Some(String::new())
        })
    }

    fn external(&self, _entity: &str, _id: &str) -> Option<String> {
        None
    }
}

/// The last look at a record: notes what it refers to and is not there. What no record can be
/// called never will be.
pub(super) struct Told<'a> {
    pub(super) known: &'a Known,
    pub(super) missing: RefCell<Vec<Reference>>,
}

impl References for Told<'_> {
    fn local(&self, entity: &str, id: &str) -> Option<String> {
        let found = self.known.get(entity, id).map(|id| id.to_string());
        let reference = || (entity.to_owned(), id.to_owned());
        self.missing.borrow_mut().extend(found.is_none().then(reference).filter(can_be));
        found
    }

    fn external(&self, entity: &str, id: &str) -> Option<String> {
        self.known.external(entity, id)
    }
}
