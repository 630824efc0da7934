use bytes::Bytes;
use model::record::{Content, Record, Removal, Source};
use model::store::{Lane, PageCommit, RecordQuery, StoreErrorKind, StoredRecord};

use super::Ports;
use super::samples::{all, at, begin, gone, lane, page, paths, query, record, tombstone};

/// Two connections with two entities of five records each, in disorder.
async fn fill(store: &impl Ports) {
    for connection in ["news", "hub"] {
        let run = begin(store, &format!("acme/{connection}")).await;
        for entity in ["deals", "contacts"] {
            let records = ["3", "10", "1", "é", "2"]
                .map(|id| Record { entity: entity.to_owned(), ..record(id, entity) });
            store.commit_page(page(&run, records.to_vec())).await.unwrap();
        }
    }
}

fn of(connection: &str, entity: Option<&str>, id: Option<&str>) -> RecordQuery {
    RecordQuery {
        connection: Some(connection.parse().unwrap()),
        entity: entity.map(str::to_owned),
        id: id.map(str::to_owned),
        ..query("acme")
    }
}

pub(crate) async fn pages_of_a_list_have_no_gaps_and_no_repetitions(store: &impl Ports) {
    fill(store).await;
    let whole = paths(&all(store, query("acme")).await);
    assert_eq!(whole.len(), 20);
    assert_eq!(whole[..5], ["1", "10", "2", "3", "é"].map(|id| format!("hub/contacts/{id}")));
    assert!(whole.is_sorted());
    for limit in [1, 2, 3, 7, 10, 19, 20, 21] {
        for (query, expected) in [
            (query("acme"), &whole[..]),
            (of("hub", None, None), &whole[..10]),
            (of("hub", Some("deals"), None), &whole[5..10]),
        ] {
            let list = all(store, RecordQuery { limit, ..query }).await;
            assert_eq!(paths(&list), expected, "limit {limit}");
        }
    }
    let exact = RecordQuery { limit: 20, ..query("acme") };
    assert_eq!(store.records(exact).await.unwrap().next, None);
}

pub(crate) async fn every_field_of_a_record_comes_back(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let content = Content {
        key: "file".to_owned(),
        name: "ä.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        size: Some(u64::MAX),
        hash: Some("md5:00".to_owned()),
        source: Some(Source {
            endpoint: "api".to_owned(),
            method: "GET".to_owned(),
            path: "/f/%2e".to_owned(),
            query: vec![("a".to_owned(), "b".to_owned())],
            headers: vec![("x".to_owned(), "y".to_owned())],
        }),
        base64: true,
        expires: Some(at(60)),
    };
    let sent = Record {
        version: Some("W/\"1\"".to_owned()),
        modified: Some(at(-5)),
        contents: vec![content],
        ..record("a\0b/ö", "ü")
    };
    let lane = Lane { part: Some("list/7".to_owned()), ..lane("contacts") };
    let commit = PageCommit { lane, ..page(&run, vec![sent.clone()]) };
    store.commit_page(commit).await.unwrap();
    let expected = StoredRecord {
        connection: run.connection,
        entity: sent.entity,
        id: sent.id,
        part: Some("list/7".to_owned()),
        version: sent.version,
        modified: sent.modified,
        stored: at(1),
        removed: None,
        payload: sent.payload,
        contents: sent.contents,
        link: model::canonical::Link::default(),
    };
    assert_eq!(all(store, query("acme")).await, [expected]);
}

pub(crate) async fn filters_narrow_the_list(store: &impl Ports) {
    fill(store).await;
    let count = async |query| all(store, query).await.len();
    assert_eq!(count(of("hub", None, None)).await, 10);
    assert_eq!(count(of("hu", None, None)).await, 0);
    assert_eq!(count(of("hub", Some("contacts"), None)).await, 5);
    assert_eq!(count(of("hub", Some("contact"), None)).await, 0);
    let one = all(store, of("hub", Some("contacts"), Some("1"))).await;
    assert_eq!(paths(&one), ["hub/contacts/1"]);
    assert_eq!(count(of("hub", Some("contacts"), Some("4"))).await, 0);
}

pub(crate) async fn gone_records_are_listed_on_demand(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let records = ["1", "2", "3", "4"].map(|id| record(id, "a"));
    store.commit_page(page(&run, records.to_vec())).await.unwrap();
    let stones = ["1", "3", "4"].map(|id| tombstone(id, Removal::Deleted));
    store.commit_page(gone(&run, stones.to_vec())).await.unwrap();
    let present = RecordQuery { removed: false, limit: 1, ..query("acme") };
    let list = store.records(present).await.unwrap();
    assert_eq!((paths(&list.records), list.next), (vec!["hub/contacts/2".to_owned()], None));
    assert_eq!(all(store, RecordQuery { limit: 1, ..query("acme") }).await.len(), 4);
}

pub(crate) async fn list_of_another_query_is_not_continued(store: &impl Ports) {
    fill(store).await;
    let next = store.records(RecordQuery { limit: 1, ..query("acme") }).await.unwrap().next;
    for (after, query) in [
        (next.clone(), of("news", None, None)),
        (next.clone(), of("hub", Some("deals"), None)),
        (next, of("hub", Some("contacts"), Some("1"))),
        (Some("é".to_owned()), query("acme")),
        (Some("0".to_owned()), query("acme")),
    ] {
        let error = store.records(RecordQuery { after, ..query }).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
    }
}

pub(crate) async fn filter_without_its_outer_one_is_refused(store: &impl Ports) {
    let entity = Some("contacts".to_owned());
    for query in [
        RecordQuery { entity, ..query("acme") },
        RecordQuery { id: Some("1".to_owned()), ..query("acme") },
        of("hub", None, Some("1")),
    ] {
        let error = store.records(query).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
    }
}

pub(crate) async fn large_list_is_cut_and_goes_on(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let large = |id: u8| Record {
        payload: Bytes::from(vec![b' ' + id; 6 << 20]),
        ..record(&id.to_string(), "")
    };
    store.commit_page(page(&run, (0..5).map(large).collect())).await.unwrap();
    let first = store.records(query("acme")).await.unwrap();
    assert!(first.records.len() < 5 && first.next.is_some());
    let whole = all(store, query("acme")).await;
    assert_eq!(whole.len(), 5);
    assert!((0..5).zip(&whole).all(|(id, stored)| stored.payload == large(id).payload));
}
