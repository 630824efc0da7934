//! What the log of events of a store says.

use model::store::{EventKind, RecordStore};

/// The ids that it says were created, each as often as it says so, sorted.
///
/// # Panics
///
/// When the store does not answer.
#[expect(clippy::expect_used, reason = "a test that cannot read must fail")]
pub async fn created(store: &dyn RecordStore) -> Vec<String> {
    let tenant = "main".parse().expect("a name of a tenant");
    let (mut ids, mut after) = (Vec::new(), 0);
    loop {
        let events = store.events(&tenant, after, 1000).await.expect("events of the store");
        let Some(last) = events.last() else { break };
        after = last.seq;
        for event in events {
            if let EventKind::RecordsChanged { created, .. } = event.kind {
                ids.extend(created);
            }
        }
    }
    ids.sort();
    ids
}
