use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn;
use axum::routing::{any, get};
use http_body_util::BodyExt as _;
use tokio::sync::Notify;
use tower_service::Service as _;

use super::*;

async fn ask(router: &Router, method: Method, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::builder().method(method).uri("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    router.clone().call(request.body(Body::empty()).unwrap()).await.unwrap()
}

/// What a handler is told to queue work with.
async fn cause(axum::Extension(cause): axum::Extension<Cause>) -> String {
    format!("{} {}", cause.request, cause.trace)
}

async fn told(headers: &[(&str, &str)]) -> (String, TraceContext) {
    let router = Router::new().route("/", get(cause)).layer(from_fn(around));
    let answer = ask(&router, Method::GET, headers).await;
    let id = answer.headers()[REQUEST_ID].to_str().unwrap().to_owned();
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let (request, trace) = text.split_once(' ').unwrap();
    assert_eq!(request, id);
    (id, trace.parse().unwrap())
}

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn request_goes_on_with_the_trace_that_it_came_with() {
    let (id, trace) = told(&[(TRACEPARENT, TRACE), (REQUEST_ID, "mine-1")]).await;
    let came: TraceContext = TRACE.parse().unwrap();
    assert_eq!((id.as_str(), trace.trace_id), ("mine-1", came.trace_id));
    assert_ne!(trace.parent_id, came.parent_id, "the step is this host's");
}

#[tokio::test]
async fn what_cannot_be_taken_over_is_drawn_anew() {
    let long = "x".repeat(REQUEST_ID_BYTES_MAX + 1);
    for id in ["", "a b", "a\"b", &long] {
        let (first, second) = (told(&[(REQUEST_ID, id)]).await, told(&[]).await);
        assert_eq!((first.0.len(), second.0.len()), (32, 32));
        assert!(first.0 != second.0 && first.1.trace_id != second.1.trace_id);
    }
    let came: TraceContext = TRACE.parse().unwrap();
    for bad in [&[(TRACEPARENT, "00-1-2-3")][..], &[(TRACEPARENT, TRACE), (TRACEPARENT, TRACE)]] {
        assert_ne!(told(bad).await.1.trace_id, came.trace_id);
    }
}

#[derive(Default)]
struct Work {
    begun: Notify,
    go_on: Notify,
    ended: Notify,
}

/// Tells when it is dropped.
struct Left(Arc<Work>);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.ended.notify_one();
    }
}

async fn slow(State(work): State<Arc<Work>>) -> &'static str {
    let left = Left(Arc::clone(&work));
    work.begun.notify_one();
    work.go_on.notified().await;
    drop(left);
    "done"
}

fn slowly() -> (Arc<Work>, Router) {
    let work = Arc::new(Work::default());
    let router = Router::new().route("/", any(slow)).with_state(Arc::clone(&work));
    (work, router.layer(from_fn(around)))
}

#[tokio::test(start_paused = true)]
async fn read_ends_with_its_time_and_a_change_goes_on() {
    for (method, goes_on) in [(Method::GET, false), (Method::POST, true)] {
        let (work, router) = slowly();
        let answer = ask(&router, method, &[]).await;
        assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
        if goes_on {
            work.go_on.notify_one();
        }
        work.ended.notified().await;
    }
}

#[tokio::test]
async fn read_that_nobody_waits_for_is_given_up_and_a_change_is_not() {
    for (method, goes_on) in [(Method::GET, false), (Method::DELETE, true)] {
        let (work, router) = slowly();
        tokio::select! {
            _ = ask(&router, method, &[]) => panic!("answered before it has ended"),
            () = work.begun.notified() => {}
        }
        if goes_on {
            work.go_on.notify_one();
        }
        work.ended.notified().await;
    }
}

#[tokio::test]
async fn panic_is_an_answer_and_the_next_request_has_one_too() {
    async fn breaks() -> &'static str {
        panic!("no")
    }
    let router = Router::new().route("/", get(breaks)).layer(from_fn(around));
    for _ in 0..2 {
        let answer = ask(&router, Method::GET, &[]).await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
