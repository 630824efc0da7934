use bytes::Bytes;
use futures_util::future::join_all;
use model::record::{Content, ENTITY_BYTES_MAX, ID_BYTES_MAX, Record, Removal};
use model::store::{PageCommit, PageOutcome, StoreErrorKind};

use super::Ports;
use super::samples::{
    all, begin, gone, lane, page, paths, query, record, reject, state, tombstone,
};

fn outcome(inserted: u64, updated: u64, unchanged: u64, deleted: u64) -> PageOutcome {
    PageOutcome { inserted, updated, unchanged, deleted, ..PageOutcome::default() }
}

pub(crate) async fn page_is_counted_by_what_it_changes(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let first = page(&run, vec![record("1", "a"), record("2", "a"), record("3", "a")]);
    assert_eq!(store.commit_page(first).await.unwrap(), outcome(3, 0, 0, 0));
    let second = PageCommit {
        tombstones: vec![tombstone("3", Removal::Deleted)],
        ..page(&run, vec![record("1", "a"), record("2", "b"), record("4", "a")])
    };
    assert_eq!(store.commit_page(second).await.unwrap(), outcome(1, 1, 1, 1));
    let stored = all(store, query("acme")).await;
    assert_eq!(paths(&stored).len(), 4);
    assert_eq!(stored[1].payload, record("2", "b").payload);
}

pub(crate) async fn version_or_contents_make_a_record_differ(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let versioned = Record { version: Some("7".to_owned()), ..record("1", "a") };
    let content = Content {
        key: "file".to_owned(),
        name: "a.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        size: Some(3),
        hash: None,
        source: None,
        base64: false,
        expires: None,
    };
    let with_file = Record { contents: vec![content], ..versioned.clone() };
    let steps = [
        (record("1", "a"), outcome(1, 0, 0, 0)),
        (versioned.clone(), outcome(0, 1, 0, 0)),
        (versioned, outcome(0, 0, 1, 0)),
        (with_file.clone(), outcome(0, 1, 0, 0)),
        (with_file, outcome(0, 0, 1, 0)),
    ];
    for (record, expected) in steps {
        assert_eq!(store.commit_page(page(&run, vec![record])).await.unwrap(), expected);
    }
}

pub(crate) async fn last_word_on_an_id_counts_once(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let twice = page(&run, vec![record("1", "a"), record("2", "x"), record("1", "b")]);
    assert_eq!(store.commit_page(twice).await.unwrap(), outcome(2, 0, 0, 0));
    let stored = all(store, query("acme")).await;
    assert_eq!(stored[0].payload, record("1", "b").payload);
    let both = PageCommit {
        tombstones: vec![tombstone("1", Removal::Archived), tombstone("1", Removal::Deleted)],
        ..page(&run, vec![record("1", "c")])
    };
    assert_eq!(store.commit_page(both).await.unwrap(), outcome(0, 0, 0, 1));
    let stored = all(store, query("acme")).await;
    assert_eq!(stored[0].removed, Some(Removal::Deleted));
}

pub(crate) async fn gone_record_keeps_its_payload_and_is_counted_once(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    store.commit_page(page(&run, vec![record("1", "a")])).await.unwrap();
    let steps = [
        (Removal::Archived, outcome(0, 0, 0, 1)),
        (Removal::Archived, outcome(0, 0, 1, 0)),
        (Removal::Deleted, outcome(0, 1, 0, 0)),
    ];
    for (reason, expected) in steps {
        let page = gone(&run, vec![tombstone("1", reason)]);
        assert_eq!(store.commit_page(page).await.unwrap(), expected);
        let stored = all(store, query("acme")).await;
        assert_eq!(stored[0].removed, Some(reason));
        assert_eq!(stored[0].payload, record("1", "a").payload);
    }
}

pub(crate) async fn tombstone_of_an_unknown_record_leaves_no_trace(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let page = gone(&run, vec![tombstone("1", Removal::Deleted)]);
    assert_eq!(store.commit_page(page).await.unwrap(), outcome(0, 0, 0, 0));
    assert!(all(store, query("acme")).await.is_empty());
    assert!(store.events(&run.tenant, 0, 10).await.unwrap().is_empty());
}

pub(crate) async fn record_that_comes_back_is_inserted_again(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    store.commit_page(page(&run, vec![record("1", "a")])).await.unwrap();
    store.commit_page(gone(&run, vec![tombstone("1", Removal::Archived)])).await.unwrap();
    let back = page(&run, vec![record("1", "a")]);
    assert_eq!(store.commit_page(back).await.unwrap(), outcome(1, 0, 0, 0));
    assert_eq!(all(store, query("acme")).await[0].removed, None);
}

pub(crate) async fn records_of_other_entities_count_for_the_lane(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let line = Record { entity: "lines".to_owned(), ..record("1", "a") };
    let commit = page(&run, vec![record("1", "a"), line]);
    assert_eq!(store.commit_page(commit).await.unwrap(), outcome(2, 0, 0, 0));
    let stored = all(store, query("acme")).await;
    assert_eq!(paths(&stored), ["hub/contacts/1", "hub/lines/1"]);
    let runs = store.runs(&run.tenant, None, 1).await.unwrap();
    assert_eq!(runs[0].entities.keys().collect::<Vec<_>>(), ["contacts"]);
    assert_eq!((runs[0].entities["contacts"].read, runs[0].entities["contacts"].inserted), (2, 2));
}

pub(crate) async fn rejects_are_kept_with_their_reason_and_cut(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let long = "é".repeat(64 << 10);
    let rejects = vec![reject(Some("1"), b"{\"a\":1}"), reject(None, long.as_bytes())];
    let first = PageCommit { rejects, ..page(&run, Vec::new()) };
    assert_eq!(store.commit_page(first).await.unwrap().rejected, 2);
    let second = PageCommit { rejects: vec![reject(Some("3"), b"\xff")], ..page(&run, Vec::new()) };
    store.commit_page(second).await.unwrap();
    let kept = store.rejects(&run, 10).await.unwrap();
    let ids: Vec<_> = kept.iter().map(|reject| reject.id.as_deref()).collect();
    assert_eq!(ids, [Some("1"), None, Some("3")]);
    assert_eq!(kept[0].payload.as_deref(), Some("{\"a\":1}"));
    assert_eq!(kept[0].error.code, "acme.shape");
    let cut = kept[1].payload.as_deref().unwrap();
    assert!(cut.len() <= 64 << 10 && long.starts_with(cut) && cut.len() > (64 << 10) - 4);
    assert_eq!(store.rejects(&run, 1).await.unwrap().len(), 1);
}

pub(crate) async fn values_beyond_the_limits_are_refused_by_name(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let one = |record: Record| page(&run, vec![record]);
    let sample = || record("1", "a");
    let long = "x".repeat(ID_BYTES_MAX + 1);
    let entity = |name: String| one(Record { entity: name, ..sample() });
    let cases = [
        (entity("x".repeat(ENTITY_BYTES_MAX + 1)), "entity has 129 bytes"),
        (entity(String::new()), "entity is empty"),
        (entity("a\0b".to_owned()), "entity holds a NUL"),
        (one(record(&long, "a")), "id of a record has 1025 bytes"),
        (one(record("", "a")), "id of a record is empty"),
        (one(Record { version: Some(long.clone()), ..sample() }), "version of a record has 1025"),
        (
            one(Record { payload: Bytes::from(vec![b' '; (16 << 20) + 1]), ..sample() }),
            "payload of a record has 16777217 bytes; send at most 16777216",
        ),
        (
            PageCommit { state: state(&"x".repeat((64 << 10) + 1)), ..one(sample()) },
            "checkpoint of a lane has 65537 bytes",
        ),
        (
            PageCommit {
                lane: model::store::Lane { part: Some(long), ..lane("contacts") },
                ..one(sample())
            },
            "part of a lane has 1025 bytes",
        ),
        (gone(&run, vec![tombstone("", Removal::Deleted)]), "id of a record is empty"),
    ];
    for (page, message) in cases {
        let error = store.commit_page(page).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(message), "{error} should say {message}");
    }
    let longest = record(&"x".repeat(ID_BYTES_MAX), "a");
    assert_eq!(store.commit_page(one(longest)).await.unwrap().inserted, 1);
}

pub(crate) async fn refused_page_leaves_nothing(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let bad = page(&run, vec![record("1", "a"), record("", "b")]);
    assert!(store.commit_page(bad).await.is_err());
    assert!(all(store, query("acme")).await.is_empty());
    assert!(store.lanes(&run.tenant, &run.connection).await.unwrap().is_empty());
    assert!(store.events(&run.tenant, 0, 10).await.unwrap().is_empty());
    assert!(store.runs(&run.tenant, None, 1).await.unwrap()[0].entities.is_empty());
}

pub(crate) async fn pages_that_come_together_are_all_whole(store: &impl Ports) {
    let mut runs = Vec::new();
    for connection in 0..20 {
        runs.push(begin(store, &format!("acme/hub{connection}")).await);
    }
    let commits = runs.iter().enumerate().map(|(number, run)| {
        let records = (0..5).map(|id| record(&id.to_string(), &number.to_string())).collect();
        store.commit_page(page(run, records))
    });
    for committed in join_all(commits).await {
        assert_eq!(committed.unwrap(), outcome(5, 0, 0, 0));
    }
    assert_eq!(all(store, query("acme")).await.len(), 100);
    let events = store.events(&runs[0].tenant, 0, 100).await.unwrap();
    assert_eq!(
        events.iter().map(|event| event.seq).collect::<Vec<_>>(),
        (1..=20).collect::<Vec<_>>()
    );
}

pub(crate) async fn pages_of_a_run_are_committed_in_their_order(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let pages = ["a", "b", "b"].map(|text| PageCommit {
        state: state(text),
        ..page(&run, vec![record("1", text), record(&format!("{text}2"), text)])
    });
    let [first, second, third] = pages;
    let last = PageCommit { state: state("last"), ..gone(&run, Vec::new()) };
    let removal = gone(&run, vec![tombstone("1", Removal::Deleted)]);
    let outcomes = store.commit_pages(vec![first, second, third, removal, last]).await.unwrap();
    let expected = [(2, 0, 0, 0), (1, 1, 0, 0), (0, 0, 2, 0), (0, 0, 0, 1), (0, 0, 0, 0)];
    assert!(outcomes.into_iter().eq(expected.map(|(i, u, s, d)| outcome(i, u, s, d))));
    let lanes = store.lanes(&run.tenant, &run.connection).await.unwrap();
    assert_eq!(lanes, [(lane("contacts"), state("last"))]);
    let events = store.events(&run.tenant, 0, 10).await.unwrap();
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(store.runs(&run.tenant, None, 1).await.unwrap()[0].entities["contacts"].pages, 5);
    assert!(store.commit_pages(Vec::new()).await.unwrap().is_empty());
}

pub(crate) async fn pages_of_a_run_end_at_the_first_that_fails(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let one = |id: &str| PageCommit { state: state(id), ..page(&run, vec![record(id, "a")]) };
    let error = store.commit_pages(vec![one("1"), one(""), one("3")]).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert_eq!(paths(&all(store, query("acme")).await), ["hub/contacts/1"]);
    let lanes = store.lanes(&run.tenant, &run.connection).await.unwrap();
    assert_eq!(lanes, [(lane("contacts"), state("1"))]);
    begin(store, "acme/hub").await;
    let error = store.commit_pages(vec![one("4"), one("5")]).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Fenced);
    assert_eq!(all(store, query("acme")).await.len(), 1);
}
