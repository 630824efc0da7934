//! A process that dies in the middle of a refresh, at every call that it makes.

use std::time::Duration;

use model::ConnectionState;
use plughouse_testkit::AuthServer;
use plughouse_testkit::oauth::{Leeway, Standing};

use crate::provider::Instead;
use crate::tap::Point;
use crate::world::{CLIENT, CLIENT_SECRET, World, text};

/// More calls than a refresh makes.
const CALLS_MAX: usize = 60;

/// How long the provider forgives a spent refresh token: Okta's default.
/// <https://developer.okta.com/docs/guides/refresh-tokens/main/>
const LEEWAY_SECONDS: u64 = 30;

/// What a process that dies there, after so many answers were lost, leaves behind is taken up by
/// another one; whether it died.
async fn survives(point: Point, lost: usize) -> bool {
    let server = AuthServer::new(CLIENT, CLIENT_SECRET).leeway(Leeway::seconds(LEEWAY_SECONDS));
    let world = World::with(server).await;
    let connection = world.authorised(&world.process("setup")).await;
    (0..lost).for_each(|_| world.provider.instead(Instead::Lost));
    let mortal = world.mortal("mortal", Some(point));
    let died = world
        .drive(async {
            let tokens = mortal.tokens(&connection).await;
            tokio::select! {
                () = mortal.tap.died.notified() => true,
                renewed = tokens.renewed(1) => {
                    assert_eq!(renewed.unwrap().generation, 2);
                    false
                }
            }
        })
        .await;
    mortal.kill();
    let heir = world.process("heir");
    let tokens = heir.tokens(&connection).await;
    let renewed = world.drive(tokens.renewed(1)).await;
    let renewed = renewed.unwrap_or_else(|error| panic!("{point:?}: {error}"));
    assert_eq!(renewed.generation, 2, "{point:?}");
    let (standing, live, reuses) =
        world.provider.server.with(|s| (s.standing(&text(&renewed)), s.live_chains(), s.reuses()));
    assert_eq!((standing, live, reuses), (Standing::Live, 1, 0), "{point:?}");
    assert_eq!(world.state().await, ConnectionState::Active, "{point:?}");
    assert!(world.asked() <= 3 + lost, "{point:?}: one code, and at most two refreshes");
    // And it goes on from there.
    assert_eq!(world.drive(tokens.renewed(2)).await.unwrap().generation, 3, "{point:?}");
    died
}

#[tokio::test(start_paused = true)]
async fn refresh_is_taken_up_wherever_the_process_died() {
    for (done, lost) in [(false, 0), (true, 0), (false, 3), (true, 3)] {
        let mut call = 0;
        while survives(Point { call, done }, lost).await {
            call += 1;
            assert!(call < CALLS_MAX);
        }
        assert!(call >= 12, "the refresh makes {call} calls");
    }
}

#[tokio::test(start_paused = true)]
async fn answer_that_died_with_its_process_beyond_forgiveness_is_reported_and_never_guessed() {
    let world = World::with(AuthServer::new(CLIENT, CLIENT_SECRET).leeway(Leeway::NONE)).await;
    let connection = world.authorised(&world.process("setup")).await;
    let mut call = 0;
    // The first call behind which the provider has been asked.
    let lost = loop {
        let asked = world.asked();
        let mortal = world.mortal("mortal", Some(Point { call, done: true }));
        world
            .drive(async {
                let tokens = mortal.tokens(&connection).await;
                tokio::select! {
                    () = mortal.tap.died.notified() => {}
                    renewed = tokens.renewed(1) => drop(renewed),
                }
            })
            .await;
        mortal.kill();
        if world.asked() > asked {
            break world.clock.now();
        }
        world.pass(Duration::from_mins(2)).await;
        call += 1;
        assert!(call < CALLS_MAX);
    };
    let heir = world.process("heir");
    let tokens = heir.tokens(&connection).await;
    let error = world.drive(tokens.renewed(1)).await.unwrap_err();
    assert_eq!(error.code, "credential.ended");
    assert_eq!(world.state().await, ConnectionState::NeedsReauthorisation);
    let reason = world.reason().await;
    assert!(reason.contains("an answer was lost on the way at"), "{reason}");
    assert!(world.clock.now() > lost);
}
