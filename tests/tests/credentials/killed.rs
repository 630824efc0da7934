//! A server that is killed when the provider has given a new token and the server has not heard of
//! it: the refresh token that it holds is spent.
//!
//! `PLUGHOUSE_KILLS=200 cargo test -p e2e --test credentials killed -- --nocapture` is the long
//! proof.

use std::process::Stdio;

use e2e::{CONNECTION, Served, until};
use plughouse_testkit::oauth::Leeway;

use crate::world::{RECORDS, SHORT, World, authority};

/// Kills in the ordinary test run.
const KILLS: usize = 5;

#[expect(clippy::disallowed_methods, reason = "the long proof is asked for by the environment")]
fn kills_wanted() -> usize {
    std::env::var("PLUGHOUSE_KILLS").map_or(KILLS, |text| text.parse().unwrap())
}

/// Has a server refresh, and kills it between the answer and its commit.
fn kill(world: &World) {
    world.victim.with(|victim| *victim = Some(Served::start(&world.host)));
    let mut command = world.host.command(&["connection", "test", CONNECTION]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut asks = command.spawn().unwrap();
    until("the server is killed", || world.victim.with(|victim| victim.is_none()).then_some(()));
    assert!(!asks.wait().unwrap().success());
}

#[test]
fn token_that_its_server_never_heard_of_is_asked_for_again_within_the_leeway() {
    let world = World::connected(authority(SHORT).leeway(Leeway::seconds(30)));
    let kills = kills_wanted();
    for _ in 0..kills {
        kill(&world);
        let before = world.asked("refresh_token");
        let _served = Served::start(&world.host);
        world.host.ok(&["connection", "test", CONNECTION]);
        assert!(world.asked("refresh_token") > before);
        assert_eq!((world.state().0.as_str(), world.chains()), ("active", (1, 0)));
        // As the leeway passes, nobody may hold what it has forgiven.
        world.authority.with(|authority| authority.advance(31));
    }
    world.host.ok(&["sync", CONNECTION, "--entity", "contact"]);
    assert_eq!((world.records(), world.chains()), (usize::try_from(RECORDS).unwrap(), (1, 0)));
    println!("{kills} kills between token and commit, {} refreshes", world.asked("refresh_token"));
}

#[test]
fn token_beyond_forgiveness_is_reported_and_nothing_else_is_lost() {
    let world = World::connected(authority(SHORT));
    world.host.ok(&["sync", CONNECTION, "--entity", "contact"]);
    kill(&world);
    let served = Served::start(&world.host);
    let failed = world.host.run(&["connection", "test", CONNECTION]);
    let said = failed.err.contains("authorise the account again");
    assert!(failed.code == Some(1) && said, "{failed:?}\n{}", served.said());
    let (state, reason) = world.state();
    assert_eq!(state, "needs-reauthorisation");
    assert!(reason.contains("an answer was lost on the way at"), "{reason}");
    // The provider took it for stolen, once, and was not asked any more.
    assert_eq!(world.chains(), (0, 1));
    assert_eq!(world.records(), usize::try_from(RECORDS).unwrap());
    let grants = world.grants();
    assert_eq!(grants.len(), 1, "what is known of it is kept");
}
