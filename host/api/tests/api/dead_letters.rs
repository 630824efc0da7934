//! Dead letters.

use std::collections::BTreeSet;
use std::time::Duration;

use model::queue::{
    Claim, Death, Failure, Finish, JobQueue as _, NewJob, Outcome, Queue, QueueStats,
};
use model::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::support::{World, id};

const LETTERS: &str = "/api/dead-letters";

/// Buries a job of each connection, which dies of the code beside it.
pub(crate) async fn bury(world: &World, dead: &[(&str, &str)]) {
    for (number, (connection, code)) in dead.iter().enumerate() {
        let job = NewJob {
            tenant: id("acme"),
            queue: Queue::InboundScheduled,
            session: format!("{connection}/{number}"),
            connection: Some(connection.parse().unwrap()),
            package: Some("example/crm".to_owned()),
            payload: json!({ "number": number }).to_string().into(),
            run_at: None,
            dedupe: Vec::new(),
        };
        world.store.enqueue(vec![job]).await.unwrap();
        let claim = Claim {
            worker: "test".to_owned(),
            queue: Queue::InboundScheduled,
            tenant: id("acme"),
            skip: BTreeSet::new(),
            sessions_max: 1,
            jobs_max: 1,
            lease: Duration::from_mins(1),
            alone: false,
        };
        let leased = world.store.claim(claim).await.unwrap().remove(0);
        let error = Error::new(ErrorKind::Invalid, *code, "it was refused");
        let at = world.clock.now();
        let failure = Failure { at, attempt: 1, error, digest: None, progressed: false };
        let outcome = Outcome::Dead { failure, why: Death::Permanent };
        let outcomes = vec![(leased.jobs[0].id, outcome)];
        let finish = Finish { lease: leased.lease, outcomes, effects: Vec::new() };
        world.store.finish(vec![finish]).await.unwrap();
    }
}

async fn world() -> World {
    let world = World::new().await;
    bury(&world, &[("crm", "crm.no"), ("crm", "crm.no"), ("crm", "crm.odd"), ("eu", "crm.no")])
        .await;
    world
}

async fn stats(world: &World) -> QueueStats {
    world.store.stats(&id("acme"), Queue::InboundScheduled).await.unwrap()
}

async fn list(world: &World, query: &str) -> Value {
    let path = format!("{LETTERS}{query}");
    world.get(&world.acme.viewer, &path).await.is(200).json
}

#[tokio::test]
async fn letters_are_listed_by_what_is_asked_for_and_in_parts() {
    let world = world().await;
    let ids = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = list(&world, "").await;
    assert_eq!((ids(&all).len(), &all["total"]["count"]), (4, &json!(4)));
    assert_eq!(all["items"][0]["error"]["code"], "crm.no");
    assert_eq!(ids(&list(&world, "?code=crm.no&connection=crm").await).len(), 2);
    assert_eq!(ids(&list(&world, "?queue=delivery").await).len(), 0);
    assert_eq!(ids(&list(&world, "?package=example/crm&code=crm.odd").await).len(), 1);
    let (mut seen, mut query) = (Vec::new(), "?limit=3".to_owned());
    loop {
        let page = list(&world, &query).await;
        seen.extend(ids(&page));
        let Some(next) = page["next"].as_str() else { break };
        query = format!("?limit=3&cursor={next}");
    }
    assert_eq!(seen, ids(&all));
    world.get(&world.acme.viewer, "/api/dead-letters?queue=mail").await.refused(400, "api.invalid");
    let others = world.get(&world.globex.viewer, LETTERS).await.is(200).json;
    assert_eq!(others["items"], json!([]));
}

#[tokio::test]
async fn letters_are_grouped_by_what_they_died_of() {
    let world = world().await;
    let groups = list(&world, "/groups").await;
    let group = |code, connection, count| {
        let at = "2026-01-01T12:00:00Z";
        json!({ "code": code, "connection": connection, "count": count, "since": at, "last": at })
    };
    let expected =
        [group("crm.no", "crm", 2), group("crm.no", "eu", 1), group("crm.odd", "crm", 1)];
    assert_eq!(groups["items"], json!(expected));
    assert_eq!(groups["total"], json!({ "count": 3, "at_least": false }));
    assert_eq!(list(&world, "/groups?code=crm.odd").await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn letter_is_shown_edited_retried_and_discarded() {
    let world = world().await;
    let key = &world.acme.editor;
    let listed = list(&world, "").await;
    let path = |at: usize| format!("{LETTERS}/{}", listed["items"][at]["id"].as_str().unwrap());
    let shown = world.get(&world.acme.viewer, &path(0)).await.is(200).json;
    assert_eq!(shown["payload"], json!({ "number": 0 }));
    assert_eq!(shown["failures"][0]["error"]["message"], "it was refused");

    let edited = json!({ "payload": { "number": 7 }, "first": true });
    let retry = |at| format!("{}/retry", path(at));
    world.post(&world.globex.editor, &retry(0), &edited).await.refused(404, "api.not-found");
    world.post(&world.acme.viewer, &retry(0), &edited).await.refused(403, "api.forbidden");
    world.post(key, &retry(0), &edited).await.is(204);
    world.post(key, &retry(0), &edited).await.refused(404, "api.not-found");
    let large = json!({ "payload": "x".repeat(300_000) });
    world.post(key, &retry(1), &large).await.refused(422, "api.invalid");

    let discard = format!("{}/discard", path(1));
    world.post(key, &discard, &json!({})).await.refused(422, "api.invalid");
    world.post(key, &discard, &json!({ "reason": "it is over" })).await.is(204);
    let QueueStats { queued, dead, discarded, .. } = stats(&world).await;
    assert_eq!((queued, dead, discarded), (1, 2, 1));
    world.get(key, &format!("{LETTERS}/nonsense")).await.refused(404, "api.not-found");
}

#[tokio::test]
async fn many_are_counted_first_and_then_retried() {
    let world = world().await;
    let form = |members: Value| {
        let mut form =
            json!({ "action": "retry", "filter": { "code": "crm.no" }, "spread_seconds": 60 });
        form.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        form
    };
    let bulk = async |members| {
        world.post(&world.acme.editor, &format!("{LETTERS}/bulk"), &form(members)).await
    };
    let counted = bulk(json!({ "dry_run": true })).await.is(200).json;
    assert_eq!((&counted["count"], counted["examples"].as_array().unwrap().len()), (&json!(3), 3));
    assert_eq!(bulk(json!({ "dry_run": true, "max": 2 })).await.is(200).json["count"], 2);
    assert_eq!(stats(&world).await.dead, 4);

    let done = world.ended(&bulk(json!({ "max": 2 })).await.is(202)).await;
    assert_eq!((&done["status"], &done["result"]), (&json!("succeeded"), &json!({ "count": 2 })));
    assert_eq!(done["progress"], json!({ "done": 2, "total": 2 }));
    assert_eq!((stats(&world).await.dead, stats(&world).await.queued), (2, 2));
    let lines = vec!["crm/0".to_owned(), "crm/1".to_owned()];
    let lines = world.store.sessions(&id("acme"), Queue::InboundScheduled, lines).await.unwrap();
    let due: Vec<_> = lines.into_iter().map(|line| line.unwrap().due.unwrap()).collect();
    let now = world.clock.now();
    assert_eq!(due, [now, now + Duration::from_secs(30)], "they are spread over the minute");
}

#[tokio::test]
async fn many_are_discarded_with_a_reason() {
    let world = world().await;
    let path = format!("{LETTERS}/bulk");
    let discard = json!({ "action": "discard", "filter": { "all": true }, "reason": "it is over" });
    let accepted = world.post(&world.acme.editor, &path, &discard).await.is(202);
    assert_eq!(world.ended(&accepted).await["result"], json!({ "count": 4 }));
    assert_eq!(stats(&world).await.discarded, 4);
}

#[tokio::test]
async fn choice_that_is_not_clear_is_refused() {
    let world = world().await;
    let refused = async |form: Value| {
        let path = format!("{LETTERS}/bulk");
        world.post(&world.acme.editor, &path, &form).await.refused(422, "api.invalid");
    };
    refused(json!({ "action": "retry", "filter": {} })).await;
    refused(json!({ "action": "retry", "filter": { "all": true, "code": "x" } })).await;
    refused(json!({ "action": "retry", "filter": { "ids": ["one"] } })).await;
    refused(json!({ "action": "retry", "filter": { "all": true }, "max": 5_001 })).await;
    refused(json!({ "action": "retry", "filter": { "all": true }, "max": 0 })).await;
    refused(json!({ "action": "retry", "filter": { "all": true }, "reason": "x" })).await;
    refused(json!({ "action": "retry", "filter": { "all": true }, "spread_seconds": 86_401 }))
        .await;
    refused(json!({ "action": "discard", "filter": { "all": true } })).await;
    refused(json!({ "action": "burn", "filter": { "all": true } })).await;
    assert_eq!(stats(&world).await.dead, 4);
}
