use model::adapter::Receipt;
use model::run::{EntityReport, RunKind, RunStatus};
use model::store::{EntityEnd, Lane, LaneKind, PageCommit, RunEnd, RunStart, StoreErrorKind};
use model::{Error, ErrorKind};

use super::Ports;
use super::samples::{at, begin, end, lane, page, record, reject, run, start, state, tombstone};

pub(crate) async fn runs_are_counted_from_one(store: &impl Ports) {
    let first = store.begin_run(start("acme/hub", 5)).await.unwrap();
    assert_eq!((first.id.0, first.status, first.started), (1, RunStatus::Running, at(5)));
    assert_eq!((first.package.as_str(), first.version.as_str()), ("acme/hub", "1.0.0"));
    assert_eq!(begin(store, "acme/hub").await.id.0, 2);
    assert_eq!(begin(store, "acme/news").await.id.0, 1);
}

pub(crate) async fn older_run_is_fenced_off(store: &impl Ports) {
    let old = begin(store, "acme/hub").await;
    let new = begin(store, "acme/hub").await;
    let error = store.commit_page(page(&old, vec![record("1", "a")])).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Fenced);
    assert!(error.to_string().contains("run 1 of acme/hub"), "{error}");
    let error = store.finish_run(end(&old, RunStatus::Succeeded)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Fenced);
    assert_eq!(store.commit_page(page(&new, vec![record("1", "a")])).await.unwrap().inserted, 1);
}

pub(crate) async fn run_that_never_began_is_invalid(store: &impl Ports) {
    for reference in [run("acme/hub", 1), run("acme/hub", 0)] {
        let error = store.commit_page(page(&reference, Vec::new())).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
    }
    begin(store, "acme/hub").await;
    let error = store.commit_page(page(&run("acme/hub", 2), Vec::new())).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
}

pub(crate) async fn unfinished_run_is_interrupted_by_the_next(store: &impl Ports) {
    let first = begin(store, "acme/hub").await;
    store.commit_page(page(&first, vec![record("1", "a")])).await.unwrap();
    store.begin_run(start("acme/hub", 30)).await.unwrap();
    let runs = store.runs(&first.tenant, Some(&first.connection), 10).await.unwrap();
    assert_eq!((runs[1].status, runs[1].ended), (RunStatus::Interrupted, Some(at(30))));
    assert_eq!(runs[1].entities["contacts"].status, RunStatus::Interrupted);
    assert_eq!((runs[0].status, runs[0].ended), (RunStatus::Running, None));
    store.finish_run(end(&runs[0].reference(), RunStatus::Failed)).await.unwrap();
    begin(store, "acme/hub").await;
    let runs = store.runs(&first.tenant, Some(&first.connection), 10).await.unwrap();
    assert_eq!((runs[1].status, runs[1].ended), (RunStatus::Failed, Some(at(9))));
}

pub(crate) async fn ended_run_takes_no_page_and_no_second_end(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let error = store.finish_run(end(&run, RunStatus::Running)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    store.finish_run(end(&run, RunStatus::Cancelled)).await.unwrap();
    let error = store.commit_page(page(&run, vec![record("1", "a")])).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    let error = store.finish_run(end(&run, RunStatus::Succeeded)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
}

pub(crate) async fn report_adds_up_over_pages_and_ends_as_told(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    store.commit_page(page(&run, vec![record("1", "a"), record("2", "a")])).await.unwrap();
    let second = PageCommit {
        tombstones: vec![tombstone("2", model::record::Removal::Deleted)],
        rejects: vec![reject(None, b"")],
        ..page(&run, vec![record("1", "b"), record("1", "b")])
    };
    store.commit_page(second).await.unwrap();
    let error = Error::new(ErrorKind::Permission, "acme.scope", "no");
    let entities = vec![
        EntityEnd {
            entity: "contacts".to_owned(),
            status: RunStatus::Succeeded,
            complete_until: Some(at(7)),
            ..EntityEnd::default()
        },
        EntityEnd {
            entity: "deals".to_owned(),
            status: RunStatus::Failed,
            error: Some(error.clone()),
            ..EntityEnd::default()
        },
    ];
    let receipt = Receipt { http_calls: 5, memory_bytes: 9, ..Receipt::default() };
    let end = RunEnd { entities, receipt, ..end(&run, RunStatus::Partial) };
    let ended = store.finish_run(end).await.unwrap();
    let contacts = EntityReport {
        status: RunStatus::Succeeded,
        pages: 2,
        read: 6,
        inserted: 2,
        updated: 1,
        unchanged: 0,
        deleted: 1,
        rejected: 1,
        calls: 2,
        checkpoint_before: Some("not begun".to_owned()),
        checkpoint_after: Some("all @ next".to_owned()),
        complete_until: Some(at(7)),
        ..EntityReport::default()
    };
    assert_eq!(ended.entities["contacts"], contacts);
    assert_eq!(ended.entities["deals"].error, Some(error));
    assert_eq!((ended.status, ended.ended), (RunStatus::Partial, Some(at(9))));
    assert_eq!((ended.receipt.http_calls, ended.receipt.memory_bytes), (7, 9));
    assert_eq!(store.runs(&run.tenant, None, 1).await.unwrap(), [ended]);
}

pub(crate) async fn runs_are_listed_newest_first(store: &impl Ports) {
    let begun =
        [("acme/hub", 1), ("acme/news", 2), ("acme/hub", 3), ("other/hub", 4), ("acme/a", 5)];
    for (path, second) in begun {
        store.begin_run(start(path, second)).await.unwrap();
    }
    let tenant = "acme".parse().unwrap();
    let told = |runs: Vec<model::run::Run>| -> Vec<String> {
        runs.iter().map(|run| format!("{} {}", run.connection, run.id)).collect()
    };
    let runs = store.runs(&tenant, None, 10).await.unwrap();
    assert_eq!(told(runs), ["a 1", "hub 2", "news 1", "hub 1"]);
    assert_eq!(told(store.runs(&tenant, None, 2).await.unwrap()), ["a 1", "hub 2"]);
    let hub = "hub".parse().unwrap();
    let runs = store.runs(&tenant, Some(&hub), 10).await.unwrap();
    assert_eq!(told(runs), ["hub 2", "hub 1"]);
    assert_eq!(told(store.runs(&tenant, Some(&hub), 1).await.unwrap()), ["hub 2"]);
    let several = ["news", "none", "hub"].map(|name| name.parse().unwrap()).to_vec();
    let runs = store.last_runs(&tenant, several, 1).await.unwrap();
    assert_eq!(
        runs.into_iter().map(told).collect::<Vec<_>>(),
        [vec!["news 1"], vec![], vec!["hub 2"]]
    );
}

pub(crate) async fn lanes_are_where_the_last_page_left_them(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let lanes = [
        lane("contacts"),
        Lane { part: Some(String::new()), ..lane("contacts") },
        Lane { part: Some("list".to_owned()), ..lane("contacts") },
        Lane { kind: LaneKind::Deletions, ..lane("contacts") },
        lane("deals"),
    ];
    for lane in &lanes {
        for checkpoint in ["first".to_owned(), format!("{lane:?}")] {
            let state = state(&checkpoint);
            let page = PageCommit { lane: lane.clone(), state, ..page(&run, Vec::new()) };
            store.commit_page(page).await.unwrap();
        }
    }
    let next = begin(store, "acme/hub").await;
    let stored = store.lanes(&next.tenant, &next.connection).await.unwrap();
    assert_eq!(stored.len(), lanes.len());
    for lane in lanes {
        let state = state(&format!("{lane:?}"));
        assert!(stored.contains(&(lane, state)));
    }
}

pub(crate) async fn reset_lanes_are_forgotten_and_others_stay(store: &impl Ports) {
    let (hub, news) = (begin(store, "acme/hub").await, begin(store, "acme/news").await);
    let deletions = Lane { kind: LaneKind::Deletions, ..lane("contacts") };
    for run in [&hub, &news] {
        for lane in [lane("contacts"), deletions.clone()] {
            store.commit_page(PageCommit { lane, ..page(run, Vec::new()) }).await.unwrap();
        }
    }
    store.reset_lanes(&hub.tenant, &hub.connection).await.unwrap();
    let kept = store.lanes(&hub.tenant, &hub.connection).await.unwrap();
    assert_eq!(kept, [(deletions, page(&hub, Vec::new()).state)]);
    assert_eq!(store.lanes(&news.tenant, &news.connection).await.unwrap().len(), 2);
    store.reset_lanes(&hub.tenant, &hub.connection).await.unwrap();
}

pub(crate) async fn last_reads_of_entities_are_kept_by_whatever_runs_follow(store: &impl Ports) {
    let tenant = "acme".parse().unwrap();
    let hub = "hub".parse().unwrap();
    for (second, kind, ended) in [
        (1, RunKind::Sync, vec![("contacts", RunStatus::Succeeded), ("deals", RunStatus::Partial)]),
        (2, RunKind::Sync, vec![("contacts", RunStatus::Cancelled), ("deals", RunStatus::Failed)]),
        (3, RunKind::Sync, vec![("deals", RunStatus::Succeeded)]),
        (4, RunKind::Replay, vec![("contacts", RunStatus::Succeeded)]),
    ] {
        let run = store.begin_run(RunStart { kind, ..start("acme/hub", second) }).await.unwrap();
        let end_of = |(entity, status): (&str, RunStatus)| EntityEnd {
            entity: entity.to_owned(),
            status,
            ..EntityEnd::default()
        };
        let entities = ended.into_iter().map(end_of).collect();
        let end = end(&run.reference(), RunStatus::Partial);
        store.finish_run(RunEnd { entities, at: at(second), ..end }).await.unwrap();
    }
    begin(store, "acme/hub").await;
    let newest = store.runs(&tenant, Some(&hub), 1).await.unwrap().remove(0);
    let read: Vec<_> = newest.last_read.iter().map(|(name, at)| (name.as_str(), *at)).collect();
    assert_eq!(read, [("contacts", at(1)), ("deals", at(3))]);
}
