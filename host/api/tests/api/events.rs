//! Events, and streams of them.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Method, Response};
use http_body_util::BodyExt as _;
use model::run::{RunKind, RunStatus};
use model::store::{RecordStore as _, RunRef};
use serde_json::{Value, json};

use crate::history::contact;
use crate::support::{Ask, World};

const STREAM: &str = "/api/events/stream";

/// Runs of two connections: events 1 to 3 are of `crm`, 4 to 6 of `shop`.
async fn world() -> (World, RunRef) {
    let world = World::new().await;
    for connection in ["crm", "shop"] {
        let run = world.begin(connection, RunKind::Sync).await;
        world.synced(&run, &["1"]).await;
        world.end(&run, RunStatus::Succeeded, Vec::new()).await;
    }
    let run = world.begin("crm", RunKind::Sync).await;
    (world, run)
}

async fn check(world: &World, query: &str, expected: &[u64]) {
    let answer = world.get(&world.acme.viewer, &format!("/api/events?{query}")).await.is(200);
    let items = answer.json["items"].as_array().unwrap().iter();
    let numbers: Vec<_> = items.map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, expected, "{query}");
}

#[tokio::test]
async fn events_are_listed_by_what_is_asked_of_them() {
    let (world, _) = world().await;
    check(&world, "", &[1, 2, 3, 4, 5, 6]).await;
    check(&world, "after=4", &[5, 6]).await;
    check(&world, "type=run-finished", &[3, 6]).await;
    check(&world, "connection=shop&type=run-finished&type=records-changed", &[4, 6]).await;
    let first = world.get(&world.acme.viewer, "/api/events?limit=2").await.json;
    check(&world, &format!("limit=1&cursor={}", first["next"].as_str().unwrap()), &[3]).await;
    assert_eq!(first["items"][0]["event"]["changes"]["ids"]["created"], json!(["1"]));
    assert_eq!(first["items"][0]["run"], "crm:1");
    for wrong in ["type=odd", "after=-1", "connection=No%20Name"] {
        let answer = world.get(&world.acme.viewer, &format!("/api/events?{wrong}")).await;
        answer.refused(400, "api.invalid");
    }
    let theirs = world.get(&world.globex.viewer, "/api/events").await.is(200);
    assert_eq!(theirs.json["items"], json!([]));
}

#[tokio::test]
async fn consumer_is_made_moved_forward_and_removed() {
    let (world, _) = world().await;
    let key = &world.acme.editor;
    let all = "/api/event-consumers";
    let made = world.post(key, all, &json!({"name": "erp"})).await.is(201);
    assert_eq!(
        (made.header("location"), &made.json["seq"]),
        ("/api/event-consumers/erp", &json!(0))
    );
    world.post(key, all, &json!({"name": "erp"})).await.refused(409, "api.conflict");
    for name in ["", "a/b", &"x".repeat(129)] {
        world.post(key, all, &json!({"name": name})).await.refused(422, "api.invalid");
    }
    let path = "/api/event-consumers/erp";
    let moved = world.put(key, path, made.tag(), &json!({"seq": 4})).await.is(200);
    world
        .put(key, path, made.tag(), &json!({"seq": 5}))
        .await
        .refused(412, "api.precondition-failed");
    world.put(key, path, moved.tag(), &json!({"seq": 3})).await.refused(409, "api.conflict");
    world.put(key, path, moved.tag(), &json!({"seq": 99})).await.refused(422, "api.invalid");
    assert_eq!(world.get(key, path).await.is(200).tag(), moved.tag());
    assert_eq!(world.get(key, all).await.is(200).json["items"], json!([moved.json]));
    let theirs = Ask::new(Method::DELETE, path).key(&world.globex.editor);
    world.send(theirs).await.refused(404, "api.not-found");
    world.delete(key, path).await.is(204);
    world.delete(key, path).await.refused(404, "api.not-found");
}

/// A stream that is being read.
struct Reading {
    body: Body,
    text: String,
}

/// An event of a stream.
#[derive(Debug)]
struct Told {
    id: Option<u64>,
    name: String,
    data: Value,
}

impl Reading {
    async fn of(world: &World, ask: Ask) -> Self {
        let answer: Response<Body> = ask.of(&world.router).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        Self { body: answer.into_body(), text: String::new() }
    }

    async fn bytes(&mut self) -> Option<Bytes> {
        Some(self.body.frame().await?.unwrap().into_data().unwrap())
    }

    /// The next event; signs of life have no name.
    async fn next(&mut self) -> Option<Told> {
        while !self.text.contains("\n\n") {
            let bytes = self.bytes().await?;
            self.text += std::str::from_utf8(&bytes).unwrap();
        }
        let (event, rest) = self.text.split_once("\n\n").unwrap();
        let member = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
        let told = Told {
            id: member("id: ").map(|id| id.parse().unwrap()),
            name: member("event: ").unwrap_or_default().to_owned(),
            data: member("data: ").map_or(Value::Null, |data| serde_json::from_str(data).unwrap()),
        };
        self.text = rest.to_owned();
        Some(told)
    }

    /// The next event that has a name.
    async fn event(&mut self) -> Told {
        loop {
            let told = self.next().await.unwrap();
            if !told.name.is_empty() {
                return told;
            }
        }
    }
}

fn stream(world: &World, query: &str) -> Ask {
    Ask::get(&format!("{STREAM}?{query}")).key(&world.acme.viewer)
}

#[tokio::test(start_paused = true)]
async fn stream_says_where_it_begins_and_tells_what_happens() {
    let (world, run) = world().await;
    let mut reading = Reading::of(&world, stream(&world, "")).await;
    let hello = reading.event().await;
    assert_eq!((hello.id, hello.name.as_str()), (Some(6), "hello"));
    assert_eq!(hello.data, json!({"build": "build-1", "seq": 6, "missed": false}));
    world.synced(&run, &["2", "3"]).await;
    world.end(&run, RunStatus::Failed, Vec::new()).await;
    let told = [reading.event().await, reading.event().await, reading.event().await];
    let names: Vec<_> = told.iter().map(|told| (told.id.unwrap(), told.name.as_str())).collect();
    assert_eq!(names, [(7, "records-changed"), (8, "canonical-changed"), (9, "run-finished")]);
    let changes = json!({"created": 2, "updated": 0, "deleted": 0, "restored": 0});
    assert_eq!(told[0].data["event"]["changes"], changes, "numbers, and no ids of records");
    assert_eq!(told[2].data["run"], "crm:2");
}

#[tokio::test(start_paused = true)]
async fn stream_goes_on_where_its_reader_has_been() {
    let (world, run) = world().await;
    let again = stream(&world, "after=1&type=run-finished").header("last-event-id", "3");
    let mut reading = Reading::of(&world, again).await;
    assert_eq!(reading.event().await.id, Some(3));
    assert_eq!(reading.event().await.id, Some(6));
    world.end(&run, RunStatus::Failed, Vec::new()).await;
    assert_eq!(reading.event().await.id, Some(7));
    let mut reading = Reading::of(&world, stream(&world, "after=99")).await;
    let hello = reading.event().await;
    assert_eq!((hello.id, &hello.data["missed"]), (Some(7), &json!(true)));
    let odd = stream(&world, "").header("last-event-id", "x");
    world.send(odd).await.refused(400, "api.invalid");
}

#[tokio::test(start_paused = true)]
async fn silent_stream_shows_a_sign_of_life_and_moves_on() {
    let (world, run) = world().await;
    // Paused time goes on while the store writes, so that it is counted from the very begin.
    let begun = tokio::time::Instant::now();
    let mut reading = Reading::of(&world, stream(&world, "type=job-died")).await;
    reading.event().await;
    world.end(&run, RunStatus::Failed, Vec::new()).await;
    let mut sign = reading.next().await.unwrap();
    while sign.id == Some(6) {
        sign = reading.next().await.unwrap();
    }
    assert_eq!((sign.id, sign.name.as_str()), (Some(7), ""), "past what it does not tell");
    assert!(begun.elapsed() >= Duration::from_secs(15));
}

#[tokio::test(start_paused = true)]
async fn stream_that_tells_nothing_of_what_happens_shows_signs_of_life() {
    let (world, run) = world().await;
    let mut reading = Reading::of(&world, stream(&world, "type=job-died")).await;
    reading.event().await;
    let busy = async {
        for id in 0..20 {
            world.synced(&run, &[&format!("new-{id}")]).await;
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    };
    tokio::select! {
        sign = reading.next() => assert_eq!(sign.unwrap().name, ""),
        () = busy => panic!("it was silent for 100 s"),
    }
}

#[tokio::test(start_paused = true)]
async fn stream_that_is_overtaken_by_what_is_forgotten_passes_over_nothing() {
    let (world, run) = world().await;
    let page = |id: u32| world.page(&run, vec![contact(&format!("new-{id}"), "{}")]);
    for ids in 0..6 {
        let pages = (400 * ids..400 * (ids + 1)).map(page).collect();
        world.store.commit_pages(pages).await.unwrap();
    }
    let mut reading = Reading::of(&world, stream(&world, "after=1")).await;
    // It has sent what it can before it is read, and has come no further than the middle.
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.forget_events(&run, "last").await;
    let (mut last, mut end) = (1, None);
    while let Some(told) = reading.next().await {
        match told.name.as_str() {
            "hello" => assert_eq!(told.data["missed"], json!(false)),
            "resume" => end = Some(told),
            _ => {
                assert_eq!(told.id, Some(last + 1));
                last += 1;
            }
        }
    }
    let end = end.unwrap();
    assert_eq!((end.id, &end.data["reason"]), (Some(last), &json!("behind")));
    assert!((1_000..4_800).contains(&last), "{last}");
    let again = stream(&world, "").header("last-event-id", &last.to_string());
    let hello = Reading::of(&world, again).await.event().await;
    assert_eq!(hello.data["missed"], json!(true));
}

#[tokio::test(start_paused = true)]
async fn stream_ends_with_the_host() {
    let (world, _) = world().await;
    let mut reading = Reading::of(&world, stream(&world, "")).await;
    reading.event().await;
    world.ports.closing.cancel();
    let last = reading.event().await;
    assert_eq!((last.name.as_str(), &last.data["reason"]), ("resume", &json!("closing")));
    assert!(reading.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn reader_that_is_too_slow_is_cut_and_misses_nothing() {
    let (world, run) = world().await;
    let mut reading = Reading::of(&world, stream(&world, "")).await;
    reading.event().await;
    // A sign of life tells that it follows.
    reading.next().await.unwrap();
    let page = |id: u32| world.page(&run, vec![contact(&format!("new-{id}"), "{}")]);
    for ids in 0..4 {
        let pages = (400 * ids..400 * (ids + 1)).map(page).collect();
        world.store.commit_pages(pages).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    let (mut last, mut end) = (6, None);
    while let Some(told) = reading.next().await {
        match told.name.as_str() {
            "" => {}
            "resume" => end = Some(told),
            _ => {
                assert_eq!(told.id, Some(last + 1));
                last += 1;
            }
        }
    }
    let end = end.unwrap();
    assert_eq!((end.id, &end.data["reason"]), (Some(last), &json!("behind")));
    let mut again =
        Reading::of(&world, stream(&world, "").header("last-event-id", &last.to_string())).await;
    again.event().await;
    assert_eq!(again.event().await.id, Some(last + 1));
}

#[tokio::test(start_paused = true)]
async fn streams_of_a_key_are_bounded_and_a_closed_one_makes_room() {
    let (world, _) = world().await;
    let mut open = Vec::new();
    for _ in 0..16 {
        open.push(Reading::of(&world, stream(&world, "")).await);
    }
    world.send(stream(&world, "")).await.refused(429, "api.rate-limited");
    drop(open.pop());
    // It is noticed at once, by the next turn of the stream.
    tokio::time::sleep(Duration::from_secs(1)).await;
    Reading::of(&world, stream(&world, "")).await;
    Reading::of(&world, Ask::get(STREAM).key(&world.globex.viewer)).await;
}
