//! What ends while a server works: a grant, and the app's own secret.

use e2e::{CONNECTION, Served, until};
use plughouse_testkit::AuthServer;
use plughouse_testkit::oauth::LIFE;
use serde_json::Value;

use crate::world::{CLIENT_SECRET, RECORDS, SHORT, Waiting, World, authority};

fn run_task(world: &World) {
    world.host.ok(&["task", "add", "often", CONNECTION, "--every", "1h", "--entity", "contact"]);
    world.host.ok(&["task", "run", "often"]);
}

/// The task's job is done, and has read everything.
fn done(world: &World) {
    until("the job is done", || (world.queue()["done"] == 1).then_some(()));
    assert_eq!(world.records(), usize::try_from(RECORDS).unwrap());
    assert_eq!(world.queue()["dead"], 0);
}

fn app(world: &World) -> Value {
    world.host.json(&["app", "list"]).remove(0)
}

#[test]
fn work_of_a_revoked_grant_rests_until_somebody_authorises_it_again() {
    let world = World::connected(authority(SHORT));
    world.authority.with(AuthServer::revoke_all);
    let served = Served::start(&world.host);
    run_task(&world);
    // The first "no" of a provider is left to pass for half a minute.
    let reason = until("the grant has ended", || {
        let (state, reason) = world.state();
        (state == "needs-reauthorisation").then_some(reason)
    });
    assert!(reason.contains("expired, revoked or unknown"), "{reason}");
    let pause = until("its work rests", || world.host.json(&["queue", "pauses"]).pop());
    assert_eq!(pause["scope"]["unauthorised"], CONNECTION, "{pause}");
    let queue = world.queue();
    assert_eq!((&queue["queued"], &queue["dead"]), (&1.into(), &0.into()), "{queue}");
    let events = world.host.ok(&["events", "--limit", "1000", "--json"]);
    assert!(events.contains("needs-reauthorisation"), "{events}");

    let args = ["connection", "reconnect", CONNECTION, "--json"];
    Waiting::start(world.host.command(&args)).goes_well();
    done(&world);
    assert_eq!((world.state().0, world.chains()), ("active".to_owned(), (1, 0)));
    assert!(world.host.json(&["queue", "pauses"]).is_empty());
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn secret_of_the_app_that_was_replaced_is_an_incident_of_the_app_alone() {
    let world = World::connected(authority(SHORT));
    world.connecting_as("second", &[]).goes_well();
    world.authority.with(|authority| authority.replace_secret("another-secret-canary"));
    let served = Served::start(&world.host);
    run_task(&world);
    let incident = until("the app is refused", || {
        Some(app(&world)["incident"].clone()).filter(|incident| !incident.is_null())
    });
    assert_eq!(incident["code"], "invalid_client", "{incident}");
    let listed = world.host.ok(&["app", "list"]);
    assert!(listed.contains("refused to one connection since"), "{listed}");
    let failed = world.host.run(&["connection", "test", "second"]);
    let said = "refuses this host's app itself";
    assert!(failed.code == Some(1) && failed.err.contains(said), "{failed:?}");
    assert!(!failed.err.contains(CLIENT_SECRET), "{failed:?}");
    let listed = world.host.ok(&["app", "list"]);
    assert!(listed.contains("refused since") && listed.contains("invalid_client"), "{listed}");
    // Nobody else asks until it is time to see whether that is over.
    let asked = world.auth.request_count();
    let failed = world.host.run(&["connection", "test", CONNECTION]);
    assert!(failed.code == Some(1) && failed.err.contains("invalid_client"), "{failed:?}");
    assert_eq!(world.auth.request_count(), asked);
    let connections = world.host.json(&["connection", "list"]);
    assert!(connections.iter().all(|it| it["status"].is_null()), "{connections:?}");
    assert!(world.host.json(&["queue", "pauses"]).is_empty());
    let queue = world.queue();
    assert_eq!((&queue["queued"], &queue["dead"]), (&1.into(), &0.into()), "{queue}");

    world.set_app("another-secret-canary");
    assert!(app(&world)["incident"].is_null());
    world.host.ok(&["connection", "test", CONNECTION]);
    world.host.ok(&["connection", "test", "second"]);
    // Without the server nobody waits for the job that was put off for a minute.
    assert_eq!(served.stop(), Some(0));
    world.host.ok(&["sync", CONNECTION, "--entity", "contact"]);
    assert_eq!(world.records(), usize::try_from(RECORDS).unwrap());
    assert_eq!((world.queue()["dead"].clone(), world.chains()), (0.into(), (2, 0)));
}

#[test]
fn connection_that_is_switched_off_asks_nobody_until_it_is_switched_on() {
    let world = World::connected(authority(LIFE));
    world.host.ok(&["connection", "disable", CONNECTION, "--reason", "audit"]);
    let (api, auth) = (world.api.request_count(), world.auth.request_count());
    let failed = world.host.run(&["sync", CONNECTION]);
    assert!(
        failed.code == Some(1) && failed.out.contains("the connection rests: audit"),
        "{failed:?}"
    );
    assert_eq!((api, auth), (world.api.request_count(), world.auth.request_count()));
    world.host.ok(&["connection", "enable", CONNECTION]);
    world.host.ok(&["sync", CONNECTION, "--entity", "contact"]);
}
