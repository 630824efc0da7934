use model::canonical::{
    CanonicalQuery, LINKS_MAX, Mapped, PageRecord, RecordId, RelationshipStatus, ReplayQuery,
};
use model::record::{Record, Removal};
use model::store::RunRef;

use super::Ports;
use super::mapped::{
    by_id, commit, contact, doc, everything, known_by, of_tenant, own, replay, told, with,
};
use super::samples::{begin, gone, record, tombstone};

/// Ann, as a connection knows her.
fn ann(id: &str, members: &str) -> PageRecord {
    with(record(id, &members.replace('"', "'")), known_by("ann@example.org", members))
}

/// Two connections that both know Ann, the first one first.
async fn both(store: &impl Ports) -> (RunRef, RunRef, RecordId) {
    let hub = begin(store, "acme/hub").await;
    let crm = begin(store, "acme/crm").await;
    commit(store, &hub, vec![ann("1", r#""name":"Ann","phone":null,"age":30"#)]).await;
    commit(store, &crm, vec![ann("9", r#""name":"Anna","phone":"1","city":"Ulm""#)]).await;
    let [id] = own(store, &hub, ["1"]).await;
    (hub, crm, id)
}

pub(crate) async fn identity_joins_records_of_two_connections(store: &impl Ports) {
    let (hub, crm, id) = both(store).await;
    let found = everything(store, &hub.tenant).await;
    assert_eq!(found.len(), 1);
    assert_eq!(doc(&found[0]), r#"{"age":30,"city":"Ulm","name":"Ann","phone":"1"}"#);
    let links: Vec<_> = found[0].relationships.iter().map(|l| l.connection.as_str()).collect();
    assert_eq!(links, ["hub", "crm"]);
    let key = ("contacts".to_owned(), "9".to_owned());
    let ids = store.record_ids(&hub.tenant, &crm.connection, vec![key]).await.unwrap();
    assert_eq!(ids, [Some(id)]);
    let [none, some] = [vec![], vec![id]];
    let told = told(store, &hub.tenant).await;
    assert_eq!(told[1], [none.clone(), some, none.clone(), none]);
}

pub(crate) async fn link_overwrites_what_it_has_changed_and_nothing_else(store: &impl Ports) {
    let (hub, crm, id) = both(store).await;
    commit(store, &crm, vec![ann("9", r#""name":"Anna","phone":"2","city":null"#)]).await;
    let found = by_id(store, &hub, id).await;
    assert_eq!(doc(&found), r#"{"age":30,"city":null,"name":"Ann","phone":"2"}"#);
    commit(store, &hub, vec![ann("1", r#""name":"Ann B","phone":null"#)]).await;
    let found = by_id(store, &hub, id).await;
    assert_eq!(doc(&found), r#"{"city":null,"name":"Ann B","phone":"2"}"#);
}

pub(crate) async fn record_lives_as_long_as_one_of_its_links(store: &impl Ports) {
    let (hub, crm, id) = both(store).await;
    store.commit_page(gone(&hub, vec![tombstone("1", Removal::Deleted)])).await.unwrap();
    let found = by_id(store, &hub, id).await;
    assert!(!found.removed);
    let status: Vec<_> = found.relationships.iter().map(|link| link.status).collect();
    assert_eq!(status, [RelationshipStatus::Removed, RelationshipStatus::Linked]);
    store.commit_page(gone(&crm, vec![tombstone("9", Removal::Deleted)])).await.unwrap();
    assert!(by_id(store, &hub, id).await.removed);
    commit(store, &hub, vec![ann("1", r#""name":"Ann","phone":null,"age":31"#)]).await;
    let found = by_id(store, &hub, id).await;
    assert!(!found.removed);
    assert_eq!(doc(&found), r#"{"age":31,"city":"Ulm","name":"Ann","phone":"1"}"#);
    let last = told(store, &hub.tenant).await.pop().unwrap();
    assert_eq!(last, [vec![], vec![], vec![], vec![id]]);
}

pub(crate) async fn new_record_of_a_removed_identity_is_believed_alone(store: &impl Ports) {
    let hub = begin(store, "acme/hub").await;
    commit(store, &hub, vec![ann("1", r#""name":"Ann","age":30"#)]).await;
    let [id] = own(store, &hub, ["1"]).await;
    store.commit_page(gone(&hub, vec![tombstone("1", Removal::Deleted)])).await.unwrap();
    commit(store, &hub, vec![ann("2", r#""name":"Anna""#)]).await;
    let found = everything(store, &hub.tenant).await;
    assert_eq!((found.len(), found[0].id, found[0].removed), (1, id, false));
    assert_eq!(doc(&found[0]), r#"{"name":"Anna"}"#);
    assert_eq!(found[0].relationships.len(), 2);
}

pub(crate) async fn records_of_one_entity_of_a_connection_are_never_joined(store: &impl Ports) {
    let hub = begin(store, "acme/hub").await;
    commit(store, &hub, vec![ann("1", r#""a":1"#), ann("2", r#""a":2"#)]).await;
    commit(store, &hub, vec![ann("3", r#""a":3"#)]).await;
    assert_eq!(everything(store, &hub.tenant).await.len(), 3);
}

pub(crate) async fn records_of_one_page_are_joined_too(store: &impl Ports) {
    let hub = begin(store, "acme/hub").await;
    let lead = Record { entity: "leads".to_owned(), ..record("7", "a") };
    let lead = with(lead, known_by("ann@example.org", r#""b":2"#));
    commit(store, &hub, vec![lead, ann("1", r#""a":1"#)]).await;
    let found = everything(store, &hub.tenant).await;
    assert_eq!((found.len(), doc(&found[0])), (1, r#"{"a":1,"b":2}"#));
    let id = found[0].id;
    assert_eq!(told(store, &hub.tenant).await, [[vec![id], vec![], vec![], vec![]]]);
}

pub(crate) async fn identity_that_a_record_gives_up_joins_nothing_more(store: &impl Ports) {
    let hub = begin(store, "acme/hub").await;
    let crm = begin(store, "acme/crm").await;
    commit(store, &hub, vec![ann("1", r#""a":1"#)]).await;
    commit(store, &hub, vec![contact("1", r#""a":2"#)]).await;
    commit(store, &crm, vec![ann("9", r#""a":3"#)]).await;
    assert_eq!(everything(store, &hub.tenant).await.len(), 2);
}

pub(crate) async fn identity_of_another_type_joins_nothing(store: &impl Ports) {
    let hub = begin(store, "acme/hub").await;
    let crm = begin(store, "acme/crm").await;
    commit(store, &hub, vec![ann("1", r#""a":1"#)]).await;
    let company = Mapped { record_type: "c_company".to_owned(), ..known_by("ann@example.org", "") };
    commit(store, &crm, vec![with(record("9", "a"), company)]).await;
    assert_eq!(everything(store, &hub.tenant).await.len(), 2);
}

pub(crate) async fn same_identity_of_two_tenants_joins_nothing(store: &impl Ports) {
    let mut ids = Vec::new();
    for (tenant, text) in [("acme", r#""a":1"#), ("evil", r#""b":2"#), ("ac", r#""c":3"#)] {
        let hub = begin(store, &format!("{tenant}/hub")).await;
        let crm = begin(store, &format!("{tenant}/crm")).await;
        commit(store, &hub, vec![ann("1", text)]).await;
        commit(store, &crm, vec![ann("2", text)]).await;
        let found = everything(store, &hub.tenant).await;
        assert_eq!((found.len(), found[0].relationships.len()), (1, 2));
        assert_eq!(doc(&found[0]), format!("{{{text}}}"));
        ids.push((hub, found[0].id));
    }
    let (evil, _) = &ids[1];
    store.commit_page(gone(evil, vec![tombstone("1", Removal::Deleted)])).await.unwrap();
    let (hub, id) = &ids[0];
    let found = by_id(store, hub, *id).await;
    assert!(found.relationships.iter().all(|l| l.status == RelationshipStatus::Linked));
    let nobody = "nobody".parse().unwrap();
    assert_eq!(store.canonical(&nobody, vec![*id]).await.unwrap(), [None]);
    let key = vec![("contacts".to_owned(), "1".to_owned())];
    assert_eq!(store.record_ids(&nobody, &hub.connection, key).await.unwrap(), [None]);
    assert_eq!(told(store, &hub.tenant).await.len(), 1);
}

pub(crate) async fn cursor_of_a_tenant_lists_nothing_of_another(store: &impl Ports) {
    let mut cursors = Vec::new();
    for tenant in ["acme", "evil"] {
        let hub = begin(store, &format!("{tenant}/hub")).await;
        let records = ["1", "2", "3"].map(|id| contact(id, &format!(r#""{tenant}":1"#)));
        commit(store, &hub, records.to_vec()).await;
        let query = CanonicalQuery { limit: 1, ..of_tenant(&hub.tenant) };
        cursors.push((hub, store.canonical_list(query).await.unwrap().next));
    }
    let (hub, _) = &cursors[0];
    let foreign = CanonicalQuery { after: cursors[1].1.clone(), ..of_tenant(&hub.tenant) };
    let list = store.canonical_list(foreign).await.unwrap();
    assert!(list.records.iter().all(|record| doc(record) == r#"{"acme":1}"#));
    let query = ReplayQuery { limit: 1, ..replay(hub, 2) };
    let next = store.replayable(query).await.unwrap().next;
    let list = store.replayable(ReplayQuery { after: next, ..replay(&cursors[1].0, 2) }).await;
    let list = list.unwrap();
    assert_eq!(list.records.len(), 2);
    assert!(list.records.iter().all(|r| r.doc.as_deref() == Some(br#"{"evil":1}"#)));
}

pub(crate) async fn links_of_one_record_are_bounded(store: &impl Ports) {
    let mut last = None;
    for number in 0..=LINKS_MAX {
        let run = begin(store, &format!("acme/hub{number}")).await;
        commit(store, &run, vec![ann("1", r#""a":1"#)]).await;
        last = Some(run);
    }
    let last = last.unwrap();
    let found = everything(store, &last.tenant).await;
    let mut links: Vec<_> = found.iter().map(|record| record.relationships.len()).collect();
    links.sort_unstable();
    assert_eq!(links, [1, LINKS_MAX]);
}

pub(crate) async fn references_are_resolved_within_a_connection(store: &impl Ports) {
    let (hub, crm, id) = both(store).await;
    commit(store, &hub, vec![record("2", "unmapped").into()]).await;
    let keys = ["1", "2", "9"].map(|id| ("contacts".to_owned(), id.to_owned()));
    for (run, expected) in [(&hub, [Some(id), None, None]), (&crm, [None, None, Some(id)])] {
        let ids = store.record_ids(&run.tenant, &run.connection, keys.to_vec()).await.unwrap();
        assert_eq!(ids, expected);
    }
}
