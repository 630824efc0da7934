//! The token endpoint and the revocation endpoint.

use serde_json::{Map, Value};

use super::client::Parameters;
use super::refuse::Refusal;
use super::{AuthServer, Quirk, assertion};
use crate::message::{Answer, Request};
use crate::text;

impl AuthServer {
    pub(super) fn token(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let sent = Parameters::of(request)?;
        let grant_type = sent.required("grant_type")?;
        if grant_type != assertion::GRANT_TYPE {
            sent.authenticate(request, &self.client, self.client_auth)?;
        }
        match grant_type {
            "authorization_code" => self.redeem(&sent),
            "refresh_token" => {
                let answer = self.refresh(&sent)?;
                Ok(self.loss.pass(self.seed, answer))
            }
            "client_credentials" | "account_credentials" => {
                Ok(self.without_user(sent.get("scope").unwrap_or_default()))
            }
            assertion::GRANT_TYPE => {
                let scope = assertion::check(sent.required("assertion")?, self.verifier.as_ref())?;
                Ok(self.without_user(&scope))
            }
            _ => Err(Refusal::grant_type()),
        }
    }

    /// Ends the grant of a token; one that nobody knows is no error (RFC 7009 §2.2).
    pub(super) fn revoke(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let sent = Parameters::of(request)?;
        sent.authenticate(request, &self.client, self.client_auth)?;
        self.chains.revoke(sent.required("token")?);
        Ok(Answer::empty(200))
    }

    /// A code is good once; whoever sends it again ends what it has become (RFC 6749 §4.1.2).
    fn redeem(&mut self, sent: &Parameters) -> Result<Answer, Refusal> {
        let unknown = || Refusal::grant("the code is not known");
        let name = sent.required("code")?;
        let code = self.codes.get(name).ok_or_else(unknown)?.clone();
        if let Some(chain) = code.redeemed {
            self.chains.end(chain);
            return Err(Refusal::grant("the code was redeemed before"));
        }
        code.check(sent.required("redirect_uri")?, sent.get("code_verifier"), self.now)?;
        let refresh = self.made("rt");
        let chain = self.chains.begin(&code.scope, Some(&refresh));
        if let Some(code) = self.codes.get_mut(name) {
            code.redeemed = Some(chain);
        }
        Ok(self.tokens(chain, Some(&refresh)))
    }

    fn refresh(&mut self, sent: &Parameters) -> Result<Answer, Refusal> {
        let ended = || Refusal::grant("the refresh token is expired, revoked or unknown");
        let refresh = sent.required("refresh_token")?;
        let Some(leeway) = self.rotation else {
            let chain = self.chains.of_refresh(refresh).ok_or_else(ended)?;
            return Ok(self.tokens(chain, None));
        };
        let chain = self.chains.spend(refresh, self.now, leeway).ok_or_else(ended)?;
        let next = self.made("rt");
        self.chains.follow(chain, &next);
        Ok(self.tokens(chain, Some(&next)))
    }

    fn without_user(&mut self, scope: &str) -> Answer {
        let chain = self.chains.begin(scope, None);
        self.tokens(chain, None)
    }

    fn tokens(&mut self, chain: usize, refresh: Option<&str>) -> Answer {
        let access = self.made("at");
        self.chains.issue(chain, &access, self.now + self.life);
        let mut members = Map::new();
        let mut member = |name: &str, value: Value| members.insert(name.to_owned(), value);
        member("access_token", access.into());
        member("token_type", "Bearer".into());
        if !self.has(&Quirk::NoLife) {
            let text = self.has(&Quirk::TextLife);
            let life = if text { self.life.to_string().into() } else { self.life.into() };
            member("expires_in", life);
        }
        if let Some(refresh) = refresh {
            member("refresh_token", refresh.into());
        }
        if !self.chains.scope(chain).is_empty() {
            member("scope", self.chains.scope(chain).into());
        }
        for quirk in &self.quirks {
            if let Quirk::Member(name, value) = quirk {
                member(name, value.clone());
            }
        }
        let answer = if self.has(&Quirk::Form) {
            Answer::plain(200, &form(&members))
        } else {
            Answer::value(200, &Value::Object(members))
        };
        answer.header("cache-control", "no-store")
    }
}

fn form(members: &Map<String, Value>) -> String {
    let pairs = members.iter().map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{}={}", text::encoded(name), text::encoded(&value))
    });
    pairs.collect::<Vec<_>>().join("&")
}
