//! Guests that loop, recurse, hoard, flood, lie and crash: each ends in one classified error, and
//! the host and its neighbours go on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::panic::Location;
use std::time::Duration;

use e2e::stage::{Setting, Stage, event, ids, pull};
use model::ErrorKind;
use model::adapter::{Adapter as _, Next};
use model::write::{Batch, Mode, Operation, Outcome, Write};
use sandbox::{Limits, TICK};

/// What a budget may be overdrawn by: the tick it ends in, and a slow machine.
const GRACE: Duration = TICK.saturating_mul(3);

/// Pulls, expects that error, and that a neighbour on the same sandbox works before and after.
#[track_caller]
fn check(stage: &Stage, entity: &str, part: &str, code: &str, kind: ErrorKind) {
    let place = Location::caller();
    block_on(async {
        let mut neighbour = stage.session("neighbour");
        assert_eq!(ids(pull(&mut neighbour, "plain", "").await), Ok(vec!["1".to_owned()]));
        let called = stage.pull(entity, part).await;
        let error = called.outcome.expect_err(entity);
        assert_eq!((error.code.as_str(), error.kind), (code, kind), "{place}: {entity}: {error}");
        let limits = stage.loaded.limits();
        assert!(called.receipt.cpu <= limits.cpu + GRACE, "{entity}: {:?}", called.receipt);
        let bytes = u64::try_from(limits.memory_bytes).unwrap();
        assert!(called.receipt.memory_bytes <= bytes, "{entity}: {:?}", called.receipt);
        assert_eq!(ids(pull(&mut neighbour, "plain", "").await), Ok(vec!["1".to_owned()]));
    });
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// A stage whose budgets leave room for everything but the deed itself.
fn stage() -> Stage {
    block_on(Setting { budget: "cpu_ms = 2000", ..Setting::default() }.hostile())
}

#[test]
fn endless_loop_ends_with_its_budget() {
    let stage = block_on(Setting { budget: "cpu_ms = 100", ..Setting::default() }.hostile());
    check(&stage, "spin", "", "sandbox.cpu", ErrorKind::BudgetExhausted);
    let receipt = block_on(stage.pull("spin", "")).receipt;
    assert!(receipt.cpu >= Duration::from_millis(100), "{receipt:?}");
}

#[test]
fn what_the_host_computes_for_a_guest_is_on_its_bill() {
    let stage = block_on(Setting { budget: "cpu_ms = 100", ..Setting::default() }.hostile());
    for way in ["locate", "send"] {
        let before = stage.door.burns();
        let called = block_on(stage.pull("burn", way));
        assert_eq!(called.outcome.unwrap_err().code, "sandbox.cpu", "{way}");
        // Each burns half of the budget, or less where the machine is busy.
        let burns = stage.door.burns() - before;
        assert!((2..10).contains(&burns), "{way}: {burns} times");
    }
}

#[test]
fn door_that_never_waits_does_not_hold_up_the_wall() {
    let limits = Limits { wall: Duration::from_millis(150), ..Limits::default() };
    let budget = "cpu_ms = 2000";
    let stage = block_on(Setting { limits, budget, ..Setting::default() }.hostile());
    check(&stage, "burn", "many", "sandbox.wall", ErrorKind::Timeout);
    assert!(stage.door.burns() < 50, "{} of 100 requests went out", stage.door.burns());
}

#[test]
fn operator_grants_less_than_the_manifest_asks() {
    let limits = Limits { cpu: Duration::from_millis(20), ..Limits::default() };
    let setting = Setting { limits, budget: "cpu_ms = 2000", ..Setting::default() };
    let stage = block_on(setting.hostile());
    assert_eq!(stage.loaded.limits().cpu, Duration::from_millis(20));
    check(&stage, "spin", "", "sandbox.cpu", ErrorKind::BudgetExhausted);
}

#[test]
fn neighbour_is_served_while_a_guest_runs_away() {
    let stage = stage();
    block_on(async {
        let mut neighbour = stage.session("neighbour");
        let runaway = stage.pull("spin", "");
        tokio::pin!(runaway);
        for _ in 0..20 {
            tokio::select! {
                biased;
                _ = &mut runaway => panic!("the runaway ended first"),
                called = pull(&mut neighbour, "twice", "") => {
                    assert_eq!(ids(called), Ok(vec!["1".to_owned(), "2".to_owned()]));
                }
            }
        }
    });
}

#[test]
fn memory_ends_where_the_budget_says() {
    let stage = block_on(Setting { budget: "memory_mib = 16", ..Setting::default() }.hostile());
    check(&stage, "allocate", "", "sandbox.memory", ErrorKind::BudgetExhausted);
    let called = block_on(stage.pull("grow", ""));
    assert!(called.receipt.memory_bytes <= 16 << 20);
    let pages: u64 = ids(called).unwrap()[0].parse().unwrap();
    assert_eq!(pages << 16, 16 << 20, "a guest that asks politely gets all of it");
}

#[test]
fn recursion_ends_at_the_end_of_the_stack() {
    let stage = stage();
    check(&stage, "recurse", "", "sandbox.stack", ErrorKind::BudgetExhausted);
    // Frames in the guest's memory grow down to its beginning, where a trap is all there is.
    check(&stage, "recurse", "memory", "sandbox.trap", ErrorKind::Other);
}

#[test]
fn crash_is_one_error() {
    let stage = stage();
    check(&stage, "crash", "", "sandbox.trap", ErrorKind::Other);
    check(&stage, "panic", "with words", "sandbox.trap", ErrorKind::Other);
}

#[test]
fn host_is_not_called_a_million_times() {
    let stage = stage();
    check(&stage, "host_calls", "", "sandbox.host-calls", ErrorKind::BudgetExhausted);
    check(&stage, "flood", "", "sandbox.host-calls", ErrorKind::BudgetExhausted);
    check(&stage, "many", "10001", "sandbox.host-calls", ErrorKind::BudgetExhausted);
    check(&stage, "random", "65537", "sandbox.random", ErrorKind::BudgetExhausted);
    check(&stage, "random", "4294967295", "sandbox.random", ErrorKind::BudgetExhausted);
}

#[test]
fn what_is_handed_over_at_once_is_bounded() {
    let limits = Limits { memory_bytes: 512 << 20, ..Limits::default() };
    let budget = "cpu_ms = 2000\nmemory_mib = 512";
    let stage = block_on(Setting { limits, budget, ..Setting::default() }.hostile());
    check(&stage, "huge_list", "200", "sandbox.list-size", ErrorKind::BudgetExhausted);
    check(&stage, "many_strings", "2000000", "sandbox.list-size", ErrorKind::BudgetExhausted);
    check(&stage, "many_strings", "129", "sandbox.answer", ErrorKind::Malformed);
}

#[test]
fn span_that_leads_elsewhere_is_refused() {
    let stage = stage();
    // The answer is `{"a": 1} {`, ten bytes.
    check(&stage, "span", "0,11", "sandbox.span", ErrorKind::Malformed);
    check(&stage, "span", "10,1", "sandbox.span", ErrorKind::Malformed);
    check(&stage, "span", "4294967295,4294967295", "sandbox.span", ErrorKind::Malformed);
    check(&stage, "span", "0,0", "sandbox.span", ErrorKind::Malformed);
    check(&stage, "span", "0,10", "sandbox.span", ErrorKind::Malformed);
    check(&stage, "span", "1,3", "sandbox.span", ErrorKind::Malformed);
    check(&stage, "span", "6,1", "sandbox.span", ErrorKind::Malformed);
    check(&stage, "stale", "", "sandbox.span", ErrorKind::Malformed);
    assert_eq!(ids(block_on(stage.pull("span", "0,8"))), Ok(vec!["1".to_owned()]));
}

#[test]
fn span_of_an_earlier_call_is_refused() {
    let stage = stage();
    block_on(async {
        let mut session = stage.session("one");
        assert!(pull(&mut session, "span", "0,8").await.outcome.is_ok());
        let error = pull(&mut session, "stale", "").await.outcome.unwrap_err();
        assert_eq!(error.code, "sandbox.span");
        // Nor does it name the first answer of the later call.
        let error = pull(&mut session, "stale", "request").await.outcome.unwrap_err();
        assert_eq!(error.code, "sandbox.span");
    });
}

#[test]
fn payload_that_is_not_one_object_is_refused() {
    let stage = stage();
    for text in ["", "{", "[]", "1", "null", "{} {}", "{\"a\":1,}", "{\"a\":\"\\x\"}"] {
        check(&stage, "json", text, "sandbox.json", ErrorKind::Malformed);
    }
    assert!(block_on(stage.pull("json", " {\"a\": [1, null]}\n")).outcome.is_ok());
}

#[test]
fn answer_out_of_bounds_is_refused() {
    let stage = stage();
    check(&stage, "checkpoint", "65537", "sandbox.checkpoint", ErrorKind::Malformed);
    check(&stage, "name", "", "sandbox.answer", ErrorKind::Malformed);
    check(&stage, "name", &"x".repeat(1025), "sandbox.answer", ErrorKind::Malformed);
    check(&stage, "name", "two\nlines", "sandbox.answer", ErrorKind::Malformed);
    // The id is fine here; the time of change is not.
    check(&stage, "name", "fine", "sandbox.answer", ErrorKind::Malformed);
    check(&stage, "many_items", "20001", "sandbox.answer", ErrorKind::Malformed);
    let page = block_on(stage.pull("checkpoint", "65536")).outcome.unwrap();
    assert_eq!(page.next, Next::More("x".repeat(65_536)));
}

#[test]
fn one_answer_is_not_claimed_a_thousand_times() {
    let body = format!("{{\"a\": \"{}\"}}", "x".repeat(1 << 20));
    let mut stage = stage();
    stage.door = e2e::door::Door::new([("/object", body.as_str())]);
    assert!(block_on(stage.pull("many_items", "31")).outcome.is_ok());
    let error = block_on(stage.pull("many_items", "1000")).outcome.unwrap_err();
    assert_eq!(error.code, "sandbox.answer");
}

#[test]
fn waiting_ends_with_the_wall() {
    let limits = Limits { wall: Duration::from_millis(150), ..Limits::default() };
    let stage = block_on(Setting { limits, ..Setting::default() }.hostile());
    check(&stage, "wait", "", "sandbox.wall", ErrorKind::Timeout);
    let called = block_on(stage.pull("wait", ""));
    assert!(called.outcome.unwrap_err().request_sent, "nobody knows what the provider got");
    assert_eq!(called.receipt.http_calls, 1);
}

#[test]
fn error_of_a_guest_is_one_scrubbed_line() {
    let called = block_on(stage().pull("error", "two\nlines with hunter2"));
    let error = called.outcome.unwrap_err();
    assert_eq!(error.code, "sandbox.unnamed");
    assert_eq!(error.message, "two\\nlines with ***");
    assert_eq!(error.details, [("also".to_owned(), "two\\nlines with ***".to_owned())]);
    assert!(!error.request_sent);
}

#[test]
fn guest_cannot_speak_for_the_host_but_passes_on_what_it_said() {
    let stage = stage();
    check(&stage, "lie", "", "egress.link", ErrorKind::Denied);
    let page = block_on(stage.pull("lie", "egress.link")).outcome.unwrap();
    assert_eq!(page.rejects[0].error.code, "adapter.egress.link");
}

#[test]
fn guest_that_forgets_a_write_is_refused() {
    let stage = stage();
    let batch = |part: Option<&str>| Batch {
        entity: "plain".to_owned(),
        part: part.map(str::to_owned),
        mode: Mode::Apply,
        writes: vec![Write {
            key: "key".to_owned(),
            operation: Operation::Create,
            id: None,
            if_version: None,
            payload: b"{}"[..].into(),
            blobs: Vec::new(),
            details: Vec::new(),
        }],
    };
    block_on(async {
        let mut session = stage.session("one");
        let outcomes = session.push(batch(None)).await.outcome.unwrap();
        assert!(matches!(&outcomes[..], [Outcome::Applied(applied)] if applied.id == "1"));
        let error = session.push(batch(Some("forget"))).await.outcome.unwrap_err();
        assert_eq!((error.code.as_str(), error.request_sent), ("sandbox.answer", true));
    });
}

#[test]
fn delivery_is_handled_without_network() {
    let stage = stage();
    block_on(async {
        let mut session = stage.session("one");
        let called = session.handle(vec![event("{}")]).await;
        let [Err(error)] = &called.outcome.unwrap()[..] else { panic!("the network was there") };
        assert_eq!((error.code.as_str(), error.kind), ("sandbox.pure", ErrorKind::Denied));
        assert_eq!(called.receipt.http_calls, 0);
        assert!(session.check().await.outcome.is_ok(), "the same instance goes on");
    });
}

#[test]
fn error_about_a_delivery_is_scrubbed() {
    let stage = stage();
    let called = block_on(stage.session("one").handle(vec![event("it says hunter2")]));
    let [Err(error)] = &called.outcome.unwrap()[..] else { panic!("no error") };
    assert_eq!(error.message, "it says ***");
}
