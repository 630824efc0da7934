//! People and programs that ask while a sync writes into the same store.

use e2e::{Api, Host};
use plughouse_testkit::{HubSpot, Server};
use serde_json::{Value, json};

use crate::client::{Asking, Load};
use crate::{CONNECTIONS, ROUND};

/// Contacts of the account: the sync is to last as long as it is looked at.
const CONTACTS: u64 = 200_000;

/// Whose account it is: the one whom commands mean that name none.
const TENANT: &str = "main";

/// Connects a host to an account.
pub(crate) fn connect(host: &Host) -> Server {
    let provider = Server::start(HubSpot::with_contacts(CONTACTS, 7).token(e2e::TOKEN));
    host.install_unlimited("hubspot");
    host.connect_hubspot(&provider.origin());
    provider
}

/// Asks at rest, and while a sync is running.
pub(crate) fn mixed(operator: &Api, asking: &Asking<'_>) {
    let api = operator.of(TENANT);
    report("no sync", asking);
    let path = format!("/api/integrations/{}/sync", e2e::CONNECTION);
    let queued = api.ask("POST", &path, &json!({"entities": ["contact"]}));
    assert_eq!(queued.status, 202, "{}", queued.text);
    e2e::until("the sync begins", || (status(&api) == "running").then_some(()));
    report("a sync running", asking);
    println!("the sync is {} by then", status(&api));
}

/// How the last run stands.
fn status(api: &Api) -> String {
    let runs = api.ask("GET", "/api/runs?limit=1", &Value::Null).json();
    runs["items"][0]["status"].as_str().unwrap_or_default().to_owned()
}

fn report(what: &str, asking: &Asking<'_>) {
    let measured = asking.under(Load { connections: CONNECTIONS, lasts: ROUND });
    println!(
        "mixed load, {what}: {:.0}/s; p50 {:.2} ms, p99 {:.2} ms",
        measured.rate(),
        measured.quantile_ms(0.5),
        measured.quantile_ms(0.99)
    );
}
