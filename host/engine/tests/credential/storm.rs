//! Many callers in several processes, one credential, and a network that loses answers.

use std::sync::Arc;
use std::time::Duration;

use model::ConnectionState;
use model::credential::Tokens;
use plughouse_testkit::AuthServer;
use plughouse_testkit::oauth::{Leeway, Loss, Standing};

use crate::world::{CLIENT, CLIENT_SECRET, World, text};

const PROCESSES: usize = 4;
const CALLERS: usize = 200;
const ROUNDS: u64 = 12;

/// A provider that takes a spent refresh token for a stolen one, but for two minutes.
fn strict(loss: u64) -> AuthServer {
    let server = AuthServer::new(CLIENT, CLIENT_SECRET).leeway(Leeway::seconds(120)).seed(7);
    server.newest_only().losing(Loss::percent(loss))
}

/// Asks until there is another token, as the work of a queue does.
async fn insist(tokens: Arc<dyn Tokens>, refused: u64) -> String {
    loop {
        match tokens.renewed(refused).await {
            Ok(token) => return text(&token),
            Err(error) => {
                assert_eq!(error.code, "credential.later", "{error}");
                tokio::time::sleep(error.retry_after.unwrap()).await;
            }
        }
    }
}

async fn storm(loss: u64) -> World {
    let world = World::with(strict(loss)).await;
    let holders = ["one", "two", "three", "four"];
    let processes = holders.map(|holder| world.process(holder));
    assert_eq!(processes.len(), PROCESSES);
    let connection = world.authorised(&processes[0]).await;
    for generation in 1..=ROUNDS {
        let mut callers = Vec::new();
        for process in &processes {
            let tokens = process.tokens(&connection).await;
            for _ in 0..CALLERS {
                callers.push(tokio::spawn(insist(Arc::clone(&tokens), generation)));
            }
        }
        let got = world.drive(futures_util::future::join_all(callers)).await;
        let mut got: Vec<_> = got.into_iter().map(Result::unwrap).collect();
        assert_eq!(got.len(), PROCESSES * CALLERS);
        got.dedup();
        assert_eq!(got.len(), 1, "all have one token");
        let standing = world.provider.server.with(|server| server.standing(&got[0]));
        assert_eq!(standing, Standing::Live, "and it is the newest");
        assert_eq!(world.credential().await.generation, generation + 1);
        world.pass(Duration::from_mins(5)).await;
    }
    let (live, reuses) = world.provider.server.with(|s| (s.live_chains(), s.reuses()));
    assert_eq!((live, reuses), (1, 0), "one live chain, and nobody was taken for a thief");
    assert_eq!(world.state().await, ConnectionState::Active);
    world
}

#[tokio::test(start_paused = true)]
async fn eight_hundred_callers_make_one_request() {
    let world = storm(0).await;
    assert_eq!(world.asked(), 1 + usize::try_from(ROUNDS).unwrap());
}

#[tokio::test(start_paused = true)]
async fn eight_hundred_callers_keep_one_chain_alive_when_answers_are_lost() {
    let world = storm(30).await;
    let lost = usize::try_from(world.provider.server.with(|server| server.lost())).unwrap();
    assert!(lost > 0, "answers were lost");
    assert_eq!(world.asked(), 1 + usize::try_from(ROUNDS).unwrap() + lost, "one more for each");
}
