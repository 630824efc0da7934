//! One id on all that is logged on account of a request.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use engine::work::job::{Cause, Order, SyncOrder};
use model::adapter::{Account, Adapter, Called, Entity, Page, PullRequest};
use model::queue::NewJob;
use tracing::Dispatch;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use crate::inbound::{Pages, order, plan};
use crate::world::{World, tenant};

/// A sync that a person asks for by this request.
pub(crate) fn asked(request: &str) -> NewJob {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
    let sync = SyncOrder {
        connection: "crm".parse().unwrap(),
        entities: Vec::new(),
        full: false,
        task: None,
        by_person: true,
        cause: Some(Cause { request: request.to_owned(), trace }),
    };
    Order::Sync(sync).job(&tenant(), Some("test/provider".to_owned()))
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    /// What this thread logs from now on, as long as the rest is kept.
    fn begun() -> (Self, (DefaultGuard, Dispatch)) {
        let log = Self::default();
        let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish();
        let guard = tracing::subscriber::set_default(lines);
        // With two of them, whether somebody listens is asked each time and by thread.
        (log, (guard, Dispatch::new(tracing_subscriber::registry())))
    }

    fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().unwrap();
        String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
    }
}

/// An adapter that says something with each page, as a guest does.
struct Talking(Pages);

#[async_trait]
impl Adapter for Talking {
    async fn check(&mut self) -> Called<Account> {
        self.0.check().await
    }

    async fn discover(&mut self, name: Option<&str>, part: Option<&str>) -> Called<Vec<Entity>> {
        self.0.discover(name, part).await
    }

    async fn pull(&mut self, request: PullRequest) -> Called<Page> {
        tokio::task::yield_now().await;
        tracing::info!(target: "adapter", "a page");
        self.0.pull(request).await
    }
}

#[tokio::test(start_paused = true)]
async fn lines_of_jobs_and_adapters_name_the_request_that_they_come_from() {
    let (log, _logging) = Log::begun();
    let world = World::new(plan()).await;
    world.adapter(|| Talking(Pages::new(|page| (page == 9).then(|| panic!("a fault")))));
    let crew = world.readers();
    world.enqueue(asked("request-1")).await;
    world.comes(|| log.lines().iter().any(|line| line.contains("a job failed"))).await;
    crew.stop().await;
    let lines = log.lines();
    let find = |what: &str| lines.iter().filter(|line| line.contains(what)).collect::<Vec<_>>();
    assert_eq!(find("adapter: a page").len(), 10, "{lines:#?}");
    let failed = find("a job failed");
    assert_eq!(failed.len(), 1, "{lines:#?}");
    for line in find("adapter: a page").into_iter().chain(failed) {
        for part in [
            "trace_id=4bf92f3577b34da6a3ce929d0e0e4736",
            "request_id=\"request-1\"",
            "tenant=acme",
            "connection=crm",
            "attempt=1",
            "run=1",
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
    }
    assert!(find("a page").iter().all(|line| line.contains("call=\"pull\"")), "{lines:#?}");
}

#[tokio::test(start_paused = true)]
async fn job_without_a_request_has_a_trace_of_its_own_for_all_attempts() {
    let (log, _logging) = Log::begun();
    let world = World::new(plan()).await;
    world.adapter(|| Talking(Pages::new(|_| panic!("a fault"))));
    let crew = world.readers();
    world.enqueue(order(false)).await;
    world.pass_until(std::time::Duration::from_secs(10), |s| s.dead == 1).await;
    crew.stop().await;
    let lines = log.lines();
    let ids: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("adapter: a page"))
        .map(|line| line.split_once("trace_id=").unwrap().1.split_once(' ').unwrap().0)
        .collect();
    assert!(ids.len() > 1 && ids.iter().all(|id| *id == ids[0] && id.len() == 32), "{lines:#?}");
}
