//! Records by id, and what the account says about itself.

use plughouse_hubspot::HubSpot as Adapter;
use plughouse_sdk::{Adapter as _, Error, ErrorKind, FieldKind, Removal, Selection};
use plughouse_testkit::hubspot::{Kind, PORTAL_ID};
use plughouse_testkit::{Answer, HubSpot, Shared, from_fn};

use crate::support::{Store, connect, pull, request};

#[test]
fn every_id_comes_back_as_record_tombstone_or_reject() {
    let account = Shared::new(HubSpot::with_contacts(250, 1));
    let mut ids = account.with(|account| account.ids(Kind::Contacts));
    let archived = ids[7].clone();
    account.with(|a| a.archive(Kind::Contacts, &archived, 1_780_000_000_000).unwrap());
    ids.extend(["1".to_owned(), "1".to_owned(), "no id".to_owned(), String::new()]);

    let host = connect(account);
    let mut store = Store::default();
    store.run(&host, request("contact", Selection::Ids(ids.clone()))).unwrap();
    assert_eq!(store.records.len(), 249);
    let gone: Vec<_> = store.tombstones.into_iter().collect();
    let expected = [("1".to_owned(), Removal::Hidden), (archived, Removal::Hidden)];
    assert_eq!(gone, expected);
    let rejects: Vec<_> = store.rejects.iter().map(|reject| reject.id.as_deref()).collect();
    assert_eq!(rejects, [Some(""), Some("no id")]);
    assert_eq!(host.requests().len(), 3);
}

#[test]
fn no_ids_are_no_request() {
    let host = connect(HubSpot::with_contacts(1, 1));
    let page = pull(&host, &request("contact", Selection::Ids(Vec::new()))).unwrap();
    assert_eq!((page.records.len(), host.requests().len()), (0, 0));
}

#[test]
fn more_ids_than_fit_a_call_are_refused_unsent() {
    let host = connect(HubSpot::new());
    let ids = (0..1_001).map(|id| id.to_string()).collect();
    let error = pull(&host, &request("contact", Selection::Ids(ids))).unwrap_err();
    assert_eq!((error.kind, error.request_sent), (ErrorKind::Invalid, false));
}

#[test]
fn record_that_failed_for_another_reason_is_no_tombstone() {
    let body = r#"{"status":"COMPLETE","results":[{"id":"1"}],"numErrors":2,"errors":[
        {"status":"error","category":"OBJECT_NOT_FOUND","message":"m","context":{"ids":["2"]}},
        {"status":"error","category":"MISSING_SCOPES","message":"m","context":{"ids":["3"]}}]}"#;
    let host = connect(from_fn(|_| Answer::json(207, body.as_bytes())));
    let mut store = Store::default();
    let ids = ["1", "2", "3"].map(str::to_owned).to_vec();
    store.run(&host, request("deal", Selection::Ids(ids))).unwrap();
    assert_eq!(store.ids(), ["1"]);
    assert_eq!(store.tombstones.keys().collect::<Vec<_>>(), ["2"]);
    let [reject] = store.rejects.as_slice() else { panic!("one reject") };
    assert_eq!((reject.id.as_deref(), reject.error.kind), (Some("3"), ErrorKind::Permission));
}

#[test]
fn account_is_the_portal() {
    let account = connect(HubSpot::new()).run(Adapter::check).unwrap();
    assert_eq!(account.id, PORTAL_ID.to_string());
    assert!(account.label.contains(&account.id), "{}", account.label);
    let variables: Vec<_> =
        account.variables.iter().map(|it| (it.name.as_str(), it.value.as_str())).collect();
    assert_eq!(variables, [("hub_id", account.id.as_str())]);
}

#[test]
fn account_without_a_portal_is_malformed() {
    let error = connect(from_fn(|_| Answer::json(200, *b"{}"))).run(Adapter::check).unwrap_err();
    assert_eq!(error.code, "hubspot.portal");
}

#[test]
fn account_offers_the_entities_of_the_manifest() {
    let host = connect(HubSpot::new());
    let entities = host.run(|| Adapter::discover(None, None)).unwrap();
    let names: Vec<&str> = entities.iter().map(|entity| entity.name.as_str()).collect();
    assert_eq!(names, Adapter::ENTITIES);
    assert_eq!(host.requests().len(), 0);
}

#[test]
fn entity_is_described_by_its_properties() {
    let host = connect(HubSpot::new());
    let entities = host.run(|| Adapter::discover(Some("contact"), None)).unwrap();
    let [contact] = entities.as_slice() else { panic!("one entity") };
    let field = |name: &str| contact.fields.iter().find(|field| field.name == name).unwrap();
    assert_eq!((field("email").kind, field("email").label.as_str()), (FieldKind::Text, "Email"));
    assert_eq!(field("createdate").kind, FieldKind::DateTime);
    assert_eq!(field("lifecyclestage").kind, FieldKind::Choice);
}

#[test]
fn what_the_adapter_does_not_have_is_unsupported() {
    let host = connect(HubSpot::new());
    let kind = |error: Error| error.kind;
    let pulled = |entity: &str, selection| pull(&host, &request(entity, selection)).map_err(kind);
    assert_eq!(pulled("ticket", Selection::All).unwrap_err(), ErrorKind::Unsupported);
    assert_eq!(pulled("contact", Selection::Changes).unwrap_err(), ErrorKind::Unsupported);
    let described = host.run(|| Adapter::discover(Some("ticket"), None));
    assert_eq!(described.map_err(kind).unwrap_err(), ErrorKind::Unsupported);
    assert_eq!(host.requests().len(), 0);
}
