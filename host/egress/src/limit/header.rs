//! What a provider reports as left.

use std::time::Duration;

use http::{HeaderMap, HeaderName};
use jiff::Timestamp;
use package::manifest::{Limit, Report};

use super::meter::Meter;
use super::state::Wait;
use super::{ASKED_MAX, REPORT_PAUSE_MAX};

/// Quotas that do not report their reset are asked again so often in their span: their window
/// began at a time that nobody has told.
const LOOKS_PER_QUOTA: u32 = 24;

/// From this number on a reset is an instant in seconds, not a span: spans end at a month.
const EPOCH_SECONDS_MIN: f64 = 1e9;
/// From this number on it is an instant in milliseconds.
const EPOCH_MILLIS_MIN: f64 = 1e12;

/// The headers of a limit's report, parsed once.
#[derive(Debug)]
pub(crate) struct Reported {
    remaining: Option<HeaderName>,
    limit: Option<HeaderName>,
    reset: Option<HeaderName>,
    usage: Option<(HeaderName, Pattern)>,
    /// The limit as the manifest knows it.
    requests: u64,
    reserve: u64,
    /// The pause when no reset is reported.
    rest: Duration,
    quota: bool,
}

/// A limit of which nothing, or nothing but its reserve, is left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Spent {
    /// Until it begins anew.
    pub(super) wait: Wait,
    /// The reserve is spent too.
    pub(super) whole: bool,
}

impl Reported {
    pub(super) fn new(report: &Report, limit: &Limit) -> Self {
        let name = |text: &Option<String>| {
            text.as_deref().and_then(|text| HeaderName::try_from(text).ok())
        };
        let pattern = report.pattern.as_deref().and_then(Pattern::parse);
        Self {
            remaining: name(&report.remaining),
            limit: name(&report.limit),
            reset: name(&report.reset),
            usage: name(&report.usage).zip(pattern),
            requests: limit.requests.map_or(0, u64::from),
            reserve: u64::from(limit.reserve),
            rest: limit.per.map_or(REPORT_PAUSE_MAX, rest),
            quota: limit.per.is_some_and(Meter::is_quota),
        }
    }

    /// What the answer tells, when nothing but the reserve is left.
    pub(super) fn spent(&self, headers: &HeaderMap, now: Timestamp) -> Option<Spent> {
        let (left, limit) = self.left(headers)?;
        if left > limit.saturating_mul(self.reserve) / 100 {
            return None;
        }
        let reset = self.reset.as_ref().and_then(|name| number(headers, name));
        let span = reset.and_then(|reset| until(reset, now)).unwrap_or(self.rest);
        let wait = Wait { span: span.min(ASKED_MAX), quota: self.quota };
        Some(Spent { wait, whole: left == 0 })
    }

    /// What is left, of how much.
    fn left(&self, headers: &HeaderMap) -> Option<(u64, u64)> {
        if let Some((name, pattern)) = &self.usage {
            let (used, limit) = pattern.read(headers.get(name)?.to_str().ok()?)?;
            return Some((limit.saturating_sub(used), limit));
        }
        let left = text(headers, self.remaining.as_ref()?)?.parse().ok()?;
        let limit = self.limit.as_ref().and_then(|name| text(headers, name)?.parse().ok());
        Some((left, limit.unwrap_or(self.requests)))
    }
}

/// A text with `{used}` before `{limit}`.
#[derive(Debug)]
struct Pattern {
    before: String,
    between: String,
}

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        let (before, rest) = text.split_once("{used}")?;
        let (between, _after) = rest.split_once("{limit}")?;
        Some(Self { before: before.to_owned(), between: between.to_owned() })
    }

    fn read(&self, text: &str) -> Option<(u64, u64)> {
        let start = text.find(&self.before)? + self.before.len();
        let (used, rest) = digits(text.get(start..)?)?;
        let (limit, _rest) = digits(rest.strip_prefix(self.between.as_str())?)?;
        Some((used, limit))
    }
}

fn digits(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    Some((number.parse().ok()?, rest))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<f64> {
    text(headers, name)?.parse().ok()
}

/// How long a limit of this span rests that does not report its reset.
fn rest(per: Duration) -> Duration {
    let share = if Meter::is_quota(per) { per / LOOKS_PER_QUOTA } else { Duration::ZERO };
    share.max(REPORT_PAUSE_MAX.min(per)).min(ASKED_MAX)
}

/// The span until a reset, which is a span itself or an instant.
fn until(reset: f64, now: Timestamp) -> Option<Duration> {
    let now = Duration::from_millis(u64::try_from(now.as_millisecond()).ok()?).as_secs_f64();
    let seconds = match reset {
        millis if millis >= EPOCH_MILLIS_MIN => millis / 1000.0 - now,
        seconds if seconds >= EPOCH_SECONDS_MIN => seconds - now,
        span => span,
    };
    Duration::try_from_secs_f64(seconds.max(0.0)).ok()
}

#[cfg(test)]
mod tests {
    use package::manifest::Scope;

    use super::*;

    const NOW: &str = "2026-01-01T12:00:00Z";

    fn limit(reserve: u8) -> Limit {
        Limit {
            scope: Scope::Account,
            requests: Some(1000),
            per: Some(Duration::from_secs(10)),
            concurrent: None,
            endpoints: Vec::new(),
            routes: Vec::new(),
            reserve,
            report: None,
        }
    }

    fn report(remaining: &str, limit: &str, reset: &str) -> Report {
        let name = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Report {
            remaining: name(remaining),
            limit: name(limit),
            reset: name(reset),
            ..Report::default()
        }
    }

    #[track_caller]
    fn check(report: &Report, reserve: u8, headers: &str, seconds: Option<f64>) {
        let mut map = HeaderMap::new();
        for line in headers.lines() {
            let (name, value) = line.split_once(": ").unwrap();
            map.insert(HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        }
        let found = Reported::new(report, &limit(reserve)).spent(&map, NOW.parse().unwrap());
        let span = found.map(|spent| spent.wait.span);
        assert_eq!(span, seconds.map(Duration::from_secs_f64), "{headers}");
    }

    #[test]
    fn nothing_left_rests_until_the_reset() {
        let report = report("RateLimit-Remaining", "RateLimit-Limit", "RateLimit-Reset");
        check(&report, 0, "ratelimit-remaining: 1", None);
        check(&report, 0, "ratelimit-remaining: 0\nratelimit-reset: 7", Some(7.0));
        check(&report, 0, "ratelimit-remaining: 0\nratelimit-reset: 1767268830", Some(30.0));
        check(&report, 0, "ratelimit-remaining: 0\nratelimit-reset: 1767268801500", Some(1.5));
        check(&report, 0, "ratelimit-remaining: 0\nratelimit-reset: 1000000001", Some(0.0));
        check(&report, 0, "ratelimit-remaining: 0\nratelimit-reset: soon", Some(10.0));
        check(&report, 0, "ratelimit-remaining: many", None);
        check(&report, 0, "x: 0", None);
    }

    #[test]
    fn reserve_is_kept_of_the_reported_limit() {
        let report = report("x-left", "x-limit", "");
        check(&report, 20, "x-left: 21\nx-limit: 100", None);
        check(&report, 20, "x-left: 20\nx-limit: 100", Some(10.0));
        check(&report, 20, "x-left: 200", Some(10.0));
        check(&report, 20, "x-left: 201", None);
    }

    #[test]
    fn what_is_left_of_the_reserve_is_told_from_nothing() {
        let reported = Reported::new(&report("x-left", "x-limit", ""), &limit(20));
        let whole = |left: &'static str| {
            let map = HeaderMap::from_iter([
                (HeaderName::from_static("x-left"), left.parse().unwrap()),
                (HeaderName::from_static("x-limit"), "100".parse().unwrap()),
            ]);
            reported.spent(&map, NOW.parse().unwrap()).map(|spent| spent.whole)
        };
        assert_eq!((whole("21"), whole("20"), whole("0")), (None, Some(false), Some(true)));
    }

    #[test]
    fn quota_without_a_reset_is_looked_at_again_in_a_while() {
        let rests = [10, 600, 3600, 86_400, 30 * 86_400].map(Duration::from_secs).map(rest);
        assert_eq!(rests.map(|rest| rest.as_secs()), [10, 300, 300, 3600, 86_400]);
    }

    #[test]
    fn usage_is_read_by_its_pattern() {
        let report = Report {
            usage: Some("Sforce-Limit-Info".to_owned()),
            pattern: Some("api-usage={used}/{limit}".to_owned()),
            ..Report::default()
        };
        check(&report, 20, "sforce-limit-info: api-usage=25/5000", None);
        check(&report, 20, "sforce-limit-info: per-app=1/2; api-usage=4000/5000; x", Some(10.0));
        check(&report, 20, "sforce-limit-info: api-usage=4000", None);
        check(&report, 20, "sforce-limit-info: api-usage=/", None);
    }
}
