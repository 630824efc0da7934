//! The simulators answer in the shapes of recorded answers, where recordings are at hand.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::hubspot::Kind;
use crate::material::recorded;
use crate::{Answer, HubSpot, News, Provider as _, Request};

/// The places of a value and the types that stand there, `null` left out; all rows are one.
fn shape(value: &Value, place: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Null => {}
        Value::Array(rows) => rows.iter().for_each(|row| shape(row, &format!("{place}/*"), found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                shape(value, &format!("{place}/{name}"), found);
            }
        }
        Value::Bool(_) => drop(found.insert(format!("{place}: boolean"))),
        Value::Number(_) => drop(found.insert(format!("{place}: number"))),
        Value::String(_) => drop(found.insert(format!("{place}: text"))),
    }
}

/// Everything of the recording, apart from `beyond`, must stand in the answer.
#[track_caller]
fn check(recording: &str, answer: &Answer, beyond: &[&str]) {
    let Some(recorded) = recorded(recording) else { return };
    let recorded: Value = serde_json::from_slice(&recorded).expect(recording);
    let answered: Value = serde_json::from_slice(&answer.body).unwrap();
    let (mut expected, mut found) = (BTreeSet::new(), BTreeSet::new());
    shape(&recorded, "", &mut expected);
    shape(&answered, "", &mut found);
    let missing: Vec<&String> = expected
        .difference(&found)
        .filter(|place| !beyond.iter().any(|known| place.starts_with(known)))
        .collect();
    assert!(missing.is_empty(), "{recording}: {missing:#?}");
}

fn hubspot(method: &str, target: &str, body: &str) -> Answer {
    let mut crm = HubSpot::with_contacts(60, 1);
    crm.answer(&Request::new(method, target).with_body(body))
}

#[test]
fn pages_of_lists_and_searches() {
    let list = hubspot("GET", "/crm/v3/objects/contacts?properties=email", "");
    check("hubspot/amp_labs/read/objects-api/contacts-response.json", &list, &[]);
    let body = r#"{"limit":"10","properties":["company","email","firstname","lastname","phone","website"]}"#;
    let search = hubspot("POST", "/crm/v3/objects/contacts/search", body);
    check("hubspot/amp_labs/search/contacts/1-first-page.json", &search, &[]);
    check("hubspot/amp_labs/read-via-search/contacts-response.json", &search, &[]);
}

#[test]
fn batches() {
    let ids = HubSpot::with_contacts(60, 1).ids(Kind::Contacts);
    let body = format!(r#"{{"inputs":[{{"id":"{}"}}]}}"#, ids[0]);
    let batch = hubspot("POST", "/crm/v3/objects/contacts/batch/read", &body);
    check("hubspot/amp_labs/read/objects-api/contacts-batch.json", &batch, &[]);
}

#[test]
fn the_account_and_its_properties() {
    let details = hubspot("GET", "/account-info/v3/details", "");
    check("hubspot/amp_labs/post-auth/account-info.json", &details, &[]);
    let properties = hubspot("GET", "/crm/v3/properties/contacts", "");
    // What belongs to single properties of the recorded account.
    let beyond = [
        "/results/*/options/*/",
        "/results/*/referencedObjectType",
        "/results/*/archived",
        "/results/*/createdUserId",
        "/results/*/updatedUserId",
        "/results/*/modificationMetadata/readOnlyOptions",
        "/results/*/showCurrencySymbol",
    ];
    check("hubspot/amp_labs/metadata-contacts-properties-sampled.json", &properties, &beyond);
    check("hubspot/amp_labs/metadata-deals-properties-sampled.json", &properties, &beyond);
}

#[test]
fn refusals() {
    let unknown = hubspot("POST", "/crm/v3/objects/butterflies/search", "{}");
    check("hubspot/amp_labs/search/error-invalid-object.json", &unknown, &[]);
    let scopes = HubSpot::new().refusal(&Request::default(), 403);
    check("hubspot/amp_labs/metadata-err-schemas-scope.json", &scopes, &[]);
    check(
        "hubspot/amp_labs/batch/create/contacts/err-conflict.json",
        &HubSpot::new().refusal(&Request::default(), 409),
        &[],
    );
}

#[test]
fn articles() {
    let Some(samples) = recorded("google_news/newsapi_samples.json") else { return };
    let samples: Value = serde_json::from_slice(&samples).unwrap();
    let (mut expected, mut found) = (BTreeSet::new(), BTreeSet::new());
    for sample in samples.as_array().unwrap() {
        shape(&sample["response"]["body"], "", &mut expected);
    }
    let mut news = News::with_articles(60, 1).developer_plan();
    for target in ["/v2/everything?q=a&apiKey=k", "/v2/everything?q=a&apiKey=k&page=9"] {
        let answer = news.answer(&Request::new("GET", target));
        shape(&serde_json::from_slice(&answer.body).unwrap(), "", &mut found);
    }
    assert_eq!(expected, found);
}
