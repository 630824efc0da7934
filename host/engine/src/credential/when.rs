//! When a credential is refreshed, and when it is tried again: pure rules.

use std::time::Duration;

use model::credential::{Credential, Failure, Grant, REFRESH_TOKEN};
use model::{Timestamp, retry};
use xxhash_rust::xxh3::xxh3_64;

use super::error;
use super::party::REFUSED;

/// A token is replaced this long before it expires at the latest: the longest outage of a token
/// endpoint that nobody shall notice.
pub(super) const MARGIN_MIN: Duration = Duration::from_mins(15);

/// The part of a token's life that is left when it is replaced.
const MARGIN_PART: u32 = 5;

/// The most by which refreshes that would come together are spread to earlier.
const SPREAD_MAX: Duration = Duration::from_mins(5);

/// A grant is refreshed once in this time, whatever its tokens say: providers forget those that
/// nobody uses.
pub(super) const KEEP_ALIVE: Duration = Duration::from_hours(24);

/// A token that ends sooner is not begun with: a call and the clocks of two machines need that.
const ALIVE_MIN: Duration = Duration::from_secs(30);

/// The first wait after a refresh that failed. A provider that answers within it has mostly
/// forgotten nothing, and one that is down is not hammered.
pub(super) const COOL_DOWN: Duration = Duration::from_secs(30);

/// The longest wait: what is refreshed has a quarter of an hour left.
pub(super) const BACKOFF_MAX: Duration = Duration::from_mins(15);

/// How long the refresh token before is kept: an answer that was lost is missed within a day.
pub(super) const PREVIOUS_KEPT: Duration = Duration::from_hours(24);

/// From this instant on the token of a grant is to be replaced; nothing where nobody knows.
pub(super) fn due(grant: &Grant) -> Option<Timestamp> {
    let expires = grant.expires?;
    let life = grant.obtained.map_or(Duration::ZERO, |obtained| between(obtained, expires));
    let part = life / MARGIN_PART;
    // Of a token that lives for less than half an hour, the part alone: the whole margin would
    // have it replaced all the time.
    let margin = if MARGIN_MIN > life / 2 { part } else { part.max(MARGIN_MIN) };
    Some(before(expires, margin))
}

/// Whether the access token may still be sent.
pub(super) fn is_alive(grant: &Grant, now: Timestamp) -> bool {
    grant.obtained.is_some() && grant.expires.is_none_or(|expires| before(expires, ALIVE_MIN) > now)
}

/// Whether the access token is to be replaced, or there is none.
pub(super) fn is_due(grant: &Grant, now: Timestamp) -> bool {
    grant.obtained.is_none() || due(grant).is_some_and(|due| due <= now)
}

/// When the leader refreshes it without being asked.
pub(super) fn refresh_at(grant: &Grant, fields: &[String], random: u64) -> Option<Timestamp> {
    let spread = |at: Timestamp, life: Duration| {
        before(at, retry::share((life / 20).min(SPREAD_MAX), random))
    };
    let obtained = grant.obtained?;
    let by_life = due(grant).map(|due| spread(due, between(obtained, due)));
    let refreshed = fields.iter().any(|field| field == REFRESH_TOKEN);
    let keep_alive = refreshed.then(|| spread(after(obtained, KEEP_ALIVE), KEEP_ALIVE));
    [by_life, keep_alive].into_iter().flatten().min()
}

/// The wait after this many failures in a row: equal jitter, as for a provider that is busy.
pub(super) fn backoff(failures: u32, asked: Option<Duration>, random: u64) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
    let most = COOL_DOWN.saturating_mul(2).saturating_mul(doubled).min(BACKOFF_MAX);
    let wait = most / 2 + retry::share(most / 2, random);
    asked.map_or(wait, |asked| asked.min(retry::ASKED_MAX).max(wait))
}

/// What is left of the wait that the last failure has brought; `entered` is when its app was.
pub(super) fn rest(
    credential: &Credential,
    now: Timestamp,
    entered: Option<Timestamp>,
) -> Option<Duration> {
    // That of an app is the app's to tell: it may have been put right. One that is still to come
    // was written by a clock that ran ahead.
    let own = |code: &str| matches!(code, REFUSED | error::NO_APP);
    let older = |at: Timestamp| entered.is_some_and(|entered| at <= entered);
    let moot = |it: &Failure| own(&it.code) || (it.code == error::TOKEN && older(it.at));
    let passes = |failure: &&Failure| !moot(failure) && failure.at <= now;
    let failure = credential.failure.as_ref().filter(passes)?;
    let until = credential.grant.refresh_at.unwrap_or_else(|| after(failure.at, COOL_DOWN));
    (until > now).then(|| between(now, until))
}

/// A number as good as random that differs between credentials, generations and instants.
pub(super) fn random(credential: &Credential, now: Timestamp) -> u64 {
    let Credential { tenant, connection, generation, .. } = credential;
    let text = format!("{tenant}/{connection}/{generation}/{}", now.as_nanosecond());
    xxh3_64(text.as_bytes())
}

/// The same of an instant alone.
pub(super) fn scattered(at: Timestamp) -> u64 {
    xxh3_64(&at.as_nanosecond().to_le_bytes())
}

pub(super) fn after(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

pub(super) fn before(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

/// From the one to the other; nothing if that is back.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(minutes * 60).unwrap()
    }

    fn grant(life: Option<i64>) -> Grant {
        Grant { obtained: Some(at(0)), expires: life.map(at), ..Grant::default() }
    }

    #[track_caller]
    fn check_due(life: i64, expected: i64) {
        assert_eq!(due(&grant(Some(life))), Some(at(expected)));
    }

    #[test]
    fn token_is_replaced_a_fifth_of_its_life_before_it_ends_and_never_at_once() {
        check_due(60, 45);
        check_due(120, 96);
        check_due(24 * 60, 24 * 60 * 4 / 5);
        check_due(30, 15);
        check_due(20, 16);
        check_due(5, 4);
        assert_eq!(due(&grant(None)), None);
        assert!(!is_due(&grant(None), at(1_000_000)));
    }

    #[test]
    fn token_that_is_about_to_end_is_not_sent() {
        assert!(is_alive(&grant(Some(10)), at(9)));
        assert!(!is_alive(&grant(Some(10)), at(10)));
        assert!(!is_alive(&grant(Some(10)), before(at(10), ALIVE_MIN)));
        assert!(is_alive(&grant(None), at(1_000_000)));
        assert!(!is_alive(&Grant::default(), at(0)));
    }

    #[track_caller]
    fn check_refresh(life: Option<i64>, fields: &[&str], random: u64, expected_s: Option<i64>) {
        let fields: Vec<_> = fields.iter().map(|name| (*name).to_owned()).collect();
        let found = refresh_at(&grant(life), &fields, random);
        assert_eq!(found.map(Timestamp::as_second), expected_s);
    }

    #[test]
    fn refresh_is_spread_and_comes_once_a_day_where_there_is_a_refresh_token() {
        let day = 24 * 60;
        check_refresh(Some(60), &[], 0, Some(45 * 60));
        check_refresh(Some(40), &[], u64::MAX, Some(23 * 60 + 45));
        check_refresh(None, &[], 0, None);
        check_refresh(None, &[REFRESH_TOKEN], 0, Some(day * 60));
        check_refresh(Some(90 * day), &[REFRESH_TOKEN], u64::MAX, Some((day - 5) * 60));
        check_refresh(Some(90 * day), &[], 0, Some(72 * day * 60));
    }

    #[track_caller]
    fn check_backoff(failures: u32, asked_s: Option<u64>, random: u64, expected_s: u64) {
        let wait = backoff(failures, asked_s.map(Duration::from_secs), random);
        assert_eq!(wait.as_millis().div_ceil(1000), u128::from(expected_s));
    }

    #[test]
    fn waits_double_from_the_cool_down_on_and_the_provider_may_ask_for_longer_ones() {
        check_backoff(1, None, 0, 30);
        check_backoff(1, None, u64::MAX, 60);
        check_backoff(2, None, 0, 60);
        check_backoff(20, None, u64::MAX, 900);
        check_backoff(1, Some(5), 0, 30);
        check_backoff(1, Some(3600), 0, 3600);
        check_backoff(1, Some(1_000_000), 0, 86_400);
    }
}
