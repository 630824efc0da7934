//! Authorisations that have begun in a browser.

use std::time::Duration;

use model::credential::{FLOW_MAX, FLOWS_MAX, Flow};
use model::store::{StoreError, StoreErrorKind};
use model::vault::{KeyId, Owner, Place, Sealed, SealedQuery};
use model::{Clock, Connection};

use super::Ports;
use super::catalogue::connection;
use super::credentials::seal;

const SECOND: Duration = Duration::from_secs(1);
/// A second before a flow expires.
const JUST_BEFORE: Duration = Duration::from_secs(599);

/// A flow of `tenant/connection` that begins now.
fn flow(clock: &Clock, path: &str, number: u8) -> Flow {
    Flow {
        id: [number; 32],
        browser: [0xee; 32],
        connection: connection(path),
        redirect_uri: "http://127.0.0.1:7400/oauth/callback".to_owned(),
        replaces: 0,
        expires: clock.now().saturating_add(FLOW_MAX).unwrap(),
    }
}

fn verifier(flow: &Flow) -> Sealed {
    seal(flow.place(), "verifier")
}

async fn put(store: &impl Ports, flow: &Flow) -> Result<(), StoreError> {
    store.put_flow(flow.clone(), Some(verifier(flow))).await
}

/// How many verifiers of a tenant lie in the store.
async fn left(store: &impl Ports, path: &str) -> usize {
    let owner = Owner::Tenant(connection(path).tenant);
    let query = SealedQuery { owner, key: KeyId([7; 16]), after: None, limit: 256 };
    store.sealed_under(query).await.unwrap().0.len()
}

pub(crate) async fn flow_is_taken_once_with_its_verifier(store: &impl Ports, clock: &Clock) {
    let (one, two) = (flow(clock, "acme/hub", 1), flow(clock, "other/hub", 2));
    put(store, &one).await.unwrap();
    store.put_flow(two.clone(), None).await.unwrap();
    assert_eq!(store.take_flow(&[3; 32]).await.unwrap(), None);
    assert_eq!(store.take_flow(&one.id).await.unwrap(), Some((one.clone(), Some(verifier(&one)))));
    assert_eq!(store.take_flow(&one.id).await.unwrap(), None);
    assert_eq!(left(store, "acme/hub").await, 0);
    assert_eq!(store.take_flow(&two.id).await.unwrap(), Some((two, None)));
    put(store, &one).await.unwrap();
    let racing = futures_util::future::join_all((0..8).map(|_| store.take_flow(&one.id))).await;
    let taken = racing.into_iter().filter(|taken| matches!(taken, Ok(Some(_)))).count();
    assert_eq!(taken, 1);
}

pub(crate) async fn expired_flow_is_as_good_as_none(store: &impl Ports, clock: &Clock) {
    let (one, two) = (flow(clock, "acme/hub", 1), flow(clock, "acme/hub", 2));
    put(store, &one).await.unwrap();
    put(store, &two).await.unwrap();
    clock.advance(JUST_BEFORE);
    assert!(store.take_flow(&one.id).await.unwrap().is_some());
    clock.advance(SECOND);
    assert_eq!(store.take_flow(&two.id).await.unwrap(), None);
    assert_eq!(left(store, "acme/hub").await, 0);
}

pub(crate) async fn flows_of_a_tenant_are_bounded_and_expired_ones_forgotten(
    store: &impl Ports,
    clock: &Clock,
) {
    let max = u8::try_from(FLOWS_MAX).unwrap();
    for number in 0..max {
        put(store, &flow(clock, "acme/hub", number)).await.unwrap();
    }
    let more = flow(clock, "acme/hub", max);
    let error = put(store, &more).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert!(error.to_string().contains("100 authorisations of tenant acme have begun"), "{error}");
    put(store, &flow(clock, "acm/hub", 200)).await.unwrap();
    store.take_flow(&[0; 32]).await.unwrap();
    put(store, &more).await.unwrap();
    assert_eq!(left(store, "acme/hub").await, FLOWS_MAX);
    clock.advance(FLOW_MAX);
    put(store, &flow(clock, "other/hub", 201)).await.unwrap();
    put(store, &flow(clock, "other/hub", 202)).await.unwrap();
    assert_eq!((left(store, "acme/hub").await, left(store, "acm/hub").await), (0, 0));
    assert_eq!(left(store, "other/hub").await, 2);
}

pub(crate) async fn flows_beyond_the_limits_are_refused(store: &impl Ports, clock: &Clock) {
    let good = flow(clock, "acme/hub", 1);
    let check = async |flow: Flow, verifier: Sealed, kind, says: &str| {
        let error = store.put_flow(flow, Some(verifier)).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(left(store, "acme/hub").await, 0);
    };
    let invalid = StoreErrorKind::Invalid;
    let late = Flow { expires: good.expires.saturating_add(SECOND).unwrap(), ..good.clone() };
    check(late, verifier(&good), invalid, "let it expire within").await;
    let early = Flow { expires: clock.now(), ..good.clone() };
    check(early, verifier(&good), invalid, "let it expire within").await;
    let long = Flow { redirect_uri: "x".repeat(4_097), ..good.clone() };
    check(long, verifier(&good), invalid, "redirect address").await;
    let consents = [("api".to_owned(), "x".repeat(256 << 10))].into();
    let large = Connection { consents, ..good.connection.clone() };
    let large = Flow { connection: large, ..good.clone() };
    check(large, verifier(&good), invalid, "of a connection").await;
    let foreign = verifier(&flow(clock, "evil/hub", 1));
    check(good.clone(), foreign, invalid, "seal it for where it belongs").await;
    let place = Place { field: "other".to_owned(), ..good.place() };
    check(good.clone(), seal(place, "x"), invalid, "no secret of an authorisation").await;
    store.put_flow(good.clone(), None).await.unwrap();
    check(good.clone(), verifier(&good), StoreErrorKind::Conflict, "has begun already").await;
}
