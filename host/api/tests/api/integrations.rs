//! Integrations: made, shown, synced, and removed.

use axum::http::Method;
use model::adapter::{Entity, Field, FieldKind};
use model::run::{RunKind, RunStatus};
use model::store::EntityEnd;
use model::{Error, ErrorKind};
use serde_json::json;

use crate::support::{Ask, World};

async fn list(world: &World, query: &str) -> Vec<String> {
    let path = format!("/api/integrations{query}");
    let listed = world.get(&world.acme.viewer, &path).await.is(200).json;
    let items = listed["items"].as_array().unwrap().iter();
    items.map(|it| it["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn integration_is_made_renamed_and_not_renamed_over_somebody() {
    let world = World::new().await;
    let admin = &world.acme.admin;
    let new = json!({"provider": "crm"});
    let made = world.post(admin, "/api/integrations", &new).await.is(201);
    assert_eq!((&made.json["id"], &made.json["name"]), (&"crm".into(), &"CRM".into()));
    assert_eq!(made.json["health"]["reason"], "no account is connected yet");
    let second = world.post(admin, "/api/integrations", &new).await.is(201);
    assert_eq!(second.header("location"), "/api/integrations/crm-2");
    let taken = json!({"provider": "crm", "id": "crm"});
    world.post(admin, "/api/integrations", &taken).await.refused(409, "api.conflict");
    let nothing = json!({"provider": "erp"});
    world.post(admin, "/api/integrations", &nothing).await.refused(422, "api.invalid");
    let name = json!({"name": "Sales"});
    let renamed = world.patch(admin, "/api/integrations/crm", made.tag(), &name).await.is(200);
    assert_eq!(renamed.json["name"], "Sales");
    let again = world.patch(admin, "/api/integrations/crm", made.tag(), &name).await;
    again.refused(412, "api.precondition-failed");
    let ask = Ask::new(Method::PATCH, "/api/integrations/crm").key(admin).json(&name);
    world.send(ask).await.refused(428, "api.precondition-required");
    for name in ["", " ", "two\nlines", &"x".repeat(129)] {
        let bad = world.patch(admin, "/api/integrations/crm", "*", &json!({ "name": name })).await;
        bad.refused(422, "api.invalid");
    }
    let editor = world.post(&world.acme.editor, "/api/integrations", &new).await;
    editor.refused(403, "api.forbidden");
}

#[tokio::test]
async fn integrations_are_searched_filtered_and_sorted_by_how_they_are() {
    let world = World::new().await;
    for (name, status) in
        [("well", Some(RunStatus::Succeeded)), ("ill", Some(RunStatus::Failed)), ("new", None)]
    {
        world.connected(name).await;
        let Some(status) = status else { continue };
        world.clock.advance(std::time::Duration::from_mins(1));
        let run = world.begin(name, RunKind::Sync).await;
        let error = Error::new(ErrorKind::Unavailable, "crm.down", "it is down");
        let error = (status == RunStatus::Failed).then_some(error);
        let entity = "contact".to_owned();
        world
            .end(&run, status, vec![EntityEnd { entity, status, error, ..EntityEnd::default() }])
            .await;
    }
    assert_eq!(list(&world, "").await, ["ill", "new", "well"]);
    assert_eq!(list(&world, "?sort=health").await, ["ill", "new", "well"]);
    assert_eq!(list(&world, "?sort=last-sync").await, ["ill", "well", "new"]);
    assert_eq!(list(&world, "?status=failed&status=never-run").await, ["ill", "new"]);
    assert_eq!(list(&world, "?activity=running").await, Vec::<String>::new());
    assert_eq!(list(&world, "?q=EL&provider=crm").await, ["well"]);
    assert_eq!(list(&world, "?provider=erp").await, Vec::<String>::new());
    assert_eq!(list(&world, "?status=failed&limit=1").await, ["ill"]);
    let ill = world.get(&world.acme.viewer, "/api/integrations/ill").await.is(200).json;
    assert_eq!(
        (&ill["health"]["code"], &ill["health"]["reason"]),
        (&"crm.down".into(), &"it is down".into())
    );
    let entity = &ill["connections"][0]["entities"][0];
    assert_eq!(
        (&entity["entity"], &entity["health"]["status"]),
        (&"contact".into(), &"failed".into())
    );
    // A run that begins makes nothing well.
    world.begin("ill", RunKind::Sync).await;
    let ill = world.get(&world.acme.viewer, "/api/integrations/ill").await.is(200).json;
    assert_eq!(
        (&ill["health"]["status"], &ill["activity"]["status"]),
        (&"failed".into(), &"running".into())
    );
    let history = world.get(&world.acme.viewer, "/api/integrations/ill/sync-history").await.is(200);
    let runs = history.json["items"].as_array().unwrap();
    assert_eq!((runs.len(), &runs[0]["status"]), (2, &"running".into()));
}

#[tokio::test]
async fn account_says_what_it_offers_and_whether_it_opens() {
    let world = World::new().await;
    world.connected("crm").await;
    let field = Field {
        name: "mail".to_owned(),
        label: "Mail".to_owned(),
        kind: FieldKind::Text,
        required: true,
        writable: false,
        unique: true,
        choices: Vec::new(),
        target: None,
        details: Vec::new(),
    };
    world.adapters.script().entities = Ok(vec![Entity {
        name: "contact".to_owned(),
        part: None,
        label: "Contacts".to_owned(),
        fields: vec![field],
        details: Vec::new(),
    }]);
    let get = async |query: &str| {
        let path = format!("/api/integrations/crm/entities{query}");
        world.get(&world.acme.viewer, &path).await
    };
    let entity = get("?entity=contact").await.is(200).json["items"][0].clone();
    assert_eq!(
        (&entity["label"], &entity["fields"][0]["kind"]),
        (&"Contacts".into(), &"text".into())
    );
    get("?entity=order").await.refused(422, "api.invalid");
    get("?part=7").await.refused(422, "api.invalid");
    get("?connection=other").await.refused(422, "api.invalid");
    let down = Error::new(ErrorKind::Unavailable, "egress.connect", "nobody is there");
    world.adapters.script().entities = Err(down.clone());
    get("").await.refused(502, "egress.connect");
    world.adapters.script().account = Err(down);
    let path = "/api/integrations/crm/test";
    let tested = world.post(&world.acme.editor, path, &json!({})).await.is(200).json;
    assert_eq!(tested["works"], false);
    assert_eq!(tested["connections"][0]["problem"]["code"], "egress.connect");
    world
        .post(&world.acme.admin, "/api/integrations", &json!({"provider": "crm", "id": "bare"}))
        .await
        .is(201);
    let bare = world.post(&world.acme.editor, "/api/integrations/bare/test", &json!({})).await;
    bare.refused(409, "api.conflict");
    let bare = world.post(&world.acme.editor, "/api/integrations/bare/sync", &json!({})).await;
    bare.refused(409, "api.conflict");
}

#[tokio::test]
async fn integration_goes_with_its_accounts_and_its_records_stay() {
    let world = World::new().await;
    world.connected("crm").await;
    let run = world.begin("crm", RunKind::Sync).await;
    world.synced(&run, &["1"]).await;
    world.end(&run, RunStatus::Succeeded, Vec::new()).await;
    let begun = world.delete(&world.acme.admin, "/api/integrations/crm").await.is(202);
    let ended = world.ended(&begun).await;
    assert_eq!(ended["status"], "succeeded", "{ended}");
    assert_eq!(ended["result"]["connections"][0]["connection"], "crm");
    assert_eq!(ended["result"]["stays"][0], "records");
    let admin = &world.acme.admin;
    world.get(admin, "/api/integrations/crm").await.refused(404, "api.not-found");
    let records = world.get(admin, "/api/records").await.is(200).json;
    assert_eq!(records["items"].as_array().unwrap().len(), 1);
}
