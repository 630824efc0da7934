//! The way out: to the simulated authorisation server, in memory.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::outbound::{HostAnswer, HostRequest};
use model::{Clock, Error, ErrorKind, Secret, Timestamp};
use plughouse_testkit::provider::{Provider as _, Shared};
use plughouse_testkit::{Answer, AuthServer, Delivery, Request};

/// How long an answer is on its way.
const LATENCY: Duration = Duration::from_millis(200);

/// What happens to the next request instead of what the server would do.
pub(crate) enum Instead {
    /// It gets this answer, and the server never sees it.
    Says(Answer),
    /// It does not get out.
    Unsent,
    /// The server does what is asked, and the answer is lost.
    Lost,
}

/// What becomes of a request.
pub(crate) enum Taken {
    Answered(Answer),
    Unsent,
}

/// The server, and what happens on the way to it.
pub(crate) struct Simulated {
    pub(crate) server: Shared<AuthServer>,
    clock: Clock,
    begun: Timestamp,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    passed: u64,
    instead: VecDeque<Instead>,
    sent: Vec<String>,
}

impl Simulated {
    pub(crate) fn new(server: AuthServer, clock: Clock) -> Self {
        let begun = clock.now();
        Self { server: Shared::new(server), clock, begun, state: Mutex::default() }
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What happens to the next request that has nothing else ahead of it.
    pub(crate) fn instead(&self, instead: Instead) {
        self.with(|state| state.instead.push_back(instead));
    }

    /// The purposes and hosts of all requests so far.
    pub(crate) fn sent(&self) -> Vec<String> {
        self.with(|state| state.sent.clone())
    }

    /// Has the server's time be that of the clock.
    pub(crate) fn keep_time(&self) {
        let now = self.clock.now().duration_since(self.begun).as_secs().unsigned_abs();
        let passed = self.with(|state| std::mem::replace(&mut state.passed, now));
        self.server.with(|server| server.advance(now.saturating_sub(passed)));
    }

    /// Has a request arrive, or not.
    pub(crate) fn take(&self, request: &HostRequest) -> Taken {
        self.keep_time();
        let url = request.url.clone();
        let (host, target) = url.trim_start_matches("https://").split_once('/').unwrap();
        self.with(|state| state.sent.push(format!("{} {host}", request.purpose)));
        let arrived = Request {
            method: request.method.to_owned(),
            target: format!("/{target}"),
            headers: request.headers.iter().map(|(n, v)| (n.clone(), v.expose().into())).collect(),
            body: request.body.as_ref().map_or_else(Vec::new, |body| body.expose().into()),
            ..Request::default()
        };
        let answer = |arrived: &Request| self.server.with(|server| server.answer(arrived));
        match self.with(|state| state.instead.pop_front()) {
            None => Taken::Answered(answer(&arrived)),
            Some(Instead::Says(says)) => Taken::Answered(says),
            Some(Instead::Lost) => Taken::Answered(answer(&arrived).delivered(Delivery::Severed)),
            Some(Instead::Unsent) => Taken::Unsent,
        }
    }

    /// Has an answer arrive, or not.
    pub(crate) async fn deliver(&self, taken: Taken) -> Result<HostAnswer, Error> {
        tokio::time::sleep(LATENCY).await;
        let Taken::Answered(answer) = taken else {
            return Err(Error::new(ErrorKind::Unavailable, "egress.connect", "nobody is there"));
        };
        if !matches!(answer.delivery, Delivery::Whole | Delivery::Chunked) {
            let cut = Error::new(ErrorKind::Unavailable, "egress.truncated", "the answer was cut");
            return Err(cut.sent());
        }
        let headers = answer.headers.iter();
        Ok(HostAnswer {
            status: answer.status,
            headers: headers.map(|(n, v)| (n.to_ascii_lowercase(), v.to_string())).collect(),
            body: Secret::new(String::from_utf8_lossy(&answer.body).into_owned()),
        })
    }
}
