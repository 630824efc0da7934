//! Accounts that are authorised in a browser, from the first request to the last.

use axum::http::Method;
use engine::credential::NewApp;
use model::Secret;
use serde_json::json;

use crate::support::{Answer, Ask, CLIENT, CLIENT_SECRET, PACKAGE, PUBLIC_URL, World};

/// Begins with a key: the address to open.
async fn begun(world: &World, query: &str) -> String {
    let path = format!("/api/integrations/oauth/authorize/crm{query}");
    let begun = world.get(&world.acme.admin, &path).await.is(200).json;
    begun["open"].as_str().unwrap().strip_prefix(PUBLIC_URL).unwrap().to_owned()
}

/// What a browser has been given.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

async fn open(world: &World, path: &str) -> Answer {
    world.send(Ask::get(path)).await
}

/// Comes back from the provider with a cookie.
async fn back(world: &World, sent: &Answer, cookie: Option<&str>) -> Answer {
    let returned = world.outside.visit(sent.header("location"));
    let mut ask = Ask::get(returned.strip_prefix(PUBLIC_URL).unwrap());
    if let Some(cookie) = cookie {
        ask = ask.header("cookie", cookie);
    }
    world.send(ask).await
}

async fn world() -> World {
    let world = World::new().await;
    let app = NewApp {
        package: PACKAGE.to_owned(),
        tenant: None,
        client_id: CLIENT.to_owned(),
        secret: Some(Secret::new(CLIENT_SECRET.to_owned())),
        origin: None,
    };
    world.credentials.keep_app(app).await.unwrap();
    world
}

#[tokio::test]
async fn account_is_authorised_by_the_browser_that_was_sent() {
    let world = world().await;
    let address = begun(&world, "?integration=sales&set=region%3Dus&return_to=/t/acme/x?y=1").await;
    let head = world.send(Ask::new(Method::HEAD, &address)).await;
    assert_eq!(head.status, 404);
    let sent = open(&world, &address).await.is(303);
    assert_eq!(open(&world, &address).await.status, 404, "an address works once");
    let other = back(&world, &sent, None).await;
    assert_eq!(other.status, 403);
    let mine = cookie(&sent);
    let ended = back(&world, &sent, Some(&mine)).await.is(303);
    assert_eq!(ended.header("location"), "/t/acme/x?y=1");
    assert!(ended.header("set-cookie").contains("Max-Age=0"));
    let shown = world.get(&world.acme.admin, "/api/connections/sales").await.is(200).json;
    assert_eq!((&shown["method"], &shown["variables"]["region"]), (&"user".into(), &"us".into()));
    assert_eq!((&shown["integration"], &shown["account"]), (&"sales".into(), &"account-1".into()));
    let grant = world.get(&world.acme.admin, "/api/connections/sales/grant").await.is(200);
    assert_eq!(grant.json["renews"], true);
    let told = String::from_utf8_lossy(&grant.bytes).into_owned();
    assert!(!told.contains(CLIENT_SECRET), "{told}");
    // It is known, and stays what it is when it is authorised again.
    let again = begun(&world, "?connection=sales").await;
    let sent = open(&world, &again).await.is(303);
    let page = back(&world, &sent, Some(&cookie(&sent))).await.is(200);
    assert!(
        String::from_utf8_lossy(&page.bytes).contains("sales is connected through example/crm")
    );
    let shown = world.get(&world.acme.admin, "/api/connections/sales").await.is(200).json;
    assert_eq!(
        (&shown["integration"], &shown["variables"]["region"]),
        (&"sales".into(), &"us".into())
    );
}

#[tokio::test]
async fn browser_with_a_session_is_sent_at_once_and_a_program_is_not() {
    let world = world().await;
    let key = json!({"api_key": &world.acme.admin});
    let sign_in = Ask::post("/api/session").header("host", "localhost").json(&key);
    let session = cookie(&world.send(sign_in).await.is(201));
    let path = "/api/integrations/oauth/authorize/crm?return_to=/t/acme/";
    let ask = || Ask::get(path).header("host", "localhost").header("cookie", &session);
    assert!(world.send(ask()).await.is(200).json["open"].is_string());
    let page = "text/html,application/xhtml+xml";
    let sent = world.send(ask().header("accept", page)).await.is(303);
    let ended = back(&world, &sent, Some(&cookie(&sent))).await.is(303);
    assert_eq!(ended.header("location"), "/t/acme/");
    let keyed = Ask::get(path).key(&world.acme.admin).header("accept", page);
    world.send(keyed).await.is(200);
}

#[tokio::test]
async fn two_go_on_in_one_browser_and_each_ends_at_its_own_address() {
    let world = world().await;
    let (one, two) = (begun(&world, "").await, begun(&world, "?connection=b").await);
    let (one, two) = (open(&world, &one).await.is(303), open(&world, &two).await.is(303));
    let both = format!("{}; {}", cookie(&one), cookie(&two));
    back(&world, &one, Some(&both)).await.is(200);
    let returned = world.outside.visit(two.header("location"));
    let elsewhere =
        returned.strip_prefix(PUBLIC_URL).unwrap().replace("callback/crm", "callback/erp");
    let ask = Ask::get(&elsewhere).header("cookie", &both);
    assert_eq!(world.send(ask).await.status, 403);
    let ask = Ask::get(returned.strip_prefix(PUBLIC_URL).unwrap()).header("cookie", &both);
    world.send(ask).await.is(200);
    world.get(&world.acme.viewer, "/api/connections/crm").await.is(200);
    world.get(&world.acme.viewer, "/api/connections/b").await.is(200);
}

#[tokio::test]
async fn what_cannot_be_authorised_is_said_before_anybody_goes_anywhere() {
    let world = world().await;
    world.connected("keyed").await;
    let get = async |key: &str, query: &str| {
        world.get(key, &format!("/api/integrations/oauth/authorize/{query}")).await
    };
    let admin = &world.acme.admin;
    get(&world.acme.editor, "crm").await.refused(403, "api.forbidden");
    get(admin, "erp").await.refused(404, "api.not-found");
    get(admin, "crm?method=key").await.refused(422, "api.invalid");
    get(admin, "crm?connection=keyed").await.refused(422, "api.invalid");
    get(admin, "crm?override=api%3Dhttp://127.0.0.1:1").await.refused(403, "api.forbidden");
    get(admin, "crm?set=region").await.refused(422, "api.invalid");
    get(admin, "crm?set=region%3Dmars").await.refused(422, "api.invalid");
    for place in ["https://evil.example", "//evil.example", "/%5Cevil.example", "x", "/a%20b"] {
        get(admin, &format!("crm?return_to={place}")).await.refused(422, "api.invalid");
    }
    let mine = json!({"id": "crm", "provider": "crm", "method": "key", "fields": {"token": "t"}});
    world.post(admin, "/api/connections", &mine).await.is(201);
    get(admin, "crm?connection=crm&integration=other").await.refused(409, "api.conflict");
    assert_eq!(world.outside.sent(), Vec::<String>::new());
}
