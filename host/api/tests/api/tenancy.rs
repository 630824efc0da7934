//! That another tenant's things are as good as not there.
//!
//! Every route of the document that names a thing of a tenant – in its path, behind the question
//! mark or in its content – is asked by another tenant, once for a thing that is there and once for
//! one that is not. Nobody may be able to tell the answers apart.

mod fixtures;

use std::collections::BTreeMap;

use axum::body::{Body, Bytes};
use axum::http::{Response, header};
use http_body_util::BodyExt as _;
use model::api_key::Role;
use serde_json::{Map, Value, json};

use crate::support::{Ask, Route, World, routes};
use fixtures::{ABSENT, Fixture, OF_NO_TENANT, PARTS};

type Fixtures = BTreeMap<&'static str, Fixture>;

/// How a route names a thing.
#[derive(Clone, Copy, Debug)]
enum Place<'r> {
    Path(&'r str),
    Query(&'r str),
    Content(&'r str),
}

/// All places of a route where things of a tenant are named.
fn places<'r>(route: &'r Route, fixtures: &Fixtures) -> Vec<Place<'r>> {
    let known = |name: &&str| fixtures.contains_key(name);
    let path = route.in_path().into_iter().filter(known).map(Place::Path);
    let query = route.in_query().into_iter().filter(known).map(Place::Query);
    let content = route.in_content().into_iter().filter(known).map(Place::Content);
    path.chain(query).chain(content).collect()
}

/// A request that names this thing at the place, and what is acme's everywhere else in the path.
fn ask(route: &Route, fixtures: &Fixtures, place: Place<'_>, value: &Value) -> Ask {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut path = route.path.clone();
    for name in route.in_path() {
        let part = PARTS.iter().find(|(part, _)| *part == name).map_or("x", |(_, it)| it);
        let own = fixtures.get(name).map_or(part, |fixture| &fixture.there);
        let value = if matches!(place, Place::Path(it) if it == name) { &text } else { own };
        path = path.replace(&format!("{{{name}}}"), value);
    }
    match place {
        Place::Path(_) => route.ask(&path),
        Place::Query(name) => route.ask(&format!("{path}?{name}={text}")),
        Place::Content(name) => {
            route.ask_with(&path, &Map::from_iter([(name.to_owned(), value.clone())]).into())
        }
    }
}

/// All that an answer tells, but for what is of the request alone.
async fn told(answer: Response<Body>, named: &str) -> String {
    let (mut parts, body) = answer.into_parts();
    for name in [api::request::REQUEST_ID, header::DATE.as_str()] {
        parts.headers.remove(name);
    }
    let stream =
        parts.headers.get(header::CONTENT_TYPE).is_some_and(|it| it == "text/event-stream");
    let bytes = if stream { Bytes::new() } else { body.collect().await.unwrap().to_bytes() };
    let mut json: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    if let Some(problem) = json.as_object_mut() {
        problem.remove("request_id");
    }
    let text =
        if json.is_null() { String::from_utf8_lossy(&bytes).into() } else { json.to_string() };
    // What the request has said itself is no news.
    format!("{} {:?} {text}", parts.status, parts.headers).replace(named, "NAMED")
}

fn key(world: &World, role: Role) -> &str {
    match role {
        Role::Viewer => &world.globex.viewer,
        Role::Editor => &world.globex.editor,
        Role::Admin | Role::Operator => &world.globex.admin,
    }
}

#[tokio::test]
async fn thing_of_another_tenant_is_as_good_as_none() {
    let world = World::new().await;
    let fixtures = fixtures::of_acme(&world).await;
    let (mut asked, mut wrong) = (0, Vec::new());
    for route in routes() {
        let Some(role) = route.role.filter(|role| *role < Role::Operator) else { continue };
        for place in places(&route, &fixtures) {
            let (Place::Path(name) | Place::Query(name) | Place::Content(name)) = place;
            let Fixture { there, not_there } = &fixtures[name];
            let told = async |named: &str| {
                let ask = ask(&route, &fixtures, place, &json!(named)).key(key(&world, role));
                told(ask.of(&world.router).await, named).await
            };
            let (there, not_there) = (told(there).await, told(not_there).await);
            let hidden = !matches!(place, Place::Path(_)) || there.starts_with("404 ");
            if there != not_there || !hidden {
                wrong.push(format!(
                    "{} {} {place:?}:\n  {there}\n  {not_there}",
                    route.method, route.path
                ));
            }
            asked += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(asked > 60, "only {asked} places were found");
}

#[tokio::test]
async fn every_name_in_a_path_stands_for_something_that_is_there() {
    let world = World::new().await;
    let fixtures = fixtures::of_acme(&world).await;
    let mut wrong = Vec::new();
    for route in routes().iter().filter(|route| route.role.is_some_and(|it| it < Role::Operator)) {
        let names = route.in_path();
        let known = |name: &&str| {
            fixtures.contains_key(name)
                || OF_NO_TENANT.contains(name)
                || PARTS.iter().any(|(part, _)| part == name)
        };
        if let Some(name) = names.iter().find(|name| !known(name)) {
            wrong.push(format!("{}: say in fixtures.rs what a {name} of acme is", route.path));
            continue;
        }
        let own = names.iter().find(|name| fixtures.contains_key(**name));
        let shown = route.method == "GET" && !ABSENT.contains(&route.path.as_str());
        if let (true, Some(name)) = (shown, own) {
            let value = json!(fixtures[*name].there);
            let ask = ask(route, &fixtures, Place::Path(name), &value).key(&world.acme.admin);
            let status = ask.of(&world.router).await.status();
            if !status.is_success() {
                wrong.push(format!("{}: {status} for acme itself", route.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
