//! App registrations, and an app that its provider refuses.

use std::time::Duration;

use engine::credential::NewApp;
use model::credential::{App, CredentialStore as _};
use model::store::Catalogue as _;
use model::{Connection, ConnectionState, Secret};

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

async fn second(world: &World, process: &Process) -> Connection {
    let mut second = connection("user");
    second.id = "second".parse().unwrap();
    let (query, browser) = world.browse(process, &second).await;
    let finished = process.credentials.finish(&query, Some(&browser), None);
    world.drive(finished).await.unwrap().connection
}

#[tokio::test(start_paused = true)]
async fn refused_app_is_an_incident_of_the_app_and_of_no_connection() {
    let world = World::new().await;
    let process = world.process("one");
    let first = world.authorised(&process).await;
    let other = second(&world, &process).await;
    let (first, other) = (process.tokens(&first).await, process.tokens(&other).await);
    world.provider.server.with(|server| server.replace_secret("k3y-canary-replaced"));

    let error = world.drive(first.renewed(1)).await.unwrap_err();
    assert_eq!((error.code.as_str(), world.asked()), ("credential.app-refused", 3));
    assert_eq!(app(&process).await.incident.unwrap().code, "invalid_client");
    let error = world.drive(other.renewed(1)).await.unwrap_err();
    assert_eq!((error.code.as_str(), world.asked()), ("credential.app-refused", 3));
    let credential = world.credential().await;
    assert_eq!((credential.failures, credential.intent, credential.lease), (0, None, None));
    assert_eq!(world.state().await, ConnectionState::Active);

    world.pass(Duration::from_mins(2)).await;
    let both = world.drive(async { tokio::join!(first.renewed(1), other.renewed(1)) }).await;
    assert!(both.0.is_err() && both.1.is_err());
    assert_eq!(world.asked(), 4, "one of them has asked whether it is over");

    process.credentials.set_app(new_app("k3y-canary-replaced")).await.unwrap();
    assert_eq!(world.drive(first.renewed(1)).await.unwrap().generation, 2);
    assert_eq!(world.drive(other.renewed(1)).await.unwrap().generation, 2);
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
