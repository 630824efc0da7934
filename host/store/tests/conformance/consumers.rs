use model::event::{CONSUMERS_MAX, Extent};
use model::store::StoreErrorKind;

use super::Ports;
use super::samples::{begin, page, record};

/// So many events of a tenant.
async fn fill(store: &impl Ports, count: usize) {
    let run = begin(store, "acme/hub").await;
    for id in 0..count {
        store.commit_page(page(&run, vec![record(&id.to_string(), "a")])).await.unwrap();
    }
}

pub(crate) async fn consumer_begins_with_the_oldest_event_and_moves_on(store: &impl Ports) {
    fill(store, 3).await;
    let acme = "acme".parse().unwrap();
    assert_eq!(store.extent(&acme).await.unwrap(), Extent { first: 1, last: 3 });
    assert_eq!(store.consumer(&acme, "crm").await.unwrap().seq, 0);
    store.advance(&acme, "crm", 2).await.unwrap();
    store.advance(&acme, "crm", 2).await.unwrap();
    assert_eq!(store.consumer(&acme, "crm").await.unwrap().seq, 2);
    assert_eq!(store.consumer(&acme, "audit").await.unwrap().seq, 0);
    let other = "other".parse().unwrap();
    assert_eq!(store.extent(&other).await.unwrap(), Extent::default());
    assert_eq!(store.consumer(&other, "crm").await.unwrap().seq, 0, "of another tenant");
    let names: Vec<_> = store.consumers(&acme).await.unwrap().into_iter().map(|c| c.name).collect();
    assert_eq!(names, ["audit", "crm"]);
}

pub(crate) async fn consumer_goes_neither_back_nor_beyond_the_last_event(store: &impl Ports) {
    fill(store, 3).await;
    let acme = "acme".parse().unwrap();
    store.consumer(&acme, "crm").await.unwrap();
    store.advance(&acme, "crm", 2).await.unwrap();
    for (seq, kind) in [(1, StoreErrorKind::Conflict), (4, StoreErrorKind::Invalid)] {
        let error = store.advance(&acme, "crm", seq).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    let error = store.advance(&acme, "nobody", 1).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert_eq!(store.consumer(&acme, "crm").await.unwrap().seq, 2);
}

pub(crate) async fn removed_consumer_is_forgotten(store: &impl Ports) {
    fill(store, 3).await;
    let acme = "acme".parse().unwrap();
    store.consumer(&acme, "crm").await.unwrap();
    store.advance(&acme, "crm", 3).await.unwrap();
    assert!(store.remove_consumer(&acme, "crm").await.unwrap());
    assert!(!store.remove_consumer(&acme, "crm").await.unwrap());
    assert_eq!(store.consumer(&acme, "crm").await.unwrap().seq, 0);
}

pub(crate) async fn consumers_are_bounded(store: &impl Ports) {
    let acme = "acme".parse().unwrap();
    for name in [String::new(), "x".repeat(129)] {
        let error = store.consumer(&acme, &name).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
    }
    for number in 0..CONSUMERS_MAX {
        store.consumer(&acme, &number.to_string()).await.unwrap();
    }
    let error = store.consumer(&acme, "one more").await.unwrap_err();
    assert!(error.to_string().contains("remove one first"), "{error}");
    store.consumer(&acme, "0").await.unwrap();
}
