use model::store::StoreErrorKind;
use model::{Connection, Secret};

use super::Ports;
use super::catalogue::connection;

fn secrets(pairs: &[(&str, &str)]) -> Vec<(String, Secret)> {
    let own = |&(field, text): &(&str, &str)| (field.to_owned(), Secret::new(text.to_owned()));
    pairs.iter().map(own).collect()
}

async fn check(store: &impl Ports, connection: &Connection, expected: &[(&str, &str)]) {
    let secrets = store.secrets(&connection.tenant, &connection.id).await.unwrap();
    let secrets: Vec<_> =
        secrets.iter().map(|(field, secret)| (field.as_str(), secret.expose())).collect();
    assert_eq!(secrets, expected);
}

pub(crate) async fn secrets_come_back_by_field(store: &impl Ports) {
    let hub = connection("acme/hub");
    let given = [("token", "hünter2"), ("a", ""), ("private key", "x\ny")];
    store.put_connection(hub.clone(), Some(secrets(&given))).await.unwrap();
    check(store, &hub, &[("a", ""), ("private key", "x\ny"), ("token", "hünter2")]).await;
}

pub(crate) async fn connection_without_secrets_keeps_those_there(store: &impl Ports) {
    let hub = connection("acme/hub");
    store.put_connection(hub.clone(), None).await.unwrap();
    check(store, &hub, &[]).await;
    store.put_connection(hub.clone(), Some(secrets(&[("token", "1")]))).await.unwrap();
    store.put_connection(hub.clone(), None).await.unwrap();
    check(store, &hub, &[("token", "1")]).await;
}

pub(crate) async fn new_secrets_replace_all_old_ones(store: &impl Ports) {
    let (hub, other) = (connection("acme/hub"), connection("acme/hubs"));
    store.put_connection(other.clone(), Some(secrets(&[("token", "other")]))).await.unwrap();
    store
        .put_connection(hub.clone(), Some(secrets(&[("token", "1"), ("extra", "2")])))
        .await
        .unwrap();
    store.put_connection(hub.clone(), Some(secrets(&[("token", "3")]))).await.unwrap();
    check(store, &hub, &[("token", "3")]).await;
    store.put_connection(hub.clone(), Some(secrets(&[]))).await.unwrap();
    check(store, &hub, &[]).await;
    check(store, &other, &[("token", "other")]).await;
}

pub(crate) async fn secrets_of_an_unknown_connection_are_invalid(store: &impl Ports) {
    let hub = connection("acme/hub");
    let error = store.secrets(&hub.tenant, &hub.id).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert!(error.to_string().contains("acme/hub"), "{error}");
}

pub(crate) async fn field_given_twice_is_refused_and_named(store: &impl Ports) {
    let hub = connection("acme/hub");
    let twice = secrets(&[("token", "hunter2"), ("token", "hunter3")]);
    let long = "x".repeat((64 << 10) + 1);
    for bad in [twice, secrets(&[("token", &long)])] {
        let error = store.put_connection(hub.clone(), Some(bad)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        let text = format!("{error:?}");
        assert!(text.contains("'token'") && !text.contains("hunter") && !text.contains("xx"));
        assert_eq!(store.connection(&hub.tenant, &hub.id).await.unwrap(), None);
    }
}
