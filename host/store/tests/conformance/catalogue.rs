use bytes::Bytes;
use model::Connection;
use model::catalogue::{PENDING_MAX, PendingPackage};
use model::store::{Installed, StoreErrorKind, TrustState};

use super::Ports;
use super::samples::{at, start};

fn package(name: &str, version: &str) -> Installed {
    Installed {
        name: name.to_owned(),
        version: version.to_owned(),
        digest: format!("sha256:{version}"),
        file: Bytes::from(vec![0xff; 1000]),
        grant: "{\"endpoints\":{}}".to_owned(),
        at: at(0),
        disabled: None,
    }
}

fn trust(name: &str, version: &str) -> TrustState {
    TrustState {
        floors: [(name.to_owned(), version.to_owned())].into(),
        revoked: [("key:00".to_owned(), "stolen".to_owned())].into(),
    }
}

pub(crate) fn connection(path: &str) -> Connection {
    let start = start(path, 0);
    Connection {
        variables: [("region".to_owned(), "eu".to_owned())].into(),
        consents: [("api".to_owned(), "the terms".to_owned())].into(),
        overrides: [("api".to_owned(), "http://127.0.0.1:8000".to_owned())].into(),
        ..Connection::new(start.tenant, start.connection, "acme/hub", "key")
    }
}

pub(crate) async fn packages_are_put_replaced_listed_and_removed(store: &impl Ports) {
    assert_eq!(store.package("acme/hub").await.unwrap(), None);
    for (name, version) in [("zoo/news", "1.0.0"), ("acme/hub", "1.0.0"), ("acme/hub", "1.1.0")] {
        store.put_package(package(name, version), trust(name, version)).await.unwrap();
    }
    let hub = package("acme/hub", "1.1.0");
    assert_eq!(store.package("acme/hub").await.unwrap(), Some(hub.clone()));
    assert_eq!(store.package("acme").await.unwrap(), None);
    assert_eq!(store.packages().await.unwrap(), [hub, package("zoo/news", "1.0.0")]);
    assert_eq!(store.package_names().await.unwrap(), ["acme/hub", "zoo/news"]);
    assert!(store.remove_package("acme/hub").await.unwrap());
    assert!(!store.remove_package("acme/hub").await.unwrap());
    assert_eq!(store.packages().await.unwrap().len(), 1);
    assert_eq!(store.trust_state().await.unwrap(), trust("acme/hub", "1.1.0"));
}

pub(crate) async fn trust_is_remembered_with_and_without_a_package(store: &impl Ports) {
    assert_eq!(store.trust_state().await.unwrap(), TrustState::default());
    store.put_package(package("acme/hub", "1.0.0"), trust("acme/hub", "1.0.0")).await.unwrap();
    assert_eq!(store.trust_state().await.unwrap(), trust("acme/hub", "1.0.0"));
    store.put_trust_state(trust("acme/hub", "2.0.0")).await.unwrap();
    assert_eq!(store.trust_state().await.unwrap(), trust("acme/hub", "2.0.0"));
}

pub(crate) async fn connections_are_replaced_and_listed_by_name(store: &impl Ports) {
    let (hub, news) = (connection("acme/hub"), connection("acme/news"));
    assert_eq!(store.connection(&hub.tenant, &hub.id).await.unwrap(), None);
    for connection in [&news, &hub] {
        store.put_connection(connection.clone()).await.unwrap();
    }
    assert_eq!(store.connection(&hub.tenant, &hub.id).await.unwrap(), Some(hub.clone()));
    let known = Connection { account: Some("42".to_owned()), ..hub };
    store.put_connection(known.clone()).await.unwrap();
    assert_eq!(store.connections(&known.tenant).await.unwrap(), [known, news]);
}

pub(crate) async fn oversized_package_is_refused(store: &impl Ports) {
    let file = Bytes::from(vec![0; (64 << 20) + 1]);
    let large = Installed { file, ..package("acme/hub", "9.0.0") };
    let error = store.put_package(large, trust("acme/hub", "9.0.0")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert_eq!(store.trust_state().await.unwrap(), TrustState::default());
}

pub(crate) async fn disabled_package_stays_so_in_another_version(store: &impl Ports) {
    let why = |reason: &str| Some(reason.to_owned());
    let hub = |version, disabled| Installed { disabled, ..package("acme/hub", version) };
    assert!(!store.set_package_disabled("acme/hub", why("leaks")).await.unwrap());
    assert_eq!(store.package("acme/hub").await.unwrap(), None);
    for (name, version) in [("acme/hub", "1.0.0"), ("zoo/news", "1.0.0")] {
        store.put_package(package(name, version), trust(name, version)).await.unwrap();
    }
    assert!(store.set_package_disabled("acme/hub", why("leaks")).await.unwrap());
    assert!(store.set_package_disabled("acme/hub", why("leaks")).await.unwrap());
    let found = store.packages().await.unwrap();
    assert_eq!(found, [hub("1.0.0", why("leaks")), package("zoo/news", "1.0.0")]);

    store.put_package(hub("2.0.0", None), trust("acme/hub", "2.0.0")).await.unwrap();
    assert_eq!(store.package("acme/hub").await.unwrap(), Some(hub("2.0.0", why("leaks"))));
    let long = "x".repeat(model::queue::REASON_BYTES_MAX + 1);
    for reason in ["", &long] {
        let error = store.set_package_disabled("acme/hub", why(reason)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
    }
    assert!(store.set_package_disabled("acme/hub", None).await.unwrap());
    assert_eq!(store.package("acme/hub").await.unwrap(), Some(hub("2.0.0", None)));
    // Whoever has read it before it was let run again does not take that back.
    store.put_package(hub("3.0.0", why("leaks")), trust("acme/hub", "3.0.0")).await.unwrap();
    assert_eq!(store.package("acme/hub").await.unwrap(), Some(hub("3.0.0", None)));
    assert!(store.set_package_disabled("acme/hub", None).await.unwrap());
}

fn pending(name: &str, version: &str) -> PendingPackage {
    let Installed { name, version, digest, file, at, .. } = package(name, version);
    PendingPackage { name, version, digest, file, author: "ann".to_owned(), at }
}

pub(crate) async fn packages_that_wait_are_replaced_listed_and_removed_by_their_digest(
    store: &impl Ports,
) {
    assert!(store.pending().await.unwrap().is_empty());
    for (name, version) in [("zoo/news", "1.0.0"), ("acme/hub", "1.0.0"), ("acme/hub", "0.9.0")] {
        store.put_pending(pending(name, version)).await.unwrap();
    }
    let news = pending("zoo/news", "1.0.0");
    assert_eq!(store.pending().await.unwrap(), [pending("acme/hub", "0.9.0"), news.clone()]);
    assert!(store.packages().await.unwrap().is_empty());
    for (name, version) in [("acme/hub", "1.0.0"), ("acme/none", "0.9.0")] {
        assert!(!store.remove_pending(name, &pending(name, version).digest).await.unwrap());
    }
    let digest = pending("acme/hub", "0.9.0").digest;
    assert!(store.remove_pending("acme/hub", &digest).await.unwrap());
    assert!(!store.remove_pending("acme/hub", &digest).await.unwrap());
    assert_eq!(store.pending().await.unwrap(), [news]);
}

pub(crate) async fn packages_that_wait_are_bounded(store: &impl Ports) {
    for number in 0..PENDING_MAX {
        store.put_pending(pending(&format!("acme/{number}"), "1.0.0")).await.unwrap();
    }
    let small = pending("acme/more", "1.0.0");
    let large =
        PendingPackage { file: Bytes::from(vec![0; (64 << 20) + 1]), ..pending("acme/0", "1.0.0") };
    let nobody = PendingPackage { author: String::new(), ..pending("acme/0", "1.0.0") };
    for (bad, says) in [
        (small.clone(), "32 packages wait"),
        (large, "file of a package"),
        (nobody, "who has brought"),
    ] {
        let error = store.put_pending(bad).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains(says), "{error}");
    }
    store.put_pending(pending("acme/0", "2.0.0")).await.unwrap();
    assert!(store.remove_pending("acme/1", &pending("acme/1", "1.0.0").digest).await.unwrap());
    store.put_pending(small).await.unwrap();
}
