//! Jobs that somebody wants to end.

use std::sync::Arc;
use std::time::Duration;

use engine::work::{Inbound, Stage, Stops, course};
use model::queue::{JobId, NewJob};
use model::run::RunStatus;
use model::store::RecordStore as _;

use crate::inbound::{Pages, order, plan};
use crate::world::{Crew, World, tenant};

fn readers(world: &World, stops: &Stops) -> Crew {
    let (store, watch) =
        (Arc::new(world.store.clone()), (world.clock.clone(), world.metrics.clone()));
    let inbound = Inbound::new(world.desk.clone(), store, watch, Duration::from_secs(30));
    world.crew(Arc::new(inbound.stopped_by(stops.clone())))
}

async fn stage(world: &World, job: JobId) -> Option<(Stage, Vec<RunStatus>)> {
    let (store, crm) = (&world.store, "crm".parse().unwrap());
    let course = course((store, store), &tenant(), &crm, job).await.unwrap()?;
    Some((course.stage, course.runs.iter().map(|run| run.status).collect()))
}

/// Asks for the stop of the first job while its fourth page is read.
fn asking(world: &World, stops: &Stops) {
    let stops = stops.clone();
    world.adapter(move || {
        let stops = stops.clone();
        Pages::new(move |number| {
            if number == 3 {
                stops.ask(&tenant(), JobId(1));
            }
            None
        })
    });
}

#[tokio::test(start_paused = true)]
async fn job_at_work_ends_at_the_border_of_its_page_and_does_not_come_back() {
    for full in [false, true] {
        let world = World::new(plan()).await;
        let stops = Stops::default();
        asking(&world, &stops);
        let job = world.enqueue(order(full)).await;
        assert!(matches!(stage(&world, job).await, Some((Stage::Waiting { .. }, _))));
        let crew = readers(&world, &stops);
        world.until(|stats| stats.queued == 0).await;
        let Some((Stage::Over, runs)) = stage(&world, job).await else { panic!("it goes on") };
        assert_eq!(runs, [RunStatus::Cancelled]);
        let runs = world.store.runs(&tenant(), None, 10).await.unwrap();
        // Of ten pages; the one after may have been asked for already.
        assert!(runs.len() == 1 && (4..=5).contains(&runs[0].entities["contact"].inserted));
        crew.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn job_that_waits_ends_without_having_begun_and_the_next_one_is_not_meant() {
    let world = World::new(plan()).await;
    let stops = Stops::default();
    world.adapter(|| Pages::new(|_| None));
    let again = || NewJob { dedupe: Vec::new(), ..order(false) };
    let (first, second) = (world.enqueue(again()).await, world.enqueue(again()).await);
    stops.ask(&tenant(), first);
    let crew = readers(&world, &stops);
    world.until(|stats| stats.queued == 0).await;
    assert!(stage(&world, first).await.is_none());
    let seen = stage(&world, second).await;
    let Some((Stage::Over, runs)) = seen else { panic!("it goes on: {seen:?}") };
    assert_eq!(runs, [RunStatus::Succeeded]);
    crew.stop().await;
}
