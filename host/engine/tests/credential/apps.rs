//! App registrations, and an app that its provider refuses.

use std::sync::Arc;
use std::time::Duration;

use engine::credential::{NewApp, Revocation};
use model::credential::{AccessLog as _, AccessQuery, App, CredentialStore as _, Tokens};
use model::store::Catalogue as _;
use model::{Connection, ConnectionState, Secret};
use plughouse_testkit::Answer;

use crate::provider::Instead;
use crate::world::{CLIENT, CLIENT_SECRET, PACKAGE, Process, World, connection, whose};

fn new_app(secret: &str) -> NewApp {
    NewApp {
        package: PACKAGE.to_owned(),
        tenant: None,
        client_id: CLIENT.to_owned(),
        secret: Some(Secret::new(secret.to_owned())),
        origin: None,
    }
}

async fn app(process: &Process) -> App {
    process.credentials.apps().await.unwrap().remove(0)
}

async fn named(world: &World, process: &Process, id: &str) -> Connection {
    let mut named = connection("user");
    named.id = id.parse().unwrap();
    let (query, browser) = world.browse(process, &named).await;
    let finished = process.credentials.finish(&query, Some(&browser), None);
    world.drive(finished).await.unwrap().connection
}

#[tokio::test(start_paused = true)]
async fn app_that_is_refused_to_two_is_an_incident_and_of_no_connection() {
    let world = World::new().await;
    let process = world.process("one");
    let first = process.tokens(&world.authorised(&process).await).await;
    let second = process.tokens(&named(&world, &process, "second").await).await;
    let third = process.tokens(&named(&world, &process, "third").await).await;
    world.provider.server.with(|server| server.replace_secret("k3y-canary-replaced"));

    for (asked, tokens, suspected) in [(4, &first, true), (4, &first, true), (5, &second, false)] {
        world.drive(tokens.renewed(1)).await.unwrap_err();
        let incident = app(&process).await.incident.unwrap();
        assert_eq!((incident.code.as_str(), incident.suspected), ("invalid_client", suspected));
        assert_eq!(world.asked(), asked);
    }
    let error = world.drive(third.renewed(1)).await.unwrap_err();
    assert_eq!((error.code.as_str(), world.asked()), ("credential.app-refused", 5));
    let credential = world.credential().await;
    assert_eq!((credential.failures, credential.intent, credential.lease), (1, None, None));
    assert_eq!(world.state().await, ConnectionState::Active);

    world.pass(Duration::from_mins(2)).await;
    let both = world.drive(async { tokio::join!(first.renewed(1), third.renewed(1)) }).await;
    assert!(both.0.is_err() && both.1.is_err());
    assert_eq!(world.asked(), 6, "one of them has asked whether it is over");

    process.credentials.set_app(new_app("k3y-canary-replaced")).await.unwrap();
    for tokens in [first, second, third] {
        assert_eq!(world.drive(tokens.renewed(1)).await.unwrap().generation, 2, "at once");
    }
}

#[tokio::test(start_paused = true)]
async fn connection_with_a_cause_of_its_own_keeps_no_other_from_its_tokens() {
    let world = World::new().await;
    let process = world.process("one");
    let bad = process.tokens(&world.authorised(&process).await).await;
    let good = process.tokens(&named(&world, &process, "good").await).await;
    let refusal = || {
        let body = serde_json::json!({ "error": "unauthorized_client" });
        Instead::Says(Answer::value(400, &body))
    };
    for generation in 1..4 {
        world.provider.instead(refusal());
        let error = world.drive(bad.renewed(1)).await.unwrap_err();
        assert_eq!(error.code, "credential.app-refused");
        assert!(app(&process).await.incident.unwrap().suspected);
        let renewed = world.drive(good.renewed(generation)).await.unwrap();
        assert_eq!(renewed.generation, generation + 1);
        assert!(app(&process).await.incident.is_none());
        world.pass(Duration::from_mins(16)).await;
    }
    // An outage that both have met is over: what one still meets does not prolong it.
    for tokens in [&bad, &good] {
        world.provider.instead(refusal());
        world
            .drive(tokens.renewed(if Arc::ptr_eq(tokens, &bad) { 1 } else { 4 }))
            .await
            .unwrap_err();
    }
    for _ in 0..2 {
        world.pass(Duration::from_mins(16)).await;
        world.provider.instead(refusal());
        world.drive(bad.renewed(1)).await.unwrap_err();
    }
    world.pass(Duration::from_mins(1)).await;
    assert_eq!(world.drive(good.renewed(4)).await.unwrap().generation, 5);
    assert!(app(&process).await.incident.is_none());
}

#[tokio::test(start_paused = true)]
async fn use_of_a_secret_names_the_host_that_it_goes_to() {
    let world = World::new().await;
    let process = world.process("one");
    let tokens = process.tokens(&world.authorised(&process).await).await;
    let origin = Some("http://127.0.0.1:9".to_owned());
    process.credentials.set_app(NewApp { origin, ..new_app(CLIENT_SECRET) }).await.unwrap();
    world.drive(tokens.renewed(1)).await.unwrap();
    let (tenant, _) = whose();
    let query = AccessQuery { tenant, connection: None, before: None, limit: 9 };
    let hosts = world.store.accesses(query).await.unwrap().into_iter().map(|it| it.endpoint);
    assert_eq!(hosts.collect::<Vec<_>>(), ["127.0.0.1:9", "login.crm.example"]);
}

/// A connection that was authorised through the deployment's app, of a tenant that has one of its
/// own by now.
async fn moved(world: &World, process: &Process) -> Arc<dyn Tokens> {
    let tokens = process.tokens(&world.authorised(process).await).await;
    assert_eq!(world.credential().await.grant.app.as_deref(), Some(CLIENT));
    let tenant = Some(whose().0);
    let own = NewApp { tenant, client_id: "own".to_owned(), ..new_app("x") };
    process.credentials.set_app(own).await.unwrap();
    tokens
}

#[tokio::test(start_paused = true)]
async fn refresh_token_goes_out_under_no_other_app_and_the_access_token_is_used_to_its_end() {
    let world = World::new().await;
    let process = world.process("one");
    let tokens = moved(&world, &process).await;
    world.pass(Duration::from_mins(46)).await;
    assert_eq!(world.drive(tokens.current()).await.unwrap().generation, 1);
    world.drive(process.credentials.refresh_due(10)).await.unwrap();
    assert_eq!((world.asked(), world.state().await), (1, ConnectionState::Expiring));
    world.pass(Duration::from_mins(10)).await;
    assert_eq!(world.drive(tokens.current()).await.unwrap().generation, 1);
    world.pass(Duration::from_mins(6)).await;
    world.drive(process.credentials.refresh_due(10)).await.unwrap();
    assert_eq!((world.asked(), world.state().await), (1, ConnectionState::NeedsReauthorisation));
    let reason = "it was authorised through app client-1, which no longer serves this tenant";
    assert_eq!(world.reason().await, reason);
    let (tenant, id) = whose();
    let ended = world.drive(process.credentials.revoke(&tenant, &id)).await.unwrap();
    assert_eq!(ended, Revocation::Failed(format!("{reason}; end it there")));
}

#[tokio::test(start_paused = true)]
async fn access_token_that_is_refused_under_another_app_has_ended() {
    let world = World::new().await;
    let process = world.process("one");
    let tokens = moved(&world, &process).await;
    let error = world.drive(tokens.renewed(1)).await.unwrap_err();
    assert_eq!((error.code.as_str(), world.asked()), ("credential.ended", 1));
}

#[tokio::test(start_paused = true)]
async fn app_that_serves_again_goes_on_with_what_was_given_to_it() {
    let world = World::new().await;
    let process = world.process("one");
    let tokens = moved(&world, &process).await;
    world.pass(Duration::from_mins(46)).await;
    world.drive(process.credentials.refresh_due(10)).await.unwrap();
    process.credentials.remove_app(PACKAGE, Some(&whose().0)).await.unwrap();
    world.pass(Duration::from_mins(15)).await;
    assert_eq!(world.drive(tokens.current()).await.unwrap().generation, 2);
    assert_eq!(world.state().await, ConnectionState::Active);
    assert_eq!(world.credential().await.grant.app.as_deref(), Some(CLIENT));
}

#[tokio::test(start_paused = true)]
async fn incident_is_over_when_the_provider_accepts_the_app_again() {
    let world = World::new().await;
    let process = world.process("one");
    let tokens = process.tokens(&world.authorised(&process).await).await;
    world.provider.server.with(|server| server.replace_secret("another"));
    world.drive(tokens.renewed(1)).await.unwrap_err();
    world.provider.server.with(|server| server.replace_secret(CLIENT_SECRET));
    assert!(world.drive(tokens.renewed(1)).await.is_err(), "it is too early to ask");
    world.pass(Duration::from_mins(2)).await;
    assert_eq!(world.drive(tokens.renewed(1)).await.unwrap().generation, 2);
    assert!(app(&process).await.incident.is_none());
}

#[tokio::test(start_paused = true)]
async fn sweep_puts_off_what_waits_for_an_app_and_leaves_its_state_alone() {
    let world = World::new().await;
    let process = world.process("one");
    world.authorised(&process).await;
    world.provider.server.with(|server| server.replace_secret("another"));
    world.pass(Duration::from_mins(46)).await;
    for _ in 0..4 {
        world.drive(process.credentials.refresh_due(10)).await.unwrap();
    }
    assert_eq!((world.asked(), world.state().await), (2, ConnectionState::Active));
    assert!(world.credential().await.grant.refresh_at.unwrap() > world.clock.now());
    process.credentials.set_app(new_app("another")).await.unwrap();
    let tokens = process.tokens(&connection("user")).await;
    assert_eq!(world.drive(tokens.current()).await.unwrap().generation, 2, "and not longer");
}

#[tokio::test(start_paused = true)]
async fn what_has_no_app_does_not_stand_before_all_others() {
    let world = World::new().await;
    let process = world.process("one");
    world.authorised(&process).await;
    process.credentials.remove_app(PACKAGE, None).await.unwrap();
    world.pass(Duration::from_mins(46)).await;
    world.drive(process.credentials.refresh_due(1)).await.unwrap();
    let credential = world.credential().await;
    assert!(credential.grant.refresh_at.unwrap() > world.clock.now());
    assert_eq!(credential.failure.unwrap().code, "credential.app");
    assert_eq!((credential.lease, credential.intent, world.asked()), (None, None, 1));
    world.pass(Duration::from_mins(1)).await;
    process.credentials.set_app(new_app(CLIENT_SECRET)).await.unwrap();
    let tokens = process.tokens(&connection("user")).await;
    assert_eq!(world.drive(tokens.current()).await.unwrap().generation, 2, "at once");
}

#[tokio::test(start_paused = true)]
async fn app_of_a_tenant_goes_before_that_of_the_deployment() {
    let world = World::new().await;
    let process = world.process("one");
    let (tenant, _) = whose();
    let own = NewApp { tenant: Some(tenant.clone()), client_id: "own".to_owned(), ..new_app("x") };
    process.credentials.set_app(own.clone()).await.unwrap();
    let begun = process.credentials.begin(connection("user"), "https://host.example/cb");
    assert!(world.drive(begun).await.unwrap().url.contains("client_id=own&"));
    let again = process.credentials.set_app(own).await.unwrap();
    assert_eq!(again.generation, 2);
    assert!(process.credentials.remove_app(PACKAGE, Some(&tenant)).await.unwrap());
    let begun = process.credentials.begin(connection("user"), "https://host.example/cb");
    assert!(world.drive(begun).await.unwrap().url.contains("client_id=client-1&"));
    assert!(world.store.connection(&tenant, &whose().1).await.unwrap().is_none());
    assert!(world.store.credential(&tenant, &whose().1).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn app_that_cannot_be_sent_is_not_entered() {
    let world = World::new().await;
    let process = world.process("one");
    for bad in [
        NewApp { client_id: String::new(), ..new_app("x") },
        NewApp { client_id: "a\r\nb".to_owned(), ..new_app("x") },
        new_app(""),
        new_app("hunter2\n"),
        NewApp { origin: Some("http://127.0.0.1/x".to_owned()), ..new_app("x") },
    ] {
        let error = process.credentials.set_app(bad).await.unwrap_err();
        assert_eq!(error.code, "credential.refused-input");
        assert!(!error.message.contains("hunter2"), "{error}");
    }
}
