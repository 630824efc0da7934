//! Tenants as rows of their own.

use model::api_key::ApiKeyId;
use model::store::StoreErrorKind;
use model::tenant::{TITLE_BYTES_MAX, Tenant, TenantRemoval};
use model::{Clock, TenantId};

use super::Ports;
use super::api_keys::key;
use super::catalogue::connection;
use super::queue::acme;
use super::samples::{all, at, begin, page, query, record};

pub(crate) fn tenant(id: &str) -> Tenant {
    let name = format!("{id} and sons");
    Tenant { id: id.parse().unwrap(), name, created: at(5), revision: 0 }
}

async fn ids(store: &impl Ports, after: Option<&str>, limit: usize) -> Vec<String> {
    let after: Option<TenantId> = after.map(|id| id.parse().unwrap());
    let tenants = store.tenants(after.as_ref(), limit).await.unwrap();
    tenants.into_iter().map(|tenant| tenant.id.into()).collect()
}

pub(crate) async fn tenant_is_replaced_under_its_revision_alone(store: &impl Ports, _: &Clock) {
    let first = tenant("acme");
    let refused = async |expected, says: &str| {
        let error = store.put_tenant(first.clone(), Some(expected)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Conflict);
        assert!(error.to_string().contains(says), "{error}");
    };
    refused(3, "tenant acme is not there any more").await;
    assert_eq!(store.tenant(&first.id).await.unwrap(), None);
    let made = store.put_tenant(first.clone(), Some(0)).await.unwrap();
    assert_eq!(made, Tenant { revision: 1, ..first.clone() });
    refused(0, "is there already").await;
    refused(2, "has revision 1 by now").await;
    let later = Tenant { name: "Acme".to_owned(), created: at(9), ..first.clone() };
    for (expected, revision) in [(Some(1), 2), (None, 3)] {
        let put = store.put_tenant(later.clone(), expected).await.unwrap();
        assert_eq!(put, Tenant { created: at(5), revision, ..later.clone() });
        assert_eq!(store.tenant(&first.id).await.unwrap(), Some(put));
    }
}

pub(crate) async fn tenants_are_listed_in_parts_by_id(store: &impl Ports, _: &Clock) {
    for id in ["b", "a.b", "ab", "a"] {
        store.put_tenant(tenant(id), None).await.unwrap();
    }
    assert_eq!(ids(store, None, 9).await, ["a", "a.b", "ab", "b"]);
    assert_eq!(ids(store, None, 2).await, ["a", "a.b"]);
    assert_eq!(ids(store, Some("a.b"), 2).await, ["ab", "b"]);
    assert_eq!(ids(store, Some("aa"), usize::MAX).await, ["ab", "b"]);
    assert!(ids(store, Some("b"), 9).await.is_empty() && ids(store, None, 0).await.is_empty());
}

pub(crate) async fn tenant_without_integrations_goes_with_its_keys_alone(
    store: &impl Ports,
    _: &Clock,
) {
    assert_eq!(store.remove_tenant(&acme()).await.unwrap(), TenantRemoval::Absent);
    for id in ["acme", "acm", "acme2"] {
        store.put_tenant(tenant(id), None).await.unwrap();
        store.put_api_key(key(&format!("{id}-key"), Some(id))).await.unwrap();
    }
    store.put_api_key(key("boss", None)).await.unwrap();
    let run = begin(store, "acme/hub").await;
    store.commit_page(page(&run, vec![record("1", "a")])).await.unwrap();
    let hub = connection("acme/hub");
    store.put_connection(hub.clone()).await.unwrap();
    assert_eq!(store.remove_tenant(&acme()).await.unwrap(), TenantRemoval::InUse);
    assert!(store.remove_connection(&hub.tenant, &hub.id).await.unwrap());
    assert_eq!(store.remove_tenant(&acme()).await.unwrap(), TenantRemoval::InUse);
    assert!(store.remove_integration(&hub.tenant, &hub.integration()).await.unwrap());
    assert_eq!(store.remove_tenant(&acme()).await.unwrap(), TenantRemoval::Removed);
    assert_eq!(store.remove_tenant(&acme()).await.unwrap(), TenantRemoval::Absent);
    assert_eq!(ids(store, None, 9).await, ["acm", "acme2"]);
    let there = async |id: &str| {
        let id: ApiKeyId = id.parse().unwrap();
        store.api_key(&id).await.unwrap().is_some()
    };
    assert!(!there("acme-key").await && there("acm-key").await && there("acme2-key").await);
    assert!(there("boss").await);
    assert_eq!(store.api_keys(Some(&acme())).await.unwrap(), []);
    assert_eq!(all(store, query("acme")).await.len(), 1, "what was read stays");
}

pub(crate) async fn tenant_without_a_name_or_with_a_long_one_is_refused(
    store: &impl Ports,
    _: &Clock,
) {
    let named = |bytes| Tenant { name: "x".repeat(bytes), ..tenant("acme") };
    for (bytes, says) in [(0, "tenant is empty"), (TITLE_BYTES_MAX + 1, "tenant has 257 bytes")] {
        let error = store.put_tenant(named(bytes), None).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains(says), "{error}");
    }
    store.put_tenant(named(TITLE_BYTES_MAX), None).await.unwrap();
}
