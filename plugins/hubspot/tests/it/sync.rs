//! Whole reads: everything, what changed, what was archived.

use plughouse_sdk::{Selection, Window};
use plughouse_testkit::hubspot::Kind;
use plughouse_testkit::{Fault, Faulty, HubSpot, Rule, Shared};

use crate::support::{EVER, Store, connect, request};

/// A time after everything that a simulated account was filled with.
const LATER_MS: i64 = 1_780_000_000_000;

fn at(ms: i64) -> u64 {
    u64::try_from(ms).unwrap()
}

#[test]
fn full_read_ends_with_exactly_the_records_of_the_account() {
    for (entity, kind) in
        [("contact", Kind::Contacts), ("company", Kind::Companies), ("deal", Kind::Deals)]
    {
        for count in [0, 1, 100, 101, 350] {
            let account = Shared::new(HubSpot::new().filled(kind, count, 7));
            let mut store = Store::default();
            store.run(&connect(account.clone()), request(entity, Selection::All)).unwrap();
            assert_eq!(store.ids(), account.with(|account| account.ids(kind)), "{count} {entity}");
        }
    }
}

#[test]
fn busy_account_is_read_completely() {
    for seed in 0..8 {
        let account = Shared::new(HubSpot::with_contacts(730, seed));
        let busy = [Rule::every(2, Fault::DuplicateRow), Rule::every(1 + seed % 3, Fault::Drift)];
        let host = connect(Faulty::new(account.clone(), busy));
        let mut store = Store::default();
        store.run(&host, request("contact", Selection::All)).unwrap();
        assert_eq!(store.ids(), account.with(|account| account.ids(Kind::Contacts)));

        // What moved while the list was read comes with the next window.
        store.run(&connect(account.clone()), request("contact", Selection::Window(EVER))).unwrap();
        for (id, record) in &store.records {
            let modified =
                account.with(|account| account.value(Kind::Contacts, id, "lastmodifieddate"));
            assert_eq!(record["properties"]["lastmodifieddate"].as_str(), modified.as_deref());
        }
    }
}

#[test]
fn search_passes_the_row_at_which_a_query_ends() {
    let account = Shared::new(HubSpot::with_contacts(25_000, 3));
    let mut store = Store::default();
    let mut window = request("contact", Selection::Window(EVER));
    window.limit = 200;
    store.run(&connect(account.clone()), window).unwrap();
    assert_eq!(store.records.len(), 25_000);
    assert_eq!(store.ids(), account.with(|account| account.ids(Kind::Contacts)));
    assert_eq!(store.pages, 125);
}

#[test]
fn many_changes_of_one_instant_do_not_hold_up_the_search() {
    let account = Shared::new(HubSpot::new().filled(Kind::Deals, 450, 1));
    let ids = account.with(|account| account.ids(Kind::Deals));
    for id in &ids {
        account.with(|a| a.update(Kind::Deals, id, LATER_MS, &[("amount", "7")]).unwrap());
    }
    let instant = Window { from_ms: at(LATER_MS), until_ms: at(LATER_MS) + 1 };
    let mut store = Store::default();
    store.run(&connect(account), request("deal", Selection::Window(instant))).unwrap();
    assert_eq!(store.ids(), ids);
}

#[test]
fn window_holds_its_start_and_not_its_end() {
    let account = Shared::new(HubSpot::new());
    let create =
        |ms| account.with(|account| account.create(Kind::Companies, ms, &[("name", "a")]).unwrap());
    let [_before, start, inside, _end] = [-1, 0, 5, 10].map(|offset| create(LATER_MS + offset));
    let window = Window { from_ms: at(LATER_MS), until_ms: at(LATER_MS) + 10 };
    let mut store = Store::default();
    store.run(&connect(account), request("company", Selection::Window(window))).unwrap();
    assert_eq!(store.ids(), [start, inside]);
}

#[test]
fn change_that_the_index_shows_late_is_found_by_the_next_window() {
    let account = Shared::new(HubSpot::with_contacts(10, 1));
    let host = connect(account.clone());
    account.with(HubSpot::lag_search);
    let id = account.with(|a| a.create(Kind::Contacts, LATER_MS, &[("email", "a@b.co")]).unwrap());
    let window = || request("contact", Selection::Window(Window { from_ms: at(LATER_MS), ..EVER }));
    let mut store = Store::default();
    store.run(&host, window()).unwrap();
    assert_eq!(store.ids(), [""; 0]);
    account.with(HubSpot::catch_up);
    store.run(&host, window()).unwrap();
    assert_eq!(store.ids(), [id]);
}

#[test]
fn recycle_bin_is_read_as_tombstones_of_the_window() {
    let account = Shared::new(HubSpot::with_contacts(400, 2));
    let ids = account.with(|account| account.ids(Kind::Contacts));
    for (offset, id) in (0..300).zip(&ids) {
        account.with(|a| a.archive(Kind::Contacts, id, LATER_MS + offset).unwrap());
    }
    let window = Window { from_ms: at(LATER_MS) + 50, until_ms: at(LATER_MS) + 290 };
    let mut store = Store::default();
    store.run(&connect(account), request("contact", Selection::Deleted(window))).unwrap();
    let mut found: Vec<&String> = store.tombstones.keys().collect();
    let mut expected: Vec<&String> = ids[50..290].iter().collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(store.records.len(), 0);
    assert_eq!(store.pages, 3);
}

#[test]
fn requested_fields_come_and_no_others() {
    let account = HubSpot::with_contacts(3, 1);
    for selection in [Selection::All, Selection::Window(EVER)] {
        let mut store = Store::default();
        let mut request = request("contact", selection);
        request.fields = vec!["jobtitle".to_owned(), "unknown_to_the_account".to_owned()];
        store.run(&connect(HubSpot::with_contacts(3, 1)), request).unwrap();
        assert_eq!(store.ids(), account.ids(Kind::Contacts));
        for record in store.records.values() {
            let names: Vec<&String> = record["properties"].as_object().unwrap().keys().collect();
            assert_eq!(names, ["createdate", "hs_object_id", "jobtitle", "lastmodifieddate"]);
        }
    }
}

#[test]
fn more_fields_than_a_request_can_name_are_read_by_id() {
    let account = Shared::new(HubSpot::with_contacts(230, 1));
    let mut fields: Vec<String> = (0..1_500).map(|i| format!("custom_{i:05}")).collect();
    fields.push("jobtitle".to_owned());
    for selection in [Selection::All, Selection::Window(EVER)] {
        let mut store = Store::default();
        let host = connect(account.clone());
        let mut request = request("contact", selection);
        request.fields = fields.clone();
        store.run(&host, request).unwrap();
        assert_eq!(store.ids(), account.with(|account| account.ids(Kind::Contacts)));
        let properties = |record: &serde_json::Value| record["properties"].as_object().cloned();
        let named = |record| properties(record).is_some_and(|it| it.contains_key("jobtitle"));
        assert!(store.records.values().all(named));
        assert_eq!(store.pages, 3);
        let reads = host.requests().into_iter().filter(|it| it.target.ends_with("/batch/read"));
        assert_eq!(reads.count(), 3);
    }
}
