//! Faults of a provider, as data.

mod apply;
mod bomb;

use serde::{Deserialize, Serialize};

use crate::message::{Answer, Request};
use crate::provider::Provider;

/// Something a provider does wrong.
///
/// The refusals come in the provider's own form ([`Provider::refusal`]); the others change the
/// answer that it would have given.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// Refuses with 401.
    Unauthorized,
    /// Refuses with 403.
    Forbidden,
    /// Refuses with 429; the value of `Retry-After`, as sent, if there is one.
    TooMany(Option<String>),
    /// Refuses with this status: 500, 502, 503, 504 and the like.
    Status(u16),
    /// Never answers, until released or until the client goes away.
    Stall,
    /// Answers so many bytes of the body and then nothing more, until released.
    StallAfter(usize),
    /// Promises the whole body and ends the connection after so many bytes.
    Truncate(usize),
    /// Ends a chunked body after so many bytes.
    CutChunks(usize),
    /// Answers the first half of the body as if it were the whole.
    Malformed,
    /// Makes the body larger by so many MiB of white space.
    Huge(usize),
    /// Repeats the body without end.
    Endless,
    /// Answers a small gzip body that grows to so many MiB.
    GzipBomb(usize),
    /// Answers a page for people, with status 200.
    Html,
    /// Redirects to this location.
    Redirect(String),
    /// Answers this body instead, with the status and type of the real one.
    Body(String),
    /// Repeats the last row of the page.
    DuplicateRow,
    /// Moves records to other places after the answer, as a busy account does between two pages.
    Drift,
    /// Answers so many milliseconds late; for benchmarks.
    Latency(u64),
    /// Says in the body and in a header which authorization it was sent.
    EchoAuthorization,
    /// Adds a header, such as `set-cookie` or a rate report.
    Header(String, String),
}

/// When a fault happens: by method, place and count.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What happens.
    pub fault: Fault,
    /// Only for requests with this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only for requests whose target contains this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Not before this matching request, counted from one.
    #[serde(default = "one")]
    pub from: u64,
    /// After that, at every so many.
    #[serde(default = "one")]
    pub every: u64,
    /// At most so many times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

fn one() -> u64 {
    1
}

impl Rule {
    /// The fault at every request.
    pub fn always(fault: Fault) -> Self {
        Self { fault, method: None, target: None, from: 1, every: 1, times: None }
    }

    /// The fault once, at the nth matching request, counted from one.
    pub fn nth(n: u64, fault: Fault) -> Self {
        Self { from: n, times: Some(1), ..Self::always(fault) }
    }

    /// The fault at the first n matching requests.
    pub fn first(n: u64, fault: Fault) -> Self {
        Self { times: Some(n), ..Self::always(fault) }
    }

    /// The fault at every nth matching request.
    pub fn every(n: u64, fault: Fault) -> Self {
        Self { from: n, every: n, ..Self::always(fault) }
    }

    /// The same rule for one method.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// The same rule for targets that contain this text.
    #[must_use]
    pub fn target(mut self, part: impl Into<String>) -> Self {
        self.target = Some(part.into());
        self
    }

    fn matches(&self, request: &Request) -> bool {
        self.method.as_ref().is_none_or(|method| *method == request.method)
            && self.target.as_ref().is_none_or(|part| request.target.contains(part.as_str()))
    }
}

/// A script of faults; the rules count on their own and may happen together.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    rules: Vec<(Rule, Count)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    matched: u64,
    happened: u64,
}

impl Faults {
    /// A script with these rules.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        Self { rules: rules.into_iter().map(|rule| (rule, Count::default())).collect() }
    }

    /// Adds a rule, which counts from here on.
    pub fn push(&mut self, rule: Rule) {
        self.rules.push((rule, Count::default()));
    }

    /// Forgets all rules: the provider behaves again.
    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// The faults of this request, in the order of the rules; counts it.
    fn due(&mut self, request: &Request) -> Vec<Fault> {
        let matching = self.rules.iter_mut().filter(|(rule, _)| rule.matches(request));
        matching
            .filter_map(|(rule, count)| count.happens(rule).then(|| rule.fault.clone()))
            .collect()
    }
}

impl Count {
    fn happens(&mut self, rule: &Rule) -> bool {
        self.matched += 1;
        let due = self.matched >= rule.from
            && (self.matched - rule.from).is_multiple_of(rule.every.max(1))
            && rule.times.is_none_or(|times| self.happened < times);
        self.happened += u64::from(due);
        due
    }
}

/// A provider that misbehaves by a script.
#[derive(Debug)]
pub struct Faulty<P> {
    /// The provider as it should be.
    pub provider: P,
    /// What it does wrong.
    pub faults: Faults,
}

impl<P> Faulty<P> {
    /// Makes the provider misbehave by these rules.
    pub fn new(provider: P, rules: impl IntoIterator<Item = Rule>) -> Self {
        Self { provider, faults: Faults::new(rules) }
    }
}

impl<P: Provider> Provider for Faulty<P> {
    fn answer(&mut self, request: &Request) -> Answer {
        let faults = self.faults.due(request);
        // A refused request has no effect: the provider does not see it.
        let answer = faults
            .iter()
            .find_map(|fault| apply::refusal(fault, &self.provider, request))
            .unwrap_or_else(|| self.provider.answer(request));
        let answer =
            faults.iter().fold(answer, |answer, fault| apply::change(fault, answer, request));
        if faults.contains(&Fault::Drift) {
            self.provider.drift();
        }
        answer
    }

    fn refusal(&self, request: &Request, status: u16) -> Answer {
        self.provider.refusal(request, status)
    }

    fn drift(&mut self) {
        self.provider.drift();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_count_the_requests_that_match() {
        check(Rule::always(Fault::Stall), "11111111");
        check(Rule::nth(3, Fault::Stall), "00100000");
        check(Rule::first(2, Fault::Stall), "11000000");
        check(Rule::every(3, Fault::Stall), "00100100");
        check(Rule::nth(2, Fault::Stall).target("odd"), "00100000");
        check(Rule::always(Fault::Stall).method("POST"), "00000000");
    }

    #[test]
    fn a_script_is_plain_data() {
        let rule = Rule::nth(2, Fault::TooMany(Some("1.5".into()))).target("/search");
        let text = serde_json::to_string(&rule).unwrap();
        assert_eq!(
            text,
            r#"{"fault":{"too-many":"1.5"},"target":"/search","from":2,"every":1,"times":1}"#
        );
        assert_eq!(serde_json::from_str::<Rule>(&text).unwrap(), rule);
        assert_eq!(
            serde_json::from_str::<Rule>(r#"{"fault":"stall"}"#).unwrap(),
            Rule::always(Fault::Stall)
        );
        assert!(serde_json::from_str::<Rule>(r#"{"fault":"stall","when":1}"#).is_err());
    }

    #[track_caller]
    fn check(rule: Rule, expected: &str) {
        let mut faults = Faults::new([rule]);
        let happened: String = (0..8)
            .map(|n| Request::new("GET", if n % 2 == 0 { "/odd" } else { "/even" }))
            .map(|request| if faults.due(&request).is_empty() { '0' } else { '1' })
            .collect();
        assert_eq!(happened, expected);
    }
}
