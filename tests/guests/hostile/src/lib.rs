//! An adapter that does to its host what it should not. The entity of a pull names the deed.
#![expect(clippy::unnecessary_wraps, reason = "every deed has the shape of `pull`")]

mod deeds;
mod manners;

use plughouse_sdk::{
    Account, Adapter, Batch, Change, Entity, Error, Event, Outcome, Page, PullRequest, Receipt,
    Request, unknown_entity,
};

struct Hostile;

impl Adapter for Hostile {
    const ID: &'static str = "hostile";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const ENTITIES: &'static [&'static str] = &[
        "allocate",
        "answers",
        "burn",
        "checkpoint",
        "counter",
        "crash",
        "error",
        "flood",
        "grow",
        "host_calls",
        "huge_list",
        "json",
        "lie",
        "log",
        "many",
        "many_items",
        "many_strings",
        "name",
        "panic",
        "plain",
        "random",
        "recurse",
        "span",
        "spin",
        "state",
        "stale",
        "time",
        "twice",
        "upload",
        "variable",
        "wait",
    ];

    fn check() -> Result<Account, Error> {
        let id = manners::get("/me")?;
        Ok(Account::new(id.text()?, "an account"))
    }

    fn discover(name: Option<&str>, _part: Option<&str>) -> Result<Vec<Entity>, Error> {
        let names = Self::ENTITIES.iter().filter(|known| name.is_none_or(|name| name == **known));
        Ok(names.map(|name| Entity::new(name, name, Vec::new())).collect())
    }

    fn pull(request: PullRequest) -> Result<Page, Error> {
        let part = request.part.as_deref().unwrap_or_default();
        match request.entity.as_str() {
            "allocate" => deeds::allocate(),
            "burn" => deeds::burn(part),
            "checkpoint" => deeds::checkpoint(part),
            "crash" => deeds::crash(),
            "error" => deeds::error(part),
            "flood" => deeds::flood(),
            "grow" => deeds::grow(),
            "host_calls" => deeds::host_calls(),
            "huge_list" => deeds::huge_list(part),
            "json" => deeds::json(part),
            "lie" => deeds::lie(part),
            "many_items" => deeds::many_items(part),
            "many_strings" => deeds::many_strings(part),
            "name" => deeds::name(part),
            "panic" => deeds::panic(part),
            "random" => deeds::random(part),
            "recurse" => deeds::recurse(part),
            "span" => deeds::span(part),
            "spin" => deeds::spin(),
            "stale" => deeds::stale_span(part),
            "answers" => manners::answers(),
            "counter" => manners::counter(),
            "log" => manners::log(part),
            "many" => manners::many(part),
            "plain" => manners::plain(),
            "state" => manners::state(part),
            "time" => manners::time(),
            "twice" => manners::twice(),
            "upload" => manners::upload(part),
            "variable" => manners::variable(part),
            "wait" => manners::wait(),
            other => Err(unknown_entity(other)),
        }
    }

    fn push(batch: Batch) -> Result<Vec<Outcome>, Error> {
        let written = Request::post("api", "/write").content("application/json", "{}").send();
        let outcome = |_| match &written {
            Ok(_) => Outcome::Applied(Receipt {
                id: "1".to_owned(),
                version: None,
                payload: None,
                details: Vec::new(),
            }),
            Err(error) => Outcome::Rejected(error.clone()),
        };
        // A part makes it forget the last write.
        let asked = batch.writes.iter().take(batch.writes.len() - batch.part.iter().count());
        Ok(asked.map(outcome).collect())
    }

    fn handle(events: Vec<Event>) -> Vec<Result<Vec<Change>, Error>> {
        let handle = |event: &Event| match event.body.as_slice() {
            b"{}" => manners::get("/me").map(|_| Vec::new()),
            _ => Err(deeds::repeat(event)),
        };
        events.iter().map(handle).collect()
    }
}

plughouse_sdk::adapter!(Hostile);
