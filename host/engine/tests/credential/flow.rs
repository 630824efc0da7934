//! The authorisation code flow, and what people try with it.

use std::time::Duration;

use model::credential::Credential;
use model::store::Catalogue as _;
use model::{ConnectionState, Error, Secret};
use plughouse_testkit::{Answer, AuthServer};

use crate::provider::Instead;
use crate::world::{Account, PACKAGE, Process, World, connection, text, whose};

async fn finish(
    world: &World,
    process: &Process,
    query: &str,
    browser: Option<&Secret>,
) -> Result<(), Error> {
    let finished = process.credentials.finish(query, browser, None);
    world.drive(finished).await.map(drop)
}

/// That this query ends nothing, with the code of why; and that the flow is spent by it, or not.
async fn refused(change: impl Fn(String) -> String, code: &str, spent: bool) {
    let world = World::new().await;
    let process = world.process("one");
    let (query, browser) = world.browse(&process, &connection("user")).await;
    let changed = change(query.clone());
    let error = finish(&world, &process, &changed, Some(&browser)).await.unwrap_err();
    assert_eq!(error.code, code, "{error}");
    assert_eq!(world.asked(), 0, "{error}");
    let again = finish(&world, &process, &query, Some(&browser)).await;
    assert_eq!(again.is_err(), spent, "{error}");
}

#[tokio::test(start_paused = true)]
async fn connection_is_authorised_in_a_browser() {
    let world = World::new().await;
    let process = world.process("one");
    let begun = process.credentials.begin(connection("user"), "https://host.example/cb?x=1");
    let begun = world.drive(begun).await.unwrap();
    assert!(begun.url.contains("code_challenge_method=S256"), "{}", begun.url);
    assert!(begun.url.contains("scope=read%20offline_access"), "{}", begun.url);
    assert!(begun.url.contains("redirect_uri=https%3A%2F%2Fhost.example%2Fcb%3Fx%3D1"));
    let query = world.visit(&begun.url);
    let check = Account("42");
    let finished = process.credentials.finish(&query, Some(&begun.browser), Some(&check));
    let finished = world.drive(finished).await.unwrap();
    assert!(!finished.replaced);
    assert_eq!(finished.connection.account.as_deref(), Some("42"));
    let credential = world.credential().await;
    assert_eq!(credential.grant.scopes, ["read", "offline_access"]);
    assert_eq!(credential.fields, ["access_token", "refresh_token"]);
    let tokens = process.tokens(&finished.connection).await;
    assert!(!text(&world.drive(tokens.current()).await.unwrap()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn callback_is_good_once() {
    let world = World::new().await;
    let process = world.process("one");
    let (query, browser) = world.browse(&process, &connection("user")).await;
    finish(&world, &process, &query, Some(&browser)).await.unwrap();
    let error = finish(&world, &process, &query, Some(&browser)).await.unwrap_err();
    assert_eq!((error.code.as_str(), world.asked()), ("credential.flow", 1));
    assert_eq!(world.state().await, ConnectionState::Active);
}

#[tokio::test(start_paused = true)]
async fn another_browser_ends_nothing_and_spends_the_flow() {
    let world = World::new().await;
    let process = world.process("one");
    let (_, others) = world.browse(&process, &connection("user")).await;
    for shown in [None, Some(&others), Some(&Secret::new(String::new()))] {
        let (query, browser) = world.browse(&process, &connection("user")).await;
        let error = finish(&world, &process, &query, shown).await.unwrap_err();
        assert_eq!(error.code, "credential.flow");
        assert!(error.message.contains("another browser"), "{error}");
        assert!(finish(&world, &process, &query, Some(&browser)).await.is_err());
    }
    assert_eq!(world.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn flow_of_another_tenant_is_not_finished_by_ones_own_browser() {
    let world = World::new().await;
    let process = world.process("one");
    let mut foreign = connection("user");
    foreign.tenant = "mallory".parse().unwrap();
    let (theirs, _) = world.browse(&process, &foreign).await;
    let (_, browser) = world.browse(&process, &connection("user")).await;
    let error = finish(&world, &process, &theirs, Some(&browser)).await.unwrap_err();
    assert_eq!((error.code.as_str(), world.asked()), ("credential.flow", 0));
}

#[tokio::test(start_paused = true)]
async fn flow_ends_by_itself_after_ten_minutes() {
    let world = World::new().await;
    let process = world.process("one");
    let (query, browser) = world.browse(&process, &connection("user")).await;
    world.pass(Duration::from_mins(10)).await;
    let error = finish(&world, &process, &query, Some(&browser)).await.unwrap_err();
    assert_eq!((error.code.as_str(), world.asked()), ("credential.flow", 0));
    assert!(error.message.contains("10 minutes"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn callback_of_another_provider_is_refused() {
    refused(|query| format!("{query}&iss=https%3A%2F%2Fevil.example"), "credential.flow", true)
        .await;
}

#[tokio::test(start_paused = true)]
async fn callback_that_makes_no_sense_is_refused() {
    refused(|query| format!("{query}&error=access_denied"), "credential.flow", false).await;
    refused(|query| format!("{query}&state=x"), "credential.flow", false).await;
    refused(|query| format!("{query}&pad={}", "x".repeat(9_000)), "credential.flow", false).await;
    refused(|query| query.replace("state=", "stat="), "credential.flow", false).await;
    refused(|query| query.replace("state=", "state=x"), "credential.flow", false).await;
    refused(|_| String::new(), "credential.flow", false).await;
    refused(|_| "%".to_owned(), "credential.flow", false).await;
}

#[tokio::test(start_paused = true)]
async fn no_of_a_person_is_told_as_such() {
    let world = World::new().await;
    world.provider.server.with(|server| server.deny(true));
    let process = world.process("one");
    let (query, browser) = world.browse(&process, &connection("user")).await;
    let error = finish(&world, &process, &query, Some(&browser)).await.unwrap_err();
    assert_eq!(error.code, "credential.denied");
    assert!(error.message.contains("The user said no"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn flow_whose_connection_was_changed_meanwhile_changes_nothing() {
    let world = World::new().await;
    let process = world.process("one");
    let (query, browser) = world.browse(&process, &connection("user")).await;
    world.authorised(&process).await;
    let error = finish(&world, &process, &query, Some(&browser)).await.unwrap_err();
    assert_eq!((error.code.as_str(), world.asked()), ("credential.changed", 1));
    assert_eq!(world.credential().await.generation, 1);
}

#[tokio::test(start_paused = true)]
async fn connection_is_authorised_again_for_the_same_account_alone() {
    let world = World::new().await;
    let process = world.process("one");
    for (account, code) in [
        (Some(Account("42")), None),
        (Some(Account("43")), Some("engine.other-account")),
        (None, Some("credential.unchecked")),
        (Some(Account("42")), None),
    ] {
        let (query, browser) = world.browse(&process, &connection("user")).await;
        let check = account.as_ref().map(Account::as_check);
        let finished = process.credentials.finish(&query, Some(&browser), check);
        let finished = world.drive(finished).await;
        assert_eq!(finished.err().map(|error| error.code).as_deref(), code);
    }
    assert_eq!(world.credential().await.generation, 2);
    let (tenant, id) = whose();
    let stored = world.store.connection(&tenant, &id).await.unwrap().unwrap();
    assert_eq!(stored.account.as_deref(), Some("42"));
}

/// Whether a refresh token stays that a second authorisation leaves out.
async fn stays(world: &World, process: &Process, account: Option<&'static str>) -> bool {
    let (query, browser) = world.browse(process, &connection("user")).await;
    let token = serde_json::json!({ "access_token": "sim_at_second", "expires_in": 3600 });
    world.provider.instead(Instead::Says(Answer::value(200, &token)));
    let account = account.map(Account);
    let check = account.as_ref().map(Account::as_check);
    world.drive(process.credentials.finish(&query, Some(&browser), check)).await.unwrap();
    let Credential { fields, .. } = world.credential().await;
    fields.iter().any(|field| field == "refresh_token")
}

#[tokio::test(start_paused = true)]
async fn refresh_token_that_is_given_with_the_first_consent_alone_stays_for_its_account() {
    let world = World::new().await;
    let process = world.process("one");
    let (query, browser) = world.browse(&process, &connection("user")).await;
    let check = Account("42");
    let finished = process.credentials.finish(&query, Some(&browser), Some(check.as_check()));
    let connection = world.drive(finished).await.unwrap().connection;
    assert!(stays(&world, &process, Some("42")).await);
    let tokens = process.tokens(&connection).await;
    assert_eq!(world.drive(tokens.renewed(2)).await.unwrap().generation, 3, "and is good");
    world.provider.server.with(AuthServer::revoke_all);
    world.drive(tokens.renewed(3)).await.unwrap_err();
    assert!(!stays(&world, &process, Some("42")).await, "one that was refused does not");
}

#[tokio::test(start_paused = true)]
async fn refresh_token_of_an_account_that_nobody_has_asked_for_does_not_stay() {
    let world = World::new().await;
    let process = world.process("one");
    world.authorised(&process).await;
    assert!(!stays(&world, &process, None).await);
    world.authorised(&process).await;
    assert!(!stays(&world, &process, Some("42")).await, "it may be another's");
}

#[tokio::test(start_paused = true)]
async fn without_an_app_the_operator_is_told_what_to_do() {
    let world = World::new().await;
    let process = world.process("one");
    assert!(process.credentials.remove_app(PACKAGE, None).await.unwrap());
    let error = process.credentials.begin(connection("user"), "https://host.example/cb");
    let error = world.drive(error).await.unwrap_err();
    assert_eq!(error.code, "credential.app");
    assert!(error.message.contains("plughouse app set acme/crm --client-id"), "{error}");
}
