//! Integrations, and the connections that are accounts of them.

use futures_util::future::join_all;
use model::credential::{FLOW_MAX, Flow};
use model::integration::{INTEGRATIONS_MAX, Integration};
use model::store::{StoreError, StoreErrorKind};
use model::tenant::TITLE_BYTES_MAX;
use model::{Clock, Connection, IntegrationId};

use super::Ports;
use super::catalogue::connection;
use super::credentials::tokens;
use super::queue::acme;
use super::samples::at;

/// `tenant/integration`.
fn integration(path: &str) -> Integration {
    let Connection { tenant, id, package, .. } = connection(path);
    Integration {
        tenant,
        id: IntegrationId::of(&id),
        name: "CRM of the sales team".to_owned(),
        package,
        created: at(5),
        updated: at(5),
        revision: 0,
    }
}

/// `tenant/connection` under an integration.
fn account(path: &str, integration: &str) -> Connection {
    Connection { integration: Some(integration.parse().unwrap()), ..connection(path) }
}

async fn get(store: &impl Ports, of: &Integration) -> Option<Integration> {
    store.integration(&of.tenant, &of.id).await.unwrap()
}

async fn ids(store: &impl Ports, tenant: &str) -> Vec<String> {
    let found = store.integrations(&tenant.parse().unwrap()).await.unwrap();
    found.into_iter().map(|integration| integration.id.into()).collect()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: Result<T, StoreError>, kind: StoreErrorKind, says: &str) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), kind);
    assert!(error.to_string().contains(says), "{error}");
}

pub(crate) async fn integration_is_replaced_under_its_revision_alone(
    store: &impl Ports,
    clock: &Clock,
) {
    let first = integration("acme/crm");
    let conflict = async |expected, says: &str| {
        let outcome = store.put_integration(first.clone(), Some(expected)).await;
        refused(outcome, StoreErrorKind::Conflict, says);
    };
    conflict(1, "integration acme/crm is not there any more").await;
    assert_eq!(store.tenant(&acme()).await.unwrap(), None, "nothing was made");
    let made = store.put_integration(first.clone(), Some(0)).await.unwrap();
    assert_eq!(made, Integration { revision: 1, ..first.clone() });
    let tenant = store.tenant(&acme()).await.unwrap().unwrap();
    assert_eq!((tenant.name.as_str(), tenant.created, tenant.revision), ("acme", clock.now(), 1));
    conflict(0, "is there already").await;
    conflict(2, "has revision 1 by now").await;
    let later =
        Integration { name: "CRM".to_owned(), created: at(9), updated: at(9), ..first.clone() };
    for (expected, revision) in [(Some(1), 2), (None, 3)] {
        let put = store.put_integration(later.clone(), expected).await.unwrap();
        assert_eq!(put, Integration { created: at(5), revision, ..later.clone() });
        assert_eq!(get(store, &first).await, Some(put));
    }
    let other = Integration { package: "acme/desk".to_owned(), ..first.clone() };
    refused(
        store.put_integration(other, Some(3)).await,
        StoreErrorKind::Invalid,
        "integration acme/crm is one of the package acme/hub, not of acme/desk",
    );
    assert_eq!(store.tenant(&acme()).await.unwrap(), Some(tenant), "it was there");
}

pub(crate) async fn connection_makes_the_integration_that_is_not_there(
    store: &impl Ports,
    clock: &Clock,
) {
    let hub = connection("acme/hub");
    store.put_connection(hub.clone()).await.unwrap();
    let made = Integration {
        name: "hub".to_owned(),
        created: clock.now(),
        updated: clock.now(),
        revision: 1,
        ..integration("acme/hub")
    };
    assert_eq!(get(store, &made).await, Some(made.clone()));
    assert!(store.tenant(&acme()).await.unwrap().is_some());
    for (path, second) in [("other/a", 60), ("other/b", 90)] {
        let account = account(path, "crm");
        store.authorise(account.clone(), tokens(&account, 0, second)).await.unwrap();
    }
    assert_eq!(ids(store, "other").await, ["crm"]);
    assert_eq!(get(store, &integration("other/crm")).await.unwrap().revision, 1, "made once");
    let mine = store.put_integration(integration("acme/hub"), Some(1)).await.unwrap();
    store.put_connection(hub.clone()).await.unwrap();
    store.put_connection(account("acme/hub2", "hub")).await.unwrap();
    assert_eq!(get(store, &mine).await, Some(mine), "it was there");
    store.put_connection(account("acme/hub2", "moved")).await.unwrap();
    assert_eq!(ids(store, "acme").await, ["hub", "moved"]);
}

pub(crate) async fn connection_of_another_package_joins_no_integration(
    store: &impl Ports,
    clock: &Clock,
) {
    store.put_integration(integration("acme/crm"), None).await.unwrap();
    let foreign = Connection { package: "acme/desk".to_owned(), ..account("acme/desk", "crm") };
    let invalid = StoreErrorKind::Invalid;
    let says = "one of the package acme/hub, not of acme/desk; choose another";
    refused(store.put_connection(foreign.clone()).await, invalid, says);
    refused(store.authorise(foreign.clone(), tokens(&foreign, 0, 60)).await, invalid, says);
    let flow = Flow {
        id: [1; 32],
        browser: [2; 32],
        connection: foreign.clone(),
        redirect_uri: "http://127.0.0.1/".to_owned(),
        replaces: 0,
        expires: clock.now().saturating_add(FLOW_MAX).unwrap(),
    };
    refused(store.put_flow(flow, None).await, invalid, says);
    assert_eq!(store.connections(&acme()).await.unwrap(), []);
    assert!(store.credential(&foreign.tenant, &foreign.id).await.unwrap().is_none());
    assert_eq!(ids(store, "acme").await, ["crm"]);
    store.put_connection(Connection { integration: None, ..foreign }).await.unwrap();
    assert_eq!(ids(store, "acme").await, ["crm", "desk"]);
}

pub(crate) async fn integration_with_connections_stays(store: &impl Ports, _: &Clock) {
    let (own, named) = (connection("acme/hub"), account("acme/eu", "hub"));
    let remove = async || store.remove_integration(&acme(), &own.integration()).await;
    assert!(!remove().await.unwrap());
    for connection in [&own, &named, &connection("other/hub")] {
        store.put_connection(connection.clone()).await.unwrap();
    }
    for left in [&named, &own] {
        let says = format!("has the connection {}; remove its connections first", left.id);
        refused(remove().await, StoreErrorKind::Conflict, &says);
        assert!(store.remove_connection(&left.tenant, &left.id).await.unwrap());
    }
    assert_eq!(ids(store, "acme").await, ["hub"], "the last connection leaves it behind");
    assert!(remove().await.unwrap());
    assert!(!remove().await.unwrap());
    assert_eq!((ids(store, "acme").await.len(), ids(store, "other").await.len()), (0, 1));
}

pub(crate) async fn integrations_are_listed_by_name_and_tenants_never_meet(
    store: &impl Ports,
    _: &Clock,
) {
    for path in ["a/b", "a/a.b", "a/ab", "ab/b", "a.b/c"] {
        store.put_integration(integration(path), None).await.unwrap();
    }
    for (tenant, expected) in
        [("a", &["a.b", "ab", "b"][..]), ("ab", &["b"]), ("a.b", &["c"]), ("b", &[])]
    {
        assert_eq!(ids(store, tenant).await, expected);
    }
}

pub(crate) async fn integrations_of_a_tenant_are_bounded(store: &impl Ports, _: &Clock) {
    let puts = (0..INTEGRATIONS_MAX)
        .map(|number| store.put_integration(integration(&format!("acme/{number}")), None));
    assert!(join_all(puts).await.iter().all(Result::is_ok));
    let says = "tenant acme has 10000 integrations already; remove one first";
    let more = store.put_integration(integration("acme/more"), None).await;
    refused(more, StoreErrorKind::Invalid, says);
    refused(store.put_connection(connection("acme/more")).await, StoreErrorKind::Invalid, says);
    store.put_integration(integration("acme/7"), Some(1)).await.unwrap();
    store.put_connection(account("acme/more", "7")).await.unwrap();
    store.put_integration(integration("other/more"), None).await.unwrap();
    let gone = integration("acme/8");
    assert!(store.remove_integration(&gone.tenant, &gone.id).await.unwrap());
    store.put_integration(integration("acme/more"), None).await.unwrap();
    assert_eq!(ids(store, "acme").await.len(), INTEGRATIONS_MAX);
}

pub(crate) async fn integrations_beyond_the_limits_are_refused(store: &impl Ports, _: &Clock) {
    let (long, good) = ("x".repeat(TITLE_BYTES_MAX + 1), integration("acme/crm"));
    for (name, package, says) in [
        ("", "acme/hub", "the name of an integration is empty"),
        (long.as_str(), "acme/hub", "the name of an integration has 257 bytes"),
        ("CRM", "", "the name of a package is empty"),
        ("CRM", "a\0b", "the name of a package holds a NUL"),
        ("CRM", &long[..129], "the name of a package has 129 bytes"),
    ] {
        let (name, package) = (name.to_owned(), package.to_owned());
        let bad = Integration { name, package, ..good.clone() };
        refused(store.put_integration(bad, None).await, StoreErrorKind::Invalid, says);
    }
    assert_eq!((get(store, &good).await, store.tenant(&acme()).await.unwrap()), (None, None));
}
