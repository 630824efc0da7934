//! A browser that is signed in.

use e2e::Browser;
use serde_json::json;

use crate::world::World;

#[test]
fn browser_signs_in_changes_with_its_token_alone_and_signs_out() {
    let world = World::with_contacts(1);
    let (_served, people) = world.ready();
    let at = |path: &str| format!("http://{}/api/{path}", people.admin.address());
    let json_type = ("content-type", "application/json");
    let mut browser = Browser::new();
    let sign_in = json!({"api_key": people.admin.key()}).to_string();
    let begun = browser.send("POST", &at("session"), &[json_type], sign_in.as_bytes());
    assert_eq!(begun.status, 201, "{}", begun.text);
    let cookie = begun.header("set-cookie");
    for part in ["HttpOnly", "SameSite=", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains(people.admin.key()), "{cookie}");
    let token = begun.json()["csrf_token"].as_str().unwrap().to_owned();
    assert_eq!(browser.send("GET", &at("me"), &[], &[]).json()["role"], "admin");

    // A page elsewhere has the cookie sent, but knows no token.
    let new = json!({"provider": "hubspot"}).to_string();
    let mut make = |headers: &[(&str, &str)]| {
        let headers = [&[json_type], headers].concat();
        browser.send("POST", &at("integrations"), &headers, new.as_bytes())
    };
    let refused = make(&[]);
    assert_eq!((refused.status, refused.json()["code"].as_str()), (403, Some("api.csrf")));
    assert_eq!(make(&[("x-csrf-token", "AAAA")]).status, 403);
    let from_elsewhere = [("x-csrf-token", token.as_str()), ("origin", "https://evil.example")];
    assert_eq!(make(&from_elsewhere).status, 403);
    assert_eq!(make(&[("x-csrf-token", &token)]).status, 201);

    let out = browser.send("DELETE", &at("session"), &[("x-csrf-token", &token)], &[]);
    assert_eq!(out.status, 204, "{}", out.text);
    assert_eq!(browser.send("GET", &at("me"), &[], &[]).status, 401);
}
