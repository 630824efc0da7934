//! Events as they come, and what is left of streams and requests when the server stops.

use std::io::Write as _;

use e2e::{Api, CONNECTION, Streamed};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::world::{World, sync};

/// Contacts of the account.
const CONTACTS: u64 = 120;

/// An event of a stream.
#[derive(Debug)]
struct Told {
    id: u64,
    name: String,
    data: Value,
}

/// The next event of a stream; nothing at its end.
fn next(stream: &mut Streamed) -> Option<Told> {
    let (mut id, mut name, mut data) = (0, String::new(), Value::Null);
    loop {
        let line = stream.line().unwrap()?;
        match line.split_once(':') {
            Some(("id", value)) => id = value.trim().parse().unwrap(),
            Some(("event", value)) => value.trim().clone_into(&mut name),
            Some(("data", value)) => data = serde_json::from_str(value).unwrap(),
            Some(_) => {}
            None if name.is_empty() => {}
            None => return Some(Told { id, name, data }),
        }
    }
}

/// Reads on to an event of that name.
fn until(stream: &mut Streamed, name: &str) -> Told {
    loop {
        let told = next(stream).unwrap_or_else(|| panic!("the stream ends without {name}"));
        if told.name == name {
            return told;
        }
    }
}

fn follow(by: &Api, last: Option<u64>) -> Streamed {
    let id = last.map(|id| id.to_string());
    let headers: Vec<_> = id.iter().map(|id| ("last-event-id", id.as_str())).collect();
    by.follow("/api/events/stream", &headers)
}

#[test]
fn stream_tells_what_happens_and_goes_on_where_its_reader_has_left_it() {
    let world = World::with_contacts(CONTACTS);
    let (_served, people) = world.ready();
    world.connect(&people);
    let mut stream = follow(&people.admin, None);
    assert_eq!(stream.head.header("content-type"), "text/event-stream");
    let hello = next(&mut stream).unwrap();
    assert_eq!((hello.name.as_str(), &hello.data["missed"]), ("hello", &false.into()), "{hello:?}");

    let operation = sync(&people.admin, CONNECTION);
    assert_eq!(operation["status"], "succeeded", "{operation}");
    let changed = until(&mut stream, "canonical-changed");
    assert!(changed.id > hello.id, "{changed:?}");
    drop(stream);

    // What was told is not told again, and nothing is left out.
    let mut again = follow(&people.admin, Some(hello.id));
    assert_eq!(next(&mut again).unwrap().id, hello.id);
    let mut told = Vec::new();
    while told.last().is_none_or(|id| *id < changed.id) {
        told.push(next(&mut again).unwrap().id);
    }
    let listed = people.admin.get(&format!("/api/events?after={}", hello.id));
    let listed = listed["items"].as_array().unwrap().iter().map(|it| it["seq"].as_u64().unwrap());
    assert_eq!(listed.take(told.len()).collect::<Vec<_>>(), told);
}

#[test]
fn server_that_stops_ends_streams_and_answers_what_was_asked_before() {
    let world = World::with_contacts(CONTACTS);
    let (served, people) = world.ready();
    let mut stream = follow(&people.admin, None);
    until(&mut stream, "hello");
    // A request that is under way: its head is there, and half of its content.
    let body = json!({"id": "late", "provider": "hubspot"}).to_string();
    let (first, rest) = body.as_bytes().split_at(body.len() / 2);
    let length = body.len().to_string();
    let mut request = people.admin.begin(
        "POST",
        "/api/integrations",
        &[("content-type", "application/json"), ("content-length", &length)],
    );
    request.write_all(first).unwrap();
    people.admin.get("/api/me");

    served.signal(Signal::TERM);
    let last = until(&mut stream, "resume");
    assert_eq!(last.data["reason"], "closing", "{last:?}");
    assert!(next(&mut stream).is_none());
    request.write_all(rest).unwrap();
    let answered = Streamed::read(request).and_then(Streamed::whole).unwrap();
    assert_eq!(answered.status, 201, "{}", answered.text);
    assert_eq!(served.ended(), Some(0));
}
