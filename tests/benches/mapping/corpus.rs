//! Records as HubSpot sends them, and field maps for them.

use serde_json::{Value as Json, json};

/// Records that differ where those of an account do.
pub(super) fn records(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|i| record(i).to_string().into_bytes()).collect()
}

fn record(i: usize) -> Json {
    const GIVEN: [&str; 4] = ["Ada", " Renée ", "José  María", "Li"];
    const FAMILY: [&str; 4] = ["Lovelace", "O'Hara", "García Márquez", "Nguyễn "];
    const STAGES: [&str; 3] = ["lead", "Customer", "opportunity"];
    let id = 713_492_963_560 + i;
    json!({
        "id": id.to_string(),
        "properties": {
            "address": format!(" {} Rue de la République", i % 200),
            "city": "Lyon",
            "company": "Acme  Widgets & Sons",
            "country": "fr",
            "createdate": "2026-02-25T16:23:49.023Z",
            "email": format!("Person.{i}@Example.com"),
            "firstname": GIVEN[i % 4],
            "hs_email_optout": if i.is_multiple_of(3) { "true" } else { "false" },
            "hs_object_id": id.to_string(),
            "hubspot_owner_id": "88842095",
            "jobtitle": if i.is_multiple_of(5) { Json::Null } else { json!("Head of Flight Operations") },
            "lastmodifieddate": "2026-03-12T10:04:17.969Z",
            "lastname": FAMILY[i % 4],
            "lifecyclestage": STAGES[i % 3],
            "mobilephone": if i.is_multiple_of(2) { "" } else { "+33 6 12 34 56 78" },
            "num_notes": (i % 40).to_string(),
            "phone": "+33 4 72 10 30 30 ",
            "state": "Auvergne-Rhône-Alpes",
            "website": "https://www.Example.com/",
            "zip": "69001",
        },
        "createdAt": "2026-02-25T16:23:49.023Z",
        "updatedAt": "2026-03-12T10:04:17.969Z",
        "archived": false,
        "url": format!("https://app-eu1.hubspot.com/contacts/147893286/record/0-1/{id}"),
    })
}

/// The field of the record type and the provider's property.
const FIELDS: [(&str, &str); 20] = [
    ("email", "email"),
    ("given_name", "firstname"),
    ("family_name", "lastname"),
    ("number", "hs_object_id"),
    ("phone", "phone"),
    ("mobile", "mobilephone"),
    ("job_title", "jobtitle"),
    ("company_name", "company"),
    ("stage", "lifecyclestage"),
    ("street", "address"),
    ("postal_code", "zip"),
    ("city", "city"),
    ("region", "state"),
    ("country", "country"),
    ("owner", "hubspot_owner_id"),
    ("created", "createdate"),
    ("updated", "lastmodifieddate"),
    ("website", "website"),
    ("notes", "num_notes"),
    ("opted_out", "hs_email_optout"),
];

pub(super) fn plain_fields() -> Vec<Json> {
    let field = |(to, from)| json!({"from": format!("/properties/{from}"), "to": to});
    FIELDS.into_iter().map(field).collect()
}

/// The same properties as a careful person maps them.
pub(super) fn tidy_fields() -> Vec<Json> {
    let stages = json!({"lead": "prospect", "opportunity": "prospect", "customer": "customer"});
    let ops = |to: &str| match to {
        "email" => json!(["trim", "lower"]),
        "given_name" => json!(["trim", "collapse_ws"]),
        "number" => json!([{"op": "prefix_add", "text": "hubspot:"}]),
        "phone" => json!(["trim", {"op": "replace", "find": " ", "with": ""}]),
        "mobile" => json!([{"op": "nullify", "values": [""]}, "trim"]),
        "job_title" => json!([{"op": "default", "value": "unknown"}, "trim"]),
        "stage" => json!(["lower", {"op": "enum_map", "table": stages}]),
        "street" => json!(["trim", {"op": "truncate", "length": 80}]),
        "family_name" | "postal_code" | "country" => json!(["trim", "upper"]),
        "company_name" => json!(["collapse_ws"]),
        "city" => json!(["trim"]),
        "region" => json!(["upper"]),
        "owner" => json!([{"op": "suffix_add", "text": "@eu1"}]),
        "created_at" | "updated_at" => json!(["parse_datetime"]),
        "website" => json!(["lower"]),
        "count" => json!(["to_int"]),
        _ => json!(["to_bool"]),
    };
    let field = |(to, from)| {
        let to = match to {
            "created" => "created_at",
            "updated" => "updated_at",
            "notes" => "count",
            "opted_out" => "flag",
            other => other,
        };
        json!({"from": format!("/properties/{from}"), "ops": ops(to), "to": to})
    };
    FIELDS.into_iter().map(field).collect()
}

/// The type of a field, by its name.
pub(super) fn kind(name: &Json) -> &'static str {
    match name.as_str().unwrap_or_default() {
        name if name.starts_with("created_at") || name.starts_with("updated_at") => "datetime",
        name if name.starts_with("count_") || name == "count" => "integer",
        name if name.starts_with("flag") => "bool",
        _ => "text",
    }
}
