//! The same by hand: typed structs in, typed structs out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Record {
    properties: Properties,
}

#[derive(Deserialize)]
struct Properties {
    address: Option<String>,
    city: Option<String>,
    company: Option<String>,
    country: Option<String>,
    createdate: Option<String>,
    email: Option<String>,
    firstname: Option<String>,
    hs_email_optout: Option<String>,
    hs_object_id: Option<String>,
    hubspot_owner_id: Option<String>,
    jobtitle: Option<String>,
    lastmodifieddate: Option<String>,
    lastname: Option<String>,
    lifecyclestage: Option<String>,
    mobilephone: Option<String>,
    num_notes: Option<String>,
    phone: Option<String>,
    state: Option<String>,
    website: Option<String>,
    zip: Option<String>,
}

#[derive(Serialize)]
struct Plain {
    email: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    number: Option<String>,
    phone: Option<String>,
    mobile: Option<String>,
    job_title: Option<String>,
    company_name: Option<String>,
    stage: Option<String>,
    street: Option<String>,
    postal_code: Option<String>,
    city: Option<String>,
    region: Option<String>,
    country: Option<String>,
    owner: Option<String>,
    created: Option<String>,
    updated: Option<String>,
    website: Option<String>,
    notes: Option<String>,
    opted_out: Option<String>,
}

pub(super) fn plain(json: &[u8]) -> Vec<u8> {
    let Record { properties: p } = serde_json::from_slice(json).unwrap();
    let plain = Plain {
        email: p.email,
        given_name: p.firstname,
        family_name: p.lastname,
        number: p.hs_object_id,
        phone: p.phone,
        mobile: p.mobilephone,
        job_title: p.jobtitle,
        company_name: p.company,
        stage: p.lifecyclestage,
        street: p.address,
        postal_code: p.zip,
        city: p.city,
        region: p.state,
        country: p.country,
        owner: p.hubspot_owner_id,
        created: p.createdate,
        updated: p.lastmodifieddate,
        website: p.website,
        notes: p.num_notes,
        opted_out: p.hs_email_optout,
    };
    serde_json::to_vec(&plain).unwrap()
}

#[derive(Serialize)]
struct Tidy {
    email: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    number: Option<String>,
    phone: Option<String>,
    mobile: Option<String>,
    job_title: String,
    company_name: Option<String>,
    stage: Option<&'static str>,
    street: Option<String>,
    postal_code: Option<String>,
    city: Option<String>,
    region: Option<String>,
    country: Option<String>,
    owner: Option<String>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    website: Option<String>,
    count: Option<i64>,
    flag: Option<bool>,
}

pub(super) fn tidy(json: &[u8]) -> Vec<u8> {
    let Record { properties: p } = serde_json::from_slice(json).unwrap();
    let tidy = Tidy {
        email: p.email.map(|text| text.trim().to_lowercase()),
        given_name: p.firstname.map(|text| collapse(text.trim())),
        family_name: p.lastname.map(|text| text.trim().to_uppercase()),
        number: p.hs_object_id.map(|text| format!("hubspot:{text}")),
        phone: p.phone.map(|text| text.trim().replace(' ', "")),
        mobile: p.mobilephone.filter(|text| !text.is_empty()).map(|text| text.trim().to_owned()),
        job_title: p.jobtitle.map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned()),
        company_name: p.company.map(|text| collapse(&text)),
        stage: p.lifecyclestage.map(|text| stage(&text.to_lowercase())),
        street: p.address.map(|text| text.trim().chars().take(80).collect()),
        postal_code: p.zip.map(|text| text.trim().to_uppercase()),
        city: p.city.map(|text| text.trim().to_owned()),
        region: p.state.map(|text| text.to_uppercase()),
        country: p.country.map(|text| text.trim().to_uppercase()),
        owner: p.hubspot_owner_id.map(|text| format!("{text}@eu1")),
        created_at: p.createdate.map(|text| text.parse().unwrap()),
        updated_at: p.lastmodifieddate.map(|text| text.parse().unwrap()),
        website: p.website.map(|text| text.to_lowercase()),
        count: p.num_notes.map(|text| text.parse().unwrap()),
        flag: p.hs_email_optout.map(|text| text == "true"),
    };
    serde_json::to_vec(&tidy).unwrap()
}

fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn stage(text: &str) -> &'static str {
    match text {
        "lead" | "opportunity" => "prospect",
        "customer" => "customer",
        other => panic!("{other}"),
    }
}
