//! A connection from its first minute to its last, and the ways in which it does not come about.

use e2e::{Browser, CONNECTION};
use plughouse_testkit::AuthServer;
use plughouse_testkit::oauth::LIFE;

use crate::world::{RECORDS, SHORT, Waiting, World, authority};

fn sync(world: &World) {
    world.host.ok(&["sync", CONNECTION, "--entity", "contact"]);
}

#[test]
fn connection_is_authorised_used_refreshed_and_revoked() {
    let world = World::new(authority(SHORT));
    let connected = world.connecting(&[]).goes_well();
    assert_eq!(connected["account"], "147001000", "{connected}");
    assert_eq!((world.asked("authorization_code"), world.chains()), (1, (1, 0)));
    sync(&world);
    assert_eq!(world.records(), usize::try_from(RECORDS).unwrap());
    let before = world.asked("refresh_token");

    world.authority.with(AuthServer::expire_access);
    sync(&world);
    let grant = world.grants().remove(0);
    assert!(world.asked("refresh_token") > before);
    assert_eq!(grant["refreshes"], world.asked("refresh_token"), "{grant}");
    assert_eq!((&grant["state"], &grant["renews"]), (&"active".into(), &true.into()), "{grant}");
    assert_eq!(grant["grant"]["scopes"].as_array().unwrap().len(), 4, "{grant}");
    assert_eq!(grant["scopes"]["missing"].as_array().unwrap().len(), 0, "{grant}");
    assert!(grant["used"].is_string() && grant["failure"].is_null(), "{grant}");
    // What is renewed by itself ends at no time that a person must know.
    assert!(world.host.json(&["connection", "expiring", "--within", "365d"]).is_empty());
    let used = world.host.json(&["connection", "access", CONNECTION]);
    let by = |slot: &str, at: &str| {
        used.iter().any(|it| it["slot"] == slot && it["endpoint"].as_str().unwrap().contains(at))
    };
    assert!(by("account", "api"), "{used:?}");
    assert!(by("refresh_token", "127.0.0.1:"), "{used:?}");

    let removed = world.host.json(&["connection", "remove", CONNECTION, "--yes"]).remove(0);
    assert_eq!(removed["grant"]["outcome"], "revoked", "{removed}");
    world.nothing_is_kept();
    assert!(world.host.run(&["sync", CONNECTION]).code == Some(1));
}

#[test]
fn token_that_lives_is_not_refreshed() {
    let world = World::connected(authority(LIFE));
    sync(&world);
    world.host.ok(&["connection", "test", CONNECTION]);
    assert_eq!(world.asked("refresh_token"), 0);
}

#[test]
fn person_who_says_no_leaves_nothing_behind() {
    let world = World::new(authority(LIFE));
    world.authority.with(|authority| authority.deny(true));
    let waiting = world.connecting(&[]);
    let page = Browser::new().visit(&waiting.open);
    page.shows(403, "somebody has said no at the provider: The user said no");
    waiting.fails("somebody has said no at the provider");
    world.nothing_is_kept();
    // And whoever says yes then is not in the way of that.
    world.authority.with(|authority| authority.deny(false));
    world.connect();
}

fn is_callback(address: &str) -> bool {
    address.contains("/oauth/callback/")
}

#[test]
fn callback_is_for_the_browser_that_began_and_good_once() {
    let world = World::new(authority(LIFE));
    let waiting = world.connecting(&[]);
    let mut own = Browser::new();
    let callback = own.visit_until(&waiting.open, is_callback).address;
    // A link that somebody was sent.
    let mut other = Browser::new();
    other.visit(&callback).shows(403, "This browser has not begun this connection");
    // One of another attempt, whose state the browser does not know.
    let (before, state) = callback.split_once("state=").unwrap();
    let forged = format!("{before}state={}", "A".repeat(state.len()));
    own.visit(&forged).shows(403, "This browser has not begun this connection");
    assert_eq!((world.asked("authorization_code"), world.chains()), (0, (0, 0)));
    // Neither has spent it.
    own.visit(&callback).shows(200, "crm is connected");
    assert_eq!(waiting.done().code, Some(0));
    assert_eq!(world.chains(), (1, 0));
}

#[test]
fn callback_that_is_carried_back_twice_is_refused() {
    let world = World::new(authority(LIFE));
    let redirect = "https://host.example/api/integrations/oauth/callback/hubspot";
    let begin = || -> (Waiting, String) {
        let waiting = world.connecting(&["--no-listen", "--redirect-uri", redirect]);
        let back = Browser::new().visit_until(&waiting.open, is_callback).address;
        (waiting, back)
    };
    let (mut waiting, callback) = begin();
    waiting.type_line(&callback);
    assert_eq!(waiting.done().code, Some(0));
    let before = world.connection();

    let (mut again, _) = begin();
    again.type_line(&callback);
    again.fails("this authorisation has ended");
    let (mut forged, own) = begin();
    let state = own.split_once("state=").unwrap().1;
    forged.type_line(&own.replace(state, &"A".repeat(state.len())));
    forged.fails("this authorisation has ended");
    assert_eq!((world.connection(), world.asked("authorization_code")), (before, 1));
    assert_eq!(world.chains(), (1, 0));
}
