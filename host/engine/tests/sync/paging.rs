//! Pages are made smaller while the provider does not manage them in time.

use std::sync::{Arc, Mutex};

use model::ErrorKind;
use model::adapter::{Next, PullRequest};
use model::run::RunStatus;

use crate::provider::{self, Scripted, page, record};
use crate::world::World;

/// An adapter of a provider that answers in time for so many records at most, and what it was
/// asked for.
fn slow(most: u32, records: usize) -> (Scripted, Arc<Mutex<Vec<u32>>>) {
    let asked: Arc<Mutex<Vec<u32>>> = Arc::default();
    let limits = Arc::clone(&asked);
    let adapter = Scripted::new(move |request: &PullRequest| {
        limits.lock().unwrap().push(request.limit);
        if request.limit > most {
            return Err(provider::error(ErrorKind::Timeout));
        }
        let from: usize = request.checkpoint.as_deref().map_or(0, |c| c.parse().unwrap());
        let until = (from + usize::try_from(request.limit).unwrap()).min(records);
        let all = (from..until).map(|n| record("contact", &n.to_string())).collect();
        let next =
            if until < records { Next::More(until.to_string()) } else { Next::Done(String::new()) };
        Ok(page(all, next))
    });
    (adapter, asked)
}

#[tokio::test]
async fn page_that_times_out_is_asked_for_in_halves() {
    let world = World::new(&["contact"]);
    let (mut adapter, asked) = slow(30, 60);
    let run = world.run(&mut adapter).await;
    assert_eq!(run.status, RunStatus::Succeeded);
    assert_eq!(*asked.lock().unwrap(), [100, 50, 25, 25, 25]);
    assert_eq!(world.ids().await.len(), 60);
    assert_eq!(run.entities["contact"].calls, 5, "calls in vain cost as well");
}

#[tokio::test]
async fn next_run_begins_with_the_size_that_worked_and_grows_back() {
    let world = World::new(&["contact"]);
    world.run(&mut slow(30, 60).0).await;
    world.wait();
    let (mut adapter, asked) = slow(1000, 600);
    world.run(&mut adapter).await;
    let asked = asked.lock().unwrap().clone();
    assert_eq!((asked[0], asked[15], asked[16], asked.len()), (25, 25, 50, 20));
    let (_, state) = world.lanes().await.remove(0);
    assert_eq!(state.page, Some(50));
}

#[tokio::test]
async fn provider_that_manages_no_page_ends_the_entity_and_the_size_is_remembered() {
    let world = World::new(&["contact"]);
    let (mut adapter, asked) = slow(0, 60);
    let run = world.run(&mut adapter).await;
    assert_eq!(run.entities["contact"].error.clone().unwrap().kind, ErrorKind::Timeout);
    assert_eq!(*asked.lock().unwrap(), [100, 50, 25, 12, 10]);
    let (mut adapter, asked) = slow(0, 60);
    world.run(&mut adapter).await;
    assert_eq!(*asked.lock().unwrap(), [10]);
}
