//! What mapping alone costs of a sync: stored records through the adapter's schema, page by page,
//! by the mapper that a sync runs.

use std::fs;
use std::path::Path;
use std::time::Duration;

use engine::mapping::{Mapper, Mapping, Mappings, Origin, Raw};
use mapping::Types;
use model::canonical::Outcome;
use model::store::{RecordQuery, RecordStore as _};
use model::{Clock, TenantId};
use store::Store;

const ENTITY: &str = "contact";

/// Maps every record of a store; the CPU time of it.
pub(crate) fn map(data: &Path) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(pages(&Store::open(data, Clock::system()).unwrap()))
}

async fn pages(store: &Store) -> Duration {
    let tenant: TenantId = "main".parse().unwrap();
    let mut mapper = Mapper::new(&tenant, &e2e::CONNECTION.parse().unwrap(), mappings());
    let mut query = RecordQuery {
        tenant,
        connection: Some(e2e::CONNECTION.parse().unwrap()),
        entity: Some(ENTITY.to_owned()),
        id: None,
        removed: false,
        after: None,
        limit: usize::try_from(crate::PAGE).unwrap(),
    };
    let (mut spent, mut count) = (Duration::ZERO, 0);
    loop {
        let list = store.records(query.clone()).await.unwrap();
        let page: Vec<_> = list.records.iter().map(Raw::stored).collect();
        let start = crate::cpu(rustix::time::ClockId::ThreadCPUTime);
        let outcomes = mapper.map(store, &page).await.unwrap();
        spent += crate::cpu(rustix::time::ClockId::ThreadCPUTime).saturating_sub(start);
        count += outcomes.iter().filter(|o| matches!(o, Outcome::Mapped(_))).count();
        query.after = list.next;
        if query.after.is_none() {
            assert_eq!(u64::try_from(count).unwrap(), crate::RECORDS);
            return spent;
        }
    }
}

fn mappings() -> Mappings {
    let file = e2e::root().join("plugins/hubspot/mappings/contact.json");
    let text = fs::read_to_string(file).unwrap();
    let mapping = Mapping::new(&text, Origin::Draft, &Types::built_in()).unwrap();
    Mappings::default().with(ENTITY, Some(mapping))
}
