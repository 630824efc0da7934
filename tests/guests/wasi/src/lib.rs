//! An adapter that asks its standard library for the world and tells what it got.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use plughouse_sdk::{
    Account, Adapter, Entity, Error, Next, Page, Payload, PullRequest, Record, Request,
    unknown_entity,
};

struct Wasi;

impl Adapter for Wasi {
    const ID: &'static str = "wasi";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const ENTITIES: &'static [&'static str] = &["flood", "sleep", "world"];

    fn check() -> Result<Account, Error> {
        let answer = Request::get("api", "/me").send()?;
        Ok(Account::new(answer.text()?, "an account"))
    }

    fn discover(_name: Option<&str>, _part: Option<&str>) -> Result<Vec<Entity>, Error> {
        Ok(Vec::new())
    }

    fn pull(request: PullRequest) -> Result<Page, Error> {
        match request.entity.as_str() {
            "world" => Ok(page(world())),
            "flood" => Ok(page(flood())),
            "sleep" => Ok(page(sleep())),
            other => Err(unknown_entity(other)),
        }
    }
}

fn world() -> Vec<(&'static str, String)> {
    println!("a line on the standard output");
    eprintln!("a line on the standard error");
    let start = Instant::now();
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // The order of a hash set depends on the randomness of the world.
    let set: HashSet<_> = (0..32).collect();
    let order: Vec<_> = set.iter().map(ToString::to_string).collect();
    vec![
        ("arguments", std::env::args().count().to_string()),
        ("environment", std::env::vars().count().to_string()),
        ("directory", told(std::fs::read_dir("/").map(Iterator::count))),
        ("file", told(std::fs::read_to_string("/etc/passwd"))),
        ("write", told(std::fs::write("/tmp/mark", "here"))),
        ("input", told(std::io::read_to_string(std::io::stdin()))),
        ("wall", wall.as_millis().to_string()),
        ("passed", start.elapsed().as_millis().to_string()),
        ("hash", RandomState::new().hash_one(1).to_string()),
        ("order", order.join("-")),
    ]
}

fn flood() -> Vec<(&'static str, String)> {
    for number in 0..100_000 {
        println!("line {number} of far too many");
    }
    vec![("printed", "everything".to_owned())]
}

fn sleep() -> Vec<(&'static str, String)> {
    std::thread::sleep(Duration::from_hours(1));
    vec![("slept", "an hour".to_owned())]
}

fn told<T: std::fmt::Debug>(result: std::io::Result<T>) -> String {
    match result {
        Ok(value) => format!("got {value:?}"),
        Err(error) => format!("refused: {:?}", error.kind()),
    }
}

fn page(facts: Vec<(&'static str, String)>) -> Page {
    let record = |(name, value): (&str, String)| {
        let mut record = Record::new("world", name, Payload::Json(b"{}".to_vec()));
        record.version = Some(value);
        record
    };
    Page::new(facts.into_iter().map(record).collect(), Next::Done(String::new()))
}

plughouse_sdk::adapter!(Wasi);
