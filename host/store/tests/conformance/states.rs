use model::queue::PauseScope;
use model::run::RunStatus;
use model::store::{EventKind, RunEnd, StoreErrorKind};
use model::{Connection, ConnectionState, Error, ErrorKind};

use super::Ports;
use super::catalogue::connection;
use super::samples::{at, begin, end};

async fn state(store: &impl Ports, of: &Connection) -> ConnectionState {
    let status = store.connection_status(&of.tenant, &of.id).await.unwrap();
    status.map(|status| status.state).unwrap_or_default()
}

async fn told(store: &impl Ports, of: &Connection) -> Vec<ConnectionState> {
    let events = store.events(&of.tenant, 0, 100).await.unwrap();
    events
        .into_iter()
        .filter_map(|event| match event.kind {
            EventKind::ConnectionChanged { state, .. } => {
                assert_eq!(event.connection.as_ref(), Some(&of.id));
                Some(state)
            }
            _ => None,
        })
        .collect()
}

/// A run that the provider has refused.
async fn refuse(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let error = Some(Error::new(ErrorKind::AuthRequired, "hub.token", "the token is revoked"));
    let end = RunEnd { error, ..end(&run, RunStatus::Failed) };
    store.finish_run(end).await.unwrap();
}

pub(crate) async fn refused_run_asks_for_authorisation_and_new_secrets_end_that(
    store: &impl Ports,
) {
    let hub = connection("acme/hub");
    store.put_connection(hub.clone(), Some(Vec::new())).await.unwrap();
    assert_eq!(store.connection_status(&hub.tenant, &hub.id).await.unwrap(), None);
    let run = begin(store, "acme/hub").await;
    store.finish_run(end(&run, RunStatus::Failed)).await.unwrap();
    assert_eq!(state(store, &hub).await, ConnectionState::Active);
    refuse(store).await;
    refuse(store).await;
    let status = store.connection_status(&hub.tenant, &hub.id).await.unwrap().unwrap();
    assert_eq!((status.state, status.since), (ConnectionState::NeedsReauthorisation, at(9)));
    assert_eq!(status.reason, "the token is revoked (hub.token)");
    store.put_connection(hub.clone(), None).await.unwrap();
    assert_eq!(state(store, &hub).await, ConnectionState::NeedsReauthorisation);
    store.put_connection(hub.clone(), Some(Vec::new())).await.unwrap();
    assert_eq!(state(store, &hub).await, ConnectionState::Active);
    let expected = [ConnectionState::NeedsReauthorisation, ConnectionState::Active];
    assert_eq!(told(store, &hub).await, expected, "once each");
}

pub(crate) async fn state_is_set_and_told_where_it_changes(store: &impl Ports) {
    let hub = connection("acme/hub");
    let set = async |state, reason: &str| {
        store.set_connection_state(&hub.tenant, &hub.id, state, reason).await
    };
    let error = set(ConnectionState::Paused, "nobody").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    store.put_connection(hub.clone(), None).await.unwrap();
    set(ConnectionState::Active, "as before").await.unwrap();
    set(ConnectionState::Paused, "a person").await.unwrap();
    set(ConnectionState::Paused, "again").await.unwrap();
    let status = store.connection_status(&hub.tenant, &hub.id).await.unwrap().unwrap();
    assert_eq!(status.reason, "a person");
    set(ConnectionState::Active, "a person").await.unwrap();
    assert_eq!(told(store, &hub).await, [ConnectionState::Paused, ConnectionState::Active]);
}

pub(crate) async fn work_of_a_connection_rests_while_it_is_not_active(store: &impl Ports) {
    let hub = connection("acme/hub");
    store.put_connection(hub.clone(), None).await.unwrap();
    let paused = async || {
        let pauses = store.pauses(&hub.tenant).await.unwrap();
        pauses.into_iter().map(|pause| (pause.scope, pause.reason)).collect::<Vec<_>>()
    };
    let set = async |state| {
        store.set_connection_state(&hub.tenant, &hub.id, state, "a person").await.unwrap();
    };
    let pause = (PauseScope::Connection(hub.id.clone()), "a person".to_owned());
    set(ConnectionState::Paused).await;
    assert_eq!(paused().await, std::slice::from_ref(&pause));
    set(ConnectionState::Active).await;
    assert!(paused().await.is_empty());
    set(ConnectionState::Paused).await;
    store.put_connection(hub.clone(), None).await.unwrap();
    assert_eq!(paused().await, [pause]);
    store.put_connection(hub.clone(), Some(Vec::new())).await.unwrap();
    assert!(paused().await.is_empty());
    assert_eq!(state(store, &hub).await, ConnectionState::Active);
}
