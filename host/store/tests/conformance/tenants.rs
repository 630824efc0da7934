use model::TenantId;
use model::record::Removal;
use model::store::{PageCommit, RecordQuery, StoreErrorKind};

use super::Ports;
use super::credentials::{authorise, credential, tokens};
use super::samples::{all, begin, gone, page, paths, query, record, reject, tombstone};

pub(crate) async fn tenants_with_the_same_names_never_meet(store: &impl Ports) {
    let tenants: [TenantId; 2] = ["acme", "evil"].map(|tenant| tenant.parse().unwrap());
    for tenant in &tenants {
        let run = begin(store, &format!("{tenant}/hub")).await;
        let commit = PageCommit {
            rejects: vec![reject(Some(tenant.as_str()), b"")],
            ..page(&run, vec![record("1", tenant.as_str()), record("2", "same")])
        };
        assert_eq!(store.commit_page(commit).await.unwrap().inserted, 2);
        authorise(store, &format!("{tenant}/hub"), 60).await;
    }
    let evil = super::samples::run("evil/hub", 1);
    store.commit_page(gone(&evil, vec![tombstone("2", Removal::Deleted)])).await.unwrap();
    store.reset_lanes(&evil.tenant, &evil.connection).await.unwrap();
    for (tenant, removed, lanes, events) in [(&tenants[0], 0, 1, 1), (&tenants[1], 1, 0, 2)] {
        let records = all(store, query(tenant.as_str())).await;
        assert_eq!(records.len(), 2);
        assert_eq!(records[0].payload, record("1", tenant.as_str()).payload);
        assert_eq!(records.iter().filter(|record| record.removed.is_some()).count(), removed);
        let run = super::samples::run(&format!("{tenant}/hub"), 1);
        assert_eq!(store.lanes(tenant, &run.connection).await.unwrap().len(), lanes);
        assert_eq!(store.events(tenant, 0, 10).await.unwrap().len(), events);
        let rejects = store.rejects(&run, 10).await.unwrap();
        assert_eq!(rejects.len(), 1);
        assert_eq!(rejects[0].id.as_deref(), Some(tenant.as_str()));
        let runs = store.runs(tenant, None, 10).await.unwrap();
        assert!(runs.len() == 1 && runs[0].tenant == *tenant);
        let connections = store.connections(tenant).await.unwrap();
        assert!(connections.len() == 1 && connections[0].tenant == *tenant);
        let (_, sealed) = credential(store, &connections[0]).await;
        assert_eq!(sealed, tokens(&connections[0], 0, 60).sealed);
    }
}

pub(crate) async fn prefix_of_a_name_is_another_name(store: &impl Ports) {
    for path in ["a/b", "a/bc", "ab/b", "ab/bc", "a.b/b"] {
        let run = begin(store, path).await;
        store.commit_page(page(&run, vec![record("1", "a")])).await.unwrap();
    }
    for (tenant, expected) in
        [("a", &["b/contacts/1", "bc/contacts/1"][..]), ("a.b", &["b/contacts/1"])]
    {
        assert_eq!(paths(&all(store, query(tenant)).await), expected);
        let tenant = tenant.parse().unwrap();
        let connection = "b".parse().unwrap();
        assert_eq!(store.runs(&tenant, None, 10).await.unwrap().len(), expected.len());
        assert_eq!(store.runs(&tenant, Some(&connection), 10).await.unwrap().len(), 1);
        assert_eq!(store.events(&tenant, 0, 10).await.unwrap().len(), expected.len());
        assert_eq!(store.lanes(&tenant, &connection).await.unwrap().len(), 1);
    }
}

pub(crate) async fn cursor_of_one_tenant_does_not_open_another(store: &impl Ports) {
    for tenant in ["acme", "evil"] {
        let run = begin(store, &format!("{tenant}/hub")).await;
        let records = ["1", "2", "3"].map(|id| record(id, tenant));
        store.commit_page(page(&run, records.to_vec())).await.unwrap();
    }
    let first = store.records(RecordQuery { limit: 1, ..query("acme") }).await.unwrap();
    let foreign = RecordQuery { after: first.next, ..query("evil") };
    let list = store.records(foreign).await.unwrap();
    let own = record("1", "evil").payload;
    assert_eq!(paths(&list.records), ["hub/contacts/2", "hub/contacts/3"]);
    assert!(list.records.iter().all(|record| record.payload == own));
    let nowhere = RecordQuery { after: Some("6b".to_owned()), ..query("nobody") };
    assert!(store.records(nowhere).await.unwrap().records.is_empty());
    let bad = RecordQuery { after: Some("x".to_owned()), ..query("evil") };
    assert_eq!(store.records(bad).await.unwrap_err().kind(), StoreErrorKind::Invalid);
}
