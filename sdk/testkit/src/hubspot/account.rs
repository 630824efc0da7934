//! What the account says about itself: details, owners, properties.

use serde_json::{Value, json};

use crate::hubspot::PORTAL_ID;
use crate::hubspot::generate::{DEAL_STAGES, INDUSTRIES, LEAD_STATUS, OWNERS, STAGES};
use crate::hubspot::kind::{Kind, Property, Source};
use crate::message::Answer;

/// The account, as `/account-info/v3/details` tells.
pub(super) fn details() -> Answer {
    let body = json!({
        "portalId": PORTAL_ID,
        "accountType": "STANDARD",
        "timeZone": "Europe/Berlin",
        "companyCurrency": "EUR",
        "additionalCurrencies": [],
        "utcOffset": "+01:00",
        "utcOffsetMilliseconds": 3_600_000,
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "na1",
    });
    Answer::value(200, &body)
}

/// The owners, all on one page.
pub(super) fn owners() -> Answer {
    let owners = OWNERS.iter().map(|id| {
        json!({
            "id": id,
            "email": format!("owner.{id}@plughouse.example"),
            "firstName": "Owner",
            "lastName": id,
            "createdAt": "2023-01-01T00:00:00.000Z",
            "updatedAt": "2023-01-01T00:00:00.000Z",
            "archived": false,
        })
    });
    Answer::value(200, &json!({ "results": owners.collect::<Vec<_>>() }))
}

/// The properties of a kind.
pub(super) fn properties(kind: Kind) -> Answer {
    let properties: Vec<Value> = kind.properties().iter().map(property).collect();
    Answer::value(200, &json!({ "results": properties }))
}

fn property(property: &Property) -> Value {
    let field_type = match (property.form, property.name) {
        ("enumeration", _) => "select",
        ("datetime", _) => "date",
        ("number", _) => "number",
        ("bool", _) => "booleancheckbox",
        (_, "phone" | "mobilephone") => "phonenumber",
        (_, "description") => "textarea",
        _ => "text",
    };
    let system = property.source != Source::Given;
    json!({
        "updatedAt": "2023-01-01T00:00:00.000Z",
        "createdAt": "2023-01-01T00:00:00.000Z",
        "name": property.name,
        "label": property.label,
        "type": property.form,
        "fieldType": field_type,
        "description": "",
        "groupName": "information",
        "options": options(property.name),
        "calculated": system || property.name.starts_with("hs_is_"),
        "externalOptions": property.name == "hubspot_owner_id",
        "hasUniqueValue": matches!(property.name, "hs_object_id" | "email"),
        "hidden": false,
        "hubspotDefined": true,
        "modificationMetadata": {
            "archivable": true, "readOnlyDefinition": true, "readOnlyValue": system,
        },
        "displayOrder": -1,
        "formField": !system,
        "dataSensitivity": "non_sensitive",
    })
}

fn options(name: &str) -> Vec<Value> {
    let values: &[&str] = match name {
        "lifecyclestage" => &STAGES,
        "hs_lead_status" => &LEAD_STATUS,
        "industry" => &INDUSTRIES,
        "dealstage" => &DEAL_STAGES,
        "pipeline" => &["default"],
        "dealtype" => &["newbusiness", "existingbusiness"],
        "deal_currency_code" => &["EUR", "USD"],
        _ => &[],
    };
    let options = values.iter().enumerate().map(|(place, value)| {
        json!({ "value": value, "label": value, "displayOrder": place, "hidden": false })
    });
    options.collect()
}
