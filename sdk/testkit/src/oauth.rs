//! An authorisation server: codes, rotating refresh tokens, and what can go wrong with them.
//!
//! It serves the addresses of any provider: the last word of the path tells what is wanted
//! (`authorize`, `token`, `revoke`, and `resource`, which a live access token opens). Time passes
//! by [`AuthServer::advance`] alone, and the same seed makes the same tokens. Refusals, waits and
//! slow answers come from [`Faulty`](crate::Faulty) around it.

mod assertion;
mod authorise;
mod chain;
mod client;
mod loss;
mod refuse;
mod token;

use std::collections::HashMap;
use std::fmt;

use serde_json::{Value, json};

use crate::message::{Answer, Request};
use crate::provider::Provider;
use crate::random::Random;
use assertion::Verifier;
use authorise::Code;
use chain::Chains;
pub use chain::{Leeway, Standing};
pub use client::ClientAuth;
pub use loss::Loss;
use refuse::Refusal;

/// Seconds that an access token lives unless told otherwise, as most providers have it.
pub const LIFE: u64 = 3600;

/// What an answer has that the standard does not.
#[derive(Clone, Debug, PartialEq)]
pub enum Quirk {
    /// Tokens come as a form, and it calls itself plain text.
    Form,
    /// `expires_in` is a text.
    TextLife,
    /// There is no `expires_in`.
    NoLife,
    /// A refusal has status 200 and `"ok": false`.
    RefusesWith200,
    /// The callback tells the issuer, which is this.
    Issuer(String),
    /// One more member of token answers.
    Member(String, Value),
}

/// An authorisation server with one client and one user, who always says the same.
pub struct AuthServer {
    client: (String, String),
    client_auth: ClientAuth,
    redirect_uris: Vec<String>,
    pkce: bool,
    denies: bool,
    /// How far spent refresh tokens are accepted; nothing where none is ever spent.
    rotation: Option<Leeway>,
    newest_only: bool,
    life: u64,
    loss: Loss,
    quirks: Vec<Quirk>,
    verifier: Option<Verifier>,
    codes: HashMap<String, Code>,
    chains: Chains,
    seed: u64,
    made: u64,
    now: u64,
}

impl AuthServer {
    /// A server with this client; refresh tokens are good once and no answer is lost.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<String>) -> Self {
        Self {
            client: (client_id.into(), client_secret.into()),
            client_auth: ClientAuth::Either,
            redirect_uris: Vec::new(),
            pkce: false,
            denies: false,
            rotation: Some(Leeway::NONE),
            newest_only: false,
            life: LIFE,
            loss: Loss::NONE,
            quirks: Vec::new(),
            verifier: None,
            codes: HashMap::new(),
            chains: Chains::default(),
            seed: 0,
            made: 0,
            now: 0,
        }
    }

    /// Decides what the tokens are and which answers are lost.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Registers an address that the browser may be sent back to; without one, all are.
    #[must_use]
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uris.push(uri.into());
        self
    }

    /// Takes the client's secret in this place only.
    #[must_use]
    pub fn client_auth(mut self, place: ClientAuth) -> Self {
        self.client_auth = place;
        self
    }

    /// Refuses to authorise without PKCE.
    #[must_use]
    pub fn pkce_required(mut self) -> Self {
        self.pkce = true;
        self
    }

    /// Keeps refresh tokens good for ever, and tells them once.
    #[must_use]
    pub fn without_rotation(mut self) -> Self {
        self.rotation = None;
        self
    }

    /// Lets a spent refresh token be sent again to this extent.
    #[must_use]
    pub fn leeway(mut self, leeway: Leeway) -> Self {
        self.rotation = Some(leeway);
        self
    }

    /// Ends an access token when the next one of its chain is issued.
    #[must_use]
    pub fn newest_only(mut self) -> Self {
        self.newest_only = true;
        self
    }

    /// Lets access tokens live so many seconds.
    #[must_use]
    pub fn life(mut self, seconds: u64) -> Self {
        self.life = seconds;
        self
    }

    /// Loses answers to whoever refreshes.
    #[must_use]
    pub fn losing(mut self, loss: Loss) -> Self {
        self.loss = loss;
        self
    }

    /// Answers with a quirk more.
    #[must_use]
    pub fn quirk(mut self, quirk: Quirk) -> Self {
        self.quirks.push(quirk);
        self
    }

    /// Checks the signatures of assertions: `verify` gets what is signed, and the signature.
    /// Without it their form alone is checked.
    #[must_use]
    pub fn verifier(mut self, verify: impl Fn(&[u8], &[u8]) -> bool + Send + 'static) -> Self {
        self.verifier = Some(Box::new(verify));
        self
    }

    /// Lets the user say no, or yes again.
    pub fn deny(&mut self, denies: bool) {
        self.denies = denies;
    }

    /// Changes the client's secret, as an operator does who has seen it leak.
    pub fn replace_secret(&mut self, secret: impl Into<String>) {
        self.client.1 = secret.into();
    }

    /// Changes which answers are lost from now on.
    pub fn lose(&mut self, loss: Loss) {
        self.loss = loss;
    }

    /// Lets so many seconds pass.
    pub fn advance(&mut self, seconds: u64) {
        self.now += seconds;
    }

    /// Ends all access tokens; the chains live on.
    pub fn expire_access(&mut self) {
        self.chains.expire_access();
    }

    /// Ends everything that was granted, as an administrator does.
    pub fn revoke_all(&mut self) {
        self.chains.revoke_all();
    }

    /// Grants without a browser, and answers the access token and the refresh token.
    pub fn granted(&mut self, scope: &str) -> (String, String) {
        let (access, refresh) = (self.made("at"), self.made("rt"));
        let chain = self.chains.begin(scope, Some(&refresh));
        self.chains.issue(chain, &access, self.now + self.life);
        (access, refresh)
    }

    /// How an access token stands.
    pub fn standing(&self, access: &str) -> Standing {
        self.chains.standing(access, self.now, self.newest_only)
    }

    /// How many grants are alive.
    pub fn live_chains(&self) -> usize {
        self.chains.live()
    }

    /// How often a spent refresh token was sent beyond the leeway; each has ended its chain.
    pub fn reuses(&self) -> u64 {
        self.chains.reuses()
    }

    /// How many answers were lost.
    pub fn lost(&self) -> u64 {
        self.loss.happened()
    }

    /// Every token and code that was ever made, for those who search for them where they must not
    /// be.
    pub fn secrets(&self) -> Vec<String> {
        let made = |number| ["at", "rt", "code"].map(|kind| made(self.seed, kind, number));
        (1..=self.made).flat_map(made).collect()
    }

    /// Makes a token that nobody has seen before.
    fn made(&mut self, kind: &str) -> String {
        self.made += 1;
        made(self.seed, kind, self.made)
    }

    fn route(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let path = request.path().to_owned();
        match (request.method.as_str(), path.rsplit('/').next().unwrap_or_default()) {
            ("GET", "authorize" | "auth") => self.authorise(request),
            ("POST", "revoke") => self.revoke(request),
            ("POST", word) if word.ends_with("token") => self.token(request),
            (_, "resource") => Ok(self.resource(request)),
            _ => Err(Refusal::no_route()),
        }
    }

    /// What an access token opens.
    fn resource(&self, request: &Request) -> Answer {
        let sent = request.header("authorization").and_then(|it| it.strip_prefix("Bearer "));
        match sent.map(|token| self.standing(token)) {
            Some(Standing::Live) => Answer::value(200, &json!({ "account": "simulated" })),
            _ => Answer::value(401, &json!({ "error": "invalid_token" }))
                .header("www-authenticate", "Bearer error=\"invalid_token\""),
        }
    }

    fn has(&self, quirk: &Quirk) -> bool {
        self.quirks.contains(quirk)
    }
}

/// The token of that number: 128 bits behind a word that tells what it is.
fn made(seed: u64, kind: &str, number: u64) -> String {
    let mut random = Random::of(seed, number);
    format!("sim_{kind}_{:016x}{:016x}", random.next(), random.next())
}

impl fmt::Debug for AuthServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthServer")
            .field("live", &self.live_chains())
            .field("reuses", &self.reuses())
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

impl Provider for AuthServer {
    fn answer(&mut self, request: &Request) -> Answer {
        let quietly = self.has(&Quirk::RefusesWith200);
        self.route(request).unwrap_or_else(|refusal| refusal.into_answer(quietly))
    }

    fn refusal(&self, _request: &Request, status: u16) -> Answer {
        Refusal::of(status).into_answer(false)
    }
}

#[cfg(test)]
mod tests;
