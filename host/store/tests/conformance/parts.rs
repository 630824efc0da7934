//! Lists that are read in parts, and what is counted of them.

use model::canonical::Mapped;
use model::record::{Reject, Removal};
use model::run::Run;
use model::store::{PageCommit, RejectQuery, RunQuery, RunRef, StoreErrorKind, StoredReject};
use model::{ConnectionId, Error, ErrorKind, TenantId};

use super::Ports;
use super::mapped::{CONTACT, commit, contact, mapped, with};
use super::samples::{begin, gone, page, record, reject, start, tombstone};

fn runs_of(connection: Option<&str>) -> RunQuery {
    let connection = connection.map(|name| name.parse().unwrap());
    RunQuery { tenant: "acme".parse().unwrap(), connection, before: None, limit: 100 }
}

fn behind(run: &Run) -> (model::Timestamp, ConnectionId, model::RunId) {
    (run.started, run.connection.clone(), run.id)
}

async fn next(store: &impl Ports, query: &mut RunQuery) -> Vec<String> {
    let runs = store.run_list(query.clone()).await.unwrap();
    assert!(runs.len() <= query.limit);
    query.before = runs.last().map(behind);
    runs.iter().map(|run| format!("{} {}", run.connection, run.id)).collect()
}

async fn all_runs(store: &impl Ports, mut query: RunQuery) -> Vec<String> {
    let mut runs = Vec::new();
    loop {
        let part = next(store, &mut query).await;
        if part.is_empty() {
            return runs;
        }
        runs.extend(part);
    }
}

async fn begin_all(store: &impl Ports, begun: &[(&str, i64)]) {
    for (path, second) in begun {
        store.begin_run(start(path, *second)).await.unwrap();
    }
}

pub(crate) async fn runs_are_listed_on_from_any_of_them(store: &impl Ports) {
    let begun = [
        ("acme/hub", 1),
        ("acme/news", 2),
        ("acme/hub", 2),
        ("acme/crm", 2),
        ("other/hub", 2),
        // The clock was set back.
        ("acme/hub", 0),
    ];
    begin_all(store, &begun).await;
    for limit in [1, 2, 3, 4, 5, 6] {
        let list =
            async |connection| all_runs(store, RunQuery { limit, ..runs_of(connection) }).await;
        assert_eq!(list(None).await, ["hub 2", "news 1", "crm 1", "hub 1", "hub 3"]);
        assert_eq!(list(Some("hub")).await, ["hub 3", "hub 2", "hub 1"]);
        assert_eq!(list(Some("hu")).await, [""; 0]);
    }
    let none = RunQuery { limit: 0, ..runs_of(None) };
    assert!(store.run_list(none).await.unwrap().is_empty());
}

pub(crate) async fn list_of_runs_goes_on_while_others_begin(store: &impl Ports) {
    begin_all(store, &[("acme/hub", 1), ("acme/news", 2), ("acme/hub", 3)]).await;
    for connection in [None, Some("hub")] {
        let mut query = RunQuery { limit: 1, ..runs_of(connection) };
        let newest = next(store, &mut query).await;
        let rest = all_runs(store, RunQuery { limit: 100, ..query.clone() }).await;
        begin_all(store, &[("acme/hub", 4), ("acme/crm", 4)]).await;
        assert_eq!(all_runs(store, query).await, rest, "{newest:?}");
    }
}

pub(crate) async fn run_of_another_connection_continues_no_list(store: &impl Ports) {
    begin_all(store, &[("acme/hub", 1), ("acme/news", 2)]).await;
    let news = store.run_list(runs_of(Some("news"))).await.unwrap().remove(0);
    let query = RunQuery { before: Some(behind(&news)), ..runs_of(Some("hub")) };
    let error = store.run_list(query).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
}

fn coded(code: &str, id: &str) -> Reject {
    Reject { error: Error::new(ErrorKind::Malformed, code, "x"), ..reject(Some(id), b"{}") }
}

async fn reject_all(store: &impl Ports, run: &RunRef, rejects: Vec<Reject>) {
    store.commit_page(PageCommit { rejects, ..page(run, Vec::new()) }).await.unwrap();
}

fn rejects_of(run: &RunRef, code: Option<&str>) -> RejectQuery {
    RejectQuery { run: run.clone(), code: code.map(str::to_owned), after: None, limit: 100 }
}

/// All parts of a list.
async fn all_rejects(store: &impl Ports, mut query: RejectQuery) -> Vec<(u64, StoredReject)> {
    let mut rejects = Vec::new();
    loop {
        let part = store.reject_list(query.clone()).await.unwrap();
        assert!(part.len() <= query.limit);
        let Some((last, _)) = part.last() else { return rejects };
        query.after = Some(*last);
        rejects.extend(part);
    }
}

async fn ids(store: &impl Ports, query: RejectQuery) -> Vec<String> {
    let rejects = all_rejects(store, query).await;
    assert!(rejects.is_sorted_by_key(|(number, _)| *number));
    rejects.into_iter().map(|(_, reject)| reject.id.unwrap()).collect()
}

pub(crate) async fn rejects_are_listed_by_code_in_parts_and_counted(store: &impl Ports) {
    let (hub, news) = (begin(store, "acme/hub").await, begin(store, "acme/news").await);
    assert!(store.reject_codes(&hub).await.unwrap().is_empty());
    reject_all(store, &hub, vec![coded("a", "1"), coded("b", "2"), coded("a", "3")]).await;
    reject_all(store, &hub, vec![coded("c", "4"), coded("a", "5")]).await;
    reject_all(store, &news, vec![coded("a", "6")]).await;
    let next = begin(store, "acme/hub").await;
    reject_all(store, &next, vec![coded("b", "7")]).await;
    for limit in [1, 2, 3, 5, 6] {
        let list = async |code| ids(store, RejectQuery { limit, ..rejects_of(&hub, code) }).await;
        assert_eq!(list(None).await, ["1", "2", "3", "4", "5"]);
        assert_eq!(list(Some("a")).await, ["1", "3", "5"]);
        assert_eq!(list(Some("c")).await, ["4"]);
        assert_eq!(list(Some("")).await, [""; 0]);
    }
    let end = RejectQuery { after: Some(u64::MAX), ..rejects_of(&hub, None) };
    assert!(store.reject_list(end).await.unwrap().is_empty());
    let codes = store.reject_codes(&hub).await.unwrap();
    let codes: Vec<_> = codes.iter().map(|(code, count)| (code.as_str(), *count)).collect();
    assert_eq!(codes, [("a", 3), ("b", 1), ("c", 1)]);
    assert_eq!(store.reject_codes(&news).await.unwrap(), [("a".to_owned(), 1)].into());
}

pub(crate) async fn list_of_rejects_goes_on_while_more_are_met(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    reject_all(store, &run, vec![coded("a", "1"), coded("a", "2")]).await;
    let mut query = RejectQuery { limit: 1, ..rejects_of(&run, Some("a")) };
    query.after = store.reject_list(query.clone()).await.unwrap().pop().map(|(number, _)| number);
    reject_all(store, &run, vec![coded("b", "3"), coded("a", "4")]).await;
    assert_eq!(ids(store, query).await, ["2", "4"]);
}

pub(crate) async fn large_list_of_rejects_is_cut_and_goes_on(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let large = |number: usize| {
        let code = if number == 299 { "rare" } else { "a" };
        Reject { payload: Some(vec![b'x'; 64 << 10].into()), ..coded(code, &number.to_string()) }
    };
    reject_all(store, &run, (0..300).map(large).collect()).await;
    let query = RejectQuery { limit: 1_000, ..rejects_of(&run, None) };
    assert!((1..300).contains(&store.reject_list(query.clone()).await.unwrap().len()));
    assert_eq!(all_rejects(store, query).await.len(), 300);
    assert_eq!(store.rejects(&run, 1_000).await.unwrap().len(), 300);
    assert_eq!(store.rejects(&run, 280).await.unwrap().len(), 280);
    assert_eq!(ids(store, rejects_of(&run, Some("rare"))).await, ["299"]);
}

pub(crate) async fn canonical_records_of_a_type_are_counted_up_to_a_limit(store: &impl Ports) {
    let run = begin(store, "acme/hub").await;
    let count = async |tenant: &TenantId, record_type, max| {
        store.canonical_count(tenant, record_type, max).await.unwrap()
    };
    assert_eq!(count(&run.tenant, CONTACT, 10).await, 0);
    let contacts = ["1", "2", "3", "4"].map(|id| contact(id, r#""a":1"#));
    commit(store, &run, contacts.to_vec()).await;
    let company = Mapped { record_type: "c_contact2".to_owned(), ..mapped(r#""a":1"#) };
    commit(store, &run, vec![with(record("5", "a"), company)]).await;
    store.commit_page(gone(&run, vec![tombstone("1", Removal::Deleted)])).await.unwrap();
    for (max, expected) in [(0, 0), (1, 1), (2, 2), (3, 3), (4, 3), (u64::MAX, 3)] {
        assert_eq!(count(&run.tenant, CONTACT, max).await, expected);
    }
    assert_eq!(count(&run.tenant, "c_contact2", 10).await, 1);
    assert_eq!(count(&run.tenant, "c_none", 10).await, 0);
    assert_eq!(count(&"other".parse().unwrap(), CONTACT, 10).await, 0);
    let error = store.canonical_count(&run.tenant, "", 10).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
}
