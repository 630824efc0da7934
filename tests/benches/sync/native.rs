//! The baseline: what a good engineer writes when only this one job is asked for.

use std::fs;
use std::path::Path;

use redb::{Database, ReadableTable as _, TableDefinition};
use serde::{Deserialize, Serialize};

const CONTACTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("contacts");
const CURSOR: TableDefinition<'_, &str, &str> = TableDefinition::new("cursor");

#[derive(Deserialize)]
struct Page {
    results: Vec<Row>,
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    next: After,
}

#[derive(Deserialize)]
struct After {
    after: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: String,
    properties: Contact,
    updated_at: String,
}

/// The ten fields that are kept.
#[derive(Deserialize, Serialize)]
struct Contact {
    firstname: Option<String>,
    lastname: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    company: Option<String>,
    jobtitle: Option<String>,
    city: Option<String>,
    country: Option<String>,
    lifecyclestage: Option<String>,
    createdate: Option<String>,
}

#[derive(Serialize)]
struct Kept<'a> {
    updated_at: &'a str,
    contact: &'a Contact,
}

/// Fetches every contact page by page and upserts it, one durable commit a page.
pub(crate) fn sync(origin: &str, dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(pages(origin, &Database::create(dir.join("native.redb")).unwrap()));
}

async fn pages(origin: &str, database: &Database) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut after: Option<String> = None;
    loop {
        let mut url = format!("{origin}/crm/v3/objects/contacts?limit=100");
        url.push_str("&properties=");
        url.push_str(crate::PROPERTIES);
        if let Some(after) = &after {
            url.push_str("&after=");
            url.push_str(after);
        }
        let request = client.get(url).bearer_auth(e2e::TOKEN);
        let body = request.send().await.unwrap().error_for_status().unwrap().bytes().await.unwrap();
        let page: Page = serde_json::from_slice(&body).unwrap();
        after = page.paging.as_ref().map(|p| p.next.after.clone());
        commit(database, &page);
        if after.is_none() {
            return;
        }
    }
}

fn commit(database: &Database, page: &Page) {
    let transaction = database.begin_write().unwrap();
    {
        let mut contacts = transaction.open_table(CONTACTS).unwrap();
        for row in &page.results {
            let kept = Kept { updated_at: &row.updated_at, contact: &row.properties };
            let value = serde_json::to_vec(&kept).unwrap();
            let same = contacts.get(row.id.as_str()).unwrap().is_some_and(|v| v.value() == value);
            if !same {
                contacts.insert(row.id.as_str(), value.as_slice()).unwrap();
            }
        }
        let mut cursor = transaction.open_table(CURSOR).unwrap();
        let after = page.paging.as_ref().map_or("done", |p| p.next.after.as_str());
        cursor.insert("contacts", after).unwrap();
    }
    transaction.commit().unwrap();
}
