//! Syncs that are asked for: jobs, and what becomes of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use api::Adapters as _;
use async_trait::async_trait;
use engine::metrics::Metrics;
use engine::replay::ReplayPlan;
use engine::sync::{Cancel, Choice, SyncPlan};
use engine::work::job::{ReplayOrder, SyncOrder, first};
use engine::work::{self, About, Handler, Inbound, Opened, Opener, Opening};
use futures_util::future::try_join_all;
use model::adapter::Receipt;
use model::queue::{
    BATCH_MAX, Claim, Effect, Finish, JobId, JobQueue as _, Leased, Outcome, Queue,
};
use model::run::{RunKind, RunStatus};
use model::store::{Catalogue as _, RecordStore as _, RunEnd, RunRef, RunStart};
use model::{Connection, ConnectionId, Error, TenantId};
use serde_json::{Value, json};

use crate::support::{PACKAGE, Scripted, World, id};

impl World {
    async fn claimed(&self) -> Leased {
        let claim = Claim {
            worker: "test".to_owned(),
            queue: Queue::InboundScheduled,
            tenant: id("acme"),
            skip: BTreeSet::new(),
            sessions_max: 1,
            jobs_max: 1,
            lease: Duration::from_mins(1),
            alone: false,
        };
        self.store.claim(claim).await.unwrap().pop().unwrap()
    }

    async fn running(&self, leased: &Leased) -> RunRef {
        let job = &leased.jobs[0];
        let start = RunStart {
            tenant: id("acme"),
            connection: leased.connection.clone().unwrap(),
            package: PACKAGE.to_owned(),
            version: "1.0.0".to_owned(),
            digest: "sha256:00".to_owned(),
            kind: RunKind::Sync,
            task: None,
            lease: Some(leased.lease.clone()),
            job: Some(first(&job.payload, job.id)),
            at: self.clock.now(),
        };
        self.store.begin_run(start).await.unwrap().reference()
    }

    async fn given_back(&self, leased: &Leased, run: RunRef, status: RunStatus, outcome: Outcome) {
        let (at, receipt) = (self.clock.now(), Receipt::default());
        let end = RunEnd { run, status, entities: Vec::new(), receipt, error: None, at };
        let finish = Finish {
            lease: leased.lease.clone(),
            outcomes: vec![(leased.jobs[0].id, outcome)],
            effects: vec![Effect::EndRun(end)],
        };
        self.store.finish(vec![finish]).await.unwrap();
    }

    async fn operation(&self, path: &str) -> Value {
        self.get(&self.acme.viewer, path).await.is(200).json
    }
}

#[tokio::test]
async fn sync_is_a_job_that_is_followed_from_the_queue_to_its_end() {
    let world = World::new().await;
    world.connected("crm").await;
    let order = json!({"entities": ["contact"]});
    let queued = world.post(&world.acme.editor, "/api/integrations/crm/sync", &order).await.is(202);
    let path = queued.header("location").to_owned();
    assert_eq!(world.operation(&path).await["status"], "queued");
    let leased = world.claimed().await;
    let run = world.running(&leased).await;
    world.synced(&run, &["1", "2"]).await;
    let running = world.operation(&path).await;
    assert_eq!((&running["status"], &running["progress"]["done"]), (&"running".into(), &2.into()));
    assert_eq!(running["result"]["run"], "crm:1");
    // One that gave others a turn goes on.
    let until = world.clock.now();
    world.given_back(&leased, run, RunStatus::Cancelled, Outcome::Defer { until }).await;
    assert_eq!(world.operation(&path).await["status"], "queued");
    let leased = world.claimed().await;
    let run = world.running(&leased).await;
    world.synced(&run, &["3"]).await;
    world.given_back(&leased, run, RunStatus::Partial, Outcome::Done).await;
    let over = world.operation(&path).await;
    assert_eq!((&over["status"], &over["progress"]["done"]), (&"partial".into(), &3.into()));
    assert_eq!(over["result"]["runs"], json!(["crm:2", "crm:1"]));
    let listed = world.operation("/api/operations?status=partial").await;
    assert_eq!(listed["items"][0]["id"], over["id"]);
    let bad = json!({"entities": ["order"]});
    let bad = world.post(&world.acme.editor, "/api/integrations/crm/sync", &bad).await;
    bad.refused(422, "api.invalid");
    for path in ["job-1", "job-999.crm", "job-1.other", "op-1", "x"] {
        let nothing = world.get(&world.acme.viewer, &format!("/api/operations/{path}")).await;
        nothing.refused(404, "api.not-found");
    }
}

#[tokio::test]
async fn full_sync_keeps_its_name_when_it_goes_on_as_another_job() {
    let world = World::new().await;
    world.connected("crm").await;
    let order = json!({"full": true});
    let queued = world.post(&world.acme.editor, "/api/integrations/crm/sync", &order).await.is(202);
    let path = queued.header("location").to_owned();
    world.work_once().await;
    let over = world.operation(&path).await;
    assert_eq!((&over["status"], &over["kind"]), (&"succeeded".into(), &"sync".into()), "{over}");
}

#[tokio::test]
async fn job_that_waits_is_stopped_without_having_begun() {
    let world = World::new().await;
    world.connected("crm").await;
    let queued =
        world.post(&world.acme.editor, "/api/integrations/crm/sync", &json!({})).await.is(202);
    let path = queued.header("location").to_owned();
    world.post(&world.acme.editor, &format!("{path}/stop"), &json!({})).await.is(202);
    world.work_once().await;
    let stopped = world.operation(&path).await;
    assert_eq!((&stopped["status"], &stopped["kind"]), (&"stopped".into(), &"sync".into()));
    assert_eq!(stopped["ended"], json!(world.clock.now()));
    let listed = world.operation("/api/operations?status=stopped").await;
    assert_eq!(listed["items"], json!([stopped]));
    let other = path.replace(".crm", ".other");
    world.get(&world.acme.viewer, &other).await.refused(404, "api.not-found");
    world.get(&world.globex.viewer, &path).await.refused(404, "api.not-found");
    let runs = world.operation("/api/runs").await;
    assert_eq!(runs["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn integration_of_more_accounts_than_a_batch_is_synced_at_once() {
    let world = World::new().await;
    let accounts = (0..=BATCH_MAX).map(|number| {
        let account = format!("crm-{number}").parse().unwrap();
        let account = Connection::new(id("acme"), account, PACKAGE, "key");
        let account = Connection { integration: Some("crm".parse().unwrap()), ..account };
        world.store.put_connection(account)
    });
    try_join_all(accounts).await.unwrap();
    let path = "/api/integrations/crm/sync";
    let queued = world.post(&world.acme.editor, path, &json!({})).await.is(202);
    assert_eq!(queued.json["operations"].as_array().unwrap().len(), BATCH_MAX + 1);
    let stats = world.store.stats(&id("acme"), Queue::InboundScheduled).await.unwrap();
    assert_eq!(stats.queued, u64::try_from(BATCH_MAX).unwrap() + 1);
    // What waits is listed in part.
    let listed = world.operation("/api/operations?status=queued").await;
    assert_eq!(listed["total"]["count"], 200);
}

/// Opens connections whose adapter says what a test has told it.
struct Desk(Scripted);

#[async_trait]
impl Opener for Desk {
    async fn about(&self, _: &TenantId, _: &ConnectionId) -> Result<Option<About>, Error> {
        Ok(Some(About { host: None, digest: "sha256:00".to_owned() }))
    }

    async fn open(&self, tenant: &TenantId, order: &SyncOrder, _: JobId) -> Result<Opening, Error> {
        let connection = Connection::new(tenant.clone(), order.connection.clone(), PACKAGE, "key");
        let package = self.0.package(PACKAGE).await?;
        let choice = Choice { entities: order.entities.clone(), ..Choice::default() };
        let plan = SyncPlan::of(package.reference, &package.manifest, &connection, &choice);
        let adapter = Box::new(self.0.clone());
        Ok(Opening::Ready(Box::new(Opened { adapter, plan: plan.unwrap() })))
    }

    async fn replay(&self, _: &TenantId, _: &ReplayOrder) -> Result<Option<ReplayPlan>, Error> {
        Ok(None)
    }
}

impl World {
    fn workers(&self) -> work::Ports {
        let opener = Arc::new(Desk((*self.adapters).clone()));
        let counted = (self.clock.clone(), Metrics::default());
        let call_max = Duration::from_secs(1);
        let inbound = Inbound::new(opener.clone(), self.store.clone(), counted, call_max);
        let inbound: Arc<dyn Handler> = Arc::new(inbound.stopped_by(self.ports.stops.clone()));
        work::Ports {
            queue: self.store.clone(),
            opener,
            handlers: BTreeMap::from([(Queue::InboundScheduled, inbound)]),
            breakers: self.ports.breakers.clone(),
            clock: self.clock.clone(),
            wake: self.ports.wake.clone(),
            worker: "test".to_owned(),
            metrics: Metrics::default(),
        }
    }

    /// Lets workers do what is queued.
    async fn work_once(&self) {
        let stop = Cancel::default();
        let limits = work::Limits::default();
        let working = tokio::spawn(work::run(self.workers(), limits, stop.clone()));
        loop {
            let stats = self.store.stats(&id("acme"), Queue::InboundScheduled).await.unwrap();
            if stats.queued == 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
        stop.cancel();
        working.await.unwrap();
    }
}
