//! App registrations.

use model::Clock;
use model::credential::{App, Incident};
use model::store::{EventKind, StoreErrorKind};
use model::vault::{Owner, Place, Sealed};

use super::credentials::{events, seal};
use super::queue::acme;
use super::samples::at;
use super::{Ports, keys};

fn app(tenant: Option<&str>, generation: u64) -> App {
    App {
        package: "acme/hub".to_owned(),
        tenant: tenant.map(|tenant| tenant.parse().unwrap()),
        client_id: "client".to_owned(),
        origin: None,
        generation,
        created: at(0),
        incident: None,
    }
}

fn secret(app: &App) -> Sealed {
    seal(app.place(), &format!("secret {}", app.generation))
}

async fn put(store: &impl Ports, app: &App) {
    store.put_app(app.clone(), Some(secret(app))).await.unwrap();
}

fn incident(second: i64) -> Incident {
    Incident {
        since: at(second),
        code: "invalid_client".to_owned(),
        message: "unknown client".to_owned(),
        probe_at: at(second + 60),
        last: None,
        suspected: false,
    }
}

pub(crate) async fn tenant_is_served_by_its_own_app_before_the_deployments(
    store: &impl Ports,
    _: &Clock,
) {
    let served = async || store.app("acme/hub", Some(&acme())).await.unwrap();
    assert!(served().await.is_none());
    let (shared, other, own) = (app(None, 1), app(Some("other"), 1), app(Some("acme"), 1));
    put(store, &other).await;
    assert!(served().await.is_none());
    for app in [&shared, &own] {
        put(store, app).await;
        assert_eq!(served().await, Some((app.clone(), Some(secret(app)))));
    }
    let elsewhere = App { package: "acme/hub2".to_owned(), ..app(None, 1) };
    put(store, &elsewhere).await;
    assert_eq!(store.apps().await.unwrap(), [&shared, &own, &other, &elsewhere].map(App::clone));
    assert!(store.remove_app("acme/hub", Some(&acme())).await.unwrap());
    assert!(!store.remove_app("acme/hub", Some(&acme())).await.unwrap());
    assert_eq!(served().await, Some((shared.clone(), Some(secret(&shared)))));
    assert!(store.remove_app("acme/hub", None).await.unwrap());
    assert!(served().await.is_none());
    assert_eq!(store.apps().await.unwrap(), [other, elsewhere]);
}

pub(crate) async fn app_is_replaced_whole_by_its_next_generation(store: &impl Ports, _: &Clock) {
    put(store, &app(None, 1)).await;
    for generation in [0, 1, 3] {
        let app = app(None, generation);
        let error = store.put_app(app.clone(), Some(secret(&app))).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Conflict);
        assert!(error.to_string().contains("is of generation 1 by now"), "{error}");
    }
    let origin = Some("http://127.0.0.1:8000".to_owned());
    let public = App { origin, ..app(None, 2) };
    store.put_app(public.clone(), None).await.unwrap();
    assert_eq!(store.app("acme/hub", Some(&acme())).await.unwrap(), Some((public, None)));
    put(store, &app(None, 3)).await;
}

pub(crate) async fn secret_of_a_removed_app_is_none_of_the_next_one(store: &impl Ports, _: &Clock) {
    let first = app(None, 1);
    put(store, &first).await;
    assert!(store.remove_app("acme/hub", None).await.unwrap());
    let next = App { created: at(1), ..app(None, 1) };
    let error = store.put_app(next.clone(), Some(secret(&first))).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
    put(store, &next).await;
    let later = App { created: at(2), ..app(None, 2) };
    put(store, &later).await;
    let found = store.app("acme/hub", None).await.unwrap();
    assert_eq!(found, Some((later.clone(), Some(secret(&later)))));
    assert_eq!(keys::list(store, &Owner::Host, 7, 9).await, [later.place()], "and no other");
}

pub(crate) async fn apps_beyond_the_limits_or_with_foreign_secrets_are_refused(
    store: &impl Ports,
    _: &Clock,
) {
    let check = async |app: App, secret: Sealed, says: &str| {
        let error = store.put_app(app, Some(secret)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(store.apps().await.unwrap(), []);
    };
    let (shared, own) = (app(None, 1), app(Some("acme"), 1));
    check(own.clone(), secret(&shared), "seal it for where it belongs").await;
    check(shared.clone(), secret(&own), "seal it for where it belongs").await;
    let place = Place { field: "other".to_owned(), ..shared.place() };
    check(shared.clone(), seal(place, "x"), "no secret of an app").await;
    let long = "x".repeat(4_097);
    for (package, client_id, origin, says) in [
        ("", "x", None, "package is empty"),
        ("a\0b", "x", None, "package holds a NUL"),
        ("acme/hub", "", None, "client id of an app is empty"),
        ("acme/hub", long.as_str(), None, "client id of an app has 4097 bytes"),
        ("acme/hub", "x", Some(long.as_str()), "origin of an app has 4097 bytes"),
    ] {
        let (package, client_id) = (package.to_owned(), client_id.to_owned());
        let app = App { package, client_id, origin: origin.map(str::to_owned), ..shared.clone() };
        check(app.clone(), secret(&app), says).await;
    }
    assert_eq!(shared.place().owner, Owner::Host);
}

pub(crate) async fn incident_is_of_the_app_that_was_tried_and_told_to_its_tenant(
    store: &impl Ports,
    _: &Clock,
) {
    let (shared, own) = (app(None, 1), app(Some("acme"), 1));
    put(store, &shared).await;
    put(store, &own).await;
    let stored = async |app: &App| {
        let apps = store.apps().await.unwrap();
        apps.into_iter().find(|found| found.tenant == app.tenant).unwrap().incident
    };
    let suspicion = Incident { suspected: true, ..incident(0) };
    store.app_incident(&own, Some(suspicion.clone())).await.unwrap();
    assert_eq!(stored(&own).await, Some(suspicion));
    assert_eq!(events(store, &acme()).await, [], "it may be no fault of the app");
    for app in [&shared, &own] {
        for second in [1, 2] {
            store.app_incident(app, Some(incident(second))).await.unwrap();
            assert_eq!(stored(app).await, Some(incident(second)));
        }
    }
    let package = "acme/hub".to_owned();
    let refused =
        EventKind::AppRefused { package: package.clone(), code: "invalid_client".to_owned() };
    let accepted = EventKind::AppAccepted { package };
    assert_eq!(events(store, &acme()).await, std::slice::from_ref(&refused), "once");
    // Another secret may be right: what was found of the one before is of no use.
    put(store, &app(Some("acme"), 2)).await;
    assert_eq!(stored(&own).await, None);
    store.app_incident(&own, Some(incident(3))).await.unwrap();
    assert_eq!(stored(&own).await, None);
    store.app_incident(&shared, None).await.unwrap();
    assert_eq!(stored(&shared).await, None);
    assert_eq!(events(store, &acme()).await, [refused, accepted]);
    store.app_incident(&app(Some("nobody"), 1), Some(incident(4))).await.unwrap();
}
