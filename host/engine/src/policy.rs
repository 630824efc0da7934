//! Rules about when work is done: how often a provider may be asked again, and polled at all.
//!
//! What becomes of a failed attempt is [`model::retry::decide`].

mod retries;

use std::time::Duration;

use model::Timestamp;
use package::Manifest;

pub(crate) use retries::Retries;

/// Which of the entities that are to be read are due.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Due<'a> {
    /// Those that may be read now.
    pub now: Vec<&'a str>,
    /// When the first of the others may be.
    pub next: Option<Timestamp>,
}

/// Sorts out the entities whose provider does not want them polled so often (`min_interval`).
///
/// `last` tells when an entity was last read to its end. The rule is for schedules: a delivery
/// that names the entity, and a person, are reasons to read it all the same.
pub fn due<'a>(
    manifest: &Manifest,
    entities: impl IntoIterator<Item = &'a str>,
    last: impl Fn(&str) -> Option<Timestamp>,
    now: Timestamp,
) -> Due<'a> {
    let mut due = Due::default();
    for name in entities {
        let interval = manifest.entities.get(name).and_then(|entity| entity.min_interval);
        match interval.zip(last(name)).and_then(|(interval, last)| not_before(interval, last, now))
        {
            None => due.now.push(name),
            Some(at) => due.next = Some(due.next.map_or(at, |next| next.min(at))),
        }
    }
    due
}

/// When something may be done again that is to be done once in an interval; nothing means now.
fn not_before(interval: Duration, last: Timestamp, now: Timestamp) -> Option<Timestamp> {
    // What was done later than now was done before the clock was set back. When that was nobody
    // knows, and who waits for the clock to catch up waits longer than the interval.
    let at = last.saturating_add(interval).unwrap_or(Timestamp::MAX);
    (last <= now && now < at).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
[adapter]
id = "sample"
name = "Sample"
version = "0.1.0"
contract = "0.1"
publisher = "plughouse"
license = "Apache-2.0"
summary = "Entities that may be polled more and less often."
[auth.none]
kind = "none"
[endpoint.api]
origin = "https://api.sample.example"
read = ["GET /**"]
[entity.often]
cursor = "scan"
[entity.hourly]
cursor = "scan"
min_interval = "1h"
[entity.daily]
cursor = "scan"
min_interval = "24h"
"#;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hours * 3600).unwrap()
    }

    /// What is due at hour 100, after both were read at these hours.
    #[track_caller]
    fn check(hourly: i64, daily: i64, now: &[&str], next: Option<i64>) {
        let manifest = Manifest::parse(MANIFEST).unwrap();
        let last = |name: &str| match name {
            "hourly" => Some(at(hourly)),
            "daily" => Some(at(daily)),
            _ => None,
        };
        let due = due(&manifest, ["often", "hourly", "daily"], last, at(100));
        assert_eq!(due, Due { now: now.to_vec(), next: next.map(at) });
    }

    #[test]
    fn entity_is_not_polled_more_often_than_its_interval() {
        check(99, 76, &["often", "hourly", "daily"], None);
        check(99, 77, &["often", "hourly"], Some(101));
        check(100, 77, &["often"], Some(101));
        check(100, 99, &["often"], Some(101));
    }

    #[test]
    fn clock_that_was_set_back_adds_no_wait() {
        check(101, 124, &["often", "hourly", "daily"], None);
        check(100, 124, &["often", "daily"], Some(101));
    }

    #[test]
    fn entity_that_was_never_read_is_due() {
        let manifest = Manifest::parse(MANIFEST).unwrap();
        let due = due(&manifest, ["daily"], |_| None, at(0));
        assert_eq!(due, Due { now: vec!["daily"], next: None });
    }
}
