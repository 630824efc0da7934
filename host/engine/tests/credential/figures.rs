//! Refreshes that fail are counted, each once.

use std::time::Duration;

use engine::metrics::Value;
use plughouse_testkit::Answer;

use crate::provider::Instead;
use crate::world::{PACKAGE, World};

/// Failed turns of the package, by code.
fn failures(world: &World) -> Vec<(String, f64)> {
    let samples = world.metrics.samples().into_iter();
    let failures = samples.filter(|sample| sample.metric.name == "token_refresh_failures");
    failures
        .map(|sample| {
            assert_eq!(sample.label("package"), PACKAGE);
            let Value::Number(count) = sample.value else { panic!("it is no counter") };
            (sample.label("code").to_owned(), count)
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn turn_that_brings_no_token_is_counted_once_however_many_wait_for_it() {
    let world = World::new().await;
    let process = world.process("one");
    let connection = world.authorised(&process).await;
    let (one, other) = (process.tokens(&connection).await, process.tokens(&connection).await);
    assert_eq!(failures(&world), []);
    world.provider.instead(Instead::Says(Answer::plain(429, "busy")));
    let (first, second) =
        world.drive(async { tokio::join!(one.renewed(1), other.renewed(1)) }).await;
    assert!(first.is_err() && second.is_err());
    assert_eq!(failures(&world), [("credential.later".to_owned(), 1.0)]);
    // While it rests nobody asks, and nothing fails once more.
    assert!(world.drive(one.renewed(1)).await.is_err());
    assert_eq!(failures(&world), [("credential.later".to_owned(), 1.0)]);
    world.pass(Duration::from_hours(1)).await;
    assert_eq!(world.drive(one.renewed(1)).await.unwrap().generation, 2);
    assert_eq!(failures(&world), [("credential.later".to_owned(), 1.0)]);
}
