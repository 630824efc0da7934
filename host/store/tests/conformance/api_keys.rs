//! API keys.

use futures_util::future::join_all;
use model::api_key::{API_KEYS_MAX, ApiKey, ApiKeyId, Role};
use model::store::{StoreError, StoreErrorKind};
use model::tenant::{TITLE_BYTES_MAX, TenantRemoval};
use model::{Clock, TenantId};

use super::Ports;
use super::queue::acme;
use super::samples::at;
use super::tenant_store::tenant;

/// A key of a tenant, or of an operator.
pub(crate) fn key(id: &str, tenant: Option<&str>) -> ApiKey {
    ApiKey {
        id: id.parse().unwrap(),
        name: format!("{id} of the build"),
        tenant: tenant.map(|tenant| tenant.parse().unwrap()),
        role: if tenant.is_some() { Role::Admin } else { Role::Operator },
        hash: [7; 32],
        creator: "the command line".to_owned(),
        created: at(0),
        expires: None,
        used: None,
        revoked: None,
    }
}

pub(crate) async fn get(store: &impl Ports, of: &ApiKey) -> Option<ApiKey> {
    store.api_key(&of.id).await.unwrap()
}

/// Keeps tenants and keys, each of `tenant/id`.
async fn filled(store: &impl Ports, paths: &[&str]) {
    for path in paths {
        let (of, id) = path.split_once('/').unwrap();
        store.put_tenant(tenant(of), None).await.unwrap();
        store.put_api_key(key(id, Some(of))).await.unwrap();
    }
}

async fn listed(store: &impl Ports, tenant: Option<&str>) -> Vec<String> {
    let tenant: Option<TenantId> = tenant.map(|tenant| tenant.parse().unwrap());
    let keys = store.api_keys(tenant.as_ref()).await.unwrap();
    keys.into_iter().map(|key| key.id.into()).collect()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: Result<T, StoreError>, kind: StoreErrorKind, says: &str) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(says), "{error}");
}

pub(crate) async fn keys_are_listed_by_when_they_were_made_and_tenants_never_meet(
    store: &impl Ports,
    _: &Clock,
) {
    filled(store, &["acme/b", "acm/c", "acme2/d"]).await;
    for (id, tenant, second) in
        [("a", Some("acme"), 2), ("z", Some("acme"), 1), ("boss", None, 3), ("chief", None, -3)]
    {
        let key = ApiKey { created: at(second), ..key(id, tenant) };
        store.put_api_key(key.clone()).await.unwrap();
        assert_eq!(get(store, &key).await, Some(key));
    }
    assert_eq!(listed(store, Some("acme")).await, ["b", "z", "a"]);
    assert_eq!(listed(store, Some("acm")).await, ["c"]);
    assert_eq!(listed(store, Some("nobody")).await, [""; 0]);
    assert_eq!(listed(store, None).await, ["chief", "boss"]);
}

pub(crate) async fn keys_that_break_a_rule_are_refused(store: &impl Ports, clock: &Clock) {
    filled(store, &["acme/old"]).await;
    let (good, long) = (key("k", Some("acme")), "x".repeat(TITLE_BYTES_MAX + 1));
    let check = async |bad: ApiKey, says: &str| {
        refused(store.put_api_key(bad).await, StoreErrorKind::Invalid, says);
        assert_eq!(get(store, &good).await, None);
    };
    check(ApiKey { name: String::new(), ..good.clone() }, "the name of an API key is empty").await;
    check(ApiKey { name: long.clone(), ..good.clone() }, "an API key has 257 bytes").await;
    check(ApiKey { creator: long, ..good.clone() }, "the maker of an API key has 257").await;
    let operator = ApiKey { role: Role::Operator, ..good.clone() };
    check(operator, "API key k of a tenant has the role operator").await;
    let homeless = ApiKey { tenant: None, ..good.clone() };
    check(homeless, "API key k of no tenant has the role admin").await;
    check(key("k", Some("nobody")), "there is no tenant nobody; make it first").await;
    let ended = ApiKey { expires: Some(clock.now()), ..good.clone() };
    check(ended, "has ended already").await;
    check(ApiKey { revoked: Some(at(9)), ..good.clone() }, "has ended already").await;
    store.put_api_key(good.clone()).await.unwrap();
    for again in [good, key("old", None)] {
        refused(store.put_api_key(again).await, StoreErrorKind::Conflict, "already");
    }
}

pub(crate) async fn first_key_is_kept_once(store: &impl Ports, clock: &Clock) {
    store.put_tenant(tenant("acme"), None).await.unwrap();
    let tenants = store.bootstrap_api_key(key("k", Some("acme"))).await;
    refused(tenants, StoreErrorKind::Invalid, "make an operator's");
    let ended = ApiKey { expires: Some(clock.now()), ..key("boss", None) };
    refused(store.bootstrap_api_key(ended).await, StoreErrorKind::Invalid, "has ended already");
    let racing = ["a", "b", "c"].map(|id| store.bootstrap_api_key(key(id, None)));
    let kept = join_all(racing).await.into_iter().filter(|kept| *kept.as_ref().unwrap());
    assert_eq!(kept.count(), 1);
    assert_eq!(listed(store, None).await.len(), 1);
    assert!(!store.bootstrap_api_key(key("k", Some("acme"))).await.unwrap());
}

pub(crate) async fn key_that_is_gone_was_the_first_all_the_same(store: &impl Ports, _: &Clock) {
    filled(store, &["acme/k"]).await;
    assert_eq!(store.remove_tenant(&acme()).await.unwrap(), TenantRemoval::Removed);
    assert!(!store.bootstrap_api_key(key("boss", None)).await.unwrap());
    assert_eq!(listed(store, None).await, [""; 0]);
    store.put_api_key(key("boss", None)).await.unwrap();
}

pub(crate) async fn revoked_key_stays_in_the_list(store: &impl Ports, clock: &Clock) {
    filled(store, &["acme/k", "other/l"]).await;
    store.put_api_key(key("boss", None)).await.unwrap();
    let (k, other) = (key("k", Some("acme")), "other".parse().unwrap());
    for (tenant, id) in [(Some(&other), "k"), (None, "k"), (Some(&acme()), "boss"), (None, "none")]
    {
        let id: ApiKeyId = id.parse().unwrap();
        assert!(!store.revoke_api_key(tenant, &id).await.unwrap(), "{tenant:?} {id}");
    }
    assert_eq!(get(store, &k).await, Some(k.clone()));
    assert!(store.revoke_api_key(Some(&acme()), &k.id).await.unwrap());
    let revoked = ApiKey { revoked: Some(at(0)), ..k.clone() };
    clock.advance(std::time::Duration::from_secs(1));
    assert!(!store.revoke_api_key(Some(&acme()), &k.id).await.unwrap());
    assert_eq!(store.api_keys(Some(&acme())).await.unwrap(), [revoked]);
}

pub(crate) async fn last_key_of_an_operator_that_works_is_not_revoked(
    store: &impl Ports,
    clock: &Clock,
) {
    filled(store, &["acme/k"]).await;
    let short = ApiKey { expires: Some(at(10)), ..key("short", None) };
    for key in [key("a", None), key("b", None), short.clone()] {
        store.put_api_key(key).await.unwrap();
    }
    let revoke = async |id: &str| store.revoke_api_key(None, &id.parse().unwrap()).await;
    assert!(revoke("a").await.unwrap());
    clock.set(at(10));
    assert!(!revoke("short").await.unwrap(), "it has expired");
    let says = "b is the last API key of an operator that works; make another one first";
    refused(revoke("b").await, StoreErrorKind::Conflict, says);
    assert_eq!(get(store, &key("b", None)).await.unwrap().revoked, None);
    store.put_api_key(key("c", None)).await.unwrap();
    assert!(revoke("b").await.unwrap());
    let (k, acme) = ("k".parse().unwrap(), acme());
    assert!(store.revoke_api_key(Some(&acme), &k).await.unwrap(), "a tenant's may be its last");
}

pub(crate) async fn last_use_of_a_key_never_goes_back(store: &impl Ports, _: &Clock) {
    filled(store, &["acme/k", "acme/l"]).await;
    let (k, l) = (key("k", Some("acme")), key("l", Some("acme")));
    let none: ApiKeyId = "none".parse().unwrap();
    let used = async |second: &[(&ApiKeyId, i64)], expected: [Option<i64>; 2]| {
        let used = second.iter().map(|(id, second)| ((*id).clone(), at(*second))).collect();
        store.use_api_keys(used).await.unwrap();
        let found = [get(store, &k).await, get(store, &l).await];
        assert_eq!(found.map(|key| key.unwrap().used), expected.map(|second| second.map(at)));
    };
    used(&[], [None, None]).await;
    used(&[(&k.id, 60), (&none, 60)], [Some(60), None]).await;
    used(&[(&k.id, 0), (&l.id, 0)], [Some(60), Some(0)]).await;
    used(&[(&k.id, 180), (&k.id, 120), (&l.id, 60)], [Some(180), Some(60)]).await;
    assert!(store.revoke_api_key(k.tenant.as_ref(), &k.id).await.unwrap());
    used(&[(&k.id, 240)], [Some(240), Some(60)]).await;
    let stored = get(store, &k).await.unwrap();
    assert_eq!(stored, ApiKey { used: Some(at(240)), revoked: Some(at(0)), ..k });
}

pub(crate) async fn keys_that_work_are_bounded_and_others_make_room(store: &impl Ports, _: &Clock) {
    filled(store, &["acme/k", "other/l"]).await;
    let puts = (1..API_KEYS_MAX).map(|number| {
        let key = key(&format!("k{number}"), Some("acme"));
        store.put_api_key(ApiKey { created: at(i64::try_from(number).unwrap()), ..key })
    });
    assert!(join_all(puts).await.iter().all(Result::is_ok));
    let more = ApiKey { created: at(9_999), ..key("more", Some("acme")) };
    let says = "acme has 1000 API keys that work already; revoke some first";
    refused(store.put_api_key(more.clone()).await, StoreErrorKind::Invalid, says);
    store.put_api_key(key("m", Some("other"))).await.unwrap();
    for id in ["k7", "k5"] {
        assert!(store.revoke_api_key(Some(&acme()), &id.parse().unwrap()).await.unwrap());
    }
    store.put_api_key(more.clone()).await.unwrap();
    let ids = listed(store, Some("acme")).await;
    assert_eq!(ids.len(), API_KEYS_MAX);
    assert!(!ids.contains(&"k5".to_owned()) && ids.contains(&"k7".to_owned()));
    assert_eq!(ids.last().map(String::as_str), Some("more"));
    assert_eq!(get(store, &key("k5", None)).await, None);
}
