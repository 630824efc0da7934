//! Both layers of keys are changed over and over while a server works with what they seal.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use e2e::{CONNECTION, Host, Served, until};
use plughouse_testkit::oauth::LIFE;
use serde_json::{Value, json};

use crate::world::{SHORT, World, authority};

/// Turns in which both layers are changed.
const TURNS: usize = 6;

/// How much later a rotation is killed than the time before.
const STEP: Duration = Duration::from_millis(5);

/// Steps to the end of any rotation here.
const STEPS_MAX: u32 = 1_000;

/// Secrets that lie beside the connection's, so that a rotation takes a while: apps of tenants.
const TENANTS: usize = 40;

fn status(host: &Host) -> Value {
    host.json(&["vault", "status"]).remove(0)
}

/// A `[vault]`, or another section, that names a key file of the data directory.
fn section(name: &str, key: &str) -> String {
    format!("[{name}]\nkind = \"file\"\npath = \"{key}\"\n")
}

/// A configuration that names a key file.
fn configuration(data: &Path, key: &str) -> String {
    let path = data.join(format!("{key}.toml"));
    fs::write(&path, section("vault", key)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// What starts next has this key and not the one before any more.
fn move_on(data: &Path, (from, to): (&str, &str)) {
    fs::write(data.join("config.toml"), section("vault", to)).unwrap();
    fs::remove_file(data.join(from)).unwrap();
}

/// Every tenant has an app of its own, and so a key of its own.
fn fill(world: &World) {
    let secret = world.file("tenant-secret", "an-app-secret-of-a-tenant");
    for number in 0..TENANTS {
        let app = ["app", "set", "acme/desk", "--client-id", "c", "--tenant-only"];
        let tenant = format!("tenant-{number}");
        world.host.ok(&[&app[..], &["--client-secret", &secret, "--tenant", &tenant]].concat());
    }
}

#[test]
fn keys_change_under_a_server_that_uses_them_all_the_time() {
    let world = World::connected(authority(SHORT));
    let data = world.host.data().to_owned();
    let served = Served::start(&world.host);
    let (mut resealed, mut key) = (0, "vault.key".to_owned());
    for turn in 1..=TURNS {
        // Each page of it asks for a token of its own, and each token is sealed anew.
        let asked = world.asked("refresh_token");
        let mut work = world.host.command(&["sync", CONNECTION, "--entity", "contact", "--full"]);
        let mut work = work.stdout(Stdio::null()).spawn().unwrap();
        until("it works", || (world.asked("refresh_token") > asked).then_some(()));
        let rotated = world.host.json(&["vault", "rotate-key", "--all"]).remove(0);
        assert_eq!(rotated["damaged"].as_array().unwrap().len(), 0, "{rotated}");
        // A data key is changed again a minute later at the earliest; what wraps it, at any time.
        resealed += rotated["resealed"].as_u64().unwrap();
        let next = format!("key-{turn}");
        world.host.ok(&["vault", "rotate-wrapper", "--to", &configuration(&data, &next)]);
        // Whatever starts from now on; the server goes on without a file.
        move_on(&data, (&key, &next));
        key = next;
        assert!(work.wait().unwrap().success());
    }
    // The secret of the app at least; tokens too where no refresh was quicker.
    assert!(resealed >= 1, "{resealed}");
    assert_eq!((world.state().0.as_str(), world.chains()), ("active", (1, 0)));
    let said = served.said();
    assert!(!said.contains("ERROR"), "{said}");
    assert_eq!(served.stop(), Some(0));

    // The last key opens everything; no other is there.
    let status = status(&world.host);
    assert_eq!(status["wrapped_before"], 0, "{status}");
    world.host.ok(&["connection", "test", CONNECTION]);
    println!("{TURNS} turns of both layers: {resealed} secrets sealed again; {status}");
}

/// Starts a command, kills it when so much time has passed, and says whether it had ended well.
fn kill(host: &Host, args: &[&str], after: Duration) -> bool {
    let mut command = host.command(args);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let (begun, mut process) = (Instant::now(), command.spawn().unwrap());
    while begun.elapsed() < after {
        std::thread::yield_now();
    }
    process.kill().unwrap();
    process.wait().unwrap().success()
}

/// Kills a command later and later, until it is too late; how often it was not.
fn kill_until_it_ends(host: &Host, args: &[&str]) -> u32 {
    let begun = Instant::now();
    host.ok(&["vault", "status"]);
    // Less than a command takes to begin.
    let least = begun.elapsed() / 2;
    (0..STEPS_MAX).find(|step| kill(host, args, least + STEP * *step)).unwrap()
}

#[test]
fn rotation_that_was_killed_ends_when_it_is_called_again() {
    let world = World::connected(authority(LIFE));
    let data = world.host.data().to_owned();
    fill(&world);
    let rotate = ["vault", "rotate-key", "--all"];
    let keys = kill_until_it_ends(&world.host, &rotate);
    let rotated = world.host.json(&rotate).remove(0);
    assert_eq!((&rotated["damaged"], &rotated["resealed"]), (&json!([]), &0.into()), "{rotated}");
    assert_eq!(status(&world.host)["retiring"], TENANTS + 2);

    let next = configuration(&data, "next");
    // Either key may be the one by then.
    let both = section("vault", "next") + &section("vault-before", "vault.key");
    fs::write(data.join("config.toml"), both).unwrap();
    let wrappers = kill_until_it_ends(&world.host, &["vault", "rotate-wrapper", "--to", &next]);
    move_on(&data, ("vault.key", "next"));
    assert_eq!(status(&world.host)["wrapped_before"], 0);
    world.host.ok(&["connection", "test", CONNECTION]);
    assert!(keys > 2 && wrappers > 2, "{keys} and {wrappers} kills");
    println!("{keys} kills while data keys were changed, {wrappers} while what wraps them was");
}
