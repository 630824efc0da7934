//! The catalogue of what can be connected.

use bytes::Bytes;
use model::catalogue::{Installed, TrustState};
use model::store::Catalogue as _;
use model::{ConnectionState, Timestamp};

use crate::support::{World, id};

#[tokio::test]
async fn provider_says_what_it_offers_and_how_its_accounts_are() {
    let world = World::new().await;
    world.connected("crm").await;
    world.connected("old").await;
    let old = "old".parse().unwrap();
    let refused = ConnectionState::NeedsReauthorisation;
    world.store.set_connection_state(&id("acme"), &old, refused, "gone").await.unwrap();
    let crm = world.get(&world.acme.viewer, "/api/integration-providers/crm").await.is(200).json;
    assert_eq!((&crm["package"], &crm["version"]), (&"example/crm".into(), &"1.0.0".into()));
    assert_eq!(crm["entities"][1]["name"], "contact");
    let auth: Vec<_> = crm["auth"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(auth, ["key", "password", "user"]);
    assert_eq!(
        (&crm["auth"][2]["kind"], &crm["auth"][2]["in_browser"]),
        (&"oauth2".into(), &true.into())
    );
    assert_eq!(crm["auth"][1]["fields"][0]["secret"], true);
    assert_eq!(crm["variables"][0]["choices"][1], "us");
    let permissions = crm["permissions"].to_string();
    assert!(permissions.contains("read  GET /**"), "{permissions}");
    let health = &crm["health"];
    assert_eq!((&health["connections"], &health["needs_sign_in"]), (&2.into(), &1.into()));
    // Those of others are nobody's.
    let other = world.get(&world.globex.viewer, "/api/integration-providers/crm").await.is(200);
    assert_eq!(other.json["health"]["connections"], 0);
}

#[tokio::test]
async fn providers_are_searched() {
    let world = World::new().await;
    for (q, found) in [("", 1), ("?q=CONTACTS", 1), ("?q=calendar", 0)] {
        let path = format!("/api/integration-providers{q}");
        let listed = world.get(&world.acme.viewer, &path).await.is(200).json;
        assert_eq!(listed["items"].as_array().unwrap().len(), found, "{q}");
    }
    let nothing = world.get(&world.acme.viewer, "/api/integration-providers/none").await;
    nothing.refused(404, "api.not-found");
    let unknown = world.get(&world.acme.viewer, "/api/integration-providers?x=1").await;
    unknown.refused(400, "api.invalid");
}

#[tokio::test]
async fn provider_of_two_publishers_is_named_with_one_and_one_that_may_not_run_says_why() {
    let world = World::new().await;
    let other = Installed {
        name: "other/crm".to_owned(),
        version: "1.0.0".to_owned(),
        digest: "sha256:00".to_owned(),
        file: Bytes::from_static(b"file"),
        grant: "{}".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        disabled: None,
    };
    world.store.put_package(other, TrustState::default()).await.unwrap();
    let get = async |name: &str| {
        world.get(&world.acme.viewer, &format!("/api/integration-providers/{name}")).await
    };
    let both = get("crm").await;
    both.refused(409, "api.conflict");
    assert!(both.json["detail"].as_str().unwrap().contains("example:crm"));
    assert_eq!(get("example:crm").await.is(200).json["unavailable"], serde_json::Value::Null);
    let unavailable = get("other:crm").await.is(200).json;
    assert_eq!(unavailable["unavailable"], "other/crm is not installed");
    assert_eq!(unavailable["entities"].as_array().unwrap().len(), 0);
}
