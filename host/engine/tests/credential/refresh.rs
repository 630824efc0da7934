//! How a credential is kept alive.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use model::credential::{CredentialStore as _, PREVIOUS_REFRESH_TOKEN};
use model::store::Catalogue as _;
use model::{ConnectionState, Timestamp};
use plughouse_testkit::oauth::{Leeway, Quirk, Standing};
use plughouse_testkit::{Answer, AuthServer};

use crate::provider::Instead;
use crate::world::{CLIENT, CLIENT_SECRET, World, connection, text, whose};

const HOUR: Duration = Duration::from_hours(1);

/// How often a request is sent whose answer is lost each time.
const SENDS: usize = 7;

fn refusal(code: &str) -> Instead {
    Instead::Says(Answer::value(400, &serde_json::json!({ "error": code })))
}

fn busy(status: u16, retry_after: &'static str) -> Instead {
    Instead::Says(Answer::plain(status, "busy").header("retry-after", retry_after))
}

#[tokio::test(start_paused = true)]
async fn token_is_used_as_long_as_it_is_fresh_and_then_replaced() {
    let world = World::new().await;
    let process = world.process("one");
    let tokens = process.tokens(&world.authorised(&process).await).await;
    let first = world.drive(tokens.current()).await.unwrap();
    assert_eq!((first.generation, world.asked()), (1, 1));
    world.pass(Duration::from_mins(44)).await;
    assert_eq!(text(&world.drive(tokens.current()).await.unwrap()), text(&first));
    world.pass(Duration::from_mins(2)).await;
    let second = world.drive(tokens.current()).await.unwrap();
    assert_eq!((second.generation, world.asked()), (2, 2));
    let standing = world.provider.server.with(|server| server.standing(&text(&second)));
    assert_eq!(standing, Standing::Live);
    let credential = world.credential().await;
    assert_eq!((credential.refreshes, credential.used), (1, None));
    assert!(credential.fields.iter().any(|field| field == PREVIOUS_REFRESH_TOKEN));
}

#[tokio::test(start_paused = true)]
async fn refused_token_is_replaced_once_for_all_who_hold_it() {
    let world = World::new().await;
    let (one, other) = (world.process("one"), world.process("other"));
    let connection = world.authorised(&one).await;
    let (here, there) = (one.tokens(&connection).await, other.tokens(&connection).await);
    world.drive(here.current()).await.unwrap();
    world.drive(there.current()).await.unwrap();
    let renewed = world.drive(here.renewed(1)).await.unwrap();
    let found = world.drive(there.renewed(1)).await.unwrap();
    assert_eq!((text(&renewed), found.generation, world.asked()), (text(&found), 2, 2));
}

#[tokio::test(start_paused = true)]
async fn refresh_goes_on_when_who_asked_for_it_leaves() {
    let world = World::new().await;
    let process = world.process("one");
    let tokens = process.tokens(&world.authorised(&process).await).await;
    let gone = tokio::time::timeout(Duration::from_millis(50), tokens.renewed(1));
    assert!(world.drive(gone).await.is_err());
    assert_eq!(world.drive(tokens.renewed(1)).await.unwrap().generation, 2);
    assert_eq!(world.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn refresh_token_that_is_told_once_is_kept() {
    let world = World::with(AuthServer::new(CLIENT, CLIENT_SECRET).without_rotation()).await;
    let process = world.process("one");
    let tokens = process.tokens(&world.authorised(&process).await).await;
    for generation in 1..4 {
        let renewed = world.drive(tokens.renewed(generation)).await.unwrap();
        assert_eq!(renewed.generation, generation + 1);
    }
    let fields = world.credential().await.fields;
    assert!(!fields.iter().any(|field| field == PREVIOUS_REFRESH_TOKEN), "{fields:?}");
}

#[tokio::test(start_paused = true)]
async fn token_of_unknown_life_is_replaced_when_it_is_refused_and_once_a_day() {
    let server = AuthServer::new(CLIENT, CLIENT_SECRET).quirk(Quirk::NoLife);
    let world = World::with(server.leeway(Leeway::NONE)).await;
    let process = world.process("one");
    let tokens = process.tokens(&world.authorised(&process).await).await;
    world.pass(22 * HOUR).await;
    assert_eq!(world.drive(tokens.current()).await.unwrap().generation, 1);
    let due = world.drive(process.credentials.refresh_due(100)).await.unwrap();
    assert_eq!((due.refreshed, due.failed), (0, 0));
    world.pass(2 * HOUR).await;
    let due = world.drive(process.credentials.refresh_due(100)).await.unwrap();
    assert_eq!((due.refreshed, due.failed), (1, 0));
    assert_eq!(world.drive(tokens.current()).await.unwrap().generation, 2);
    assert_eq!(world.drive(tokens.renewed(2)).await.unwrap().generation, 3);
}

#[tokio::test(start_paused = true)]
async fn lost_answer_is_asked_for_again_at_once() {
    let world = World::new().await;
    let process = world.process("one");
    let tokens = process.tokens(&world.authorised(&process).await).await;
    world.provider.instead(Instead::Lost);
    world.provider.instead(Instead::Lost);
    assert_eq!(world.drive(tokens.renewed(1)).await.unwrap().generation, 2);
    assert_eq!((world.asked(), world.provider.server.with(|s| s.live_chains())), (4, 1));
}

#[tokio::test(start_paused = true)]
async fn answer_that_stays_lost_leaves_the_token_in_use_and_is_asked_for_later() {
    let world = World::new().await;
    let process = world.process("one");
    let tokens = process.tokens(&world.authorised(&process).await).await;
    world.pass(Duration::from_mins(46)).await;
    for _ in 0..SENDS {
        world.provider.instead(Instead::Lost);
    }
    let begun = world.clock.now();
    assert_eq!(world.drive(tokens.current()).await.unwrap().generation, 1);
    assert!(world.clock.now().duration_since(begun).as_secs() <= 5, "nobody waits for long");
    world.drive(tokio::time::sleep(Duration::from_secs(20))).await;
    let credential = world.credential().await;
    assert_eq!((credential.failures, credential.intent.unwrap().times), (1, 1));
    assert_eq!(world.drive(tokens.current()).await.unwrap().generation, 1);
    assert_eq!(world.asked(), 1 + SENDS, "nothing is asked while it rests");
    world.pass(Duration::from_mins(1)).await;
    let done = world.drive(process.credentials.refresh_due(10)).await.unwrap();
    assert_eq!(done.refreshed, 0, "the provider forgives for a minute, which is over");
    assert_eq!(world.state().await, ConnectionState::Active, "a first no is not believed");
}

#[tokio::test(start_paused = true)]
async fn previous_refresh_token_is_tried_when_an_answer_may_have_been_lost() {
    // A provider that forgets who has not used the new token yet, and honours the old one.
    let world = World::with(AuthServer::new(CLIENT, CLIENT_SECRET).leeway(Leeway::once())).await;
    let process = world.process("one");
    let tokens = process.tokens(&world.authorised(&process).await).await;
    world.drive(tokens.renewed(1)).await.unwrap();
    for _ in 0..SENDS {
        world.provider.instead(busy(502, ""));
    }
    assert!(world.drive(tokens.renewed(2)).await.is_err());
    world.pass(Duration::from_mins(2)).await;
    world.provider.instead(refusal("invalid_grant"));
    assert_eq!(world.drive(tokens.renewed(2)).await.unwrap().generation, 3);
    assert_eq!(world.state().await, ConnectionState::Active);
}

#[tokio::test(start_paused = true)]
async fn provider_that_is_busy_is_left_alone_for_as_long_as_it_asks() {
    let world = World::new().await;
    let process = world.process("one");
    let tokens = process.tokens(&world.authorised(&process).await).await;
    world.provider.instead(busy(429, "600"));
    let error = world.drive(tokens.renewed(1)).await.unwrap_err();
    assert_eq!((error.code.as_str(), world.asked()), ("credential.later", 2));
    assert!(error.retry_after.unwrap() >= Duration::from_mins(10));
    world.pass(Duration::from_mins(9)).await;
    assert!(world.drive(tokens.renewed(1)).await.is_err());
    assert_eq!(world.asked(), 2);
    world.pass(Duration::from_mins(2)).await;
    assert_eq!(world.drive(tokens.renewed(1)).await.unwrap().generation, 2);
    assert_eq!(world.credential().await.failures, 0);
}

#[tokio::test(start_paused = true)]
async fn failures_are_told_as_long_as_the_token_lives_and_forgotten_with_the_next_one() {
    let world = World::new().await;
    let process = world.process("one");
    world.authorised(&process).await;
    world.pass(Duration::from_mins(46)).await;
    for failures in 1..=3 {
        world.provider.instead(Instead::Unsent);
        world.drive(process.credentials.refresh_due(10)).await.unwrap();
        assert_eq!(world.credential().await.failures, failures);
        world.pass(Duration::from_mins(4)).await;
    }
    assert_eq!(world.state().await, ConnectionState::Expiring);
    let reason = world.reason().await;
    assert!(reason.contains("has failed 3 times: nobody is there"), "{reason}");
    assert_eq!(process.credentials.expiring(None, HOUR).await.unwrap().len(), 1);
    world.drive(process.credentials.refresh_due(10)).await.unwrap();
    assert_eq!(world.state().await, ConnectionState::Active);
}

#[tokio::test(start_paused = true)]
async fn grant_that_is_gone_is_believed_gone_the_second_time_and_nothing_is_forgotten() {
    let world = World::new().await;
    let process = world.process("one");
    let tokens = process.tokens(&world.authorised(&process).await).await;
    world.provider.server.with(AuthServer::revoke_all);
    let begun = world.clock.now();
    let error = world.drive(tokens.renewed(1)).await.unwrap_err();
    assert_eq!((error.code.as_str(), world.asked()), ("credential.ended", 3));
    assert!(world.clock.now().duration_since(begun).as_secs() >= 30);
    assert_eq!(world.state().await, ConnectionState::NeedsReauthorisation);
    assert_eq!(world.credential().await.generation, 1);
    let error = world.drive(tokens.renewed(1)).await.unwrap_err();
    assert_eq!((error.code.as_str(), world.asked()), ("credential.ended", 3));
    world.authorised(&process).await;
    assert_eq!(world.state().await, ConnectionState::Active);
    let tokens = process.tokens(&connection("user")).await;
    assert_eq!(world.drive(tokens.current()).await.unwrap().generation, 2);
}

#[tokio::test(start_paused = true)]
async fn answer_whose_key_was_retired_meanwhile_is_sealed_again_and_not_lost() {
    let world = World::with(AuthServer::new(CLIENT, CLIENT_SECRET).leeway(Leeway::NONE)).await;
    let process = world.process("one");
    process.tap.conflicts.store(1, Relaxed);
    let tokens = process.tokens(&world.authorised(&process).await).await;
    process.tap.conflicts.store(2, Relaxed);
    assert_eq!(world.drive(tokens.renewed(1)).await.unwrap().generation, 2);
    assert_eq!(world.drive(tokens.renewed(2)).await.unwrap().generation, 3);
    assert_eq!((world.asked(), world.provider.server.with(|s| s.live_chains())), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn failure_of_a_clock_that_ran_ahead_keeps_nobody_from_trying() {
    let world = World::new().await;
    let process = world.process("one");
    let tokens = process.tokens(&world.authorised(&process).await).await;
    let right = world.clock.now();
    world.clock.set(right.saturating_add(100 * HOUR).unwrap());
    world.provider.instead(Instead::Unsent);
    assert!(world.drive(tokens.renewed(1)).await.is_err());
    world.clock.set(right);
    assert_eq!(world.drive(tokens.renewed(1)).await.unwrap().generation, 2);
}

#[tokio::test(start_paused = true)]
async fn no_of_a_provider_that_passes_is_not_believed() {
    let world = World::new().await;
    let process = world.process("one");
    let tokens = process.tokens(&world.authorised(&process).await).await;
    world.provider.instead(refusal("invalid_grant"));
    assert_eq!(world.drive(tokens.renewed(1)).await.unwrap().generation, 2);
    assert_eq!(world.state().await, ConnectionState::Active);
}

#[tokio::test(start_paused = true)]
async fn sweep_does_not_wait_for_a_doubt_to_pass() {
    let world = World::new().await;
    let process = world.process("one");
    world.authorised(&process).await;
    world.provider.server.with(AuthServer::revoke_all);
    world.pass(Duration::from_mins(46)).await;
    world.drive(process.credentials.refresh_due(10)).await.unwrap();
    assert_eq!((world.asked(), world.state().await), (2, ConnectionState::Active));
    world.pass(Duration::from_mins(1)).await;
    world.drive(process.credentials.refresh_due(10)).await.unwrap();
    assert_eq!((world.asked(), world.state().await), (3, ConnectionState::NeedsReauthorisation));
    world.pass(HOUR).await;
    world.drive(process.credentials.refresh_due(10)).await.unwrap();
    assert_eq!(world.asked(), 3, "what a person must do is not tried");
}

#[tokio::test(start_paused = true)]
async fn code_of_the_manifest_means_authorise_again_as_well() {
    let world = World::new().await;
    let process = world.process("one");
    let tokens = process.tokens(&world.authorised(&process).await).await;
    world.provider.instead(refusal("interaction_required"));
    world.provider.instead(refusal("interaction_required"));
    assert_eq!(world.drive(tokens.renewed(1)).await.unwrap_err().code, "credential.ended");
}

#[tokio::test(start_paused = true)]
async fn no_that_comes_after_somebody_has_authorised_again_means_nothing() {
    let world = World::new().await;
    let process = world.process("one");
    let tokens = process.tokens(&world.authorised(&process).await).await;
    let (query, browser) = world.browse(&process, &connection("user")).await;
    world.provider.instead(refusal("invalid_grant"));
    let other = world.process("other");
    let renewing = tokens.renewed(1);
    let finishing = Box::pin(async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        other.credentials.finish(&query, Some(&browser), None).await
    });
    let (renewed, finished) = world.drive(async { tokio::join!(renewing, finishing) }).await;
    assert!(finished.unwrap().replaced);
    assert_eq!((renewed.unwrap().generation, world.asked()), (2, 3));
    assert_eq!(world.state().await, ConnectionState::Active);
}

#[tokio::test(start_paused = true)]
async fn instance_moves_with_the_token_and_only_to_where_the_manifest_lets_it() {
    let world = World::new().await;
    let process = world.process("one");
    let tokens = process.tokens(&world.authorised(&process).await).await;
    let to = |origin: &str| {
        Instead::Says(Answer::value(
            200,
            &serde_json::json!({ "access_token": origin, "instance_url": origin }),
        ))
    };
    world.provider.instead(to("https://eu7.crm.example"));
    let moved = world.drive(tokens.renewed(1)).await.unwrap();
    assert_eq!(moved.variables["instance"], "https://eu7.crm.example");
    world.provider.instead(to("https://evil.example"));
    let error = world.drive(tokens.renewed(2)).await.unwrap_err();
    assert_eq!(error.code, "credential.variable");
    assert_eq!(world.state().await, ConnectionState::Disabled);
    let reason = world.reason().await;
    assert!(reason.contains("instance") && !reason.contains("evil"), "{reason}");
    assert_eq!(world.credential().await.generation, 3, "what rotates is kept nevertheless");
    let (tenant, id) = whose();
    let stored = world.store.connection(&tenant, &id).await.unwrap().unwrap();
    assert_eq!(stored.variables["instance"], "https://eu7.crm.example");
}

#[tokio::test(start_paused = true)]
async fn credential_without_a_refresh_token_ends_when_it_is_refused() {
    let world = World::new().await;
    let process = world.process("one");
    let (query, browser) = world.browse(&process, &connection("user")).await;
    world.provider.instead(Instead::Says(Answer::value(
        200,
        &serde_json::json!({ "access_token": "sim_at_only", "expires_in": "86400" }),
    )));
    let finished = process.credentials.finish(&query, Some(&browser), None);
    let connection = world.drive(finished).await.unwrap().connection;
    let expires: Option<Timestamp> = world.credential().await.grant.expires;
    assert!(expires.is_some());
    let tokens = process.tokens(&connection).await;
    assert_eq!(world.drive(tokens.renewed(1)).await.unwrap_err().code, "credential.ended");
    assert_eq!((world.asked(), world.state().await), (1, ConnectionState::NeedsReauthorisation));
    let (tenant, id) = whose();
    assert!(world.store.credential(&tenant, &id).await.unwrap().is_some());
}
