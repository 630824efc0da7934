use model::canonical::{
    CanonicalQuery, ExternalRelationship, Mapped, Outcome, PageRecord, RelationshipStatus,
};
use model::record::{Record, Removal};
use model::store::{PageCommit, PageOutcome, StoreErrorKind};
use model::task::Direction;

use super::Ports;
use super::mapped::{
    by_id, commit, contact, doc, everything, mapped, of_tenant, one, own, rejected, schema, told,
    with,
};
use super::samples::{all, at, begin, gone, page, query, record, tombstone};

fn counted(outcome: PageOutcome) -> (u64, u64, u64, u64, u64) {
    let PageOutcome { inserted, updated, unchanged, deleted, rejected, .. } = outcome;
    (inserted, updated, unchanged, deleted, rejected)
}

pub(crate) async fn mapped_record_has_a_canonical_one_that_it_is_linked_to(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let sent = Record { version: Some("7".to_owned()), ..record("1", "a") };
    let url = Some("https://hub.example/1".to_owned());
    let mapped =
        Mapped { url: url.clone(), direction: Direction::Both, ..mapped(r#""name":"Ann""#) };
    commit(store, &run, vec![with(sent, mapped)]).await;
    let found = one(store, &run, "1").await;
    assert_eq!((found.record_type.as_str(), doc(&found)), ("c_contact", r#"{"name":"Ann"}"#));
    assert_eq!((found.created, found.changed, found.removed), (at(1), at(1), false));
    let expected = ExternalRelationship {
        provider: "acme/hub".to_owned(),
        connection: run.connection.clone(),
        entity: "contacts".to_owned(),
        external_id: "1".to_owned(),
        url,
        version: Some("7".to_owned()),
        direction: Direction::Both,
        status: RelationshipStatus::Linked,
        synced: at(1),
        schema: Some(schema(1)),
    };
    assert_eq!(found.relationships, [expected]);
    let stored = all(store, query("acme")).await;
    assert_eq!(stored[0].link.record, Some(found.id));
    assert_eq!(told(store, &run.tenant).await, [[vec![found.id], vec![], vec![], vec![]]]);
}

pub(crate) async fn same_record_and_schema_write_nothing(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    for expected in [(1, 0, 0, 0, 0), (0, 0, 1, 0, 0)] {
        let page = PageCommit { at: at(3), ..page(&run, Vec::new()) };
        let page = PageCommit { records: vec![contact("1", r#""a":1"#)], ..page };
        assert_eq!(counted(store.commit_page(page).await.unwrap()), expected);
    }
    let events = store.events(&run.tenant, 0, 10).await.unwrap();
    assert_eq!(events.len(), 2, "one of each shape, of the first page");
}

pub(crate) async fn change_that_the_mapping_does_not_see_is_no_canonical_event(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    for text in ["a", "b"] {
        commit(store, &run, vec![with(record("1", text), mapped(r#""a":1"#))]).await;
    }
    assert_eq!(told(store, &run.tenant).await.len(), 1);
    assert_eq!(store.events(&run.tenant, 0, 10).await.unwrap().len(), 3);
    assert_eq!(one(store, &run, "1").await.changed, at(1));
}

pub(crate) async fn gone_record_removes_its_canonical_one_until_it_is_back(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    commit(store, &run, vec![contact("1", r#""a":1"#)]).await;
    store.commit_page(gone(&run, vec![tombstone("1", Removal::Archived)])).await.unwrap();
    let [id] = own(store, &run, ["1"]).await;
    let removed = by_id(store, &run, id).await;
    assert_eq!((removed.removed, doc(&removed)), (true, r#"{"a":1}"#));
    assert_eq!(removed.relationships[0].status, RelationshipStatus::Removed);
    let live = CanonicalQuery { removed: false, ..of_tenant(&run.tenant) };
    assert!(store.canonical_list(live).await.unwrap().records.is_empty());
    commit(store, &run, vec![contact("1", r#""a":2"#)]).await;
    let back = by_id(store, &run, id).await;
    assert_eq!((back.removed, doc(&back)), (false, r#"{"a":2}"#));
    assert_eq!(back.relationships[0].status, RelationshipStatus::Linked);
    let [none, some] = [vec![], vec![id]];
    let told = told(store, &run.tenant).await;
    assert_eq!(told[1], [none.clone(), none.clone(), some.clone(), none.clone()]);
    assert_eq!(told[2], [none.clone(), none.clone(), none, some]);
}

pub(crate) async fn record_that_cannot_be_mapped_is_stored_and_kept_as_a_reject(
    store: &impl Ports,
) {
    let run = begin(store, "acme/hub").await;
    commit(store, &run, vec![contact("1", r#""a":1"#)]).await;
    let bad = |id: &str| PageRecord { record: record(id, "bad"), outcome: rejected(1) };
    let outcome = commit(store, &run, vec![bad("1"), bad("2")]).await;
    assert_eq!(counted(outcome), (0, 0, 0, 0, 2));
    let again = commit(store, &run, vec![bad("1"), bad("2")]).await;
    assert_eq!(counted(again), (0, 0, 2, 0, 0), "what is known is not told again");
    let rejects = store.rejects(&run, 10).await.unwrap();
    let ids: Vec<_> = rejects.iter().map(|reject| reject.id.as_deref()).collect();
    assert_eq!(ids, [Some("1"), Some("2")]);
    assert_eq!(rejects[0].error.code, "mapping.type");
    assert_eq!(rejects[0].payload.as_deref(), Some(r#"{"text":"bad"}"#));
    let found = everything(store, &run.tenant).await;
    assert_eq!((found.len(), doc(&found[0])), (1, r#"{"a":1}"#));
    assert_eq!(found[0].relationships[0].status, RelationshipStatus::Unmapped);
    let stored = all(store, query("acme")).await;
    assert_eq!(stored[0].payload, record("1", "bad").payload);
    assert!(stored.iter().all(|record| record.link.rejected));
    assert_eq!(stored[1].link.record, None);
}

pub(crate) async fn new_schema_maps_an_unchanged_record_again(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    commit(store, &run, vec![contact("1", r#""a":1"#), contact("2", r#""a":1"#)]).await;
    let sent = |id: &str, members: &str| {
        let again = Mapped { schema: schema(2), ..mapped(members) };
        with(contact(id, r#""a":1"#).record, again)
    };
    let page = PageCommit {
        records: vec![sent("1", r#""a":2"#), sent("2", r#""a":1"#)],
        at: at(4),
        ..page(&run, Vec::new())
    };
    assert_eq!(counted(store.commit_page(page).await.unwrap()), (0, 1, 1, 0, 0));
    let [first, second] = own(store, &run, ["1", "2"]).await;
    let first = by_id(store, &run, first).await;
    assert_eq!((doc(&first), first.changed), (r#"{"a":2}"#, at(4)));
    let second = by_id(store, &run, second).await;
    assert_eq!(second.changed, at(1));
    assert_eq!(second.relationships[0].schema, Some(schema(2)));
    let events = store.events(&run.tenant, 0, 10).await.unwrap();
    assert_eq!(events.len(), 3, "the provider has changed nothing");
}

pub(crate) async fn schema_that_is_taken_away_leaves_the_record_unmapped(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let sent = contact("1", r#""a":1"#);
    commit(store, &run, vec![sent.clone()]).await;
    for _ in 0..2 {
        let outcome = commit(store, &run, vec![sent.record.clone().into()]).await;
        assert_eq!(counted(outcome), (0, 0, 1, 0, 0));
        let found = one(store, &run, "1").await;
        assert_eq!((doc(&found), found.removed), (r#"{"a":1}"#, false));
        let link = &found.relationships[0];
        assert_eq!((link.status, link.schema), (RelationshipStatus::Unmapped, None));
    }
    commit(store, &run, vec![sent]).await;
    let found = one(store, &run, "1").await;
    assert_eq!(found.relationships[0].status, RelationshipStatus::Linked);
}

pub(crate) async fn schema_of_another_type_makes_another_record(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let sent = contact("1", r#""a":1"#);
    let company = Mapped {
        record_type: "c_company".to_owned(),
        schema: schema(2),
        ..mapped(r#""name":"x""#)
    };
    commit(store, &run, vec![sent.clone()]).await;
    commit(store, &run, vec![with(sent.record.clone(), company)]).await;
    let found = everything(store, &run.tenant).await;
    let seen: Vec<_> = found.iter().map(|r| (r.record_type.as_str(), r.removed)).collect();
    assert_eq!(seen, [("c_company", false), ("c_contact", true)]);
    assert_eq!((found[0].relationships.len(), found[1].relationships.len()), (1, 0));
    commit(store, &run, vec![sent]).await;
    let found = everything(store, &run.tenant).await;
    let seen: Vec<_> = found.iter().map(|r| (r.record_type.as_str(), r.removed)).collect();
    assert_eq!(seen, [("c_company", true), ("c_contact", true), ("c_contact", false)]);
}

pub(crate) async fn canonical_records_are_listed_by_type_in_parts(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let of = |record_type: &str, id: &str| {
        let mapped = Mapped { record_type: record_type.to_owned(), ..mapped("") };
        with(record(id, "a"), mapped)
    };
    let records = ["1", "2", "3", "4"].map(|id| of("c_contact", id)).into_iter();
    let records = records.chain([of("c_cont", "5"), of("c_contacts", "6")]);
    commit(store, &run, records.collect()).await;
    let mut query = CanonicalQuery {
        record_type: Some("c_contact".to_owned()),
        limit: 3,
        ..of_tenant(&run.tenant)
    };
    let first = store.canonical_list(query.clone()).await.unwrap();
    query.after = first.next;
    let second = store.canonical_list(query.clone()).await.unwrap();
    assert_eq!((first.records.len(), second.records.len(), second.next), (3, 1, None));
    let ids: Vec<_> = first.records.iter().chain(&second.records).map(|r| r.id).collect();
    assert!(ids.is_sorted() && ids.iter().collect::<std::collections::BTreeSet<_>>().len() == 4);
    query.after = Some(store.canonical_behind(&run.tenant, "c_contact", ids[1]));
    let behind = store.canonical_list(query.clone()).await.unwrap().records;
    assert_eq!(behind.iter().map(|r| r.id).collect::<Vec<_>>(), ids[2..]);
    query.record_type = Some("c_cont".to_owned());
    let error = store.canonical_list(query).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert_eq!(everything(store, &run.tenant).await.len(), 6);
}

pub(crate) async fn outcome_beyond_the_limits_is_refused_by_name(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let cases = [
        (Mapped { record_type: String::new(), ..mapped("") }, "record type is empty"),
        (Mapped { record_type: "x".repeat(65), ..mapped("") }, "record type has 65 bytes"),
        (Mapped { record_type: "a\0".to_owned(), ..mapped("") }, "record type holds a NUL"),
        (Mapped { doc: "[]".into(), ..mapped("") }, "no JSON object"),
        (Mapped { doc: "{".into(), ..mapped("") }, "no JSON object"),
        (Mapped { doc: "{}x".into(), ..mapped("") }, "no JSON object"),
        (Mapped { url: Some("x".repeat(8193)), ..mapped("") }, "link to a record has 8193 bytes"),
        (
            Mapped {
                identities: vec![super::mapped::known_by("a", "").identities[0]; 9],
                ..mapped("")
            },
            "9 identities",
        ),
    ];
    for (mapped, message) in cases {
        let outcome = Outcome::Mapped(Box::new(mapped));
        let records = vec![PageRecord { record: record("1", "a"), outcome }];
        let page = PageCommit { records, ..page(&run, Vec::new()) };
        let error = store.commit_page(page).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(message), "{error} should say {message}");
    }
}
