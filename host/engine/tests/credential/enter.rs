//! Credentials that are entered: keys, client credentials, assertions.

use engine::credential::Material;
use model::credential::CredentialStore as _;
use model::{ConnectionState, Error, Secret};
use plughouse_testkit::{Answer, AuthServer};

use crate::provider::Instead;
use crate::world::{Account, Process, World, connection, text, whose};

const KEY: &str = include_str!("../../../oauth/tests/keys/rsa.pem");

fn field(name: &str, value: &str) -> (String, Secret) {
    (name.to_owned(), Secret::new(value.to_owned()))
}

async fn enter(
    world: &World,
    process: &Process,
    method: &str,
    fields: Vec<(String, Secret)>,
    account: Option<&'static str>,
) -> Result<(), Error> {
    let account = account.map(Account);
    let check = account.as_ref().map(Account::as_check);
    world.drive(process.credentials.enter(connection(method), fields, check)).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn key_is_kept_as_it_was_entered() {
    let world = World::new().await;
    let process = world.process("one");
    enter(&world, &process, "key", vec![field("token", "hunter2-hunter2")], None).await.unwrap();
    let Material::Fields(fields) = process.credentials.material(&connection("key")).await.unwrap()
    else {
        panic!("a key has no tokens");
    };
    assert_eq!((fields[0].0.as_str(), fields[0].1.expose()), ("token", "hunter2-hunter2"));
    assert_eq!((world.asked(), world.credential().await.grant.refresh_at), (0, None));
}

#[tokio::test(start_paused = true)]
async fn account_that_is_known_is_not_exchanged() {
    let world = World::new().await;
    let process = world.process("one");
    let key = || vec![field("token", "hunter2-hunter2")];
    enter(&world, &process, "key", key(), Some("42")).await.unwrap();
    let refused = enter(&world, &process, "key", key(), Some("43")).await.unwrap_err();
    assert_eq!(refused.code, "engine.other-account");
    let unchecked = enter(&world, &process, "key", key(), None).await.unwrap_err();
    assert_eq!(unchecked.code, "credential.unchecked");
    assert_eq!(world.credential().await.generation, 1);
}

#[tokio::test(start_paused = true)]
async fn method_without_a_credential_has_none() {
    let world = World::new().await;
    let process = world.process("one");
    enter(&world, &process, "open", Vec::new(), None).await.unwrap();
    let material = process.credentials.material(&connection("open")).await.unwrap();
    assert!(matches!(material, Material::Fields(fields) if fields.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn client_is_tried_before_it_is_kept_and_asks_again_when_its_token_ends() {
    let world = World::new().await;
    let process = world.process("one");
    enter(&world, &process, "app", Vec::new(), Some("42")).await.unwrap();
    assert_eq!((world.asked(), world.credential().await.fields), (1, vec!["access_token".into()]));
    let tokens = process.tokens(&connection("app")).await;
    let first = world.drive(tokens.current()).await.unwrap();
    let second = world.drive(tokens.renewed(1)).await.unwrap();
    assert!(text(&first) != text(&second) && second.generation == 2);
}

#[tokio::test(start_paused = true)]
async fn wrong_secret_is_seen_at_once_and_nothing_is_kept_or_marked() {
    let world = World::new().await;
    let process = world.process("one");
    world.provider.server.with(|server| server.replace_secret("another"));
    let error = enter(&world, &process, "app", Vec::new(), None).await.unwrap_err();
    assert_eq!(error.code, "credential.refused-input");
    assert!(error.message.contains("plughouse app list"), "{error}");
    let (tenant, id) = whose();
    assert!(world.store.credential(&tenant, &id).await.unwrap().is_none());
    assert!(process.credentials.apps().await.unwrap()[0].incident.is_none());
}

#[tokio::test(start_paused = true)]
async fn assertion_is_signed_for_every_token_and_its_key_stays() {
    let world = World::new().await;
    let process = world.process("one");
    let fields = vec![field("email", "robot@crm.example"), field("private_key", KEY)];
    enter(&world, &process, "robot", fields, None).await.unwrap();
    let tokens = process.tokens(&connection("robot")).await;
    assert_eq!(world.drive(tokens.renewed(1)).await.unwrap().generation, 2);
    assert_eq!(world.drive(tokens.renewed(2)).await.unwrap().generation, 3);
    let mut fields = world.credential().await.fields;
    fields.sort_unstable();
    assert_eq!(fields, ["access_token", "email", "private_key"]);
}

#[tokio::test(start_paused = true)]
async fn key_that_does_not_sign_is_refused_and_not_repeated() {
    let world = World::new().await;
    let process = world.process("one");
    let fields = vec![field("email", "robot@crm.example"), field("private_key", "hunter2-hunter2")];
    let error = enter(&world, &process, "robot", fields, None).await.unwrap_err();
    assert_eq!((error.code.as_str(), world.asked()), ("credential.request", 0));
    assert!(!format!("{error:?}").contains("hunter2"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn assertion_that_is_refused_for_good_needs_a_person() {
    let world = World::new().await;
    let process = world.process("one");
    let fields = vec![field("email", "robot@crm.example"), field("private_key", KEY)];
    enter(&world, &process, "robot", fields, None).await.unwrap();
    let tokens = process.tokens(&connection("robot")).await;
    for _ in 0..2 {
        let gone = Answer::value(400, &serde_json::json!({ "error": "invalid_grant" }));
        world.provider.instead(Instead::Says(gone));
    }
    assert_eq!(world.drive(tokens.renewed(1)).await.unwrap_err().code, "credential.ended");
    assert_eq!(world.state().await, ConnectionState::NeedsReauthorisation);
}

#[tokio::test(start_paused = true)]
async fn browser_method_is_not_entered() {
    let world = World::new().await;
    let process = world.process("one");
    let error = enter(&world, &process, "user", Vec::new(), None).await.unwrap_err();
    assert_eq!(error.code, "credential.request");
}

#[tokio::test(start_paused = true)]
async fn other_account_is_not_switched_on_again_but_replaced_by_the_known_one() {
    let world = World::new().await;
    let process = world.process("one");
    let key = vec![field("token", "hunter2-hunter2")];
    enter(&world, &process, "key", key, Some("42")).await.unwrap();
    let mut known = connection("key");
    known.account = Some("42".to_owned());
    process.credentials.verified(&known, "42").await.unwrap();
    let error = process.credentials.verified(&known, "43").await.unwrap_err();
    assert_eq!(error.code, "engine.other-account");
    assert_eq!(world.state().await, ConnectionState::NeedsReauthorisation);
    assert!(world.reason().await.contains("opens account 43, and it has read 42"));
    let (tenant, id) = whose();
    let refused = process.credentials.enable(&tenant, &id).await.unwrap_err();
    assert_eq!(refused.code, "credential.ended");
    let other = vec![field("token", "hunter3-hunter3")];
    enter(&world, &process, "key", other, Some("42")).await.unwrap();
    assert_eq!(world.state().await, ConnectionState::Active);
}

#[tokio::test(start_paused = true)]
async fn connection_that_the_provider_has_refused_is_not_switched_on() {
    let world = World::new().await;
    let process = world.process("one");
    let tokens = process.tokens(&world.authorised(&process).await).await;
    world.provider.server.with(AuthServer::revoke_all);
    world.drive(tokens.renewed(1)).await.unwrap_err();
    let (tenant, id) = whose();
    let error = process.credentials.enable(&tenant, &id).await.unwrap_err();
    assert!(error.message.starts_with("authorise the account again"), "{error}");
}
