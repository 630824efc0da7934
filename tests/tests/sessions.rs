//! What sessions promise to guests and to the host: spans without copies, order, fresh instances,
//! repeatable time and randomness, private state, bounded logs, receipts.

use std::time::Duration;

use e2e::guests;
use e2e::log::Lines;
use e2e::stage::{Setting, Stage, event, ids, manifest, pull};
use model::ErrorKind;
use model::adapter::Adapter as _;
use model::egress::Access;
use model::write::{Batch, Mode};
use sandbox::{Limits, Reuse};

async fn stage() -> Stage {
    Setting::default().hostile().await
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with the outcome of a call")]
fn texts(texts: &[&str]) -> Result<Vec<String>, model::Error> {
    Ok(texts.iter().map(ToString::to_string).collect())
}

#[tokio::test]
async fn records_are_slices_of_the_answer() {
    let stage = stage().await;
    let called = stage.pull("answers", "").await;
    let page = called.outcome.unwrap();
    let payloads: Vec<_> = page.records.iter().map(|record| &*record.payload).collect();
    assert_eq!(payloads, [&br#"{"id": "7", "n": [1]}"#[..], br#"{"id": 8}"#]);
    let body = stage.door.answer("/records").unwrap().as_ptr_range();
    for record in &page.records {
        assert!(body.contains(&record.payload.as_ptr()), "a payload was copied");
    }
    assert_eq!(called.receipt.http_calls, 1);
    assert!(called.receipt.host_calls >= 1 && called.receipt.memory_bytes > 0);
}

#[tokio::test]
async fn instance_is_replaced_within_its_range() {
    let count = async |reuse, calls| {
        let stage = Setting { reuse, ..Setting::default() }.hostile().await;
        let mut session = stage.session("one");
        let mut counts = Vec::new();
        for _ in 0..calls {
            counts.extend(ids(pull(&mut session, "counter", "").await).unwrap());
        }
        counts.join(" ")
    };
    assert_eq!(count(Reuse::PerCall, 3).await, "1 1 1");
    assert_eq!(count(Reuse::PerRun { uses_min: 3, uses_max: 3 }, 7).await, "1 2 3 1 2 3 1");
    let counts = count(Reuse::PerRun { uses_min: 2, uses_max: 5 }, 40).await;
    assert!(!counts.contains('6') && !counts.contains("1 1"), "{counts}");
}

#[tokio::test]
async fn error_ends_the_instance() {
    let stage = stage().await;
    let mut session = stage.session("one");
    for (deed, part) in [("crash", ""), ("error", "an error value"), ("json", "no json")] {
        assert_eq!(ids(pull(&mut session, "counter", "").await), texts(&["1"]));
        assert_eq!(ids(pull(&mut session, "counter", "").await), texts(&["2"]));
        assert!(pull(&mut session, deed, part).await.outcome.is_err());
        assert_eq!(ids(pull(&mut session, "counter", "").await), texts(&["1"]), "after {deed}");
        session = stage.session("one");
    }
}

#[tokio::test]
async fn call_that_nobody_waits_for_ends_the_instance() {
    let stage = stage().await;
    let mut session = stage.session("one");
    assert_eq!(ids(pull(&mut session, "counter", "").await), texts(&["1"]));
    let patience = tokio::time::timeout(Duration::from_millis(20), pull(&mut session, "wait", ""));
    assert!(patience.await.is_err());
    assert_eq!(ids(pull(&mut session, "counter", "").await), texts(&["1"]));
}

#[tokio::test]
async fn sessions_wait_for_room() {
    let limits = Limits { instances: 1, wall: Duration::from_millis(300), ..Limits::default() };
    let stage = Setting { limits, ..Setting::default() }.hostile().await;
    let (mut one, mut two) = (stage.session("one"), stage.session("two"));
    assert_eq!(ids(pull(&mut one, "plain", "").await), texts(&["1"]));
    let error = pull(&mut two, "plain", "").await.outcome.unwrap_err();
    assert_eq!((error.code.as_str(), error.kind), ("sandbox.busy", ErrorKind::Unavailable));
    drop(one);
    assert_eq!(ids(pull(&mut two, "plain", "").await), texts(&["1"]));
}

#[tokio::test]
async fn package_leaves_room_for_others() {
    let limits = Limits { instances: 4, wall: Duration::from_millis(300), ..Limits::default() };
    let stage = Setting { limits, ..Setting::default() }.hostile().await;
    let manifest = manifest("wasi", "wasi", &["flood", "sleep", "world"]);
    let package = guests::verified(&manifest, guests::wasi());
    let other = stage.sandbox.load(&package).await.unwrap();
    let mut greedy: Vec<_> = ["one", "two", "three", "four"].map(|name| stage.session(name)).into();
    let mut last = greedy.pop().unwrap();
    for session in &mut greedy {
        assert_eq!(ids(pull(session, "plain", "").await), texts(&["1"]));
    }
    let error = pull(&mut last, "plain", "").await.outcome.unwrap_err();
    assert_eq!((error.code.as_str(), error.kind), ("sandbox.busy", ErrorKind::Unavailable));
    let other = Stage { loaded: other, ..stage };
    assert!(other.session("one").check().await.outcome.is_ok());
}

#[tokio::test]
async fn many_requests_go_out_together_and_come_back_in_order() {
    let stage = stage().await;
    let expected: Vec<_> = (0..30).map(|number| number.to_string()).collect();
    assert_eq!(ids(stage.pull("many", "30").await), Ok(expected));
    assert_eq!(stage.door.under_way_most(), 8);
    let answers = ids(stage.pull("many", "102").await).unwrap();
    assert_eq!(answers[99..], ["99", "egress.calls", "egress.calls"]);
    let called = stage.pull("many", "1001").await;
    assert!(called.receipt.host_calls >= 1_001, "each counts: {:?}", called.receipt);
    let answers = ids(called).unwrap();
    assert_eq!(answers[999..], ["egress.calls", "sandbox.send-many"]);
}

#[tokio::test]
async fn upload_joins_the_pieces_and_has_no_blobs() {
    let stage = stage().await;
    assert_eq!(ids(stage.pull("upload", "").await), texts(&["one two"]));
    let error = stage.pull("upload", "handle").await.outcome.unwrap_err();
    assert_eq!((error.code.as_str(), error.kind), ("sandbox.blob", ErrorKind::Unsupported));
}

#[tokio::test]
async fn time_is_the_clocks_and_randomness_the_seeds() {
    let stage = stage().await;
    stage.clock.advance(Duration::from_millis(1_234));
    assert_eq!(ids(stage.pull("time", "").await), texts(&["1234"]));
    let first = ids(stage.pull("random", "8").await).unwrap();
    assert_eq!(ids(stage.pull("random", "8").await).unwrap(), first, "the same seed");
    let mut session = stage.session("one");
    assert_eq!(ids(pull(&mut session, "random", "8").await).unwrap(), first);
    assert_ne!(ids(pull(&mut session, "random", "8").await).unwrap(), first);
}

#[tokio::test]
async fn variables_are_those_of_the_connection() {
    let stage = stage().await;
    assert_eq!(ids(stage.pull("variable", "auth").await), texts(&["token"]));
    assert_eq!(ids(stage.pull("variable", "PATH").await), texts(&["unknown"]));
}

#[tokio::test]
async fn state_is_bounded_and_belongs_to_the_connection() {
    let stage = stage().await;
    let kept = ids(stage.pull("state", "200000").await);
    assert_eq!(kept, texts(&["sandbox.state-quota", "200000"]));
    let read = ids(pull(&mut stage.session("one"), "state", "").await);
    assert_eq!(read, texts(&["200000"]), "it outlives the session");
    let read = ids(pull(&mut stage.session("two"), "state", "").await);
    assert_eq!(read, texts(&["nothing kept"]));
}

#[tokio::test]
async fn each_function_has_its_routes() {
    let stage = stage().await;
    let mut session = stage.session("one");
    session.check().await.outcome.unwrap();
    session.discover(Some("plain"), None).await.outcome.unwrap();
    let batch = |mode| Batch { entity: "plain".to_owned(), part: None, mode, writes: Vec::new() };
    session.push(batch(Mode::Recover)).await.outcome.unwrap();
    session.push(batch(Mode::Apply)).await.outcome.unwrap();
    let openings = stage.door.openings();
    let access: Vec<_> = openings.iter().map(|opening| opening.access).collect();
    assert_eq!(access, [Access::Read, Access::Read, Access::Read, Access::Write]);
    assert_eq!(openings[0].budget.calls, 100);
    assert_eq!(openings[0].budget.response_bytes, 16 << 20);
}

#[tokio::test]
async fn log_is_scrubbed_escaped_and_bounded() {
    let stage = Setting { budget: "cpu_ms = 2000", ..Setting::default() }.hostile().await;
    let lines = Lines::listen();
    stage.pull("log", "two\nlines with hunter2").await.outcome.unwrap();
    let told = lines.take();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("two\\nlines with *** field=two\\nlines with ***"), "{told}");
    assert!(told.contains("plughouse/hostile") && told.contains("acme"), "{told}");

    stage.session("one").handle(vec![event("it says hunter2")]).await.outcome.unwrap();
    let told = lines.take();
    assert!(told.contains("it says ***") && !told.contains("hunter2"), "{told}");

    let error = stage.pull("flood", "").await.outcome.unwrap_err();
    assert_eq!(error.code, "sandbox.host-calls");
    let told = lines.take();
    assert_eq!(told.lines().count(), 1_001);
    assert!(told.lines().all(|line| line.len() < 4_500));
    assert!(told.lines().last().unwrap().contains("dropping the rest"));
}
