//! Both layers of keys are changed over and over while a server works with what they seal.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use e2e::{CONNECTION, Host, Served, until};
use plughouse_testkit::oauth::LIFE;
use serde_json::Value;

use crate::world::{SHORT, World, authority};

/// Turns in which both layers are changed.
const TURNS: usize = 6;

/// Kills in the middle of a rotation.
const KILLS: u32 = 3;

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
        resealed += rotated["resealed"].as_u64().unwrap();
        let next = format!("key-{turn}");
        world.host.ok(&["vault", "rotate-wrapper", "--to", &configuration(&data, &next)]);
        // Whatever starts from now on; the server goes on without a file.
        move_on(&data, (&key, &next));
        key = next;
        assert!(work.wait().unwrap().success());
    }
    assert!(resealed >= u64::try_from(TURNS).unwrap() * 3, "{resealed}");
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

/// Starts a command, kills it when so much time has passed, and says whether it was too late.
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

#[test]
fn rotation_that_was_killed_ends_when_it_is_called_again() {
    let world = World::connected(authority(LIFE));
    let data = world.host.data().to_owned();
    fill(&world);
    let rotate = ["vault", "rotate-key", "--all"];
    // The first one is slower than those that are killed.
    world.host.ok(&rotate);
    let begun = Instant::now();
    world.host.ok(&rotate);
    let whole = begun.elapsed();
    let (mut key, mut late) = ("vault.key".to_owned(), 0);
    for turn in 0..KILLS {
        let after = whole * (turn + 1) / (KILLS + 1);
        late += u32::from(kill(&world.host, &rotate, after));
        let rotated = world.host.json(&rotate).remove(0);
        assert_eq!(rotated["damaged"].as_array().unwrap().len(), 0, "{rotated}");

        let next = format!("key-{turn}");
        let to = configuration(&data, &next);
        let rewrap = ["vault", "rotate-wrapper", "--to", &to];
        late += u32::from(kill(&world.host, &rewrap, after));
        let both = section("vault", &next) + &section("vault-before", &key);
        fs::write(data.join("config.toml"), both).unwrap();
        world.host.ok(&rewrap);
        move_on(&data, (&key, &next));
        key = next;
        assert_eq!(status(&world.host)["wrapped_before"], 0);
        world.host.ok(&["connection", "test", CONNECTION]);
    }
    assert!(late < 2 * KILLS, "every rotation had ended");
    println!("{KILLS} kills in each layer, {late} of them too late, a rotation takes {whole:?}");
}
