use model::credential::{Grant, NewSecrets};
use model::queue::{Effect, Finish, Outcome, Pause, PauseScope, Queue};
use model::run::RunStatus;
use model::store::{EventKind, RunEnd, StoreErrorKind};
use model::{Clock, Connection, ConnectionState, Error, ErrorKind};

use super::Ports;
use super::catalogue::connection;
use super::credentials::state;
use super::queue::{acme, check_due, claim, job, put};
use super::samples::{at, begin, end};

/// Authorises a connection, for the first time or again.
async fn connect(store: &impl Ports, connection: &Connection) {
    let before = store.credential(&connection.tenant, &connection.id).await.unwrap();
    let replaces = before.map_or(0, |(row, _)| row.generation);
    let secrets = NewSecrets { replaces, sealed: Vec::new(), grant: Grant::default() };
    store.authorise(connection.clone(), secrets).await.unwrap();
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
    connect(store, &hub).await;
    assert_eq!(store.connection_status(&hub.tenant, &hub.id).await.unwrap(), None);
    let run = begin(store, "acme/hub").await;
    store.finish_run(end(&run, RunStatus::Failed)).await.unwrap();
    assert_eq!(state(store, &hub).await, ConnectionState::Active);
    refuse(store).await;
    refuse(store).await;
    let status = store.connection_status(&hub.tenant, &hub.id).await.unwrap().unwrap();
    assert_eq!((status.state, status.since), (ConnectionState::NeedsReauthorisation, at(9)));
    assert_eq!(status.reason, "the token is revoked (hub.token)");
    let several = vec!["other".parse().unwrap(), hub.id.clone()];
    let statuses = store.connection_statuses(&hub.tenant, several).await.unwrap();
    assert_eq!(statuses, [None, Some(status)]);
    store.put_connection(hub.clone()).await.unwrap();
    assert_eq!(state(store, &hub).await, ConnectionState::NeedsReauthorisation);
    connect(store, &hub).await;
    assert_eq!(state(store, &hub).await, ConnectionState::Active);
    let expected = [ConnectionState::NeedsReauthorisation, ConnectionState::Active];
    assert_eq!(told(store, &hub).await, expected, "once each");
}

pub(crate) async fn state_is_set_and_told_where_it_changes(store: &impl Ports) {
    let hub = connection("acme/hub");
    let set = async |state, reason: &str| {
        store.set_connection_state(&hub.tenant, &hub.id, state, reason).await
    };
    let lost = ConnectionState::NeedsReauthorisation;
    let error = set(lost, "nobody").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    store.put_connection(hub.clone()).await.unwrap();
    set(ConnectionState::Active, "as before").await.unwrap();
    set(lost, "a notice").await.unwrap();
    set(lost, "again").await.unwrap();
    let status = store.connection_status(&hub.tenant, &hub.id).await.unwrap().unwrap();
    assert_eq!(status.reason, "a notice");
    set(ConnectionState::Active, "a notice").await.unwrap();
    assert_eq!(told(store, &hub).await, [lost, ConnectionState::Active]);
}

async fn pauses(store: &impl Ports) -> Vec<(PauseScope, String)> {
    let pauses = store.pauses(&acme(), None, 9).await.unwrap();
    pauses.into_iter().map(|pause| (pause.scope, pause.reason)).collect()
}

pub(crate) async fn rest_of_a_refused_connection_and_pauses_of_people_are_apart(
    store: &impl Ports,
    clock: &Clock,
) {
    let hub = connection("acme/hub");
    connect(store, &hub).await;
    put(store, [job("a", "1")]).await;
    let rest = PauseScope::Unauthorised(hub.id.clone());
    let scope = PauseScope::Connection(hub.id.clone());
    let (since, until) = (clock.now(), None);
    let person = Pause { scope: scope.clone(), reason: "a person".to_owned(), since, until };
    store.pause(&acme(), person).await.unwrap();
    refuse(store).await;
    let refused = (rest.clone(), "the token is revoked (hub.token)".to_owned());
    assert_eq!(pauses(store).await, [(scope.clone(), "a person".to_owned()), refused.clone()]);

    // Neither ends the other.
    assert!(store.resume(&acme(), &scope).await.unwrap());
    assert_eq!(pauses(store).await, std::slice::from_ref(&refused));
    check_due(store, &[]).await;
    let person = Pause { scope: scope.clone(), reason: "a person".to_owned(), since, until };
    store.pause(&acme(), person).await.unwrap();
    connect(store, &hub).await;
    assert_eq!(pauses(store).await, [(scope.clone(), "a person".to_owned())]);
    check_due(store, &[]).await;
    assert!(store.resume(&acme(), &scope).await.unwrap());
    check_due(store, &["a: 1"]).await;
}

pub(crate) async fn people_neither_begin_nor_end_the_rest_of_a_refused_connection(
    store: &impl Ports,
    clock: &Clock,
) {
    let hub = connection("acme/hub");
    connect(store, &hub).await;
    refuse(store).await;
    let before = pauses(store).await;
    let scope = PauseScope::Unauthorised(hub.id.clone());
    let error = store.resume(&acme(), &scope).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert!(error.to_string().contains("plughouse connect"), "{error}");
    let pause = Pause { scope, reason: String::new(), since: clock.now(), until: None };
    let error = store.pause(&acme(), pause).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert_eq!(pauses(store).await, before);
}

pub(crate) async fn claim_that_finds_the_account_refused_rests_its_connection_in_one_commit(
    store: &impl Ports,
    clock: &Clock,
) {
    let hub = connection("acme/hub");
    connect(store, &hub).await;
    put(store, [job("a", "1"), job("b", "1")]).await;
    for leased in claim(store).await {
        let until = clock.now();
        let reason = "no password".to_owned();
        let finish = Finish {
            outcomes: vec![(leased.jobs[0].id, Outcome::Defer { until })],
            effects: vec![Effect::Unauthorised { connection: hub.id.clone(), reason }],
            lease: leased.lease,
        };
        store.finish(vec![finish]).await.unwrap();
    }
    assert_eq!(state(store, &hub).await, ConnectionState::NeedsReauthorisation);
    assert_eq!(told(store, &hub).await, [ConnectionState::NeedsReauthorisation], "once");
    check_due(store, &[]).await;
    assert_eq!(store.next_due(Queue::Outbound).await.unwrap(), None);
    connect(store, &hub).await;
    check_due(store, &["a: 1", "b: 1"]).await;
}
