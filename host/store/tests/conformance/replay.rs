use model::canonical::{
    Mapped, Outcome, Pick, RelationshipStatus, RemapItem, ReplayList, ReplayQuery,
};
use model::record::{Record, Removal};
use model::store::{PageCommit, PageOutcome, RunRef, StoreErrorKind};

use super::Ports;
use super::mapped::{
    commit, contact, doc, everything, known_by, mapped, one, own, rejected, remap, replay, schema,
    second, told, with,
};
use super::samples::{all, begin, gone, page, query, record, tombstone};

/// Contacts 1 to 4 of the first schema, and 5, which none has mapped.
async fn filled(store: &impl Ports) -> RunRef {
    let run = begin(store, "acme/hub").await;
    let mut records = ["1", "2", "3", "4"].map(|id| contact(id, r#""a":1"#)).to_vec();
    records.push(record("5", "a").into());
    commit(store, &run, records).await;
    run
}

fn ids(list: &ReplayList) -> Vec<&str> {
    list.records.iter().map(|record| record.record.id.as_str()).collect()
}

pub(crate) async fn what_another_schema_has_mapped_is_listed_with_its_document(store: &impl Ports) {
    let run = filled(store).await;
    store.commit_page(gone(&run, vec![tombstone("4", Removal::Deleted)])).await.unwrap();
    let list = store.replayable(replay(&run, 2)).await.unwrap();
    assert_eq!(
        (ids(&list), list.current, list.next.as_deref()),
        (vec!["1", "2", "3", "5"], 0, None)
    );
    let docs: Vec<_> = list.records.iter().map(|record| record.doc.as_deref()).collect();
    let known = Some(&br#"{"a":1}"#[..]);
    assert_eq!(docs, [known, known, known, None]);
    assert_eq!(list.records[0].record.link.schema, Some(schema(1)));
    let list = store.replayable(replay(&run, 1)).await.unwrap();
    assert_eq!(ids(&list), ["5"]);
    let every = ReplayQuery { pick: Pick::All, ..replay(&run, 1) };
    assert_eq!(store.replayable(every).await.unwrap().records.len(), 4);
    let other = ReplayQuery { entity: "contact".to_owned(), ..replay(&run, 2) };
    assert!(store.replayable(other).await.unwrap().records.is_empty());
}

pub(crate) async fn replay_is_counted_by_what_it_changes(store: &impl Ports) {
    let run = filled(store).await;
    let list = store.replayable(replay(&run, 2)).await.unwrap();
    let now = [r#""a":1"#, r#""a":2"#, "", r#""a":1,"b":1"#, r#""a":5"#];
    let items = list.records.iter().zip(now).map(|(record, members)| second(record, members));
    let mut items: Vec<_> = items.collect();
    items[2].outcome = rejected(2);
    let outcome = store.remap(remap(&run, items)).await.unwrap();
    let expected = PageOutcome {
        inserted: 1,
        updated: 2,
        unchanged: 1,
        rejected: 1,
        ..PageOutcome::default()
    };
    assert_eq!(outcome, expected);
    let report = &store.runs(&run.tenant, None, 1).await.unwrap()[0].entities["contacts"];
    assert_eq!((report.read, report.updated, report.rejected), (10, 2, 1));
    let rejects = store.rejects(&run, 10).await.unwrap();
    assert_eq!((rejects.len(), rejects[0].id.as_deref()), (1, Some("3")));
    let ids = own(store, &run, ["1", "2", "3", "4", "5"]).await;
    let docs = store.canonical(&run.tenant, ids.to_vec()).await.unwrap();
    let docs: Vec<_> = docs.iter().map(|record| doc(record.as_ref().unwrap())).collect();
    assert_eq!(docs, [r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":1}"#, r#"{"a":1,"b":1}"#, r#"{"a":5}"#]);
    let third = one(store, &run, "3").await;
    assert_eq!(third.relationships[0].status, RelationshipStatus::Unmapped);
    let newest = told(store, &run.tenant).await.pop().unwrap();
    assert_eq!(newest, [vec![ids[4]], vec![ids[1], ids[3]], vec![], vec![]]);
    let left = store.replayable(replay(&run, 2)).await.unwrap();
    assert!(left.records.is_empty(), "a rejected record is done as well");
}

pub(crate) async fn each_part_is_passed_over_by_its_own_program(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    for (part, id, version) in
        [(None, "1", 1), (Some("a"), "2", 1), (Some("a"), "3", 2), (Some("b"), "4", 2)]
    {
        let mapped = Mapped { schema: schema(version), ..mapped("") };
        let records = vec![with(record(id, ""), mapped)];
        let mut commit = PageCommit { records, ..page(&run, Vec::new()) };
        commit.lane.part = part.map(str::to_owned);
        store.commit_page(commit).await.unwrap();
    }
    let listed = async |pick, parts: &[(&str, Pick)]| {
        let parts = parts.iter().map(|(part, pick)| ((*part).to_owned(), *pick)).collect();
        let query = ReplayQuery { pick, parts, ..replay(&run, 1) };
        let list = store.replayable(query).await.unwrap();
        (ids(&list).join(" "), list.current)
    };
    let [first, second] = [1, 2].map(|version| Pick::Unless(schema(version)));
    assert_eq!(listed(first, &[]).await, ("3 4".to_owned(), 2));
    assert_eq!(listed(first, &[("a", second)]).await, ("2 4".to_owned(), 2));
    assert_eq!(listed(first, &[("a", second), ("b", second)]).await, ("2".to_owned(), 3));
    assert_eq!(listed(Pick::Nothing, &[("a", Pick::All)]).await, ("2 3".to_owned(), 0));
    assert_eq!(listed(first, &[("a", Pick::Nothing)]).await, ("4".to_owned(), 1));
}

pub(crate) async fn record_that_has_changed_meanwhile_is_skipped(store: &impl Ports) {
    let run = filled(store).await;
    let list = store.replayable(replay(&run, 2)).await.unwrap();
    let mut items: Vec<_> = list.records.iter().map(|r| second(r, r#""a":2"#)).collect();
    items.push(RemapItem { id: "unknown".to_owned(), ..items[0].clone() });
    let newer = Mapped { schema: schema(2), ..mapped(r#""a":3"#) };
    commit(store, &run, vec![with(record("2", "newer"), newer)]).await;
    store.commit_page(gone(&run, vec![tombstone("3", Removal::Deleted)])).await.unwrap();
    let outcome = store.remap(remap(&run, items)).await.unwrap();
    assert_eq!((outcome.updated, outcome.inserted, outcome.skipped), (2, 1, 3));
    assert_eq!(doc(&one(store, &run, "2").await), r#"{"a":3}"#);
    assert!(one(store, &run, "3").await.removed);
    let report = &store.runs(&run.tenant, None, 1).await.unwrap()[0].entities["contacts"];
    assert_eq!(report.skipped, 3);
}

pub(crate) async fn replay_in_parts_and_from_the_front_again_comes_to_an_end(store: &impl Ports) {
    let run = filled(store).await;
    let mut query = ReplayQuery { limit: 2, ..replay(&run, 2) };
    let first = store.replayable(query.clone()).await.unwrap();
    assert_eq!(ids(&first), ["1", "2"]);
    let items = first.records.iter().map(|record| second(record, r#""a":2"#)).collect();
    store.remap(remap(&run, items)).await.unwrap();
    let again = store.replayable(query.clone()).await.unwrap();
    assert_eq!((ids(&again), again.current), (vec!["3", "4"], 2));
    query.after = first.next;
    let on = store.replayable(query.clone()).await.unwrap();
    assert_eq!((ids(&on), on.current), (vec!["3", "4"], 0));
    query.after = on.next;
    let last = store.replayable(query).await.unwrap();
    assert_eq!((ids(&last), last.next.as_deref()), (vec!["5"], None));
}

pub(crate) async fn same_replay_twice_changes_nothing(store: &impl Ports) {
    let run = filled(store).await;
    let list = store.replayable(replay(&run, 2)).await.unwrap();
    let items: Vec<_> = list.records.iter().map(|r| second(r, r#""a":2"#)).collect();
    store.remap(remap(&run, items.clone())).await.unwrap();
    let before = (everything(store, &run.tenant).await, all(store, query("acme")).await);
    let outcome = store.remap(remap(&run, items)).await.unwrap();
    assert_eq!((outcome.unchanged, outcome.skipped), (5, 0));
    let after = (everything(store, &run.tenant).await, all(store, query("acme")).await);
    assert_eq!(after, before);
}

pub(crate) async fn replay_joins_what_a_new_schema_knows_again(store: &impl Ports) {
    let hub = filled(store).await;
    let crm = begin(store, "acme/crm").await;
    let ann = known_by("ann@example.org", r#""a":9,"b":9"#);
    commit(store, &crm, vec![with(record("9", "a"), ann)]).await;
    let list = store.replayable(replay(&hub, 2)).await.unwrap();
    let again = Mapped { schema: schema(2), ..known_by("ann@example.org", r#""a":5,"c":5"#) };
    let item =
        RemapItem { outcome: Outcome::Mapped(Box::new(again)), ..second(&list.records[4], "") };
    store.remap(remap(&hub, vec![item])).await.unwrap();
    let found = one(store, &crm, "9").await;
    assert_eq!(doc(&found), r#"{"a":9,"b":9,"c":5}"#);
    assert_eq!(found.relationships.len(), 2);
}

pub(crate) async fn replay_of_an_older_run_is_fenced_off(store: &impl Ports) {
    let old = filled(store).await;
    let list = store.replayable(replay(&old, 2)).await.unwrap();
    begin(store, "acme/hub").await;
    let items = vec![second(&list.records[0], r#""a":2"#)];
    let error = store.remap(remap(&old, items)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Fenced);
    assert_eq!(doc(&one(store, &old, "1").await), r#"{"a":1}"#);
}

pub(crate) async fn batches_are_bounded(store: &impl Ports) {
    let run = filled(store).await;
    let list = store.replayable(replay(&run, 2)).await.unwrap();
    let item = second(&list.records[0], "");
    let tenant = &run.tenant;
    let key = ("contacts".to_owned(), "1".to_owned());
    let [id] = own(store, &run, ["1"]).await;
    let many = 1_001;
    let errors = [
        store.remap(remap(&run, vec![item; many])).await.err(),
        store.canonical(tenant, vec![id; many]).await.err(),
        store.record_ids(tenant, &run.connection, vec![key; many]).await.err(),
    ];
    for error in errors {
        let error = error.unwrap();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains("the call has 1001"), "{error}");
    }
}

pub(crate) async fn search_among_large_records_rests_and_goes_on(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    for id in ["1", "2", "3", "4", "5", "6"] {
        let payload = vec![b' '; 15 << 20];
        let record = Record { payload: payload.into(), ..record(id, "") };
        commit(store, &run, vec![with(record, mapped(""))]).await;
    }
    let mut query = replay(&run, 1);
    let first = store.replayable(query.clone()).await.unwrap();
    assert_eq!((first.records.len(), first.current), (0, 5));
    query.after = first.next;
    let rest = store.replayable(query).await.unwrap();
    assert_eq!((rest.records.len(), rest.current, rest.next.as_deref()), (0, 1, None));
}
