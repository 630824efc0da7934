//! Conflicts that wait for a person.

use model::canonical::RecordId;
use model::conflict::{
    CONFLICT_BYTES_MAX, CONFLICT_FIELDS_MAX, CONFLICTS_MAX, Conflict, ConflictField, ConflictId,
    ConflictKind, ConflictQuery, Resolved,
};
use model::store::StoreErrorKind;
use serde_json::json;

use super::Ports;
use super::queue::acme;
use super::samples::at;

fn field(name: &str) -> ConflictField {
    ConflictField {
        field: name.to_owned(),
        base: Some(json!("old")),
        ours: None,
        theirs: Some(json!({ "a": [1, null] })),
    }
}

/// `connection/id`: what was found about a contact.
fn found(path: &str) -> Conflict {
    let (connection, id) = path.split_once('/').unwrap();
    Conflict {
        tenant: acme(),
        id: ConflictId(0),
        connection: connection.parse().unwrap(),
        entity: "contacts".to_owned(),
        external_id: id.to_owned(),
        record: RecordId::from_bytes([7; 16]),
        record_type: "c_contact".to_owned(),
        kind: ConflictKind::BothChanged,
        fields: vec![field("name")],
        found: at(1),
        resolved: None,
    }
}

fn resolved(by: Option<&str>) -> Resolved {
    Resolved { at: at(9), by: by.map(str::to_owned) }
}

async fn put(store: &impl Ports, conflicts: impl IntoIterator<Item = Conflict>) -> Vec<u64> {
    let ids = store.put_conflicts(conflicts.into_iter().collect()).await.unwrap();
    ids.into_iter().map(|ConflictId(id)| id).collect()
}

async fn get(store: &impl Ports, id: u64) -> Option<Conflict> {
    store.conflict(&acme(), ConflictId(id)).await.unwrap()
}

async fn resolve(store: &impl Ports, id: u64) -> bool {
    store.resolve_conflict(&acme(), ConflictId(id), resolved(Some("ann"))).await.unwrap()
}

fn query(connection: Option<&str>, resolved: bool) -> ConflictQuery {
    let connection = connection.map(|name| name.parse().unwrap());
    ConflictQuery { tenant: acme(), connection, resolved, after: None, limit: 100 }
}

/// The ids of all parts of a list.
async fn all(store: &impl Ports, mut query: ConflictQuery) -> Vec<u64> {
    let mut ids = Vec::new();
    loop {
        let part = store.conflicts(query.clone()).await.unwrap();
        assert!(part.len() <= query.limit);
        let Some(last) = part.last() else { return ids };
        query.after = Some(last.id);
        ids.extend(part.into_iter().map(|conflict| conflict.id.0));
    }
}

pub(crate) async fn conflict_is_kept_whole_until_it_is_resolved(store: &impl Ports) {
    assert_eq!(get(store, 1).await, None);
    assert!(!resolve(store, 1).await);
    let deleted = Conflict {
        kind: ConflictKind::DeletedThere,
        fields: Vec::new(),
        external_id: "a\0b/ö".to_owned(),
        ..found("hub/2")
    };
    assert_eq!(put(store, [found("hub/1"), deleted.clone()]).await, [1, 2]);
    assert_eq!(get(store, 1).await, Some(Conflict { id: ConflictId(1), ..found("hub/1") }));
    assert_eq!(get(store, 2).await, Some(Conflict { id: ConflictId(2), ..deleted.clone() }));

    assert!(resolve(store, 2).await);
    let id = ConflictId(2);
    assert!(!store.resolve_conflict(&acme(), id, resolved(None)).await.unwrap());
    let ended = Conflict { id, resolved: Some(resolved(Some("ann"))), ..deleted };
    assert_eq!(get(store, 2).await, Some(ended));
    assert_eq!(get(store, 1).await.unwrap().resolved, None);
    assert_eq!(put(store, []).await, [0; 0]);
}

pub(crate) async fn record_has_one_open_conflict_at_a_time(store: &impl Ports) {
    let later = |path| Conflict { found: at(5), fields: vec![field("age")], ..found(path) };
    assert_eq!(put(store, [found("hub/1"), found("hub/2"), later("hub/1")]).await, [1, 2, 1]);
    let kept = Conflict { id: ConflictId(1), found: at(1), ..later("hub/1") };
    assert_eq!(get(store, 1).await, Some(kept));
    let deleted = Conflict { kind: ConflictKind::DeletedHere, ..later("hub/2") };
    assert_eq!(put(store, [deleted.clone()]).await, [2]);
    assert_eq!(get(store, 2).await, Some(Conflict { id: ConflictId(2), found: at(1), ..deleted }));

    // Records of the same id elsewhere are others.
    let deal = Conflict { entity: "deals".to_owned(), ..found("hub/1") };
    assert_eq!(put(store, [found("news/1"), deal]).await, [3, 4]);
    assert_eq!(all(store, query(None, true)).await, [1, 2, 3, 4]);

    assert!(resolve(store, 1).await);
    assert_eq!(put(store, [later("hub/1"), found("hub/1")]).await, [5, 5]);
    assert!(get(store, 1).await.unwrap().resolved.is_some());
    assert_eq!(get(store, 5).await.unwrap().found, at(5));
    assert_eq!(all(store, query(None, false)).await, [2, 3, 4, 5]);
}

pub(crate) async fn conflicts_are_listed_by_connection_and_state_in_parts(store: &impl Ports) {
    let paths = ["hub/1", "news/1", "hub/2", "hub/3", "hu/1", "news/2", "hub/4"];
    put(store, paths.map(found)).await;
    for id in [3, 6] {
        assert!(resolve(store, id).await);
    }
    for limit in [1, 2, 3, 4, 7, 8] {
        for (connection, open, any) in [
            (None, &[1, 2, 4, 5, 7][..], &[1, 2, 3, 4, 5, 6, 7][..]),
            (Some("hub"), &[1, 4, 7], &[1, 3, 4, 7]),
            (Some("news"), &[2], &[2, 6]),
            (Some("hu"), &[5], &[5]),
            (Some("none"), &[], &[]),
        ] {
            let list = async |resolved| {
                all(store, ConflictQuery { limit, ..query(connection, resolved) }).await
            };
            assert_eq!((&*list(false).await, &*list(true).await), (open, any), "{connection:?}");
        }
    }
}

pub(crate) async fn list_of_conflicts_goes_on_while_they_come_and_go(store: &impl Ports) {
    put(store, ["hub/1", "hub/2", "hub/3"].map(found)).await;
    let part = ConflictQuery { limit: 2, ..query(None, false) };
    let first = store.conflicts(part.clone()).await.unwrap();
    assert!(resolve(store, 2).await && resolve(store, 1).await);
    put(store, ["hub/1", "hub/4"].map(found)).await;
    let after = first.last().map(|conflict| conflict.id);
    assert_eq!(all(store, ConflictQuery { after, ..part }).await, [3, 4, 5]);
}

pub(crate) async fn conflicts_of_tenants_never_meet(store: &impl Ports) {
    let other = Conflict { tenant: "acme.b".parse().unwrap(), ..found("hub/1") };
    assert_eq!(put(store, [found("hub/1"), other.clone(), found("hub/2")]).await, [1, 1, 2]);
    let tenant = other.tenant.clone();
    assert!(store.resolve_conflict(&tenant, ConflictId(1), resolved(None)).await.unwrap());
    assert!(!store.resolve_conflict(&tenant, ConflictId(2), resolved(None)).await.unwrap());
    assert_eq!(store.conflict(&tenant, ConflictId(2)).await.unwrap(), None);
    assert_eq!(all(store, query(None, false)).await, [1, 2]);
    let of_other = |resolved| ConflictQuery { tenant: tenant.clone(), ..query(None, resolved) };
    assert_eq!(all(store, of_other(false)).await, [0; 0]);
    assert_eq!(all(store, of_other(true)).await, [1]);
}

pub(crate) async fn large_list_of_conflicts_is_cut_and_goes_on(store: &impl Ports) {
    for number in 0..20 {
        let text = "x".repeat(CONFLICT_BYTES_MAX - 1_000);
        let fields = vec![ConflictField { theirs: Some(json!(text)), ..field("note") }];
        put(store, [Conflict { fields, ..found(&format!("hub/{number}")) }]).await;
    }
    let first = store.conflicts(query(None, false)).await.unwrap();
    assert!((1..20).contains(&first.len()));
    assert_eq!(all(store, query(None, false)).await.len(), 20);
}

pub(crate) async fn conflicts_beyond_the_limits_are_refused_and_nothing_kept(store: &impl Ports) {
    let large = |bytes| ConflictField { ours: Some(json!("x".repeat(bytes))), ..field("note") };
    let with = |fields| Conflict { fields, ..found("hub/2") };
    let many = vec![with(vec![large(CONFLICT_BYTES_MAX / 2)]); 40];
    let one = |conflict| vec![found("hub/1"), conflict];
    for (bad, says) in [
        (one(with(vec![field("a"); CONFLICT_FIELDS_MAX + 1])), "1001 fields in one conflict"),
        (one(with(vec![large(CONFLICT_BYTES_MAX)])), "a conflict has"),
        (one(Conflict { resolved: Some(resolved(None)), ..found("hub/2") }), "is not resolved"),
        (one(Conflict { external_id: String::new(), ..found("hub/2") }), "id of a record is empty"),
        (one(Conflict { entity: "a\0".to_owned(), ..found("hub/2") }), "NUL"),
        (one(Conflict { record_type: String::new(), ..found("hub/2") }), "record type is empty"),
        (vec![found("hub/1"); CONFLICTS_MAX + 1], "1001 conflicts"),
        (many, "found in one call has"),
    ] {
        let error = store.put_conflicts(bad).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains(says), "{error}");
    }
    assert_eq!(all(store, query(None, true)).await, [0; 0]);
    put(store, [found("hub/1")]).await;
    let nobody = resolved(Some(""));
    let error = store.resolve_conflict(&acme(), ConflictId(1), nobody).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert_eq!(get(store, 1).await.unwrap().resolved, None);
}
