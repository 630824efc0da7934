//! Every fault ends a call with one classified error, and the run goes on where it stood.

use plughouse_sdk::{Adapter as _, Error, ErrorKind, Next, Selection};
use plughouse_testkit::hubspot::Kind;
use plughouse_testkit::{Answer, Fault, Faulty, HubSpot, Rule, Shared, from_fn};

use crate::support::{EVER, Store, connect, pull, request};

/// The error of every kind of read with that fault.
fn errors(fault: &Fault) -> Vec<Error> {
    let host = || connect(Faulty::new(HubSpot::with_contacts(3, 1), [Rule::always(fault.clone())]));
    let selections = [
        Selection::All,
        Selection::Window(EVER),
        Selection::Deleted(EVER),
        Selection::Ids(vec!["1".to_owned()]),
    ];
    let pulls = selections.map(|selection| pull(&host(), &request("contact", selection)).err());
    let check = host().run(plughouse_hubspot::HubSpot::check).err();
    let describe = host().run(|| plughouse_hubspot::HubSpot::discover(Some("deal"), None)).err();
    pulls.into_iter().chain([check, describe]).map(|error| error.expect("an error")).collect()
}

#[track_caller]
fn check(fault: &Fault, kind: ErrorKind, retry_after_ms: Option<u64>) {
    for error in errors(fault) {
        assert_eq!((error.kind, error.retry_after_ms), (kind, retry_after_ms), "{error:?}");
        assert!(!error.message.is_empty());
    }
}

#[test]
fn refusals_are_classified_for_every_read() {
    check(&Fault::Unauthorized, ErrorKind::AuthRequired, None);
    check(&Fault::Forbidden, ErrorKind::Permission, None);
    check(&Fault::TooMany(None), ErrorKind::RateLimited, Some(10_000));
    check(&Fault::TooMany(Some("2.5".into())), ErrorKind::RateLimited, Some(2_500));
    check(&Fault::Status(500), ErrorKind::Unavailable, None);
    check(&Fault::Status(502), ErrorKind::Unavailable, None);
    check(&Fault::Status(503), ErrorKind::Unavailable, None);
    check(&Fault::Status(504), ErrorKind::Unavailable, None);
    check(&Fault::Status(423), ErrorKind::Unavailable, Some(2_000));
    check(&Fault::Status(530), ErrorKind::AuthRequired, None);
    check(&Fault::Redirect("http://169.254.169.254/".into()), ErrorKind::Malformed, None);
}

#[test]
fn answers_that_make_no_sense_are_malformed() {
    check(&Fault::Malformed, ErrorKind::Malformed, None);
    check(&Fault::Html, ErrorKind::Malformed, None);
    check(&Fault::Body(String::new()), ErrorKind::Malformed, None);
    check(&Fault::Body("{\"results\":null}".into()), ErrorKind::Malformed, None);
    check(&Fault::Body("[".repeat(100_000)), ErrorKind::Malformed, None);
}

#[test]
fn answers_that_do_not_arrive_are_what_the_host_says() {
    check(&Fault::Stall, ErrorKind::Timeout, None);
    check(&Fault::Truncate(20), ErrorKind::Unavailable, None);
    check(&Fault::CutChunks(20), ErrorKind::Unavailable, None);
    check(&Fault::Endless, ErrorKind::BudgetExhausted, None);
    check(&Fault::GzipBomb(64), ErrorKind::BudgetExhausted, None);
}

#[test]
fn huge_page_is_read_like_a_small_one() {
    let account = Shared::new(HubSpot::with_contacts(120, 1));
    let host = connect(Faulty::new(account.clone(), [Rule::always(Fault::Huge(4))]));
    let mut store = Store::default();
    store.run(&host, request("contact", Selection::All)).unwrap();
    assert_eq!(store.ids(), account.with(|account| account.ids(Kind::Contacts)));
}

#[test]
fn run_goes_on_where_a_fault_has_stopped_it() {
    for fault in [Fault::Status(503), Fault::TooMany(None), Fault::Malformed, Fault::Stall] {
        for selection in [Selection::All, Selection::Window(EVER)] {
            let account = Shared::new(HubSpot::with_contacts(330, 5));
            let host = connect(Faulty::new(account.clone(), [Rule::nth(3, fault.clone())]));
            let mut store = Store::default();
            let mut request = request("contact", selection);
            store.run(&host, request.clone()).unwrap_err();
            assert_eq!(store.pages, 2);
            let last = store.ids().last().cloned().unwrap();
            request.checkpoint = checkpoint_behind(&account, &request.selection, &last);
            store.run(&host, request).unwrap();
            assert_eq!(store.ids(), account.with(|account| account.ids(Kind::Contacts)));
        }
    }
}

/// The checkpoint that the host has kept of the page that ended with this id.
fn checkpoint_behind(
    account: &Shared<HubSpot>,
    selection: &Selection,
    last: &str,
) -> Option<String> {
    let ids = account.with(|account| account.ids(Kind::Contacts));
    let next = ids.iter().skip_while(|id| *id != last).nth(1)?;
    Some(match selection {
        Selection::All => format!("1:{{\"after\":\"{next}\"}}"),
        _ => format!("1:{{\"last\":{last}}}"),
    })
}

#[track_caller]
fn check_checkpoint(selection: Selection, checkpoint: &str, kind: ErrorKind) {
    let mut request = request("contact", selection);
    request.checkpoint = Some(checkpoint.to_owned());
    let error = pull(&connect(HubSpot::with_contacts(3, 1)), &request).expect_err(checkpoint);
    assert_eq!(error.kind, kind, "{error:?}");
}

#[test]
fn checkpoint_that_is_of_no_use_has_expired() {
    for checkpoint in ["x", "7:{}", "1:{\"last\":-1}", "1:{\"after\":7}"] {
        check_checkpoint(Selection::All, checkpoint, ErrorKind::ExpiredCheckpoint);
        check_checkpoint(Selection::Window(EVER), checkpoint, ErrorKind::ExpiredCheckpoint);
        check_checkpoint(Selection::Deleted(EVER), checkpoint, ErrorKind::ExpiredCheckpoint);
    }
    // Readable, but HubSpot does not know it any more.
    check_checkpoint(Selection::All, "1:{\"after\":\"gone\"}", ErrorKind::ExpiredCheckpoint);
}

#[track_caller]
fn check_stuck(selection: Selection, checkpoint: &str, body: &'static str, code: &str) {
    let mut request = request("contact", selection);
    request.checkpoint = Some(checkpoint.to_owned());
    let host = connect(from_fn(move |_| Answer::json(200, body.as_bytes())));
    assert_eq!(pull(&host, &request).unwrap_err().code, code);
}

#[test]
fn pages_that_lead_nowhere_end_the_run() {
    let again = r#"{"results":[{"id":"4"}],"paging":{"next":{"after":"5"}}}"#;
    check_stuck(Selection::All, "1:{\"after\":\"5\"}", again, "hubspot.list-stuck");
    check_stuck(Selection::Window(EVER), "1:{\"last\":4}", again, "hubspot.search-stuck");
    let unsorted = r#"{"results":[{"id":"9"},{"id":"6"}],"paging":{"next":{"after":"5"}}}"#;
    check_stuck(Selection::Window(EVER), "1:{\"last\":4}", unsorted, "hubspot.search-order");
}

#[test]
fn record_without_an_id_does_not_hold_up_the_others() {
    let body = r#"{"results":[{"id":"1"},{"properties":{}},{"id":"3"}]}"#;
    let host = connect(from_fn(|_| Answer::json(200, body.as_bytes())));
    let page = pull(&host, &request("deal", Selection::All)).unwrap();
    let ids: Vec<&str> = page.records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!((ids.as_slice(), page.rejects.len()), (["1", "3"].as_slice(), 1));
    assert!(matches!(page.next, Next::Done(_)));
}
