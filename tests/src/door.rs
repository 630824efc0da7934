//! A way out that leads nowhere: answers from memory, for tests of the sandbox alone.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use model::egress::{Access, Egress, EgressCall, HttpBudget, HttpUsage, Request, Response, Target};
use model::{Error, ErrorKind};

/// What the door takes out of every text, as egress takes out secrets.
pub const SECRET: &str = "hunter2";

/// How long the door computes where it is asked to: ten ticks.
const BURN: Duration = Duration::from_millis(50);

/// Answers paths: `/echo/…` with its end, `/upload` with the body, `/never` not at all, `/burn`
/// after computing and without waiting.
#[derive(Clone, Debug, Default)]
pub struct Door(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    answers: BTreeMap<String, Bytes>,
    openings: Mutex<Vec<Opening>>,
    under_way: AtomicUsize,
    under_way_most: AtomicUsize,
    burns: AtomicUsize,
}

/// How a call opened the door.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// The routes it may use.
    pub access: Access,
    /// What it may spend.
    pub budget: HttpBudget,
}

impl Door {
    /// A door that also answers these paths.
    pub fn new<'a>(answers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let own = |(path, body): (&str, &str)| (path.to_owned(), Bytes::from(body.to_owned()));
        let answers = answers.into_iter().map(own).collect();
        Self(Arc::new(Inner { answers, ..Inner::default() }))
    }

    /// The answer of a path, as it is kept here.
    pub fn answer(&self, path: &str) -> Option<&Bytes> {
        self.0.answers.get(path)
    }

    /// How it was opened, call by call.
    pub fn openings(&self) -> Vec<Opening> {
        self.0.openings().clone()
    }

    /// How many times it has computed.
    pub fn burns(&self) -> usize {
        self.0.burns.load(Ordering::Relaxed)
    }

    /// The most requests that were under way at the same time.
    pub fn under_way_most(&self) -> usize {
        self.0.under_way_most.load(Ordering::Relaxed)
    }
}

impl Inner {
    fn burn(&self) {
        self.burns.fetch_add(1, Ordering::Relaxed);
        let start = Instant::now();
        while start.elapsed() < BURN {
            std::hint::spin_loop();
        }
    }

    fn openings(&self) -> MutexGuard<'_, Vec<Opening>> {
        self.openings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Egress for Door {
    fn open(&self, access: Access, budget: HttpBudget) -> Box<dyn EgressCall> {
        self.0.openings().push(Opening { access, budget });
        Box::new(Call { door: Arc::clone(&self.0), budget, calls: AtomicU32::new(0) })
    }
}

struct Call {
    door: Arc<Inner>,
    budget: HttpBudget,
    calls: AtomicU32,
}

impl Call {
    fn body(&self, request: &Request) -> Option<Bytes> {
        if let Some(end) = request.path.strip_prefix("/echo/") {
            return Some(Bytes::from(end.to_owned()));
        }
        match request.path.as_str() {
            "/upload" => request.body.clone(),
            path => self.door.answers.get(path).cloned(),
        }
    }
}

#[async_trait]
impl EgressCall for Call {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        if self.calls.fetch_add(1, Ordering::Relaxed) >= self.budget.calls {
            let message = "no more requests";
            return Err(Error::new(ErrorKind::BudgetExhausted, "egress.calls", message));
        }
        if request.path == "/burn" {
            self.door.burn();
            return Ok(Response { status: 200, headers: Vec::new(), body: Bytes::new() });
        }
        let under_way = self.door.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.door.under_way_most.fetch_max(under_way, Ordering::Relaxed);
        // Whoever else is to go out goes out before this one comes back.
        tokio::task::yield_now().await;
        if request.path == "/never" {
            std::future::pending::<()>().await;
        }
        self.door.under_way.fetch_sub(1, Ordering::Relaxed);
        let body = self.body(&request);
        let status = if body.is_some() { 200 } else { 404 };
        Ok(Response { status, headers: Vec::new(), body: body.unwrap_or_default() })
    }

    fn locate(&self, url: &str) -> Result<Target, Error> {
        if url == "burn" {
            self.door.burn();
        }
        let message = format!("{url} leads nowhere");
        Err(Error::new(ErrorKind::Denied, "egress.link", message))
    }

    fn scrub(&self, text: &str) -> String {
        text.replace(SECRET, "***")
    }

    fn usage(&self) -> HttpUsage {
        HttpUsage { calls: self.calls.load(Ordering::Relaxed), ..HttpUsage::default() }
    }
}
