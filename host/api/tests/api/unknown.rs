//! Requests that reach nothing.

use axum::http::Method;

use crate::support::{Ask, World, wrong};

#[tokio::test]
async fn who_shows_no_key_that_works_learns_nothing() {
    let world = World::new().await;
    let right = &world.acme.viewer;
    world.get(right, "/api/sync-tasks").await.is(200);
    for key in ["", "ph_", &wrong(right), &right[3..], &format!(" {right}")] {
        let answer = world.get(key, "/api/sync-tasks").await;
        answer.refused(401, "api.unauthenticated");
    }
    world.send(Ask::get("/api/sync-tasks")).await.refused(401, "api.unauthenticated");
}

#[tokio::test]
async fn what_is_not_there_or_does_not_do_that_says_so() {
    let world = World::new().await;
    world.get(&world.acme.viewer, "/api/nothing").await.refused(404, "api.not-found");
    let answer = world.send(Ask::new(Method::PUT, "/api/sync-tasks").key(&world.acme.admin)).await;
    answer.refused(405, "api.method");
    assert_eq!(answer.header("allow"), "GET,HEAD,POST");
}
