//! API keys: that they open what is theirs, for as long as they do, and how often.

use std::net::IpAddr;
use std::time::Duration;

use api::auth::{NewKey, new_key};
use api::server::ClientAddr;
use model::api_key::{ApiKeyStore as _, Role};
use model::tenant::{Tenant, TenantStore as _};

use crate::support::{Answer, Ask, World, id, key_id, wrong};

const PATH: &str = "/api/sync-tasks";

#[tokio::test]
async fn key_opens_nothing_from_the_moment_it_is_revoked() {
    let world = World::new().await;
    let key = &world.acme.viewer;
    world.get(key, PATH).await.is(200);
    let acme = id("acme");
    assert!(world.store.revoke_api_key(Some(&acme), &key_id(key)).await.unwrap());
    world.get(key, PATH).await.refused(401, "api.unauthenticated");
    world.get(&world.acme.editor, PATH).await.is(200);
    world.store.remove_tenant(&acme).await.unwrap();
    world.get(&world.acme.editor, PATH).await.refused(401, "api.unauthenticated");
}

#[tokio::test]
async fn key_opens_nothing_once_it_has_expired() {
    let world = World::new().await;
    let new = NewKey {
        name: "brief".to_owned(),
        tenant: Some(id("acme")),
        role: Role::Viewer,
        creator: "test".to_owned(),
        expires: Some("2026-01-01T12:01:00Z".parse().unwrap()),
    };
    let (key, secret) = new_key(new, world.clock.now()).unwrap();
    world.store.put_api_key(key).await.unwrap();
    world.get(secret.expose(), PATH).await.is(200);
    world.clock.advance(Duration::from_secs(59));
    world.get(secret.expose(), PATH).await.is(200);
    world.clock.advance(Duration::from_secs(1));
    world.get(secret.expose(), PATH).await.refused(401, "api.unauthenticated");
}

#[tokio::test]
async fn scheme_is_read_as_http_has_it() {
    let world = World::new().await;
    let key = &world.acme.viewer;
    for (value, status) in [
        (format!("bearer {key}"), 200),
        (format!("BEARER {key}"), 200),
        (format!("Basic {key}"), 401),
        (format!("Bearer{key}"), 401),
        (format!("Bearer {key} x"), 401),
        (key.clone(), 401),
    ] {
        world.send(Ask::get(PATH).header("authorization", &value)).await.is(status);
    }
}

#[tokio::test]
async fn tenant_of_somebody_else_is_as_good_as_none() {
    let world = World::new().await;
    let ask = async |key: &str, tenant| world.send(Ask::get(PATH).key(key).tenant(tenant)).await;
    ask(&world.acme.viewer, "acme").await.is(200);
    for tenant in ["globex", "nobody", "", "../acme", "ACME"] {
        ask(&world.acme.admin, tenant).await.refused(404, "api.not-found");
    }
    world.get(&world.operator, PATH).await.refused(400, "api.tenant");
    ask(&world.operator, "acme").await.is(200);
    for (tenant, part) in [("nobody", "no tenant nobody"), ("../acme", "cannot be a tenant")] {
        let answer = ask(&world.operator, tenant).await;
        answer.refused(404, "api.not-found");
        assert!(answer.json["detail"].as_str().unwrap().contains(part), "operators see all");
    }
    world.store.remove_tenant(&id("acme")).await.unwrap();
    ask(&world.operator, "acme").await.refused(404, "api.not-found");
}

#[tokio::test]
async fn last_use_is_told_to_the_minute_and_written_once() {
    let world = World::new().await;
    let (key, at) = (key_id(&world.acme.viewer), "2026-01-01T12:00:00Z");
    let used = async || world.store.api_key(&key).await.unwrap().unwrap().used;
    let written = async |expected: &str| {
        while used().await != Some(expected.parse().unwrap()) {
            tokio::task::yield_now().await;
        }
    };
    // What is committed can be read before it is counted; once another change has been answered,
    // both are done.
    let counted = async || {
        let id: model::TenantId = "bystander".parse().unwrap();
        let known = world.store.tenant(&id).await.unwrap();
        let new = Tenant { name: "x".to_owned(), id, created: world.clock.now(), revision: 0 };
        world.store.put_tenant(known.unwrap_or(new), None).await.unwrap();
        world.store.commits()
    };
    world.get(&world.acme.viewer, PATH).await.is(200);
    written(at).await;
    let commits = counted().await;
    world.clock.advance(Duration::from_secs(59));
    for _ in 0..20 {
        world.get(&world.acme.viewer, PATH).await.is(200);
    }
    assert_eq!(world.store.commits(), commits);
    world.clock.advance(Duration::from_secs(1));
    for _ in 0..20 {
        world.get(&world.acme.viewer, PATH).await.is(200);
    }
    written("2026-01-01T12:01:00Z").await;
    assert_eq!(counted().await, commits + 2);
}

async fn from(world: &World, address: &str, key: &str) -> Answer {
    let address: IpAddr = address.parse().unwrap();
    world.send(Ask::get(PATH).key(key).extension(ClientAddr(address))).await
}

#[tokio::test]
async fn address_that_guesses_is_not_listened_to_and_all_others_are() {
    let world = World::new().await;
    let right = &world.acme.viewer;
    let wrong = wrong(right);
    for _ in 0..20 {
        from(&world, "192.0.2.1", &wrong).await.refused(401, "api.unauthenticated");
    }
    for key in [right, &wrong] {
        let answer = from(&world, "192.0.2.1", key).await;
        answer.refused(429, "api.locked-out");
        assert_eq!(answer.header("retry-after"), "60");
    }
    from(&world, "192.0.2.2", right).await.is(200);
    world.clock.advance(Duration::from_mins(1));
    from(&world, "192.0.2.1", right).await.is(200);
    from(&world, "192.0.2.1", &wrong).await.is(401);
    let answer = from(&world, "192.0.2.1", &world.acme.editor).await;
    assert_eq!(answer.header("retry-after"), "120");
    from(&world, "192.0.2.1", right).await.is(200);
    from(&world, "192.0.2.1", &wrong).await.refused(429, "api.locked-out");
}

#[tokio::test]
async fn key_that_has_ended_is_no_guess() {
    let world = World::new().await;
    let key = &world.acme.viewer;
    world.store.revoke_api_key(Some(&id("acme")), &key_id(key)).await.unwrap();
    for _ in 0..50 {
        from(&world, "192.0.2.1", key).await.is(401);
    }
    from(&world, "192.0.2.1", &world.acme.editor).await.is(200);
}

#[tokio::test]
async fn key_that_asks_too_often_waits_and_no_other_does() {
    let world = World::new().await;
    let ask = async |key: &str| world.get(key, "/api/operations/op-1").await;
    for _ in 0..1_000 {
        ask(&world.acme.viewer).await.is(404);
    }
    let answer = ask(&world.acme.viewer).await;
    answer.refused(429, "api.rate-limited");
    assert_eq!(answer.header("retry-after"), "1");
    ask(&world.acme.editor).await.is(404);
    ask(&world.globex.viewer).await.is(404);
    world.clock.advance(Duration::from_millis(2));
    ask(&world.acme.viewer).await.is(404);
    ask(&world.acme.viewer).await.is(429);
}
