//! The adapter against answers that HubSpot has sent to others, where they lie beside the project.

use plughouse_hubspot::HubSpot;
use plughouse_sdk::{Adapter as _, ErrorKind, FieldKind, Selection};
use plughouse_testkit::{Answer, from_fn, material};

use crate::support::{EVER, Store, connect, pull, request};

fn recorded(name: &str) -> Option<Vec<u8>> {
    material::recorded(&format!("hubspot/amp_labs/{name}"))
}

fn answering(status: u16, body: Vec<u8>) -> plughouse_testkit::native::TestHost {
    connect(from_fn(move |_| Answer::json(status, body.clone())))
}

#[test]
fn recorded_list_is_read() {
    let Some(body) = recorded("read/objects-api/contacts-response.json") else { return };
    let host = answering(200, body);
    let page = pull(&host, &request("contact", Selection::All)).unwrap();
    let ids: Vec<&str> = page.records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids, ["1", "51", "101"]);
    assert_eq!(page.records[0].modified_ms, Some(1_735_061_514_727));
    assert_eq!(page.next.checkpoint(), "1:{\"after\":\"394\"}");
}

#[test]
fn recorded_searches_are_read() {
    for (name, id) in [
        ("search/contacts/1-first-page.json", "501"),
        ("read-via-search/contacts-response.json", "220006890315"),
    ] {
        let Some(body) = recorded(name) else { return };
        let host = answering(200, body);
        let page = pull(&host, &request("contact", Selection::Window(EVER))).unwrap();
        assert_eq!(page.records[0].id, id);
        assert!(page.rejects.is_empty());
    }
}

#[test]
fn recorded_batch_is_read() {
    let Some(body) = recorded("read/objects-api/contacts-batch.json") else { return };
    let mut store = Store::default();
    let ids = ["110338039632", "110323586992", "5"].map(str::to_owned).to_vec();
    store.run(&answering(200, body), request("contact", Selection::Ids(ids))).unwrap();
    assert_eq!(store.ids(), ["110323586992", "110338039632"]);
    assert_eq!(store.tombstones.keys().collect::<Vec<_>>(), ["5"]);
}

#[test]
fn recorded_properties_are_fields() {
    let Some(body) = recorded("metadata-contacts-properties-sampled.json") else { return };
    let described = answering(200, body).run(|| HubSpot::discover(Some("contact"), None)).unwrap();
    let fields = &described[0].fields;
    let field = |name: &str| fields.iter().find(|field| field.name == name).unwrap();
    assert_eq!(field("address").kind, FieldKind::Text);
    assert_eq!(field("associatedcompanyid").target.as_deref(), Some("company"));
    assert!(!field("hs_associated_target_accounts").writable);
}

#[test]
fn recorded_account_is_named() {
    let Some(body) = recorded("post-auth/account-info.json") else { return };
    let account = answering(200, body).run(HubSpot::check).unwrap();
    assert_eq!(account.id, "12345678");
    assert_eq!(account.label, "HubSpot account 12345678 (app.hubspot.com)");
}

#[test]
fn recorded_refusals_are_classified() {
    for (name, status, kind) in [
        ("metadata-err-schemas-scope.json", 403, ErrorKind::Permission),
        ("search/error-invalid-object.json", 400, ErrorKind::Invalid),
        ("batch/create/contacts/err-conflict.json", 409, ErrorKind::Conflict),
    ] {
        let Some(body) = recorded(name) else { return };
        let error =
            pull(&answering(status, body), &request("contact", Selection::All)).unwrap_err();
        assert_eq!(error.kind, kind, "{name}");
        assert!(error.details.iter().any(|detail| detail.name == "provider-message"), "{name}");
    }
}
