use model::breaker::{Key, Open, Opened};
use model::event::EventKind;

use super::Ports;
use super::samples::at;

fn key(tenant: &str, host: &str) -> Key {
    Key { tenant: tenant.parse().unwrap(), package: "a/b".to_owned(), host: host.to_owned() }
}

fn open(until: i64) -> Open {
    Open { since: at(0), until: at(until), failures: 9, requests: 10, times: 1 }
}

pub(crate) async fn open_breakers_are_kept_and_closed_ones_forgotten(store: &impl Ports) {
    let (one, two) = (key("acme", "one.example"), key("bolt", "two.example"));
    store.put_breaker(&one, Some(open(30))).await.unwrap();
    store.put_breaker(&two, Some(open(30))).await.unwrap();
    store.put_breaker(&one, Some(open(60))).await.unwrap();
    store.put_breaker(&two, None).await.unwrap();
    let kept = store.breakers().await.unwrap();
    assert_eq!(kept, [Opened { key: one, open: open(60) }]);
}

pub(crate) async fn every_change_of_a_breaker_is_an_event(store: &impl Ports) {
    let key = key("acme", "one.example");
    store.put_breaker(&key, Some(open(30))).await.unwrap();
    store.put_breaker(&key, None).await.unwrap();
    let events = store.events(&key.tenant, 0, 10).await.unwrap();
    let changed = |open_until| EventKind::BreakerChanged {
        package: key.package.clone(),
        host: key.host.clone(),
        open_until,
    };
    let kinds: Vec<_> = events.into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [changed(Some(at(30))), changed(None)]);
}
