//! A host that is killed while somebody waits for it.

use e2e::{CONNECTION, Served, until};
use plughouse_testkit::{Fault, Rule};
use serde_json::json;

use crate::world::{World, ended};

/// Contacts of the account: thirty pages.
const CONTACTS: u64 = 3_000;

#[test]
fn operation_goes_on_in_the_next_process_under_its_name() {
    let world = World::with_contacts(CONTACTS);
    let (served, people) = world.ready();
    world.connect(&people);
    world.account.with(|account| account.faults.push(Rule::always(Fault::Latency(20))));
    let before = world.provider.request_count();
    let form = json!({"entities": ["contact"]});
    let queued =
        people.admin.post("/api/integrations/crm/sync", &form, 202)["operations"][0].clone();
    until("it reads", || (world.provider.request_count() > before + 3).then_some(()));
    // Killed, not asked.
    drop(served);

    world.account.with(|account| account.faults.clear());
    let served = Served::start(&world.host);
    let admin = people.admin.at(&served.api());
    let operation = ended(&admin, &queued);
    assert_eq!((&operation["id"], &operation["status"]), (&queued["id"], &"succeeded".into()));
    let runs = operation["result"]["runs"].as_array().unwrap();
    assert_eq!((runs.len(), &operation["result"]["created"]), (2, &CONTACTS.into()), "{operation}");
    let interrupted = admin.get("/api/runs?connection=crm")["items"][1].clone();
    assert_eq!(interrupted["status"], "interrupted", "{interrupted}");
    let counted = admin.get("/api/records?type=c_contact&count=true&limit=1");
    assert_eq!(counted["total"]["count"], CONTACTS, "{counted}");
}

#[test]
fn request_that_is_sent_again_is_answered_again_and_acts_once() {
    let world = World::with_contacts(1);
    let (served, people) = world.ready();
    world.connect(&people);
    let headers = [("content-type", "application/json"), ("idempotency-key", "\"task-1\"")];
    let task = |entity: &str| {
        let schedule = json!({"every-seconds": 3600});
        json!({
            "id": "hourly", "connection": CONNECTION, "schedule": schedule, "entities": [entity],
        })
        .to_string()
    };
    let place = "/api/sync-tasks";
    let first = people.admin.send("POST", place, &headers, task("contact").as_bytes());
    assert_eq!(first.status, 201, "{}", first.text);
    // A process that was killed since remembers it too.
    drop(served);
    let served = Served::start(&world.host);
    let admin = people.admin.at(&served.api());
    let again = admin.send("POST", place, &headers, task("contact").as_bytes());
    assert_eq!((again.status, &again.text), (201, &first.text));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("etag"), first.header("etag"));
    let other = admin.send("POST", place, &headers, task("company").as_bytes());
    assert_eq!((other.status, other.json()["code"].as_str()), (422, Some("api.idempotency")));
    assert_eq!(admin.get(place)["items"].as_array().map(Vec::len), Some(1));
}
