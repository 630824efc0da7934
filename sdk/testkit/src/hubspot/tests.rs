use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;

const LATER_MS: i64 = 1_780_000_000_000;

fn get(crm: &mut HubSpot, target: &str) -> (u16, Value) {
    read(&crm.answer(&Request::new("GET", target)))
}

fn post(crm: &mut HubSpot, target: &str, body: &Value) -> (u16, Value) {
    read(&crm.answer(&Request::new("POST", target).with_body(body.to_string())))
}

fn read(answer: &Answer) -> (u16, Value) {
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

fn ids(page: &Value) -> Vec<String> {
    let rows = page["results"].as_array().unwrap();
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// Follows `after` to the end; the ids of all pages.
fn all(crm: &mut HubSpot, target: &str) -> Vec<String> {
    let (mut found, mut next) = (Vec::new(), target.to_owned());
    loop {
        let (status, page) = get(crm, &next);
        assert_eq!(status, 200, "{page}");
        found.extend(ids(&page));
        let Some(after) = page["paging"]["next"]["after"].as_str() else { return found };
        next = format!("{target}&after={after}");
    }
}

fn search(crm: &mut HubSpot, kind: Kind, body: &Value) -> (u16, Value) {
    post(crm, &format!("/crm/v3/objects/{}/search", kind.name()), body)
}

fn filters(filters: &Value) -> Value {
    json!({ "filterGroups": [{ "filters": filters }], "limit": 200 })
}

#[test]
fn lists_show_every_record_once_in_pages_of_at_most_a_hundred() {
    let mut crm = HubSpot::with_contacts(250, 7);
    let (_, first) = get(&mut crm, "/crm/v3/objects/contacts");
    assert_eq!(ids(&first).len(), 10);
    let found = all(&mut crm, "/crm/v3/objects/contacts?limit=100");
    assert_eq!(found, crm.ids(Kind::Contacts));
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 250);
}

#[test]
fn links_lead_to_the_next_page() {
    let mut crm = HubSpot::with_contacts(3, 7);
    let (_, page) = get(&mut crm, "/crm/v3/objects/contacts?limit=2&properties=email,city");
    let link = page["paging"]["next"]["link"].as_str().unwrap();
    let target = link.strip_prefix(ORIGIN).unwrap();
    let (_, second) = get(&mut crm, target);
    assert_eq!(ids(&second), crm.ids(Kind::Contacts)[2..]);
    assert!(second["results"][0]["properties"].get("city").is_some());
    assert_eq!(second.get("paging"), None);
}

#[test]
fn wrong_parameters_are_refused_in_the_words_of_the_api() {
    let mut crm = HubSpot::with_contacts(3, 7);
    for target in ["contacts?limit=101", "contacts?limit=0", "contacts?after=x", "butterflies"] {
        let (status, body) = get(&mut crm, &format!("/crm/v3/objects/{target}"));
        assert_eq!((status, &body["category"]), (400, &json!("VALIDATION_ERROR")), "{target}");
    }
    assert_eq!(get(&mut crm, "/crm/v3/objects/contacts/1").0, 404);
    assert_eq!(get(&mut crm, "/crm/v3/objects/contacts/x").0, 404);
    assert_eq!(get(&mut crm, "/nowhere").0, 404);
    assert_eq!(crm.answer(&Request::new("DELETE", "/crm/v3/objects/contacts/1")).status, 404);
}

#[test]
fn a_page_of_all_properties_is_about_70_kilobytes() {
    let names: Vec<_> = Kind::Contacts.properties().iter().map(|it| it.name).collect();
    assert_eq!(names.len(), 20);
    let target = format!("/crm/v3/objects/contacts?limit=100&properties={}", names.join(","));
    let mut crm = HubSpot::with_contacts(100, 7);
    let length = crm.answer(&Request::new("GET", target)).body.len();
    assert!((67_000..74_000).contains(&length), "{length}");
}

#[test]
fn the_same_seed_gives_the_same_account() {
    let target = "/crm/v3/objects/deals?limit=100&properties=dealname,amount,closedate";
    let page =
        |seed| HubSpot::new().filled(Kind::Deals, 50, seed).answer(&Request::new("GET", target));
    assert_eq!(page(1).body, page(1).body);
    assert_ne!(page(1).body, page(2).body);
}

#[test]
fn unknown_properties_are_ignored_and_missing_values_are_null() {
    let mut crm = HubSpot::new();
    let id = crm.create(Kind::Contacts, LATER_MS, &[("email", "a@b.example")]).unwrap();
    let (_, record) =
        get(&mut crm, &format!("/crm/v3/objects/contacts/{id}?properties=email,nothing,city"));
    let expected = json!({
        "city": null, "createdate": "2026-05-28T20:26:40.000Z", "email": "a@b.example",
        "hs_object_id": id, "lastmodifieddate": "2026-05-28T20:26:40.000Z",
    });
    assert_eq!(record["properties"], expected);
    let (_, plain) = get(&mut crm, &format!("/crm/v3/objects/contacts/{id}"));
    assert_eq!(plain["properties"].as_object().unwrap().len(), 6);
}

#[test]
fn a_changed_account_is_never_answered_from_an_old_page() {
    let mut crm = HubSpot::with_contacts(2, 7);
    let target = "/crm/v3/objects/contacts?limit=100&properties=city";
    let id = crm.ids(Kind::Contacts).remove(0);
    get(&mut crm, target);
    crm.update(Kind::Contacts, &id, LATER_MS, &[("city", "Ulm")]).unwrap();
    let (_, page) = get(&mut crm, target);
    assert_eq!(page["results"][0]["properties"]["city"], "Ulm");
    assert_eq!(page["results"][0]["updatedAt"], "2026-05-28T20:26:40.000Z");
    assert_eq!(crm.value(Kind::Contacts, &id, "city").as_deref(), Some("Ulm"));
    crm.purge(Kind::Contacts, &id).unwrap();
    assert_eq!(ids(&get(&mut crm, target).1), crm.ids(Kind::Contacts));
}

#[test]
fn archived_records_are_listed_apart_in_the_order_of_archiving() {
    let mut crm = HubSpot::with_contacts(5, 7);
    let before = crm.ids(Kind::Contacts);
    for (place, at) in [(3, 30), (1, 10), (2, 20)] {
        crm.archive(Kind::Contacts, &before[place], LATER_MS + at).unwrap();
    }
    let archived = all(&mut crm, "/crm/v3/objects/contacts?archived=true&limit=2");
    assert_eq!(archived, [&before[1], &before[2], &before[3]].map(Clone::clone));
    assert_eq!(
        all(&mut crm, "/crm/v3/objects/contacts?limit=2"),
        [&before[0], &before[4]].map(Clone::clone)
    );
    let (_, page) = get(&mut crm, "/crm/v3/objects/contacts?archived=true");
    assert_eq!(page["results"][0]["archivedAt"], "2026-05-28T20:26:40.010Z");
    let one = format!("/crm/v3/objects/contacts/{}", before[1]);
    assert_eq!(get(&mut crm, &one).0, 404);
    assert_eq!(get(&mut crm, &format!("{one}?archived=true")).1["archived"], true);
    crm.restore(Kind::Contacts, &before[1]).unwrap();
    assert_eq!(get(&mut crm, &one).0, 200);
}

#[test]
fn changes_that_name_nothing_are_refused() {
    let mut crm = HubSpot::with_contacts(1, 7);
    let error = crm.archive(Kind::Contacts, "12", LATER_MS).unwrap_err();
    assert_eq!(error.to_string(), "the simulated account has no record `12` among its contacts");
    let id = crm.ids(Kind::Contacts).remove(0);
    let error = crm.update(Kind::Contacts, &id, LATER_MS, &[("createdate", "x")]).unwrap_err();
    assert!(error.to_string().contains("property `createdate` of contacts to set"), "{error}");
}

#[test]
fn searches_filter_by_the_modified_property_of_the_kind() {
    let mut crm = HubSpot::with_contacts(50, 7).filled(Kind::Deals, 50, 7);
    for kind in [Kind::Contacts, Kind::Deals] {
        let id = crm.ids(kind).remove(20);
        crm.update(kind, &id, LATER_MS, &[]).unwrap();
        let property = kind.modified_property();
        for value in [LATER_MS.to_string(), "2026-05-28T20:26:40Z".into()] {
            let body =
                filters(&json!([{ "propertyName": property, "operator": "GTE", "value": value }]));
            let (_, page) = search(&mut crm, kind, &body);
            assert_eq!((ids(&page), &page["total"]), (vec![id.clone()], &json!(1)));
        }
    }
    let wrong = json!([{ "propertyName": "hs_lastmodifieddate", "operator": "GT", "value": "0" }]);
    assert_eq!(search(&mut crm, Kind::Contacts, &filters(&wrong)).0, 400);
}

#[test]
fn a_search_can_be_walked_by_id() {
    let mut crm = HubSpot::with_contacts(450, 7);
    let (mut found, mut last) = (Vec::new(), "0".to_owned());
    loop {
        let mut body =
            filters(&json!([{ "propertyName": "hs_object_id", "operator": "GT", "value": last }]));
        body["sorts"] = json!([{ "propertyName": "hs_object_id", "direction": "ASCENDING" }]);
        let (_, page) = search(&mut crm, Kind::Contacts, &body);
        let Some(id) = ids(&page).pop() else { break };
        found.extend(ids(&page));
        last = id;
    }
    assert_eq!(found, crm.ids(Kind::Contacts));
}

#[test]
fn a_search_ends_at_row_ten_thousand() {
    let mut crm = HubSpot::with_contacts(10_300, 7);
    let (_, page) = search(&mut crm, Kind::Contacts, &json!({ "limit": 200, "after": "9800" }));
    assert_eq!(page["total"], 10_300);
    assert_eq!(page["paging"]["next"]["after"], "10000");
    let (status, body) =
        search(&mut crm, Kind::Contacts, &json!({ "limit": 200, "after": "10000" }));
    assert_eq!((status, &body["category"]), (400, &json!("VALIDATION_ERROR")));
}

#[test]
fn searches_know_the_operators_and_the_order() {
    let mut crm = HubSpot::new();
    for (amount, name) in [("5", "a"), ("30", "B"), ("", "c")] {
        crm.create(Kind::Deals, LATER_MS, &[("amount", amount), ("dealname", name)]).unwrap();
    }
    let mut check = |filter: Value, expected: &[&str]| {
        let mut body = filters(&json!([filter]));
        body["sorts"] = json!([{ "propertyName": "dealname", "direction": "DESCENDING" }]);
        body["properties"] = json!(["dealname"]);
        let (status, page) = search(&mut crm, Kind::Deals, &body);
        assert_eq!(status, 200, "{page}");
        let rows = page["results"].as_array().unwrap();
        let names: Vec<_> =
            rows.iter().map(|it| it["properties"]["dealname"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{filter}");
    };
    let amount = |operator: &str, value: &str| json!({ "propertyName": "amount", "operator": operator, "value": value });
    check(amount("GT", "5"), &["B"]);
    check(amount("LTE", "30"), &["B", "a"]);
    check(amount("NEQ", "5.0"), &["B"]);
    check(amount("HAS_PROPERTY", ""), &["B", "a"]);
    check(amount("NOT_HAS_PROPERTY", ""), &["c"]);
    check(
        json!({ "propertyName": "amount", "operator": "BETWEEN", "value": "1", "highValue": "6" }),
        &["a"],
    );
    check(
        json!({ "propertyName": "dealname", "operator": "IN", "values": ["b", "c"] }),
        &["c", "B"],
    );
    check(
        json!({ "propertyName": "dealname", "operator": "NOT_IN", "values": ["b", "c"] }),
        &["a"],
    );
}

#[test]
fn searches_that_break_a_limit_are_refused() {
    let mut crm = HubSpot::with_contacts(1, 7);
    let filter = json!({ "propertyName": "email", "operator": "HAS_PROPERTY" });
    for body in [
        json!({ "limit": 201 }),
        json!({ "limit": "many" }),
        json!({ "after": -1 }),
        json!({ "filterGroups": [{ "filters": vec![&filter; 7] }] }),
        json!({ "filterGroups": vec![json!({ "filters": [filter] }); 6] }),
        json!({ "sorts": [{ "propertyName": "nothing" }] }),
        json!({ "filterGroups": [{ "filters": [{ "propertyName": "email", "operator": "LIKE" }] }] }),
        json!({ "query": "x".repeat(3000) }),
    ] {
        assert_eq!(search(&mut crm, Kind::Contacts, &body).0, 400, "{body}");
    }
    assert_eq!(search(&mut crm, Kind::Contacts, &json!({ "limit": "1", "after": "0" })).0, 200);
}

#[test]
fn a_lagging_index_hides_changes_until_it_catches_up() {
    let mut crm = HubSpot::with_contacts(3, 7);
    crm.lag_search();
    let changed = crm.ids(Kind::Contacts).remove(0);
    crm.update(Kind::Contacts, &changed, LATER_MS, &[]).unwrap();
    let created = crm.create(Kind::Contacts, LATER_MS, &[]).unwrap();
    let recent = filters(&json!([{
        "propertyName": "lastmodifieddate", "operator": "GTE", "value": LATER_MS.to_string(),
    }]));
    assert_eq!(ids(&search(&mut crm, Kind::Contacts, &recent).1), Vec::<String>::new());
    crm.catch_up();
    assert_eq!(ids(&search(&mut crm, Kind::Contacts, &recent).1), [changed, created]);
}

#[test]
fn batches_tell_what_is_missing() {
    let mut crm = HubSpot::with_contacts(2, 7);
    let known = crm.ids(Kind::Contacts);
    let target = "/crm/v3/objects/contacts/batch/read";
    let body = json!({ "properties": ["email"], "inputs": [{ "id": known[1] }, { "id": "4" }] });
    let (status, page) = post(&mut crm, target, &body);
    assert_eq!((status, ids(&page)), (207, vec![known[1].clone()]));
    assert_eq!(page["errors"][0]["context"]["ids"], json!(["4"]));
    let email = crm.value(Kind::Contacts, &known[0], "email").unwrap();
    let body = json!({ "idProperty": "email", "inputs": [{ "id": email.to_uppercase() }] });
    assert_eq!(post(&mut crm, target, &body).0, 200);
    let many = vec![json!({ "id": "1" }); 101];
    assert_eq!(post(&mut crm, target, &json!({ "inputs": many })).0, 400);
    assert_eq!(post(&mut crm, target, &json!([])).0, 400);
}

#[test]
fn tokens_are_checked_and_expire() {
    let mut crm = HubSpot::with_contacts(1, 7).token("pat-1");
    let status = |crm: &mut HubSpot, authorization: &str| {
        let request = Request::new("GET", "/account-info/v3/details");
        let (status, body) =
            read(&crm.answer(&request.header_added("authorization", authorization)));
        (status, body["category"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(status(&mut crm, "Bearer pat-1"), (200, String::new()));
    for wrong in ["Bearer pat-2", "pat-1", "Basic pat-1"] {
        assert_eq!(status(&mut crm, wrong), (401, "INVALID_AUTHENTICATION".into()));
    }
    crm.expire_token(true);
    assert_eq!(status(&mut crm, "Bearer pat-1"), (401, "EXPIRED_AUTHENTICATION".into()));
}

#[test]
fn the_account_describes_itself() {
    let mut crm = HubSpot::new();
    assert_eq!(get(&mut crm, "/account-info/v3/details").1["portalId"], PORTAL_ID);
    assert_eq!(get(&mut crm, "/crm/v3/owners?limit=100").1["results"][0]["id"], "88842095");
    let (_, properties) = get(&mut crm, "/crm/v3/properties/contacts");
    let properties = properties["results"].as_array().unwrap();
    let stage = properties.iter().find(|it| it["name"] == "lifecyclestage").unwrap();
    assert_eq!(
        (&stage["type"], &stage["options"][1]["value"]),
        (&json!("enumeration"), &json!("lead"))
    );
    assert_eq!(get(&mut crm, "/crm/v3/properties/0-3").1["results"].as_array().unwrap().len(), 14);
}

#[test]
fn refusals_are_in_the_form_of_the_provider() {
    let crm = HubSpot::new();
    for (status, category) in [
        (401, "EXPIRED_AUTHENTICATION"),
        (403, "MISSING_SCOPES"),
        (404, "OBJECT_NOT_FOUND"),
        (409, "CONFLICT"),
        (423, "VALIDATION_ERROR"),
        (429, "RATE_LIMITS"),
        (502, "INTERNAL_ERROR"),
    ] {
        let (found, body) = read(&crm.refusal(&Request::default(), status));
        assert_eq!((found, body["category"].as_str().unwrap()), (status, category));
    }
    let (_, body) = read(&crm.refusal(&Request::default(), 429));
    assert_eq!(body["policyName"], "TEN_SECONDLY_ROLLING");
}

#[test]
fn drift_moves_the_oldest_change_to_the_end() {
    let mut crm = HubSpot::with_contacts(20, 7);
    let by_change = json!({ "limit": 200, "sorts": [{ "propertyName": "lastmodifieddate" }] });
    let before = ids(&search(&mut crm, Kind::Contacts, &by_change).1);
    crm.drift();
    let after = ids(&search(&mut crm, Kind::Contacts, &by_change).1);
    assert_eq!((&after[..19], &after[19]), (&before[1..], &before[0]));
}
