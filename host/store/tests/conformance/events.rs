use model::record::{Record, Removal};
use model::run::RunStatus;
use model::store::{EventKind, PageCommit};

use super::Ports;
use super::samples::{at, begin, end, gone, page, record, start, tombstone};

fn changed(entity: &str, ids: [&[&str]; 4]) -> EventKind {
    let [created, updated, deleted, restored] =
        ids.map(|ids| ids.iter().map(|&id| id.to_owned()).collect());
    EventKind::RecordsChanged { entity: entity.to_owned(), created, updated, deleted, restored }
}

pub(crate) async fn events_are_numbered_without_gaps_and_tell_what_changed(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let pages = [
        page(&run, vec![record("2", "a"), record("1", "a"), record("3", "a")]),
        PageCommit {
            tombstones: vec![tombstone("1", Removal::Deleted)],
            ..page(&run, vec![record("2", "b"), record("3", "a"), record("4", "a")])
        },
        page(&run, vec![record("1", "a")]),
    ];
    for page in pages {
        store.commit_page(page).await.unwrap();
    }
    let events = store.events(&run.tenant, 0, 10).await.unwrap();
    let expected = [
        changed("contacts", [&["1", "2", "3"], &[], &[], &[]]),
        changed("contacts", [&["4"], &["2"], &["1"], &[]]),
        changed("contacts", [&[], &[], &[], &["1"]]),
    ];
    assert_eq!(events.len(), expected.len());
    for (event, (seq, kind)) in events.into_iter().zip((1..).zip(expected)) {
        assert_eq!((event.seq, event.kind, event.at), (seq, kind, at(1)));
        assert_eq!((event.connection.as_ref(), event.run), (Some(&run.connection), Some(run.id)));
    }
}

pub(crate) async fn each_entity_of_a_page_has_its_own_event(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let of = |entity: &str, id| Record { entity: entity.to_owned(), ..record(id, "a") };
    let mixed = [of("lines", "1"), of("contacts", "2"), of("lines", "3"), of("a", "4")];
    store.commit_page(page(&run, mixed.to_vec())).await.unwrap();
    let events = store.events(&run.tenant, 0, 10).await.unwrap();
    let expected = [
        changed("a", [&["4"], &[], &[], &[]]),
        changed("contacts", [&["2"], &[], &[], &[]]),
        changed("lines", [&["1", "3"], &[], &[], &[]]),
    ];
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(events.into_iter().map(|event| event.kind).eq(expected));
}

pub(crate) async fn unchanged_page_has_no_event(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    for _ in 0..2 {
        store.commit_page(page(&run, vec![record("1", "a")])).await.unwrap();
    }
    store.commit_page(gone(&run, vec![tombstone("9", Removal::Deleted)])).await.unwrap();
    assert_eq!(store.events(&run.tenant, 0, 10).await.unwrap().len(), 1);
}

pub(crate) async fn ended_and_interrupted_runs_are_events(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    store.finish_run(end(&run, RunStatus::Partial)).await.unwrap();
    let lost = begin(store, "acme/hub").await;
    store.begin_run(start("acme/hub", 30)).await.unwrap();
    let events = store.events(&run.tenant, 0, 10).await.unwrap();
    let told: Vec<_> = events.into_iter().map(|event| (event.run, event.kind, event.at)).collect();
    let finished = |status| EventKind::RunFinished { status };
    assert_eq!(
        told,
        [
            (Some(run.id), finished(RunStatus::Partial), at(9)),
            (Some(lost.id), finished(RunStatus::Interrupted), at(30)),
        ]
    );
}

pub(crate) async fn events_are_read_on_from_any_number(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    for id in 1..=5 {
        store.commit_page(page(&run, vec![record(&id.to_string(), "a")])).await.unwrap();
    }
    for (after, limit, expected) in
        [(0, 2, &[1, 2][..]), (2, 2, &[3, 4]), (4, 9, &[5]), (5, 9, &[]), (u64::MAX, 9, &[])]
    {
        let events = store.events(&run.tenant, after, limit).await.unwrap();
        let numbers: Vec<_> = events.iter().map(|event| event.seq).collect();
        assert_eq!(numbers, expected, "after {after}");
    }
}
