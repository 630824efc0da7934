//! A mint of access tokens, and doors whose tokens are from it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use model::credential::{Token, Tokens};
use model::egress::{Access, Egress, EgressCall, HttpBudget, Response};
use model::{Clock, Error, Secret, Timestamp};

use crate::support::{Canned, Memory, Setup, budget, get, manifest};

/// What the door asked for: nothing for any good token, or the generation that was refused.
pub(crate) type Asked = Option<u64>;

/// Gives out a token for each generation: `token-of-generation-N`.
pub(crate) struct Mint {
    pub(crate) clock: Clock,
    lives: Option<Duration>,
    pub(crate) state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) generation: u64,
    /// Instead of the usual text.
    pub(crate) text: Option<String>,
    /// `N` in it is the generation.
    region: Option<String>,
    asked: Vec<Asked>,
    /// Errors to answer first.
    failing: VecDeque<Error>,
}

pub(crate) fn start() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

pub(crate) fn text(generation: u64) -> String {
    format!("token-of-generation-{generation}")
}

pub(crate) fn bearer(generation: u64) -> String {
    format!("Bearer {}", text(generation))
}

impl Mint {
    pub(crate) fn new() -> Self {
        Self { clock: Clock::manual(start()), lives: None, state: Mutex::default() }
    }

    pub(crate) fn living(seconds: u64) -> Self {
        Self { lives: Some(Duration::from_secs(seconds)), ..Self::new() }
    }

    /// Its tokens come with this region.
    pub(crate) fn moves(&self, region: &str) {
        self.state.lock().unwrap().region = Some(region.to_owned());
    }

    pub(crate) fn fail(&self, error: Error) {
        self.state.lock().unwrap().failing.push_back(error);
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    /// One that replaces the refused generation, or the one there is.
    fn give(&self, asked: Asked) -> Result<Token, Error> {
        let mut state = self.state.lock().unwrap();
        state.asked.push(asked);
        if let Some(error) = state.failing.pop_front() {
            return Err(error);
        }
        let ended = asked.is_none() && self.lives.is_some();
        if state.generation == 0 || ended || asked == Some(state.generation) {
            state.generation += 1;
        }
        let generation = state.generation;
        let region = |region: &String| region.replace('N', &generation.to_string());
        let region = state.region.as_ref().map(region);
        let obtained = self.clock.now();
        Ok(Token {
            secret: Secret::new(state.text.clone().unwrap_or_else(|| text(generation))),
            generation,
            obtained,
            expires: self.lives.map(|lives| obtained + lives),
            variables: region.map(|region| ("region".to_owned(), region)).into_iter().collect(),
        })
    }
}

#[async_trait]
impl Tokens for Mint {
    async fn current(&self) -> Result<Token, Error> {
        self.give(None)
    }

    async fn renewed(&self, refused: u64) -> Result<Token, Error> {
        // Whoever asks at the same time has asked by the time that the first is answered.
        tokio::task::yield_now().await;
        self.give(Some(refused))
    }
}

/// The usual setup with an account whose tokens are the mint's.
pub(crate) fn setup(mint: &Arc<Mint>) -> Setup {
    let mut setup = Setup::of(manifest(|text| {
        text.replace(
            r#"origin = "https://{region}""#,
            "origin = \"https://{region}\"\ncredential = \"account\"",
        )
    }));
    setup.connection.auth = "oauth".to_owned();
    setup.secrets = Vec::new();
    setup.tokens = Some(Arc::<Mint>::clone(mint));
    setup
}

pub(crate) fn door(mint: &Arc<Mint>, memory: &Arc<Memory>) -> Arc<dyn Egress> {
    setup(mint).door(&memory.gateway(mint.clock.clone())).unwrap()
}

pub(crate) fn open(mint: &Arc<Mint>, memory: &Arc<Memory>) -> Box<dyn EgressCall> {
    door(mint, memory).open(Access::Write, budget())
}

pub(crate) async fn items(call: &dyn EgressCall) -> Result<Response, Error> {
    call.send(get("api", "/v1/items")).await
}

/// The credentials of what was sent, in order; empty where there was none.
pub(crate) fn authorizations(memory: &Memory) -> Vec<String> {
    let header = |request: &http::Request<Bytes>| {
        let value = request.headers().get("authorization");
        value.map_or("", |value| value.to_str().unwrap()).to_owned()
    };
    memory.sent.lock().unwrap().iter().map(header).collect()
}

pub(crate) fn empty(status: u16) -> Canned {
    (status, Vec::new(), Bytes::new())
}

/// Accepts tokens of this generation and later.
pub(crate) fn accepting(least: u64) -> Arc<Memory> {
    Memory::new(move |request| {
        let authorization = request.headers()["authorization"].to_str().unwrap();
        let generation = authorization.rsplit('-').next().unwrap().parse::<u64>().unwrap();
        empty(if generation < least { 401 } else { 200 })
    })
}

/// A door whose token is an hour old.
pub(crate) async fn aged(
    mint: &Arc<Mint>,
    memory: &Arc<Memory>,
    limits: HttpBudget,
) -> Box<dyn EgressCall> {
    let door = door(mint, memory);
    items(door.open(Access::Read, budget()).as_ref()).await.unwrap();
    mint.clock.advance(Duration::from_hours(1));
    memory.sent.lock().unwrap().clear();
    door.open(Access::Write, limits)
}

/// Accepts tokens of this generation and later, and any token once.
pub(crate) fn souring(least: u64) -> Arc<Memory> {
    let first = AtomicBool::new(true);
    let strict = accepting(least);
    Memory::new(move |request| {
        let first = first.swap(false, Ordering::AcqRel);
        if first { empty(200) } else { strict.answered(request) }
    })
}
