//! The provider's limits, with the time standing still until somebody waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use egress::{Gateway, Options};
use model::egress::{Access, Egress, HttpBudget, Priority, Response};
use model::{Clock, Error, ErrorKind};
use plughouse_testkit::message::Answer;
use plughouse_testkit::provider::from_fn;
use plughouse_testkit::server::Server;
use tokio::time::Instant;

use crate::support::{Memory, Setup, get, manifest};

fn limited(rule: &str) -> Setup {
    Setup::of(manifest(|text| format!("{text}\n[[limit]]\n{rule}\n")))
}

fn gateway(memory: &Arc<Memory>) -> Gateway {
    let clock = Clock::manual("2026-01-01T12:00:00Z".parse().unwrap());
    Gateway::with_transport(clock, Options::default(), Arc::<Memory>::clone(memory)).unwrap()
}

/// One request with a call that has so many seconds.
async fn send(door: &Arc<dyn Egress>, seconds: u64) -> Result<Response, Error> {
    let deadline = (Instant::now() + Duration::from_secs(seconds)).into_std();
    let call = door.open(Access::Read, HttpBudget { deadline, ..crate::support::budget() });
    call.send(get("api", "/v1/items")).await
}

/// Rounded to what a timer keeps.
fn tenths(span: Duration) -> u128 {
    (span.as_millis() + 50) / 100
}

fn status(status: u16, headers: &[(&'static str, &str)]) -> Arc<Memory> {
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Memory::new(move |_| (status, headers.clone(), Bytes::new()))
}

#[tokio::test(start_paused = true)]
async fn request_waits_for_its_turn_and_the_wait_is_counted() {
    let door = limited("scope = \"connection\"\nrequests = 2\nper = \"10s\"")
        .door(&gateway(&Memory::saying("{}")))
        .unwrap();
    let deadline = (Instant::now() + Duration::from_mins(1)).into_std();
    let call = door.open(Access::Read, HttpBudget { deadline, ..crate::support::budget() });
    let began = Instant::now();
    for _ in 0..4 {
        call.send(get("api", "/v1/items")).await.unwrap();
    }
    let took = began.elapsed().as_millis();
    assert!((9_990..=10_100).contains(&took), "{took}");
    assert_eq!(call.usage().throttled.as_millis(), took);
}

#[tokio::test(start_paused = true)]
async fn wait_beyond_the_deadline_is_refused_at_once() {
    let memory = Memory::saying("{}");
    let door = limited("scope = \"account\"\nrequests = 1\nper = \"60s\"")
        .door(&gateway(&memory))
        .unwrap();
    send(&door, 5).await.unwrap();
    let began = Instant::now();
    let error = send(&door, 5).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::RateLimited);
    assert!(!error.request_sent && began.elapsed().is_zero());
    assert_eq!(tenths(error.retry_after.unwrap()), 600);
    assert_eq!(memory.uris().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn accounts_share_a_limit_and_connections_do_not() {
    for (scope, shared) in [("account", true), ("connection", false), ("egress", true)] {
        let memory = Memory::saying("{}");
        let gateway = gateway(&memory);
        let mut setup = limited(&format!("scope = \"{scope}\"\nrequests = 1\nper = \"60s\""));
        send(&setup.door(&gateway).unwrap(), 5).await.unwrap();
        setup.connection.id = "second".parse().unwrap();
        let second = send(&setup.door(&gateway).unwrap(), 5).await;
        assert_eq!(second.is_err(), shared, "{scope}");
    }
}

#[tokio::test(start_paused = true)]
async fn limit_of_one_route_does_not_slow_the_others() {
    let rule = "scope = \"account\"\nroutes = [\"GET /v1/items/*\"]\nrequests = 1\nper = \"60s\"";
    let door = limited(rule).door(&gateway(&Memory::saying("{}"))).unwrap();
    for _ in 0..5 {
        send(&door, 5).await.unwrap();
    }
    let call = door.open(
        Access::Read,
        HttpBudget {
            deadline: (Instant::now() + Duration::from_secs(5)).into_std(),
            ..crate::support::budget()
        },
    );
    call.send(get("api", "/v1/items/1")).await.unwrap();
    assert!(call.send(get("api", "/v1/items/2")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn retry_after_pauses_everybody_under_the_limit() {
    for (answer, wait) in [
        (status(429, &[("retry-after", "7")]), 70),
        (status(429, &[("retry-after", "2.5")]), 25),
        (status(503, &[("retry-after", "Thu, 01 Jan 2026 12:00:30 GMT")]), 300),
        (status(429, &[("retry-after", "2026-01-01T12:01:00Z")]), 600),
        (status(429, &[]), 10),
        (status(429, &[("retry-after", "9999999")]), 864_000),
    ] {
        let door = Setup::new().door(&gateway(&answer)).unwrap();
        let first = send(&door, 1).await.unwrap();
        assert!(matches!(first.status, 429 | 503), "the answer is the guest's");
        let error = send(&door, 0).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Timeout, "no time at all is the deadline's error");
        let began = Instant::now();
        match send(&door, 100).await {
            Ok(_answer) => assert_eq!(tenths(began.elapsed()), wait),
            Err(error) => assert_eq!(tenths(error.retry_after.unwrap()), wait),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn pause_of_one_endpoint_leaves_the_limits_of_others_alone() {
    let memory = Memory::new(|request| {
        let status = if request.uri().path() == "/public/x" { 429 } else { 200 };
        (status, vec![("retry-after", "30".to_owned())], Bytes::new())
    });
    let rule = "scope = \"account\"\nendpoints = [\"api\"]\nrequests = 9\nper = \"1s\"";
    let door = limited(rule).door(&gateway(&memory)).unwrap();
    let deadline = (Instant::now() + Duration::from_secs(5)).into_std();
    let call = door.open(Access::Read, HttpBudget { deadline, ..crate::support::budget() });
    call.send(get("open", "/public/x")).await.unwrap();
    call.send(get("api", "/v1/items")).await.unwrap();
    let error = call.send(get("open", "/public/x")).await.unwrap_err();
    assert_eq!(error.retry_after, Some(Duration::from_secs(30)));
}

#[tokio::test(start_paused = true)]
async fn reported_end_of_a_quota_pauses_until_its_reset() {
    let rule = "scope = \"account\"\nrequests = 100\nper = \"60s\"\n\
        report = { remaining = \"RateLimit-Remaining\", limit = \"RateLimit-Limit\", reset = \"RateLimit-Reset\" }";
    let answer = status(200, &[("ratelimit-remaining", "0"), ("ratelimit-reset", "12")]);
    let door = limited(rule).door(&gateway(&answer)).unwrap();
    send(&door, 5).await.unwrap();
    let error = send(&door, 5).await.unwrap_err();
    assert_eq!(error.retry_after, Some(Duration::from_secs(12)));
}

#[tokio::test(start_paused = true)]
async fn reported_usage_pauses_by_its_pattern() {
    let rule = "scope = \"account\"\nrequests = 100\nper = \"24h\"\nreserve = 20\n\
        report = { usage = \"X-Info\", pattern = \"api-usage={used}/{limit}\" }";
    let answer = status(200, &[("x-info", "api-usage=80/100")]);
    let door = limited(rule).door(&gateway(&answer)).unwrap();
    send(&door, 5).await.unwrap();
    assert_eq!(send(&door, 5).await.unwrap_err().kind, ErrorKind::RateLimited);
}

#[tokio::test(start_paused = true)]
async fn concurrent_limit_gives_its_place_back() {
    let door = limited("scope = \"account\"\nconcurrent = 1")
        .door(&gateway(&Memory::saying("{}")))
        .unwrap();
    for _ in 0..3 {
        let (first, second) = tokio::join!(send(&door, 5), send(&door, 5));
        first.unwrap();
        second.unwrap();
    }
}

/// The provider answers when it is told to.
struct Slow(tokio::sync::Semaphore);

#[async_trait::async_trait]
impl egress::Transport for Slow {
    async fn send(
        &self,
        endpoint: &str,
        request: http::Request<Bytes>,
        deadline: Instant,
    ) -> Result<http::Response<egress::Body>, Error> {
        self.0.acquire().await.unwrap().forget();
        Memory::saying("{}").send(endpoint, request, deadline).await
    }
}

#[tokio::test(start_paused = true)]
async fn connection_that_sleeps_on_its_rate_holds_no_place_of_others() {
    let rule = "scope = \"egress\"\nconcurrent = 1\n[[limit]]\nscope = \"connection\"\n\
        requests = 1\nper = \"60s\"";
    let gateway = gateway(&Memory::saying("{}"));
    let mut setup = limited(rule);
    let first = setup.door(&gateway).unwrap();
    setup.connection.id = "second".parse().unwrap();
    let second = setup.door(&gateway).unwrap();
    send(&first, 5).await.unwrap();
    let began = Instant::now();
    let (sleeper, other) = tokio::join!(send(&first, 100), async {
        tokio::task::yield_now().await;
        let answer = send(&second, 5).await;
        (answer, began.elapsed())
    });
    sleeper.unwrap();
    other.0.unwrap();
    assert!(other.1.is_zero(), "{:?}", other.1);
}

#[tokio::test(start_paused = true)]
async fn request_that_a_later_limit_refuses_costs_no_other_limit() {
    let rule = "scope = \"connection\"\nrequests = 1\nper = \"50s\"\n[[limit]]\n\
        scope = \"account\"\nroutes = [\"GET /v1/items\"]\nrequests = 1\nper = \"600s\"";
    let door = limited(rule).door(&gateway(&Memory::saying("{}"))).unwrap();
    send(&door, 5).await.unwrap();
    tokio::time::advance(Duration::from_secs(50)).await;
    assert_eq!(send(&door, 5).await.unwrap_err().kind, ErrorKind::RateLimited);
    let deadline = (Instant::now() + Duration::from_secs(5)).into_std();
    let call = door.open(Access::Read, HttpBudget { deadline, ..crate::support::budget() });
    call.send(get("api", "/v1/items/1")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn request_that_gets_no_place_costs_no_rate() {
    let rule = "scope = \"connection\"\nrequests = 2\nper = \"600s\"\n[[limit]]\n\
        scope = \"connection\"\nconcurrent = 1";
    let slow = Arc::new(Slow(tokio::sync::Semaphore::new(0)));
    let clock = Clock::manual("2026-01-01T12:00:00Z".parse().unwrap());
    let transport = Arc::<Slow>::clone(&slow);
    let gateway = Gateway::with_transport(clock, Options::default(), transport).unwrap();
    let door = limited(rule).door(&gateway).unwrap();
    let (first, second) = tokio::join!(send(&door, 20), async {
        let late = send(&door, 5).await;
        slow.0.add_permits(2);
        late
    });
    first.unwrap();
    assert_eq!(second.unwrap_err().kind, ErrorKind::RateLimited);
    send(&door, 5).await.unwrap();
}

/// The daily limit of the manifest of HubSpot, whose reserve is a fifth, and what it reports.
fn hubspot() -> Setup {
    let text = include_str!("../../../../plugins/hubspot/adapter.toml");
    let mut setup = Setup::of(Arc::new(package::Manifest::parse(text).unwrap()));
    setup.connection.package = setup.manifest.name();
    setup
}

async fn ask(door: &Arc<dyn Egress>) -> Result<Response, Error> {
    let call = door.open(Access::Read, crate::support::budget());
    call.send(get("api", "/crm/v3/objects/contacts")).await
}

#[tokio::test]
async fn last_fifth_of_the_daily_limit_of_hubspot_is_kept_for_people() {
    let left = Arc::new(AtomicU32::new(50_001));
    let told = Arc::clone(&left);
    let server = Server::start(from_fn(move |_: &_| {
        Answer::json(200, *b"{}")
            .header("X-HubSpot-RateLimit-Daily", "250000")
            .header("X-HubSpot-RateLimit-Daily-Remaining", told.load(Ordering::SeqCst).to_string())
    }));
    let gateway = Gateway::new(Clock::system(), Options::default()).unwrap();
    let setup = hubspot().over("api", &server.origin());
    let background = setup.door_for(Priority::Background, &gateway).unwrap();
    let interactive = setup.door_for(Priority::Interactive, &gateway).unwrap();
    ask(&background).await.unwrap();
    ask(&background).await.unwrap();
    left.store(50_000, Ordering::SeqCst);
    ask(&background).await.unwrap();
    let error = ask(&background).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::RateLimited, "egress.quota"));
    let wait = error.retry_after.unwrap();
    assert!(wait > Duration::from_mins(59) && wait <= Duration::from_hours(1), "{wait:?}");
    ask(&interactive).await.unwrap();
    left.store(0, Ordering::SeqCst);
    ask(&interactive).await.unwrap();
    assert_eq!(ask(&interactive).await.unwrap_err().code, "egress.quota");
}

#[tokio::test(start_paused = true)]
async fn used_up_quota_is_refused_until_it_begins_anew() {
    let gateway = gateway(&Memory::saying("{}"));
    let setup = limited("scope = \"account\"\nrequests = 5\nper = \"24h\"\nreserve = 40");
    let background = setup.door_for(Priority::Background, &gateway).unwrap();
    let interactive = setup.door_for(Priority::Interactive, &gateway).unwrap();
    for _ in 0..3 {
        send(&background, 5).await.unwrap();
    }
    tokio::time::advance(Duration::from_hours(20)).await;
    let error = send(&background, 5).await.unwrap_err();
    assert_eq!(error.code, "egress.quota");
    assert_eq!(error.retry_after.map(|wait| wait.as_secs()), Some(4 * 3600));
    for _ in 0..2 {
        send(&interactive, 5).await.unwrap();
    }
    assert_eq!(send(&interactive, 5).await.unwrap_err().code, "egress.quota");
    tokio::time::advance(Duration::from_hours(4)).await;
    send(&background, 5).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn long_wait_that_the_provider_asks_for_is_a_quota() {
    for (seconds, code) in [("3599", "egress.rate-limit"), ("3600", "egress.quota")] {
        let door = Setup::new().door(&gateway(&status(429, &[("retry-after", seconds)]))).unwrap();
        send(&door, 5).await.unwrap();
        assert_eq!(send(&door, 5).await.unwrap_err().code, code);
    }
}
