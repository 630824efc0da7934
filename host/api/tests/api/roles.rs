//! That every route asks for the role that the document names.

use axum::http::StatusCode;
use model::api_key::Role;

use crate::support::{Ask, Route, World, routes};

/// The path with something for every name in it.
fn filled(route: &Route) -> String {
    let mut path = route.path.clone();
    for name in route.in_path() {
        path = path.replace(&format!("{{{name}}}"), "1");
    }
    path
}

fn key(world: &World, role: Role) -> &str {
    match role {
        Role::Viewer => &world.acme.viewer,
        Role::Editor => &world.acme.editor,
        Role::Admin => &world.acme.admin,
        Role::Operator => &world.operator,
    }
}

async fn status(world: &World, ask: Ask) -> StatusCode {
    // What it answers with may be a stream that does not end.
    ask.of(&world.router).await.status()
}

#[tokio::test]
async fn route_is_open_to_whom_the_document_says_and_to_nobody_else() {
    let world = World::new().await;
    let mut wrong = Vec::new();
    for route in routes() {
        let path = filled(&route);
        let mut check = |who: &str, status: StatusCode, expected: bool| {
            if !expected || status == StatusCode::INTERNAL_SERVER_ERROR {
                wrong.push(format!("{} {}: {status} for {who}", route.method, route.path));
            }
        };
        let without = status(&world, route.ask(&path)).await;
        check("nobody", without, route.role.is_none() || without == StatusCode::UNAUTHORIZED);
        let Some(role) = route.role else { continue };
        for other in Role::ALL.into_iter().filter(|other| *other < role) {
            let status = status(&world, route.ask(&path).key(key(&world, other))).await;
            check(other.as_str(), status, status == StatusCode::FORBIDDEN);
        }
        for other in Role::ALL.into_iter().filter(|other| *other >= role) {
            let ask = Ask::new(route.method.clone(), &path).key(key(&world, other));
            let status = status(&world, ask).await;
            let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
            check(other.as_str(), status, !refused.contains(&status));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
