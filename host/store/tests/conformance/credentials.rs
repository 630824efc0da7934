//! Credentials, from being authorised to being removed with their connection.

use model::absence::{Fate, Judged};
use model::credential::{
    ACCESS_TOKEN, Credential, CredentialQuery, Grant, NewSecrets, REFRESH_TOKEN, place,
};
use model::queue::{Pause, PauseScope};
use model::run::RunStatus;
use model::schema::Binding;
use model::store::{EntityEnd, EventKind, RunEnd, StoreErrorKind};
use model::vault::{Owner, Place, SECRETS_MAX, Sealed, SecretKind};
use model::{Clock, Connection, ConnectionState, TenantId};

use super::Ports;
use super::catalogue::connection;
use super::queue::{acme, check_due, job, put};
use super::refreshes::take;
use super::samples::{at, begin, end, page, record};
use super::tasks::task;

/// A secret as a vault seals it, under a key of sevens.
pub(crate) fn seal(place: Place, text: &str) -> Sealed {
    let mut bytes = vec![1, 1];
    bytes.extend_from_slice(&[7; 16]);
    bytes.extend_from_slice(&[0; 24]);
    bytes.extend_from_slice(text.as_bytes());
    bytes.extend_from_slice(&[0; 16]);
    Sealed { place, bytes: bytes.into() }
}

/// An access token and a refresh token that follow those of a generation, and are due for
/// refreshing at a second.
pub(crate) fn tokens(of: &Connection, replaces: u64, due: i64) -> NewSecrets {
    let generation = replaces + 1;
    let sealed = [ACCESS_TOKEN, REFRESH_TOKEN].map(|field| {
        seal(place(&of.tenant, &of.id, field, generation), &format!("{field} {generation}"))
    });
    let grant = Grant {
        scopes: vec!["contacts".to_owned()],
        obtained: Some(at(0)),
        expires: Some(at(due + 900)),
        refresh_at: Some(at(due)),
        previous_until: None,
        app: Some("client".to_owned()),
    };
    NewSecrets { replaces, sealed: sealed.to_vec(), grant }
}

/// Connects `tenant/connection` for the first time.
pub(crate) async fn authorise(store: &impl Ports, path: &str, due: i64) -> Connection {
    let connection = connection(path);
    let secrets = tokens(&connection, 0, due);
    store.authorise(connection.clone(), secrets).await.unwrap();
    connection
}

pub(crate) async fn credential(store: &impl Ports, of: &Connection) -> (Credential, Vec<Sealed>) {
    store.credential(&of.tenant, &of.id).await.unwrap().unwrap()
}

pub(crate) async fn state(store: &impl Ports, of: &Connection) -> ConnectionState {
    let status = store.connection_status(&of.tenant, &of.id).await.unwrap();
    status.map(|status| status.state).unwrap_or_default()
}

/// The kinds of events of a tenant, oldest first.
pub(crate) async fn events(store: &impl Ports, tenant: &TenantId) -> Vec<EventKind> {
    let events = store.events(tenant, 0, 100).await.unwrap();
    events.into_iter().map(|event| event.kind).collect()
}

async fn due(store: &impl Ports, second: i64, limit: usize) -> Vec<String> {
    let query = CredentialQuery { due: Some(at(second)), limit, ..CredentialQuery::default() };
    let found = store.credentials(query).await.unwrap();
    found.iter().map(|found| format!("{}/{}", found.tenant, found.connection)).collect()
}

pub(crate) async fn authorised_connection_is_there_with_its_secrets(
    store: &impl Ports,
    clock: &Clock,
) {
    let hub = connection("acme/hub");
    assert!(store.credential(&hub.tenant, &hub.id).await.unwrap().is_none());
    clock.set(at(5));
    let secrets = tokens(&hub, 0, 60);
    let answer = store.authorise(hub.clone(), secrets.clone()).await.unwrap();
    let expected = Credential {
        tenant: hub.tenant.clone(),
        connection: hub.id.clone(),
        generation: 1,
        fields: vec![ACCESS_TOKEN.to_owned(), REFRESH_TOKEN.to_owned()],
        grant: secrets.grant,
        authorised: at(5),
        used: None,
        refreshes: 0,
        failures: 0,
        failure: None,
        intent: None,
        lease: None,
        epoch: answer.epoch,
    };
    assert_eq!(answer, expected);
    assert_eq!(credential(store, &hub).await, (answer, secrets.sealed));
    assert_eq!(store.connection(&hub.tenant, &hub.id).await.unwrap(), Some(hub));
    assert_eq!(events(store, &acme()).await, []);
}

pub(crate) async fn secrets_are_replaced_whole_under_their_generation(
    store: &impl Ports,
    _: &Clock,
) {
    let hub = authorise(store, "acme/hub", 60).await;
    let beside = authorise(store, "acme/hub2", 60).await;
    for replaces in [0, 2] {
        let error = store.authorise(hub.clone(), tokens(&hub, replaces, 60)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Conflict);
        assert!(error.to_string().contains("acme/hub are of generation 1 by now"), "{error}");
    }
    let mut one = tokens(&hub, 1, 90);
    one.sealed.pop();
    let other = Connection { auth: "other".to_owned(), ..hub.clone() };
    assert_eq!(store.authorise(other.clone(), one.clone()).await.unwrap().generation, 2);
    assert_eq!(credential(store, &hub).await.1, one.sealed);
    assert_eq!(store.connection(&hub.tenant, &hub.id).await.unwrap(), Some(other));
    assert_eq!(credential(store, &beside).await.1, tokens(&beside, 0, 60).sealed);
}

pub(crate) async fn secrets_that_belong_elsewhere_are_refused(store: &impl Ports, _: &Clock) {
    let hub = connection("acme/hub");
    let good = || place(&hub.tenant, &hub.id, ACCESS_TOKEN, 1);
    let check = async |sealed: Vec<Sealed>, says: &str| {
        let secrets = NewSecrets { replaces: 0, sealed, grant: Grant::default() };
        let error = store.authorise(hub.clone(), secrets).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(says), "{error} should say {says}");
        assert_eq!(store.connection(&hub.tenant, &hub.id).await.unwrap(), None);
    };
    let evil = Owner::Tenant("evil".parse().unwrap());
    for place in [
        Place { owner: evil, ..good() },
        Place { owner: Owner::Host, ..good() },
        Place { kind: SecretKind::App, ..good() },
        Place { object: "other".to_owned(), ..good() },
        Place { generation: 2, ..good() },
        Place { generation: 0, ..good() },
    ] {
        let says = format!("was sealed for generation {} of {place}", place.generation);
        check(vec![seal(place, "x")], &says).await;
    }
    let twice = vec![seal(good(), "x"), seal(good(), "y")];
    check(twice, "'access_token' is given twice").await;
    let many = (0..=SECRETS_MAX).map(|n| seal(Place { field: n.to_string(), ..good() }, "x"));
    check(many.collect(), "send at most 64").await;
    check(vec![seal(good(), &"x".repeat((64 << 10) + 1))], "send at most 65536").await;
    for field in ["", "a\0b", &"x".repeat(129)] {
        let place = Place { field: field.to_owned(), ..good() };
        check(vec![seal(place, "x")], "the name of a secret").await;
    }
    let sealed = seal(good(), "");
    for bytes in [sealed.bytes.slice(1..), sealed.bytes.slice(..57), b"hunter2".as_slice().into()] {
        check(vec![Sealed { place: good(), bytes }], "'access_token' is not sealed").await;
    }
}

pub(crate) async fn what_is_known_of_a_connection_is_bounded(store: &impl Ports, _: &Clock) {
    let long = "x".repeat(256 << 10);
    let consents = [("api".to_owned(), long.clone())].into();
    let hub = connection("acme/hub");
    let large = Connection { consents, ..hub.clone() };
    let mut wide = tokens(&hub, 0, 60);
    wide.grant.scopes = vec![long];
    for (connection, secrets, says) in
        [(large, tokens(&hub, 0, 60), "of a connection"), (hub, wide, "of a credential")]
    {
        let error = store.authorise(connection, secrets).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains(says), "{error}");
    }
}

pub(crate) async fn authorising_ends_the_rest_of_a_connection_whatever_its_cause(
    store: &impl Ports,
    _: &Clock,
) {
    let hub = authorise(store, "acme/hub", 60).await;
    put(store, [job("a", "1")]).await;
    let states = [
        ConnectionState::NeedsReauthorisation,
        ConnectionState::Revoked,
        ConnectionState::Disabled,
        ConnectionState::Expiring,
    ];
    for (generation, to) in (1..).zip(states) {
        store.set_connection_state(&hub.tenant, &hub.id, to, "why").await.unwrap();
        check_due(store, if to.works() { &["a: 1"] } else { &[] }).await;
        store.authorise(hub.clone(), tokens(&hub, generation, 60)).await.unwrap();
        assert_eq!(state(store, &hub).await, ConnectionState::Active);
        check_due(store, &["a: 1"]).await;
    }
    assert_eq!(events(store, &acme()).await.len(), 2 * states.len());
}

pub(crate) async fn credentials_are_listed_by_tenant_and_connection(store: &impl Ports, _: &Clock) {
    for path in ["b/hub", "acme/x", "acme/hub", "acme2/a", "acm/z"] {
        authorise(store, path, 60).await;
    }
    let list = async |tenant: Option<&str>, limit| {
        let tenant = tenant.map(|tenant| tenant.parse().unwrap());
        let mut query = CredentialQuery { tenant, limit, ..CredentialQuery::default() };
        let mut paths = Vec::new();
        while let found = store.credentials(query.clone()).await.unwrap()
            && let Some(last) = found.last()
        {
            assert!(found.len() <= limit);
            query.after = Some((last.tenant.clone(), last.connection.clone()));
            paths.extend(found.iter().map(|of| format!("{}/{}", of.tenant, of.connection)));
        }
        paths
    };
    for limit in [1, 2, 10] {
        let all = list(None, limit).await;
        assert_eq!(all, ["acm/z", "acme/hub", "acme/x", "acme2/a", "b/hub"]);
        assert_eq!(list(Some("acme"), limit).await, ["acme/hub", "acme/x"]);
        assert_eq!(list(Some("nobody"), limit).await, [""; 0]);
    }
    let after = Some((acme(), "hub".parse().unwrap()));
    for (tenant, due) in [(Some("b".parse().unwrap()), None), (None, Some(at(0)))] {
        let query = CredentialQuery { tenant, due, after: after.clone(), limit: 1 };
        let error = store.credentials(query).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
    }
}

pub(crate) async fn credentials_are_due_by_urgency_and_those_that_rest_block_none(
    store: &impl Ports,
    _: &Clock,
) {
    for (path, second) in [("acme/late", 30), ("beta/first", 10), ("acme/second", 20)] {
        authorise(store, path, second).await;
    }
    let never = connection("acme/never");
    let mut secrets = tokens(&never, 0, 0);
    secrets.grant.refresh_at = None;
    store.authorise(never, secrets).await.unwrap();
    assert_eq!(due(store, 9, 10).await, [""; 0]);
    assert_eq!(due(store, 20, 10).await, ["beta/first", "acme/second"]);
    assert_eq!(due(store, 99, 2).await, ["beta/first", "acme/second"]);
    let first = connection("beta/first");
    let set = async |to| {
        store.set_connection_state(&first.tenant, &first.id, to, "why").await.unwrap();
    };
    for resting in
        [ConnectionState::Disabled, ConnectionState::Revoked, ConnectionState::NeedsReauthorisation]
    {
        set(resting).await;
        assert_eq!(due(store, 99, 2).await, ["acme/second", "acme/late"]);
    }
    set(ConnectionState::Expiring).await;
    assert_eq!(due(store, 99, 1).await, ["beta/first"]);
    // New secrets are due at their own time.
    store.authorise(first.clone(), tokens(&first, 1, 25)).await.unwrap();
    assert_eq!(due(store, 99, 9).await, ["acme/second", "beta/first", "acme/late"]);
    let tenant = Some("beta".parse().unwrap());
    let query = CredentialQuery { tenant, due: Some(at(99)), after: None, limit: 9 };
    assert_eq!(store.credentials(query).await.unwrap().len(), 1);
}

/// A connection with all that can be kept under its name.
async fn filled(store: &impl Ports, path: &str) -> Connection {
    let hub = authorise(store, path, 60).await;
    let run = begin(store, path).await;
    store.commit_page(page(&run, vec![record("1", "a")])).await.unwrap();
    let judged = Judged { live: 100, absent: 90, fate: Fate::Held };
    let entity = EntityEnd {
        entity: "contacts".to_owned(),
        status: RunStatus::Succeeded,
        absence: vec![judged],
        ..EntityEnd::default()
    };
    let end = RunEnd { entities: vec![entity], ..end(&run, RunStatus::Succeeded) };
    store.finish_run(end).await.unwrap();
    let binding = Binding {
        tenant: hub.tenant.clone(),
        connection: hub.id.clone(),
        entity: "contacts".to_owned(),
        part: None,
        schema: None,
        revision: 0,
        at: at(0),
    };
    store.put_binding(binding, None).await.unwrap();
    let task = model::task::Task { connection: hub.id.clone(), ..task(path, 60) };
    store.put_task(task, None).await.unwrap();
    hub
}

/// How much is kept under the name of a connection: bindings, lanes, held deletions, tasks.
async fn kept(store: &impl Ports, of: &Connection) -> [usize; 4] {
    [
        store.bindings(&of.tenant, &of.id).await.unwrap().len(),
        store.lanes(&of.tenant, &of.id).await.unwrap().len(),
        store.held(&of.tenant, Some(&of.id)).await.unwrap().len(),
        store
            .tasks(&of.tenant, None, 9)
            .await
            .unwrap()
            .iter()
            .filter(|t| t.connection == of.id)
            .count(),
    ]
}

pub(crate) async fn removed_connection_leaves_only_what_it_brought(
    store: &impl Ports,
    clock: &Clock,
) {
    let (hub, beside) = (filled(store, "acme/hub").await, filled(store, "acme/hub2").await);
    put(store, [job("a", "1")]).await;
    let refused = ConnectionState::NeedsReauthorisation;
    store.set_connection_state(&hub.tenant, &hub.id, refused, "why").await.unwrap();
    let (scope, reason) = (PauseScope::Connection(hub.id.clone()), "a person".to_owned());
    let pause = Pause { scope, reason, since: at(0), until: None };
    store.pause(&hub.tenant, pause).await.unwrap();
    check_due(store, &[]).await;

    assert!(store.remove_connection(&hub.tenant, &hub.id).await.unwrap());
    assert!(!store.remove_connection(&hub.tenant, &hub.id).await.unwrap());
    assert_eq!(store.connection(&hub.tenant, &hub.id).await.unwrap(), None);
    assert!(store.credential(&hub.tenant, &hub.id).await.unwrap().is_none());
    assert!(store.connection_status(&hub.tenant, &hub.id).await.unwrap().is_none());
    assert_eq!(kept(store, &hub).await, [0; 4]);
    assert_eq!(kept(store, &beside).await, [1; 4]);
    assert_eq!(due(store, 99, 9).await, ["acme/hub2"]);
    clock.set(at(60));
    assert_eq!(store.due_tasks(9).await.unwrap().len(), 1);
    assert_eq!(store.pauses(&hub.tenant, None, 9).await.unwrap(), []);
    // What waits for it is handed out, and finds it gone.
    check_due(store, &["a: 1"]).await;
    assert_eq!(store.runs(&hub.tenant, Some(&hub.id), 9).await.unwrap().len(), 1);
    assert_eq!(store.records(super::samples::query("acme")).await.unwrap().records.len(), 2);
    assert_eq!(events(store, &acme()).await.last(), Some(&EventKind::ConnectionRemoved));
    let (_, sealed) = credential(store, &beside).await;
    assert_eq!(sealed, tokens(&beside, 0, 60).sealed);
}

pub(crate) async fn lease_of_a_removed_connection_is_not_one_of_its_successor(
    store: &impl Ports,
    clock: &Clock,
) {
    let hub = authorise(store, "acme/hub", 60).await;
    let old = take(store, clock, &hub).await;
    store.remove_connection(&hub.tenant, &hub.id).await.unwrap();
    let error = super::refreshes::intend(store, clock, &old, 1).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Fenced);
    authorise(store, "acme/hub", 60).await;
    let new = take(store, clock, &hub).await;
    assert!(new.epoch > old.epoch);
    let error = super::refreshes::intend(store, clock, &old, 1).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Fenced);
    super::refreshes::intend(store, clock, &new, 1).await.unwrap();
}
