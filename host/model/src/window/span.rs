//! Stretches of time: their ends, rounding and steps.

use std::time::Duration;

use super::{Progress, ReadRule};
use crate::Timestamp;
use crate::adapter::{Selection, Window};

/// The first step of a sweep.
pub(super) fn first_window(rule: &ReadRule, from: Timestamp, target: Timestamp) -> Progress {
    let window = window(rule, floor(from, rule.granularity), target);
    let selection = Selection::Window(window);
    Progress { selection, checkpoint: None, target, waited: Duration::ZERO }
}

/// The window that begins at `from`: a step long at most, its end rounded up to the granularity.
pub(super) fn window(rule: &ReadRule, from: Timestamp, target: Timestamp) -> Window {
    let end = if rule.step.is_zero() { target } else { forth(from, rule.step).min(target) };
    Window { from, until: ceil(end, rule.granularity) }
}

/// The deletions of the same window.
pub(super) fn deleted(selection: Selection) -> Selection {
    match selection {
        Selection::Window(window) => Selection::Deleted(window),
        other => other,
    }
}

/// The oldest instant that the provider shows.
pub(super) fn oldest(rule: &ReadRule, now: Timestamp) -> Timestamp {
    if rule.history.is_zero() { Timestamp::UNIX_EPOCH } else { back(now, rule.history) }
}

pub(super) fn back(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

fn forth(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

pub(super) fn floor(at: Timestamp, unit: Duration) -> Timestamp {
    let ms = at.as_millisecond();
    Timestamp::from_millisecond(ms - ms.rem_euclid(millis(unit))).unwrap_or(at)
}

fn ceil(at: Timestamp, unit: Duration) -> Timestamp {
    let low = floor(at, unit);
    if low == at { at } else { forth(low, unit.max(Duration::from_millis(1))) }
}

/// How many whole units of time lie before an instant.
pub(super) fn units(at: Timestamp, unit: Duration) -> i64 {
    at.as_millisecond().div_euclid(millis(unit))
}

fn millis(unit: Duration) -> i64 {
    i64::try_from(unit.as_millis()).unwrap_or(i64::MAX).max(1)
}
