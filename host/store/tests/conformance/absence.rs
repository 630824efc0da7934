use model::RunId;
use model::absence::{AbsenceCount, AbsenceQuery, Decision, Fate, HeldDeletions, Judged};
use model::record::{Record, Removal};
use model::run::RunStatus;
use model::store::{EntityEnd, EventKind, Lane, PageCommit, RunEnd, RunRef, StoreErrorKind};

use super::Ports;
use super::samples::{at, begin, end, gone, lane, page, record, reject, tombstone};

fn of(run: &RunRef, generation: u64) -> AbsenceQuery {
    AbsenceQuery {
        tenant: run.tenant.clone(),
        connection: run.connection.clone(),
        lane: lane("contacts"),
        entity: "contacts".to_owned(),
        generation: RunId(generation),
        stored_before: at(100),
    }
}

/// A page of a full read.
fn read(run: &RunRef, generation: u64, ids: &[&str]) -> PageCommit {
    let records = ids.iter().map(|id| record(id, "a")).collect();
    PageCommit { generation: Some(RunId(generation)), ..page(run, records) }
}

async fn count(store: &impl Ports, query: AbsenceQuery) -> (u64, u64) {
    let AbsenceCount { live, absent } = store.count_absent(query).await.unwrap();
    (live, absent)
}

async fn absent(store: &impl Ports, query: AbsenceQuery) -> Vec<String> {
    store.absent(query, None, 100).await.unwrap()
}

pub(crate) async fn member_of_an_older_read_is_absent(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    store.commit_page(read(&run, 1, &["1", "2", "3", "é"])).await.unwrap();
    assert_eq!(count(store, of(&run, 1)).await, (4, 0));
    store.commit_page(read(&run, 2, &["2", "4"])).await.unwrap();
    assert_eq!(count(store, of(&run, 2)).await, (5, 3));
    assert_eq!(absent(store, of(&run, 2)).await, ["1", "3", "é"]);
    store.commit_page(page(&run, vec![record("5", "a")])).await.unwrap();
    assert_eq!(count(store, of(&run, 2)).await, (5, 3), "what no full read has met is no member");
}

pub(crate) async fn absent_records_are_listed_in_batches(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let ids = ["1", "1\0", "10", "2", "3"];
    store.commit_page(read(&run, 1, &ids)).await.unwrap();
    store.commit_page(read(&run, 2, &["9"])).await.unwrap();
    let mut listed = Vec::new();
    while let batch = store.absent(of(&run, 2), listed.last().cloned(), 2).await.unwrap()
        && !batch.is_empty()
    {
        assert!(batch.len() <= 2);
        listed.extend(batch);
    }
    assert_eq!(listed, ids);
}

pub(crate) async fn record_that_could_not_be_read_is_a_member(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    store.commit_page(read(&run, 1, &["1", "2"])).await.unwrap();
    let long = "x".repeat(2000);
    let rejects = [Some("1"), None, Some(long.as_str())].map(|id| reject(id, b""));
    let commit = PageCommit { rejects: rejects.to_vec(), ..read(&run, 2, &[]) };
    store.commit_page(commit).await.unwrap();
    assert_eq!(absent(store, of(&run, 2)).await, ["2"]);
}

pub(crate) async fn what_is_gone_changed_or_elsewhere_is_not_absent(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    store.commit_page(read(&run, 1, &["1", "2", "3", "4"])).await.unwrap();
    let commit = gone(&run, vec![tombstone("1", Removal::Archived)]);
    store.commit_page(commit).await.unwrap();
    let later = PageCommit { at: at(100), ..page(&run, vec![record("2", "b")]) };
    store.commit_page(later).await.unwrap();
    let part = Lane { part: Some("list".to_owned()), ..lane("contacts") };
    let moved = PageCommit { lane: part.clone(), ..read(&run, 2, &["3"]) };
    assert_eq!(store.commit_page(moved).await.unwrap().unchanged, 1);
    assert_eq!(absent(store, of(&run, 2)).await, ["4"]);
    assert_eq!(count(store, of(&run, 2)).await, (3, 1));
    let query = AbsenceQuery { lane: part, ..of(&run, 2) };
    assert_eq!(count(store, query).await, (1, 0));
}

pub(crate) async fn tombstone_ends_the_membership(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    store.commit_page(read(&run, 1, &["1", "2"])).await.unwrap();
    let commit = gone(&run, vec![tombstone("1", Removal::Hidden)]);
    let commit = PageCommit { generation: Some(RunId(1)), ..commit };
    store.commit_page(commit).await.unwrap();
    store.commit_page(page(&run, vec![record("1", "a")])).await.unwrap();
    assert_eq!(count(store, of(&run, 2)).await, (1, 1), "it came back by no full read");
}

pub(crate) async fn what_is_absent_is_gone_and_was_not_read(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    store.commit_page(read(&run, 1, &["1", "2"])).await.unwrap();
    let absent = vec![tombstone("1", Removal::Hidden)];
    let commit = PageCommit { absent, generation: Some(RunId(2)), ..page(&run, Vec::new()) };
    assert_eq!(store.commit_page(commit).await.unwrap().deleted, 1);
    assert_eq!(count(store, of(&run, 2)).await, (1, 1));
    let kept = store.run(&run.tenant, &run.connection, run.id).await.unwrap().unwrap();
    let report = &kept.entities["contacts"];
    assert_eq!((report.read, report.deleted), (2, 1));
}

pub(crate) async fn members_of_lanes_and_entities_never_meet(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let parts = [None, Some(""), Some("a"), Some("a\0"), Some("ab")];
    let lanes = parts.map(|part| Lane { part: part.map(str::to_owned), ..lane("contacts") });
    for (number, lane) in lanes.iter().enumerate() {
        let id = number.to_string();
        let sample = |entity: &str| Record { entity: entity.to_owned(), ..record(&id, "a") };
        let records = vec![sample("contacts").into(), sample("lines").into()];
        let commit = PageCommit { lane: lane.clone(), records, ..read(&run, 1, &[]) };
        store.commit_page(commit).await.unwrap();
    }
    for (number, lane) in lanes.into_iter().enumerate() {
        let query = AbsenceQuery { lane, ..of(&run, 2) };
        assert_eq!(absent(store, query.clone()).await, [number.to_string()]);
        let other = AbsenceQuery { entity: "lines".to_owned(), ..query };
        assert_eq!(count(store, other).await, (1, 1));
    }
}

async fn judge(store: &impl Ports, absent: u64, fate: Fate) -> RunRef {
    let run = begin(store, "acme/hub").await;
    let judged = Judged { live: 1000, absent, fate };
    let entity = EntityEnd {
        entity: "contacts".to_owned(),
        status: RunStatus::Succeeded,
        absence: vec![judged],
        ..EntityEnd::default()
    };
    let end = RunEnd { entities: vec![entity], ..end(&run, RunStatus::Succeeded) };
    let ended = store.finish_run(end).await.unwrap();
    let report = &ended.entities["contacts"];
    let held = if fate == Fate::Deleted { 0 } else { absent };
    assert_eq!((report.absent, report.held), (absent, held));
    run
}

async fn asked(store: &impl Ports) -> usize {
    let events = store.events(&"acme".parse().unwrap(), 0, 100).await.unwrap();
    events.iter().filter(|e| matches!(e.kind, EventKind::DeletionsHeld { .. })).count()
}

async fn held(store: &impl Ports) -> Vec<HeldDeletions> {
    store.held(&"acme".parse().unwrap(), None).await.unwrap()
}

async fn decide(store: &impl Ports, run: &RunRef, decision: Decision) {
    store.decide_held(&run.tenant, &run.connection, run.id, decision).await.unwrap();
}

pub(crate) async fn held_deletions_are_kept_and_asked_about_once(store: &impl Ports) {
    let first = judge(store, 500, Fate::Held).await;
    judge(store, 490, Fate::Held).await;
    let row = HeldDeletions {
        connection: first.connection.clone(),
        entity: "contacts".to_owned(),
        run: first.id,
        absent: 500,
        live: 1000,
        since: at(9),
        decision: None,
    };
    assert_eq!(held(store).await, std::slice::from_ref(&row));
    assert_eq!(asked(store).await, 1);
    let other = store.held(&first.tenant, Some(&"news".parse().unwrap())).await.unwrap();
    assert!(other.is_empty());
    let more = judge(store, 501, Fate::Held).await;
    assert_eq!(held(store).await, [HeldDeletions { run: more.id, absent: 501, ..row }]);
    assert_eq!(asked(store).await, 2);
    judge(store, 3, Fate::Deleted).await;
    assert!(held(store).await.is_empty());
    judge(store, 500, Fate::Held).await;
    assert_eq!(asked(store).await, 3);
}

pub(crate) async fn decision_is_about_what_a_run_holds(store: &impl Ports) {
    judge(store, 400, Fate::Held).await;
    judge(store, 500, Fate::Held).await;
    let third = judge(store, 500, Fate::Held).await;
    for run in [RunId(1), RunId(4)] {
        let decided =
            store.decide_held(&third.tenant, &third.connection, run, Decision::Approved).await;
        let error = decided.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains("of its runs these do: 2"), "{error}");
    }
    decide(store, &third, Decision::Discarded).await;
    assert_eq!(held(store).await[0].decision, Some(Decision::Discarded));
    judge(store, 500, Fate::Kept).await;
    assert_eq!(held(store).await[0].run, RunId(2), "what is kept is not asked about");
    assert_eq!(asked(store).await, 2);
    judge(store, 900, Fate::Held).await;
    assert_eq!((held(store).await[0].decision, asked(store).await), (None, 3));
}

pub(crate) async fn word_that_is_given_during_a_run_is_not_lost_on_it(store: &impl Ports) {
    for (number, decision) in [Decision::Approved, Decision::Discarded].into_iter().enumerate() {
        let first = judge(store, 500, Fate::Held).await;
        decide(store, &first, decision).await;
        judge(store, 500, Fate::Held).await;
        assert_eq!(held(store).await[0].decision, Some(decision));
        assert_eq!(asked(store).await, 2 * number + 1);
        judge(store, 501, Fate::Held).await;
        assert_eq!(held(store).await[0].decision, None);
        assert_eq!(asked(store).await, 2 * number + 2);
        judge(store, 3, Fate::Deleted).await;
    }
}

pub(crate) async fn approval_is_spent_by_the_run_that_acts_on_it(store: &impl Ports) {
    let first = judge(store, 500, Fate::Held).await;
    decide(store, &first, Decision::Approved).await;
    let run = begin(store, "acme/hub").await;
    let (deleted, anew) = (
        Judged { live: 1000, absent: 500, fate: Fate::Deleted },
        Judged { live: 500, absent: 300, fate: Fate::Held },
    );
    let entity = EntityEnd {
        entity: "contacts".to_owned(),
        absence: vec![deleted, anew],
        ..EntityEnd::default()
    };
    let end = RunEnd { entities: vec![entity], ..end(&run, RunStatus::Succeeded) };
    store.finish_run(end).await.unwrap();
    let row = held(store).await.remove(0);
    assert_eq!((row.run, row.absent, row.decision), (run.id, 300, None));
    assert_eq!(asked(store).await, 2);
}
